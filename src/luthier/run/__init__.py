"""The public study, and the loop that runs it: executor, budget and progress."""

from __future__ import annotations

from luthier.executor import ExecutorFactory
from luthier.run.budget import Budget, End
from luthier.run.optimize import maximize, minimize
from luthier.run.progress import LineReporter, ProgressReporter, SilentReporter
from luthier.run.study import Callback, Study

__all__ = [
    "Budget",
    "Callback",
    "End",
    "ExecutorFactory",
    "LineReporter",
    "ProgressReporter",
    "SilentReporter",
    "Study",
    "maximize",
    "minimize",
]
