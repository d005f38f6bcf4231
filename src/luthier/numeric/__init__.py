"""Numerical building blocks: arrays in, arrays out."""

from __future__ import annotations

from luthier.numeric.coarse_to_fine import coarse_to_fine_number, coarse_to_fine_sizes
from luthier.numeric.combinatorics import unrank_combination, unrank_composition, unrank_permutation
from luthier.numeric.curve_ensemble import FinalValue, extrapolate_curve
from luthier.numeric.front_order import front_order, greedy_volume
from luthier.numeric.index_permutation import IndexPermutation
from luthier.numeric.inverse_scaling import InverseScaling
from luthier.numeric.linear_feasibility import chebyshev_radius
from luthier.numeric.pareto import (
    Boxes,
    crowding_distance,
    dominates,
    free_boxes,
    hypervolume,
    hypervolume_contributions,
    no_worse,
    non_dominated,
    non_dominated_sort,
    sorted_rows,
)
from luthier.numeric.quasi.halton import Halton
from luthier.numeric.quasi.latin_hypercube import LatinHypercube, NestedLatinHypercube
from luthier.numeric.quasi.lattice import Lattice
from luthier.numeric.quasi.quasi_normal import quasi_normal
from luthier.numeric.quasi.sobol import SOBOL_DIMENSIONS, Sobol
from luthier.numeric.reference_niches import niched_rows, reference_directions
from luthier.numeric.scalarization import augmented_chebyshev
from luthier.numeric.scaling import (
    COMPARABLE_SCALINGS,
    SCALINGS,
    check_scaling,
    log_scaling_slopes,
    standard_scaling,
)
from luthier.numeric.signed_rank import signed_rank_p
from luthier.numeric.slice_sampling import slice_samples
from luthier.numeric.stacking import log_normal_density, stacking_weights

__all__ = [
    "COMPARABLE_SCALINGS",
    "SCALINGS",
    "SOBOL_DIMENSIONS",
    "Boxes",
    "FinalValue",
    "Halton",
    "IndexPermutation",
    "InverseScaling",
    "LatinHypercube",
    "Lattice",
    "NestedLatinHypercube",
    "Sobol",
    "augmented_chebyshev",
    "chebyshev_radius",
    "check_scaling",
    "coarse_to_fine_number",
    "coarse_to_fine_sizes",
    "crowding_distance",
    "dominates",
    "extrapolate_curve",
    "free_boxes",
    "front_order",
    "greedy_volume",
    "hypervolume",
    "hypervolume_contributions",
    "log_normal_density",
    "log_scaling_slopes",
    "niched_rows",
    "no_worse",
    "non_dominated",
    "non_dominated_sort",
    "quasi_normal",
    "reference_directions",
    "signed_rank_p",
    "slice_samples",
    "sorted_rows",
    "stacking_weights",
    "standard_scaling",
    "unrank_combination",
    "unrank_composition",
    "unrank_permutation",
]
