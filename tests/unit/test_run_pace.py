"""The time left of a run: right within a factor of two from the tenth trial on, whatever the start was like."""

from __future__ import annotations

import heapq
from collections.abc import Callable

import numpy as np
import pytest

from luthier.run import Pace

TRIALS = 200
RANDOM = np.random.default_rng(7)
NOISE = RANDOM.lognormal(0.0, 0.5, TRIALS)
SHAPES: dict[str, Callable[[int, int], float]] = {
    "steady": lambda number, workers: 0.1,
    "slow start of every worker": lambda number, workers: 20.0 if number < workers else 0.1,
    "three slow starts": lambda number, workers: 20.0 if number < 3 * workers and workers < 4 else 0.1,
    "uneven": lambda number, workers: float(NOISE[number]),
    "one long pause": lambda number, workers: 30.0 if number == 11 and workers == 1 else 0.5,
    "quick start": lambda number, workers: 0.01 if number < workers else 0.5,
}


@pytest.mark.parametrize("workers", [1, 4, 16])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_time_left_is_right_from_the_tenth_trial_on(shape: str, workers: int) -> None:
    now = 0.0
    pace = Pace(lambda: now)
    running: list[tuple[float, int, float]] = []
    said: list[tuple[float, float]] = []
    begun = 0
    for ended in range(1, TRIALS + 1):
        while begun < TRIALS and len(running) < workers:
            pace.begin(begun)
            heapq.heappush(running, (now + (duration_s := SHAPES[shape](begun, workers)), begun, duration_s))
            begun += 1
        now, number, duration_s = heapq.heappop(running)
        pace.end(number, duration_s)
        if max(10, 2 * workers) <= ended <= 0.9 * TRIALS:  # a worker that has ended one trial tells little yet
            left = pace.left_s(TRIALS - ended)
            assert left is not None
            said.append((now, left))
    # A pause that nobody could foresee is still to come for those who are asked before it.
    known = [(at, left / (now - at)) for at, left in said if shape != "one long pause" or at > 30]
    assert [(at, ratio) for at, ratio in known if not 0.5 <= ratio <= 2.0] == []


def test_before_the_first_end_nothing_is_said() -> None:
    assert Pace(lambda: 0.0).left_s(5) is None
