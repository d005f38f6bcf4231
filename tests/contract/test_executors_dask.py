"""The contract suite on a Dask cluster, and what becomes of a trial whose worker is killed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from luthier.executor import Executor, ObjectiveFunction
from luthier.executor.engines.dask import dask_executor
from luthier.testing.executors import ExecutorContract


@pytest.mark.slow
class TestDask(ExecutorContract):
    client: Any

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _cluster(cls) -> Iterator[None]:
        from distributed import Client, LocalCluster

        cluster = LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None)
        with cluster, Client(cluster) as cls.client:
            yield

    def make(self, objective: ObjectiveFunction, workers: int) -> Executor:
        return dask_executor(objective, workers, self.client)
