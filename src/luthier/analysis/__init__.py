"""Analysis of a log: predictions, explanations, calibration."""

from __future__ import annotations

from luthier.analysis.explanation import explain
from luthier.analysis.predict import Predictions, calibrate, check_level, expected_best, predict
from luthier.analysis.results import Calibration, ExpectedBest, Explanation, Interval, Prediction

__all__ = [
    "Calibration",
    "ExpectedBest",
    "Explanation",
    "Interval",
    "Prediction",
    "Predictions",
    "calibrate",
    "check_level",
    "expected_best",
    "explain",
    "predict",
]
