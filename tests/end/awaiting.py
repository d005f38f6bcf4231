"""Shared by the tests of processes: run one task, and wait for processes and files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from luthier.executor import Limits, Processes, Task, TaskResult
from luthier.executor.processes import process_tree

PATIENCE_S = 30.0


def until(holds: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until something holds; fail where it does not."""
    deadline_s = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline_s, f"waited in vain: {what}"
        time.sleep(0.005)


def until_gone(pids: Iterable[int]) -> None:
    """Wait until none of the processes is alive."""
    wanted = set(pids)
    until(lambda: not wanted & {process.pid for process in process_tree.list_processes()}, f"{wanted} shall be gone")


def numbers_in(folder: Path, count: int) -> list[int]:
    """Wait for `count` files, each with a number, and read them."""

    def written() -> list[int]:
        return [int(text) for file in folder.iterdir() if file.suffix == ".pid" and (text := file.read_text().strip())]

    until(lambda: len(written()) >= count, f"{count} numbers in {folder}")
    return written()


def one(executor: Processes, task: Task) -> TaskResult:
    """Run one task, and nothing else."""
    executor.submit(task)
    return outcome_of(executor)


def outcome_of(executor: Processes) -> TaskResult:
    """Wait for the one outcome that is to come."""
    found: list[TaskResult] = []
    while not found:
        news = executor.poll(PATIENCE_S)
        assert news, "no news"
        found = [item for item in news if isinstance(item, TaskResult)]
    (outcome,) = found
    return outcome


def task(number: int = 0, limits: Limits = Limits(grace_s=0.2), **params: Any) -> Task:  # noqa: B008 - frozen
    """Make a task."""
    return Task(number, 1, params, limits)
