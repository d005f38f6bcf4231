"""The contract suite on jobs of submitit, which are processes of this machine here."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.executor import Executor, ObjectiveFunction
from luthier.executor.engines.slurm import slurm_executor
from luthier.testing.executors import ExecutorContract


@pytest.mark.slow
class TestSlurm(ExecutorContract):
    tasks = 6  # each is a process that imports everything
    folder: Path

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make(self, objective: ObjectiveFunction, workers: int) -> Executor:
        import submitit

        return slurm_executor(objective, workers, submitit.LocalExecutor(self.folder))
