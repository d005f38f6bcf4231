"""Executor on top of a pool of `concurrent.futures` that is its own."""

from __future__ import annotations

import concurrent.futures
from typing import final

from luthier._closing import Closing
from luthier.executor.futures import Futures
from luthier.executor.protocol import Answer, Task, TaskUpdate
from luthier.executor.running_trial import ObjectiveFunction


@final
class PooledFutures(Closing):
    """An executor on top of a pool of `concurrent.futures` that ends together with it.

    Args:
        pool: runs the trials.
        objective: called with a `RunningTrial`.
        workers: maximal number of trials at once.
        cancels: see `Futures`.
    """

    def __init__(
        self, pool: concurrent.futures.Executor, objective: ObjectiveFunction, workers: int, *, cancels: bool = True
    ) -> None:
        self._pool = pool
        self._futures = Futures(pool, objective, workers, cancels=cancels)
        self._closed = False

    @property
    def capacity(self) -> int:
        """Maximal number of trials at once."""
        return self._futures.capacity

    def submit(self, task: Task) -> None:
        """See `Executor.submit`."""
        self._futures.submit(task)

    def poll(self, timeout_s: float, answer: Answer | None = None) -> tuple[TaskUpdate, ...]:
        """See `Executor.poll`."""
        return self._futures.poll(timeout_s, answer)

    def cancel(self, number: int) -> None:
        """See `Executor.cancel`."""
        self._futures.cancel(number)

    def close(self) -> None:
        """See `Executor.close`; the pool ends, too."""
        if not self._closed:
            self._closed = True
            self._futures.close()
            self._pool.shutdown()
