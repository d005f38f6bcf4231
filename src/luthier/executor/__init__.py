"""Executors: this process, threads, supervised processes, and any `concurrent.futures.Executor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luthier.executor.protocol import Answer, Executor, Limits, Task, TaskReport, TaskResult
from luthier.executor.running_trial import ObjectiveFunction, RunningTrial

if TYPE_CHECKING:
    from luthier.executor.factories import ExecutorFactory, executor_factory, executor_names, register_executor
    from luthier.executor.futures import Futures
    from luthier.executor.inline import Inline
    from luthier.executor.processes.executor import Processes
    from luthier.executor.threads import Threads

__all__ = [
    "Answer",
    "Executor",
    "ExecutorFactory",
    "Futures",
    "Inline",
    "Limits",
    "ObjectiveFunction",
    "Processes",
    "RunningTrial",
    "Task",
    "TaskReport",
    "TaskResult",
    "Threads",
    "executor_factory",
    "executor_names",
    "register_executor",
]

_LAZY = {
    "ExecutorFactory": "factories",
    "Futures": "futures",
    "Inline": "inline",
    "Processes": "processes.executor",
    "Threads": "threads",
    "executor_factory": "factories",
    "executor_names": "factories",
    "register_executor": "factories",
}


def __getattr__(name: str) -> Any:
    """Import an executor when it is first used: most programs use one, and a worker process uses none."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = found
    return found
