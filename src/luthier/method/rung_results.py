"""Results of trials at the rungs of a fidelity, for methods that learn from one rung at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luthier._typing import Floats
from luthier.history import History
from luthier.problem import Problem

_STEP = 3
"""The ratio of the units at neighbouring rungs."""


@dataclass(frozen=True, slots=True, eq=False)
class RungResults:
    """The trials that have a finite loss at a rung, the best first; at the full fidelity those with a value.

    Args:
        place: of the rung, from 0 at the lowest.
        points: (n, d) in [0, 1], NaN where a variable is inactive.
        losses: (n,) ascending.
    """

    place: int
    points: Floats
    losses: Floats

    def __len__(self) -> int:
        return len(self.losses)


def rung_results(problem: Problem, history: History) -> tuple[RungResults, ...]:
    """Give the results at each rung, the lowest first; without a fidelity there is one rung, of finished trials.

    The rungs are ⌈high / 3^i⌉ units from the full fidelity down; where a scheduler has others, what trials reported
    first at or after a rung counts. Cost O(reports), small, and an encoding of all trials.
    """
    fidelity, data = problem.fidelity, history.data(problem)
    best = data.best_first()
    if fidelity is None:
        return (RungResults(0, data.x[best], data.loss[best]),)
    levels = [fidelity.high]
    while levels[0] // _STEP >= fidelity.low:
        levels.insert(0, round(levels[0] / _STEP))
    found = []
    for place, level in enumerate(levels[:-1]):
        numbers, losses = history.losses_at(level, or_later=True)
        configs = [history.config(number) for number in numbers.tolist()]
        kept = np.array([config is not None for config in configs], dtype=bool)
        order = np.argsort(losses[kept], kind="stable")
        points = problem.space.encode([config for config in configs if config is not None])
        found.append(RungResults(place, points[order], losses[kept][order]))
    return (*found, RungResults(len(found), data.x[best], data.loss[best]))


def opening_rung(problem: Problem, rungs: tuple[RungResults, ...]) -> int:
    """Give the place of the rung that the proposed trial gets to first; the lowest one where that is not known."""
    fidelity, units = problem.fidelity, problem.first_units
    if fidelity is None or units is None:
        return 0
    below: int = sum(round(fidelity.high / _STEP ** (len(rungs) - 1 - place)) <= units for place in range(len(rungs)))
    return max(below - 1, 0)
