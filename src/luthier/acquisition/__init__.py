"""Acquisition functions, from posteriors."""

from __future__ import annotations

from luthier.acquisition.analytic import EI, PI, UCB, LogEI
from luthier.acquisition.augmented import AugmentedLogEI
from luthier.acquisition.criterion import (
    FunctionCriterion,
    IntegratedCriterion,
    analytic_posteriors,
    bind_acquisition,
)
from luthier.acquisition.directional_hypervolume import LogDirectionalEHVI
from luthier.acquisition.hedge import Hedge
from luthier.acquisition.hypervolume import LogEHVI, bind_hypervolume
from luthier.acquisition.knowledge_gradient import KnowledgeGradient
from luthier.acquisition.mace import MACE
from luthier.acquisition.max_value_entropy import MaxValueEntropy
from luthier.acquisition.noisy_ei import NoisyEI
from luthier.acquisition.protocol import (
    Acquisition,
    AcquisitionContext,
    Bindable,
    Criterion,
    CriterionEnsemble,
    Portfolio,
    Score,
    SmoothCriterion,
    ValueScale,
)
from luthier.acquisition.qei import QEI
from luthier.acquisition.scheduled_ucb import ScheduledUCB
from luthier.acquisition.thompson import Thompson
from luthier.acquisition.traits import check_acquisition
from luthier.acquisition.weighting.cost import PerSecond, weight_by_cost
from luthier.acquisition.weighting.edges import EdgePenalty
from luthier.acquisition.weighting.feasibility import Feasible
from luthier.acquisition.weighting.nearness import NearnessPenalty
from luthier.acquisition.weighting.penalty import PlateauPenalty
from luthier.acquisition.weighting.prior_weighted import PriorWeighted, weight_by_prior

__all__ = [
    "EI",
    "MACE",
    "PI",
    "QEI",
    "UCB",
    "Acquisition",
    "AcquisitionContext",
    "AugmentedLogEI",
    "Bindable",
    "Criterion",
    "CriterionEnsemble",
    "EdgePenalty",
    "Feasible",
    "FunctionCriterion",
    "Hedge",
    "IntegratedCriterion",
    "KnowledgeGradient",
    "LogDirectionalEHVI",
    "LogEHVI",
    "LogEI",
    "MaxValueEntropy",
    "NearnessPenalty",
    "NoisyEI",
    "PerSecond",
    "PlateauPenalty",
    "Portfolio",
    "PriorWeighted",
    "ScheduledUCB",
    "Score",
    "SmoothCriterion",
    "Thompson",
    "ValueScale",
    "analytic_posteriors",
    "bind_acquisition",
    "bind_hypervolume",
    "check_acquisition",
    "weight_by_cost",
    "weight_by_prior",
]


def __dir__() -> list[str]:
    return sorted(__all__)
