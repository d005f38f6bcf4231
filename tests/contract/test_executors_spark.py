"""The contract suite on Spark, in its local mode."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from luthier.executor import Executor, ObjectiveFunction
from luthier.executor.engines.spark import spark_executor
from luthier.testing.executors import ExecutorContract


@pytest.mark.slow
class TestSpark(ExecutorContract):
    tasks = 12
    context: Any

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _context(cls) -> Iterator[None]:
        if find_spec("pyspark") is None:  # it has a folder of its own: see the Makefile
            sys.path.append(str(Path(sys.prefix) / "pyspark" / "site-packages"))
        import pyspark

        settings = pyspark.SparkConf().setMaster("local[4]").set("spark.ui.enabled", "false")
        cls.context = pyspark.SparkContext(conf=settings)
        yield
        cls.context.stop()

    def make(self, objective: ObjectiveFunction, workers: int) -> Executor:
        return spark_executor(objective, workers, self.context)
