"""Executors by name or URL, or from objects of other libraries."""

from __future__ import annotations

import concurrent.futures
import inspect
from typing import Any, TypeAlias

from luthier._hints import with_article
from luthier.errors import InvalidSetting
from luthier.executor import (
    CaseLoop,
    Executor,
    ExecutorFactory,
    Gpus,
    Limits,
    ObjectiveFunction,
    engine_factory,
    executor_factory,
)
from luthier.key import Key
from luthier.problem import Problem
from luthier.scalar import short, to_whole

Choice: TypeAlias = str | concurrent.futures.Executor | ExecutorFactory | Any
"""What stands for an executor; beside these, an object of another library, such as a Dask `Client`."""


def over_cases(objective: ObjectiveFunction, problem: Problem, seed: int) -> ObjectiveFunction:
    """Give the objective of a trial: in a study with instances that of one evaluation is called for each case.

    Raises:
        InvalidSetting: it cannot be called with a trial.
    """
    _check_call(objective)
    if problem.instances is None or not callable(objective):
        return objective
    return CaseLoop(objective, problem.objectives[0].name, problem.instances, problem.instances.cases(Key.of(seed)))


def _check_call(objective: ObjectiveFunction) -> None:
    """Refuse a function that takes no argument, or needs several, such as one for each variable."""
    try:
        signature = inspect.signature(objective)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(None)
    except TypeError:
        raise InvalidSetting(
            f"the objective takes {signature}, and is called with one argument, the trial: trial['x'] is the value of "
            "x, and trial.params has those of all variables, as in lambda trial: f(**trial.params)"
        ) from None


def make_executor(
    choice: Choice, objective: ObjectiveFunction, workers: int | None, limits: Limits, gpus: Gpus | None = None
) -> Executor:
    """Make the executor of a run.

    Args:
        choice: "inline", "threads", "processes", the name or URL of an engine (see `luthier.executor.engine_factory`),
            or a name of `luthier.executor.register_executor`; an object of such an engine; an executor of
            `concurrent.futures` (or one that derives from its class), which stays the caller's; or a function that
            makes one. None: in this process for one worker without limits, else supervised processes.
        objective: what is run.
        workers: how many trials at once; None: one, or as many as the engine or executor has.
        limits: what each trial may use.
        gpus: those of this machine, divided among its worker processes.

    Raises:
        InvalidSetting: an argument is not allowed, or the executor cannot keep to it.
    """
    if not callable(objective):
        raise InvalidSetting(
            f"the objective is {with_article(type(objective).__name__)}, not a function of a running trial"
        )
    wanted, workers = workers, to_whole(workers)
    if wanted is not None and (workers is None or workers < 1):
        raise InvalidSetting(f"workers={short(wanted)}: give a whole number of workers, 1 or more")
    if gpus is not None:
        if choice is not None and not (isinstance(choice, str) and choice == "processes"):
            raise InvalidSetting(
                f"gpus={short(gpus)} are divided among processes of this machine, executor='processes'; a cluster has "
                "resources for that, as in partial(ray_executor, num_gpus=1)"
            )
        from luthier.executor import Processes

        return Processes(objective, workers or 1, gpus=gpus)
    if isinstance(choice, concurrent.futures.Executor):
        from luthier.executor import Futures

        return Futures(choice, objective, workers)
    engine = engine_factory(choice)
    if engine is not None:
        return engine(objective, workers)
    count = workers or 1
    if choice is None:
        limited = limits.time_s is not None or limits.memory_mb is not None
        choice = "processes" if count > 1 or limited else "inline"
    if isinstance(choice, str):
        choice = executor_factory(choice)
    if not callable(choice) or (isinstance(choice, type) and not hasattr(choice, "submit")):
        raise InvalidSetting(
            f"executor={short(choice)}: give 'inline', 'threads', 'processes', the name or an object of a cluster's "
            "library, or what makes an executor"
        )
    made = choice(objective, count)
    if not isinstance(made, Executor):
        raise InvalidSetting(
            f"executor={short(choice)} made {short(made)}, which is not an executor: see luthier.executor.Executor"
        )
    return made


def parse_window(deterministic: bool | int, workers: int) -> int | None:
    """Give the window of a deterministic run (see `luthier.history.TrialOrder`); None where it is not to be one.

    Args:
        deterministic: False; or True, as many as there are workers; or a number.
        workers: how many trials run at once.

    Raises:
        InvalidSetting: it is none of these.
    """
    if isinstance(deterministic, bool):
        return workers if deterministic else None
    window = to_whole(deterministic)
    if window is None or window < 1:
        raise InvalidSetting(
            f"deterministic={short(deterministic)}: give True, False, or how many trials may be under way, 1 or more"
        )
    return window
