"""Trials in loky's reusable pool of processes, by itself or as joblib carries it."""

from __future__ import annotations

import concurrent.futures
import os
import time
from collections.abc import Callable
from typing import Any, final

from luthier.errors import InvalidSetting
from luthier.executor.engines.pooled_futures import PooledFutures
from luthier.executor.running_trial import ObjectiveFunction

_TRIES, _PAUSE_S = 20, 0.05
"""How often, and after how long, a call is handed to the pool again that replaces a broken one."""


def loky_executor(objective: ObjectiveFunction, workers: int | None = None) -> PooledFutures:
    """Run trials in loky's reusable pool, which begins anew where one of its processes was killed.

    A killed process breaks the whole pool: each trial that ran in it costs an attempt, and is run again.

    Args:
        objective: called with a `RunningTrial`.
        workers: the number of processes; None: as many as there are processors.

    Raises:
        InvalidSetting: neither loky nor joblib is installed, or the objective cannot be pickled.
    """
    return _pooled("loky", objective, workers)


def joblib_executor(objective: ObjectiveFunction, workers: int | None = None) -> PooledFutures:
    """Run trials in the pool of joblib's default backend, ``"loky"``; see `loky_executor`.

    Raises:
        InvalidSetting: joblib is not installed, or the objective cannot be pickled.
    """
    return _pooled("joblib", objective, workers)


def _pooled(name: str, objective: ObjectiveFunction, workers: int | None) -> PooledFutures:
    count = os.cpu_count() or 1 if workers is None else workers
    return PooledFutures(_LokyPool(_get_pool(name), count), objective, count, cancels=False)


def _get_pool(name: str) -> Callable[..., Any]:
    """Give the function that gives the reusable pool."""
    try:
        if name == "joblib":
            from joblib.externals.loky import get_reusable_executor as joblib_pool

            return joblib_pool  # type: ignore[no-any-return]
        from loky import get_reusable_executor

        return get_reusable_executor  # type: ignore[no-any-return]
    except ImportError:
        raise InvalidSetting(f"executor={name!r} needs {name}: pip install {name}") from None


@final
class _LokyPool(concurrent.futures.Executor):
    """The reusable pool of the moment: a broken one is replaced at the next call."""

    def __init__(self, get_pool: Callable[..., Any], workers: int) -> None:
        self._get_pool = get_pool
        self._workers = workers

    def submit(self, function: Callable[..., Any], /, *args: Any, **settings: Any) -> concurrent.futures.Future[Any]:
        """See `concurrent.futures.Executor.submit`."""
        for _ in range(_TRIES):
            try:
                return self._get_pool(self._workers).submit(function, *args, **settings)  # type: ignore[no-any-return]
            except concurrent.futures.BrokenExecutor:  # it has broken, and does not know it yet
                time.sleep(_PAUSE_S)
        return self._get_pool(self._workers).submit(function, *args, **settings)  # type: ignore[no-any-return]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes."""
        self._get_pool(self._workers).shutdown(wait=True, kill_workers=True)
