"""Methods: grid, random, quasi-random, Bayesian and evolutionary search, and their protocol."""

from __future__ import annotations

from luthier.method.annealing import Anneal
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer, EvaluatedPoints
from luthier.method.bayesian.acquisition_value import rate_again
from luthier.method.bayesian.auto import Auto
from luthier.method.bayesian.bayes import Bayes
from luthier.method.bayesian.imputation import impute_failures
from luthier.method.bayesian.outcomes import constraint_models, feasible_rows
from luthier.method.bayesian.user_prior import Prior
from luthier.method.evolution.evolution import Evolution
from luthier.method.grid.grid import Grid
from luthier.method.protocol import Method, ModelBased
from luthier.method.quasi import Quasi
from luthier.method.random import Random
from luthier.method.spec import from_plain, register, to_plain

__all__ = [
    "AcquisitionOptimizer",
    "Anneal",
    "Auto",
    "Bayes",
    "EvaluatedPoints",
    "Evolution",
    "Grid",
    "Method",
    "ModelBased",
    "Prior",
    "Quasi",
    "Random",
    "constraint_models",
    "feasible_rows",
    "from_plain",
    "impute_failures",
    "rate_again",
    "register",
    "to_plain",
]
