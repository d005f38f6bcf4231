"""Numerical building blocks: arrays in, arrays out."""

from __future__ import annotations

from luthier.numeric.coarse_to_fine import refined, stages
from luthier.numeric.combinatorics import combination, composition, permutation
from luthier.numeric.index_permutation import Shuffle
from luthier.numeric.inverse_scaling import Unscaling
from luthier.numeric.linear_feasibility import interior
from luthier.numeric.pareto import (
    crowding_distance,
    dominates,
    hypervolume,
    no_worse,
    non_dominated,
    non_dominated_sort,
    sorted_rows,
)
from luthier.numeric.quasi.halton import Halton
from luthier.numeric.quasi.latin_hypercube import Latin, NestedLatin
from luthier.numeric.quasi.lattice import Lattice
from luthier.numeric.quasi.quasi_normal import quasi_normal
from luthier.numeric.quasi.sobol import TABULATED, Sobol
from luthier.numeric.scaling import COMPARABLE, SCALINGS, log_slopes, standard
from luthier.numeric.slice_sampling import slice_samples
from luthier.numeric.stacking import log_normal_density, stack

__all__ = [
    "COMPARABLE",
    "SCALINGS",
    "TABULATED",
    "Halton",
    "Latin",
    "Lattice",
    "NestedLatin",
    "Shuffle",
    "Sobol",
    "Unscaling",
    "combination",
    "composition",
    "crowding_distance",
    "dominates",
    "hypervolume",
    "interior",
    "log_normal_density",
    "log_slopes",
    "no_worse",
    "non_dominated",
    "non_dominated_sort",
    "permutation",
    "quasi_normal",
    "refined",
    "slice_samples",
    "sorted_rows",
    "stack",
    "stages",
    "standard",
]
