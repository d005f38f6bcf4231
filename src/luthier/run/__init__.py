"""The public study, and the loop that runs it: executor, budget and progress."""

from __future__ import annotations

from luthier.executor import ExecutorFactory
from luthier.run.analyses.front_analysis import FrontAnalysis
from luthier.run.budget import Budget, End
from luthier.run.compare_studies import compare
from luthier.run.optimize import maximize, minimize
from luthier.run.progress.pace import Pace
from luthier.run.progress.reporters import LineReporter, ProgressReporter, SilentReporter
from luthier.run.progress.tally import Tally, tally_of
from luthier.run.study import Callback, Study

__all__ = [
    "Budget",
    "Callback",
    "End",
    "ExecutorFactory",
    "FrontAnalysis",
    "LineReporter",
    "Pace",
    "ProgressReporter",
    "SilentReporter",
    "Study",
    "Tally",
    "compare",
    "maximize",
    "minimize",
    "tally_of",
]


def __dir__() -> list[str]:
    return sorted(__all__)
