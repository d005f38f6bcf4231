"""Trials as jobs of Spark."""

from __future__ import annotations

import concurrent.futures
import os
import secrets
import sys
import threading
from collections.abc import Callable
from typing import Any, final

from luthier.errors import InvalidSetting
from luthier.executor.engines.pooled_futures import PooledFutures
from luthier.executor.running_trial import ObjectiveFunction


def spark_executor(
    objective: ObjectiveFunction, workers: int | None = None, session: Any = None, *, master: str | None = None
) -> PooledFutures:
    """Run each trial as a job of Spark with one task.

    A process of Spark that has the objective keeps it for further trials. Reports come while a trial runs, and
    `should_stop` is answered, where Spark runs on this machine; see `Futures`. A trial that is cancelled is ended.

    Args:
        objective: called with a `RunningTrial`; Luthier must be installed where the executors run.
        workers: the number of trials at once; None: as many as Spark has cores.
        session: a `pyspark.sql.SparkSession` or a `pyspark.SparkContext`, which stays; None: one that ends with the
            executor.
        master: of that one, such as ``"spark://head:7077"``; None: this machine.

    Raises:
        InvalidSetting: pyspark is not installed, or the objective cannot be pickled.
    """
    try:
        import pyspark
    except ImportError:
        raise InvalidSetting("executor='spark' needs pyspark: pip install 'luthier[spark]'") from None
    own = session is None
    if own:
        settings = pyspark.SparkConf().setAppName("luthier").setMaster(master or f"local[{workers or '*'}]")
        if master is None:  # or Spark looks for the first Python on the path, which may lack Luthier
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        context = pyspark.SparkContext.getOrCreate(settings)
    else:
        context = getattr(session, "sparkContext", session)
    pool = _SparkPool(context, own)
    return PooledFutures(pool, objective, context.defaultParallelism if workers is None else workers)


@final
class _SparkPool(concurrent.futures.Executor):
    """Calls as jobs of Spark, each from a thread of its own."""

    def __init__(self, context: Any, own: bool) -> None:
        self._context = context
        self._own = own

    def submit(self, function: Callable[..., Any], /, *args: Any, **settings: Any) -> concurrent.futures.Future[Any]:
        """See `concurrent.futures.Executor.submit`."""
        future = _SparkFuture(self._context)
        threading.Thread(target=future.run, args=(lambda _: function(*args, **settings),), daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End Spark, if it was begun for this pool."""
        if self._own:
            self._context.stop()


@final
class _SparkFuture(concurrent.futures.Future[Any]):
    """A call that Spark makes; it can be cancelled while it runs."""

    def __init__(self, context: Any) -> None:
        super().__init__()
        self._context = context
        self._group = f"luthier-{secrets.token_hex(8)}"

    def run(self, function: Callable[[Any], Any]) -> None:
        """Have a job make the call, and wait for it (in a thread of its own)."""
        if not self.set_running_or_notify_cancel():
            return
        try:
            self._context.setJobGroup(self._group, "a trial of Luthier", interruptOnCancel=True)
            self.set_result(self._context.parallelize([0], 1).map(function).collect()[0])
        except Exception as error:  # noqa: BLE001 - of Spark: the trial's own are in its result
            self.set_exception(error)

    def cancel(self) -> bool:
        """Take the call back, or end its job."""
        if super().cancel():
            return True
        self._context.cancelJobGroup(self._group)
        return False
