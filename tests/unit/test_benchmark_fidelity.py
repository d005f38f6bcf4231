"""The benchmark of fidelities: when an optimizer that stops trials hears of them, and the errors of its tables."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # `benchmarks` is no installed package, and others install one

from benchmarks.fidelity.curves import Curves
from benchmarks.fidelity.peers import next_report
from benchmarks.fidelity.results import table


def task(low: int, high: int, goes_on: bool) -> Curves:
    return Curves("t", (), low, high, goes_on, lambda: lambda params: lambda units: 0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("low", "high", "goes_on", "expected"),
    [
        (3, 100, False, [3, 9, 27, 100]),  # 81 would be a second training of nearly all rows
        (1, 81, False, [1, 3, 9, 27, 81]),
        (1, 5, True, [1, 2, 3, 4, 5]),
    ],
)
def test_a_training_that_begins_again_is_reported_at_rungs_only(
    low: int, high: int, goes_on: bool, expected: list[int]
) -> None:
    found = [low]
    while found[-1] < high:
        found.append(next_report(task(low, high, goes_on), found[-1]))
    assert found == expected


def row(task: str, seed: int, regret: float) -> dict[str, object]:
    return {"name": "one", "task": f"suite {task}", "seed": seed, "high": 9, "seconds": 1.0, "trace": [(9, regret)]}


@pytest.mark.parametrize(
    ("regrets", "error"),
    [
        # Logarithms of 10 apart: a standard deviation of ln(10) / √2, over √2 seeds; both tasks err together.
        ({("a", 0): 0.01, ("a", 1): 0.1, ("b", 0): 0.01, ("b", 1): 0.1}, "115 %"),
        # What one seed loses in a task it wins in the other one.
        ({("a", 0): 0.01, ("a", 1): 0.1, ("b", 0): 0.1, ("b", 1): 0.01}, "0 %"),
        ({("a", 0): 0.01, ("a", 1): 0.1, ("b", 0): 0.1}, "one seed"),
    ],
)
def test_runs_of_one_seed_count_as_one_in_the_error(regrets: dict[tuple[str, int], float], error: str) -> None:
    printed = table([row(task, seed, regret) for (task, seed), regret in regrets.items()])
    assert f"| {error} |" in printed
