"""Descriptive analyses: the content of a log as arrays, without any model."""

from __future__ import annotations

from luthier.analysis.descriptive.coordinates import Coordinate, chosen_coordinates, coordinates
from luthier.analysis.descriptive.cost_curve import CostCurve, cost_curve
from luthier.analysis.descriptive.failure_summary import (
    FailureKind,
    FailureSummary,
    RegionRate,
    VariableFailures,
    failure_summary,
)
from luthier.analysis.descriptive.front_course import Attainment, FrontCourse, attainment, front_course
from luthier.analysis.descriptive.history_curves import (
    EmpiricalDistribution,
    OptimizationHistory,
    empirical_distribution,
    optimization_history,
)
from luthier.analysis.descriptive.report_curves import ReportCurve, ReportCurves, report_curves
from luthier.analysis.descriptive.timeline import Timeline, TrialSpan, run_seconds, timeline
from luthier.analysis.descriptive.trial_table import TrialTable, trial_table

__all__ = [
    "Attainment",
    "Coordinate",
    "CostCurve",
    "EmpiricalDistribution",
    "FailureKind",
    "FailureSummary",
    "FrontCourse",
    "OptimizationHistory",
    "RegionRate",
    "ReportCurve",
    "ReportCurves",
    "Timeline",
    "TrialSpan",
    "TrialTable",
    "VariableFailures",
    "attainment",
    "chosen_coordinates",
    "coordinates",
    "cost_curve",
    "empirical_distribution",
    "failure_summary",
    "front_course",
    "optimization_history",
    "report_curves",
    "run_seconds",
    "timeline",
    "trial_table",
]
