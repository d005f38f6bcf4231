"""The contract suite of executors, for each of Luthier's executors."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor as Pool
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from luthier.executor import Executor, Futures, Inline, ObjectiveFunction, Processes, Threads
from luthier.testing.executors import ExecutorContract


class TestInline(ExecutorContract):
    workers = 1
    concurrent = False
    keeps_time = False
    keeps_memory = False

    def make(self, objective: ObjectiveFunction, workers: int) -> Executor:
        return Inline(objective)


class TestThreads(ExecutorContract):
    keeps_memory = False

    def make(self, objective: ObjectiveFunction, workers: int) -> Executor:
        return Threads(objective, workers)


class TestProcesses(ExecutorContract):
    def make(self, objective: ObjectiveFunction, workers: int) -> Executor:
        return Processes(objective, workers)


class _OnFutures(ExecutorContract):
    pool: Pool

    def make(self, objective: ObjectiveFunction, workers: int) -> Executor:
        return Futures(self.pool, objective, workers)


class TestFuturesOnThreads(_OnFutures):
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _pool(cls) -> Iterator[None]:
        with ThreadPoolExecutor(4) as cls.pool:
            yield


class TestFuturesOnProcesses(_OnFutures):
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _pool(cls) -> Iterator[None]:
        with ProcessPoolExecutor(4, multiprocessing.get_context("spawn")) as cls.pool:
            yield
