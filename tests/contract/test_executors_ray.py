"""The contract suite on Ray."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from luthier.executor import Executor, ObjectiveFunction
from luthier.executor.engines.ray import ray_executor
from luthier.testing.executors import ExecutorContract


@pytest.mark.slow
class TestRay(ExecutorContract):
    tasks = 12

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _cluster(cls) -> Iterator[None]:
        import ray

        ray.init(num_cpus=4, include_dashboard=False, logging_level="WARNING")
        yield
        ray.shutdown()

    def make(self, objective: ObjectiveFunction, workers: int) -> Executor:
        return ray_executor(objective, workers)
