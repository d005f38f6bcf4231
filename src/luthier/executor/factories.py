"""Executors by name: the table of those that come with Luthier, and of those that other packages add."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from luthier._hints import suggest
from luthier.errors import InvalidSetting
from luthier.executor.protocol import Executor
from luthier.executor.running_trial import ObjectiveFunction

ExecutorFactory: TypeAlias = Callable[[ObjectiveFunction, int], Executor]
"""Makes an executor from an objective and a number of workers, such as `luthier.executor.Processes` itself."""


def _inline(objective: ObjectiveFunction, workers: int) -> Executor:
    from luthier.executor.inline import Inline

    if workers > 1:
        raise InvalidSetting(f"executor='inline' runs one trial at a time, not {workers}: take 'processes'")
    return Inline(objective)


def _threads(objective: ObjectiveFunction, workers: int) -> Executor:
    from luthier.executor.threads import Threads

    return Threads(objective, workers)


def _processes(objective: ObjectiveFunction, workers: int) -> Executor:
    from luthier.executor.processes.executor import Processes

    return Processes(objective, workers)


_FACTORIES: dict[str, ExecutorFactory] = {"inline": _inline, "threads": _threads, "processes": _processes}


def register_executor(name: str, factory: ExecutorFactory) -> None:
    """Make an executor known by a name, for ``study.run(executor=name)``.

    Registering the same factory again does nothing, so a module that registers at import can be imported twice.

    Args:
        name: a name that no other executor has, such as ``"slurm"``.
        factory: called with the objective and the number of workers, 1 or more.

    Raises:
        InvalidSetting: the name is empty or not a string, another executor has it, or `factory` is not callable.
    """
    if not isinstance(name, str) or not name:
        raise InvalidSetting(f"register_executor({name!r}, …): give a name, such as 'slurm'")
    if not callable(factory):
        raise InvalidSetting(f"register_executor({name!r}, {factory!r}): give a function of an objective and a number")
    if _FACTORIES.setdefault(name, factory) is not factory:
        raise InvalidSetting(f"register_executor({name!r}, …): another executor has this name")


def executor_names() -> tuple[str, ...]:
    """Return the names of all executors, in the order in which they were registered."""
    return tuple(_FACTORIES)


def executor_factory(name: str) -> ExecutorFactory:
    """Return the factory of that name.

    Raises:
        InvalidSetting: no executor has that name; the message suggests the nearest name, or lists all.
    """
    if name not in _FACTORIES:
        raise InvalidSetting(f"executor={name!r} is not known{suggest(name, _FACTORIES)}")
    return _FACTORIES[name]
