"""Methods: grid, random, quasi-random, Bayesian and evolutionary search, and their protocol."""

from __future__ import annotations

from luthier.method.annealing import Anneal
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer, EvaluatedPoints
from luthier.method.bayesian.auto import Auto
from luthier.method.bayesian.bayes import Bayes
from luthier.method.bayesian.constraints import constraint_models, impute_failures
from luthier.method.bayesian.evidence import find_evidence
from luthier.method.bayesian.step import FittedModel, ModelBased, Step, evaluated_points, with_pending
from luthier.method.bayesian.user_prior import Prior
from luthier.method.evolution.evolution import Evolution
from luthier.method.grid.grid import Grid
from luthier.method.prior_band import PriorBand
from luthier.method.protocol import Method, Sequential
from luthier.method.quasi import Quasi
from luthier.method.random import Random
from luthier.method.spec import check_method, from_plain, method_names, register, to_plain

__all__ = [
    "AcquisitionOptimizer",
    "Anneal",
    "Auto",
    "Bayes",
    "EvaluatedPoints",
    "Evolution",
    "FittedModel",
    "Grid",
    "Method",
    "ModelBased",
    "Prior",
    "PriorBand",
    "Quasi",
    "Random",
    "Sequential",
    "Step",
    "check_method",
    "constraint_models",
    "evaluated_points",
    "find_evidence",
    "from_plain",
    "impute_failures",
    "method_names",
    "register",
    "to_plain",
    "with_pending",
]


def __dir__() -> list[str]:
    return sorted(__all__)
