"""Executors by name, URL or object: those that come with Luthier, and those that other packages add."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from luthier._hints import suggest, translating
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

_ENGINES = {
    "dask": ("dask", "dask_executor"),
    "ray": ("ray", "ray_executor"),
    "slurm": ("slurm", "slurm_executor"),
    "spark": ("spark", "spark_executor"),
    "loky": ("loky", "loky_executor"),
    "joblib": ("loky", "joblib_executor"),
}
"""The engines of other libraries by name: module and function."""

_SCHEMES = {
    "tcp": ("dask", ""),
    "tls": ("dask", ""),
    "dask": ("dask", "tcp"),
    "ray": ("ray", ""),
    "spark": ("spark", ""),
}
"""The engines that a URL names, each with the scheme that its library wants instead."""

_OBJECTS = {
    ("distributed", "Client"): ("dask", "client"),
    ("submitit", "Executor"): ("slurm", "executor"),
    ("pyspark", "SparkSession"): ("spark", "session"),
    ("pyspark", "SparkContext"): ("spark", "session"),
}
"""The engines of objects of other libraries, by top package and class, and the argument that takes such an object."""


def engine_factory(choice: object) -> Callable[[ObjectiveFunction, int | None], Executor] | None:
    """Give what makes an executor of another library's engine; None where `choice` is not one.

    Args:
        choice: the name of an engine, such as ``"dask"``; a URL, such as ``"tcp://10.0.0.1:8786"`` (Dask) or
            ``"ray://head:10001"``; or an object of a library: a Dask `Client`, an executor of submitit, a Spark
            session.

    Raises:
        InvalidSetting: it is a URL of another scheme.
    """
    if isinstance(choice, str):
        scheme, mark, rest = choice.partition("://")
        if not mark:
            return _engine(choice) if choice in _ENGINES else None
        if scheme not in _SCHEMES:
            raise InvalidSetting(f"executor={choice!r}: there are URLs of {', '.join(f'{one}://' for one in _SCHEMES)}")
        engine, instead = _SCHEMES[scheme]
        argument = {"dask": "client", "ray": "address", "spark": "master"}[engine]
        return partial(_engine(engine), **{argument: f"{instead or scheme}://{rest}"})
    for kind in type(choice).__mro__:
        found = _OBJECTS.get((kind.__module__.partition(".")[0], kind.__name__))
        if found is not None:
            return partial(_engine(found[0]), **{found[1]: choice})
    return None


def _engine(name: str) -> Callable[..., Executor]:
    from importlib import import_module

    module, function = _ENGINES[name]
    made: Callable[..., Executor] = getattr(import_module(f"luthier.executor.engines.{module}"), function)
    return made


@translating({})
def register_executor(name: str, factory: ExecutorFactory) -> None:
    """Make an executor known by a name, for ``study.run(executor=name)``.

    Registering the same factory again does nothing, so a module that registers at import can be imported twice.

    Args:
        name: a name that no other executor has, such as ``"grid"``.
        factory: called with the objective and the number of workers, 1 or more.

    Raises:
        InvalidSetting: the name is empty or not a string, another executor has it, or `factory` is not callable.
    """
    if not isinstance(name, str) or not name:
        raise InvalidSetting(f"register_executor({name!r}, …): give a name, such as 'grid'")
    if not callable(factory):
        raise InvalidSetting(f"register_executor({name!r}, {factory!r}): give a function of an objective and a number")
    if name in _ENGINES or _FACTORIES.setdefault(name, factory) is not factory:
        raise InvalidSetting(f"register_executor({name!r}, …): another executor has this name")


def executor_names() -> tuple[str, ...]:
    """Return the names of all executors: Luthier's, engines of other libraries, then those that were registered."""
    names = tuple(_FACTORIES)
    return (*names[:3], *_ENGINES, *names[3:])


def executor_factory(name: str) -> ExecutorFactory:
    """Return the factory of that name.

    Raises:
        InvalidSetting: no executor has that name; the message suggests the nearest name, or lists all.
    """
    if name in _ENGINES:
        return _engine(name)
    if name not in _FACTORIES:
        raise InvalidSetting(f"executor={name!r} is not known{suggest(name, executor_names())}")
    return _FACTORIES[name]
