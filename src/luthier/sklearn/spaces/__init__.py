"""Search spaces of the search classes, converted into Luthier spaces."""

from __future__ import annotations

from luthier.sklearn.spaces.candidate_space import CandidateSpace
from luthier.sklearn.spaces.candidates import default_params, draw_candidates, grid_candidates, record_space
from luthier.sklearn.spaces.parameter_names import check_names, is_estimator
from luthier.sklearn.spaces.parsed_space import ParsedSpace, parse_space
from luthier.sklearn.spaces.skopt import optimize_result, skopt_method

__all__ = [
    "CandidateSpace",
    "ParsedSpace",
    "check_names",
    "default_params",
    "draw_candidates",
    "grid_candidates",
    "is_estimator",
    "optimize_result",
    "parse_space",
    "record_space",
    "skopt_method",
]
