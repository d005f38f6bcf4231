"""A simulated clock: workers that ask an optimizer for jobs, and the regret by the units that all of them spent."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from benchmarks.fidelity.curves import Curve, Curves

BUDGETS = (2, 5, 10, 20)
"""Full evaluations after which regrets are taken."""
MOST = 2.0
"""The regret before anything was seen, and the largest one that counts."""


@dataclass(slots=True)
class Job:
    """What a worker does next.

    Args:
        trial: names the training that it goes on with, or begins.
        params: its configuration.
        until: the units up to which it is trained.
        of: whatever its optimizer wants to keep.
    """

    trial: Hashable
    params: dict[str, Any]
    until: int
    of: Any = None


class Optimizer(Protocol):
    """What is measured."""

    def ask(self) -> Job | None:
        """Give a job to a worker that is free; None: it has to wait until another one is done."""
        ...

    def tell(self, job: Job, units: int, loss: float) -> int | None:
        """Take the loss at the end of a job; give the units up to which the worker goes on with it, or None."""
        ...


@dataclass(slots=True)
class Clock:
    """Counts the units of all workers, and keeps the best value so far."""

    task: Curves
    spent: int = 0
    best: float = np.inf
    trace: list[tuple[int, float]] = field(default_factory=list)

    def train(self, curve: Curve, had: int, until: int) -> bool:
        """Train from some units to others; tell whether there is any budget left.

        Where a training goes on, all units on its way are looked at: some optimizers report each of them, and others
        only the last one, and that is no merit of the former.
        """
        if not self.task.goes_on:
            return self._spend(max(until - had, 0), curve(until))
        left = True
        for unit in range(had + 1, until + 1):
            left = self._spend(1, curve(unit))
        return left

    def _spend(self, units: int, loss: float) -> bool:
        self.spent += units
        if loss < self.best and self.spent <= BUDGETS[-1] * self.task.high:
            self.best = loss
            regret = (loss - self.task.best) / (self.task.median - self.task.best)
            self.trace.append((self.spent, round(min(max(float(regret), 1e-6), MOST), 6)))
        return self.spent < BUDGETS[-1] * self.task.high


def simulate(task: Curves, optimizer: Optimizer, workers: int) -> Clock:
    """Run workers until the budget is spent."""
    clock, curve_of = Clock(task), task.begin()
    curves: dict[Hashable, Curve] = {}
    trained: dict[Hashable, int] = {}
    queue: list[tuple[int, int, Job, int]] = []
    order, idle = 0, workers
    now = 0

    def push(job: Job, until: int) -> None:
        nonlocal order
        order += 1
        had = trained.get(job.trial, 0) if task.goes_on else 0
        heapq.heappush(queue, (now + max(until - had, 0), order, job, until))

    while True:
        while idle and (job := optimizer.ask()) is not None:
            if job.trial not in curves:
                curves[job.trial] = curve_of(job.params)
            push(job, job.until)
            idle -= 1
        if not queue:
            raise RuntimeError("all workers wait for each other")
        now, _, job, until = heapq.heappop(queue)
        loss = curves[job.trial](until)
        had = trained.get(job.trial, 0) if task.goes_on else 0
        if not clock.train(curves[job.trial], had, until):
            return clock
        trained[job.trial] = max(until, had)
        further = optimizer.tell(job, until, loss)
        if further is not None:
            push(job, further)
        else:
            idle += 1
