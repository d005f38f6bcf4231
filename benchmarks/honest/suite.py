"""The tasks in two halves: one to choose by, the other to judge by."""

from __future__ import annotations

import hashlib

from benchmarks.honest import functions, trainings
from benchmarks.honest.task import Task

HALVES = ("choose", "judge")


def half(name: str) -> list[Task]:
    """Give the tasks of one half.

    The tasks stand in pairs of one kind. Of each pair the one whose name has the smaller SHA-256 digest is in `judge`,
    the other in `choose`: so the halves are alike, and nobody has chosen which is which.
    """
    tasks = []
    for pair in (*trainings.pairs(), *functions.pairs()):
        judge, choose = sorted(pair, key=lambda task: hashlib.sha256(task.name.encode()).hexdigest())
        tasks.append(judge if name == "judge" else choose)
    return tasks


def every() -> list[Task]:
    """Give all tasks."""
    return [task for name in HALVES for task in half(name)]
