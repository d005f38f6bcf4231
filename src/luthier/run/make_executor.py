"""Executors by name, or from `concurrent.futures`."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from typing import TypeAlias

from luthier.errors import InvalidSetting
from luthier.executor import Executor, Limits, ObjectiveFunction

ExecutorFactory: TypeAlias = Callable[[ObjectiveFunction, int], Executor]
"""Makes an executor of an objective and a number of workers, such as `luthier.executor.Processes` itself."""

Choice: TypeAlias = str | concurrent.futures.Executor | ExecutorFactory | None


def make_executor(choice: Choice, objective: ObjectiveFunction, workers: int | None, limits: Limits) -> Executor:
    """Make the executor of a run.

    Args:
        choice: "inline", "threads" or "processes"; an executor of `concurrent.futures` (or one that derives from its
            class), which stays the caller's; or a function that makes one. None: in this process for one worker
            without limits, else supervised processes.
        objective: a function of a running trial.
        workers: the number of trials at once; None: one, or as many as an executor of `concurrent.futures` has.
        limits: those of each trial.

    Raises:
        InvalidSetting: an argument is not allowed, or the executor cannot keep to it.
    """
    if not callable(objective):
        raise InvalidSetting(f"the objective is a {type(objective).__name__}, not a function of a running trial")
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise InvalidSetting(f"workers={workers!r}: give a whole number of workers, 1 or more")
    if isinstance(choice, concurrent.futures.Executor):
        from luthier.executor import Futures

        return Futures(choice, objective, workers)
    count = workers or 1
    if choice is None:
        limited = limits.time_s is not None or limits.memory_mb is not None
        choice = "processes" if count > 1 or limited else "inline"
    if isinstance(choice, str):
        return _named(choice, objective, count)
    if not callable(choice):
        raise InvalidSetting(f"executor={choice!r}: give 'inline', 'threads', 'processes', or what makes an executor")
    made = choice(objective, count)
    if not isinstance(made, Executor):
        raise InvalidSetting(
            f"executor={choice!r} made {made!r}, which is not an executor: see luthier.executor.Executor"
        )
    return made


def _named(name: str, objective: ObjectiveFunction, workers: int) -> Executor:
    if name == "inline":
        from luthier.executor import Inline

        if workers > 1:
            raise InvalidSetting(f"executor='inline' runs one trial at a time, not {workers}: take 'processes'")
        return Inline(objective)
    if name == "threads":
        from luthier.executor import Threads

        return Threads(objective, workers)
    if name == "processes":
        from luthier.executor import Processes

        return Processes(objective, workers)
    raise InvalidSetting(f"executor={name!r}: give 'inline', 'threads', 'processes', or what makes an executor")
