"""Executors: this process, threads, supervised processes, and any `concurrent.futures.Executor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luthier.executor.protocol import Answer, Executor, Limits, Task, TaskReport, TaskResult
from luthier.executor.running_trial import ObjectiveFunction, RunningTrial

if TYPE_CHECKING:
    from luthier.executor.futures import Futures
    from luthier.executor.inline import Inline
    from luthier.executor.processes.executor import Processes
    from luthier.executor.threads import Threads

__all__ = [
    "Answer",
    "Executor",
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
]

_LATER = {"Futures": "futures", "Inline": "inline", "Processes": "processes.executor", "Threads": "threads"}


def __getattr__(name: str) -> Any:
    """Import an executor when it is first asked for: most programs use one."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = found
    return found
