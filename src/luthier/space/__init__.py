"""Search spaces: variables of nine kinds, conditions, constraints, and their encoding in [0, 1]^d."""

from luthier.space.migration import compare, differences, migrate
from luthier.space.space import Space
from luthier.space.variables.base import Options, Variable
from luthier.space.variables.categorical import Bool, Choice, Constant, Option, Ordinal
from luthier.space.variables.column import Column
from luthier.space.variables.combinatorial import Permutation, Subset
from luthier.space.variables.distribution import (
    Beta,
    Distribution,
    LogNormal,
    Normal,
    log_density,
    log_density_slope,
    quantile,
)
from luthier.space.variables.named import Named
from luthier.space.variables.number import Number
from luthier.space.variables.numerical import Float, Int
from luthier.space.variables.simplex import Simplex

__all__ = [
    "Beta",
    "Bool",
    "Choice",
    "Column",
    "Constant",
    "Distribution",
    "Float",
    "Int",
    "LogNormal",
    "Named",
    "Normal",
    "Number",
    "Option",
    "Options",
    "Ordinal",
    "Permutation",
    "Simplex",
    "Space",
    "Subset",
    "Variable",
    "compare",
    "differences",
    "log_density",
    "log_density_slope",
    "migrate",
    "quantile",
]


def __dir__() -> list[str]:
    return sorted(__all__)
