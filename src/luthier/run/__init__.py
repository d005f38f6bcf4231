"""The loop: a study, an executor and a budget."""

from __future__ import annotations

from luthier.run.budget import Budget, End
from luthier.run.executors import ExecutorFactory
from luthier.run.loop import Callback
from luthier.run.study import Study, maximize, minimize
from luthier.run.watch import Lines, Quiet, Watcher

__all__ = [
    "Budget",
    "Callback",
    "End",
    "ExecutorFactory",
    "Lines",
    "Quiet",
    "Study",
    "Watcher",
    "maximize",
    "minimize",
]
