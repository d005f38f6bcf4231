"""The contract suite on loky's pool; joblib's is the same one."""

from __future__ import annotations

import pytest

from luthier.executor import Executor, ObjectiveFunction
from luthier.executor.engines.loky import loky_executor
from luthier.testing.executors import ExecutorContract


@pytest.mark.slow
class TestLoky(ExecutorContract):
    def make(self, objective: ObjectiveFunction, workers: int) -> Executor:
        return loky_executor(objective, workers)
