"""Search spaces: variables of nine kinds, conditions, constraints, and their encoding as points of [0, 1]^d."""

from luthier.space.category import Bool, Choice, Constant, Named, Option, Ordinal
from luthier.space.change import compare, migrate
from luthier.space.column import Column
from luthier.space.combination import Permutation, Simplex, Subset
from luthier.space.number import Float, Int
from luthier.space.prior import Beta, LogNormal, Normal
from luthier.space.space import Space
from luthier.space.variable import Variable

__all__ = [
    "Beta",
    "Bool",
    "Choice",
    "Column",
    "Constant",
    "Float",
    "Int",
    "LogNormal",
    "Named",
    "Normal",
    "Option",
    "Ordinal",
    "Permutation",
    "Simplex",
    "Space",
    "Subset",
    "Variable",
    "compare",
    "migrate",
]
