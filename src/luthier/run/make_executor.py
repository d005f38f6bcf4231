"""Executors by name, or from `concurrent.futures`."""

from __future__ import annotations

import concurrent.futures
from typing import TypeAlias

from luthier.errors import InvalidSetting
from luthier.executor import Executor, ExecutorFactory, Limits, ObjectiveFunction, executor_factory

Choice: TypeAlias = str | concurrent.futures.Executor | ExecutorFactory | None


def make_executor(choice: Choice, objective: ObjectiveFunction, workers: int | None, limits: Limits) -> Executor:
    """Make the executor of a run.

    Args:
        choice: "inline", "threads", "processes" or a name of `luthier.executor.register_executor`; an executor of
            `concurrent.futures` (or one that derives from its class), which stays the caller's; or a function that
            makes one. None: in this process for one worker without limits, else supervised processes.
        objective: what is run.
        workers: how many trials at once; None: one, or as many as an executor of `concurrent.futures` has.
        limits: what each trial may use.

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
        choice = executor_factory(choice)
    if not callable(choice):
        raise InvalidSetting(f"executor={choice!r}: give 'inline', 'threads', 'processes', or what makes an executor")
    made = choice(objective, count)
    if not isinstance(made, Executor):
        raise InvalidSetting(
            f"executor={choice!r} made {made!r}, which is not an executor: see luthier.executor.Executor"
        )
    return made
