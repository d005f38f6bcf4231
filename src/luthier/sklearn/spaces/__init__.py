"""Search spaces of the search classes, converted into Luthier spaces."""

from __future__ import annotations

from luthier.sklearn.spaces.candidate_space import CandidateSpace
from luthier.sklearn.spaces.candidates import (
    default_params,
    draw_candidates,
    grid_candidates,
    record_space,
    with_recorded,
)
from luthier.sklearn.spaces.parameter_names import check_names, is_estimator
from luthier.sklearn.spaces.parsed_space import ParsedSpace, parse_space
from luthier.sklearn.spaces.skopt_result import optimize_result
from luthier.sklearn.spaces.skopt_settings import check_settings, constrained, enqueue_initial, skopt_method

__all__ = [
    "CandidateSpace",
    "ParsedSpace",
    "check_names",
    "check_settings",
    "constrained",
    "default_params",
    "draw_candidates",
    "enqueue_initial",
    "grid_candidates",
    "is_estimator",
    "optimize_result",
    "parse_space",
    "record_space",
    "skopt_method",
    "with_recorded",
]
