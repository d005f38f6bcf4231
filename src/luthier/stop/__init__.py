"""Rules that stop trials early, and schedulers that pause and promote them."""

from __future__ import annotations

from luthier.stop.asynchronous_halving import ASHA
from luthier.stop.curve_extrapolation import CurveExtrapolation, CurveForecast
from luthier.stop.intensify import Intensify
from luthier.stop.patience import Patience
from luthier.stop.percentile import Median, Percentile
from luthier.stop.rule import (
    GO_ON,
    AllOf,
    AnyOf,
    CapsRunTime,
    Decision,
    Promotion,
    Rule,
    Scheduler,
    scheduler_of,
    single_objective_part,
)
from luthier.stop.successive_halving import Hyperband, OneStep, SuccessiveHalving
from luthier.stop.threshold import Threshold
from luthier.stop.wilcoxon import Wilcoxon

__all__ = [
    "ASHA",
    "GO_ON",
    "AllOf",
    "AnyOf",
    "CapsRunTime",
    "CurveExtrapolation",
    "CurveForecast",
    "Decision",
    "Hyperband",
    "Intensify",
    "Median",
    "OneStep",
    "Patience",
    "Percentile",
    "Promotion",
    "Rule",
    "Scheduler",
    "SuccessiveHalving",
    "Threshold",
    "Wilcoxon",
    "scheduler_of",
    "single_objective_part",
]


def __dir__() -> list[str]:
    return sorted(__all__)
