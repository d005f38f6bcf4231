"""Where trials run: here, in threads, in supervised processes, or on somebody else's executor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luthier.executor.running import Objective, Running
from luthier.executor.task import Answer, Executor, Limits, Outcome, Progress, Task

if TYPE_CHECKING:
    from luthier.executor.futures import Futures
    from luthier.executor.inline import Inline
    from luthier.executor.processes import Processes
    from luthier.executor.threads import Threads

__all__ = [
    "Answer",
    "Executor",
    "Futures",
    "Inline",
    "Limits",
    "Objective",
    "Outcome",
    "Processes",
    "Progress",
    "Running",
    "Task",
    "Threads",
]

_LATER = {"Futures": "futures", "Inline": "inline", "Processes": "processes", "Threads": "threads"}


def __getattr__(name: str) -> Any:
    """Import an executor when it is first asked for: most programs use one."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = found
    return found
