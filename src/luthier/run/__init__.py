"""The loop: a study, an executor and a budget."""

from __future__ import annotations

from luthier.executor import ExecutorFactory
from luthier.run.budget import Budget, End
from luthier.run.loop import Callback
from luthier.run.progress import LineReporter, ProgressReporter, SilentReporter
from luthier.run.study import Study, maximize, minimize

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
