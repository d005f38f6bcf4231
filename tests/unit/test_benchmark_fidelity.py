"""The benchmark of fidelities: when an optimizer that stops trials hears of them, and the errors of its tables."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # `benchmarks` is no installed package, and others install one

from benchmarks.fidelity.curves import Curves, taskset
from benchmarks.fidelity.networks import RANGES, Training, configurations, losses
from benchmarks.fidelity.peers import next_report
from benchmarks.fidelity.promotions import LEVELS, halve
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


def test_networks_learn_where_the_rate_is_a_usual_one_and_not_where_it_is_tiny() -> None:
    usual = [1e-2, 0.9, 0.999, 1e-8, 1e-8, 1e-8, 1e-7, 1e-6]
    found = losses(Training("wine", (4,), 16, 3), np.array([usual, [1e-8, *usual[1:]]]), 0)
    assert found.shape == (2, 51)
    assert found[0, 0] == found[1, 0]  # of one network before training
    assert found[0, -1] < 0.3 < 0.9 * found[1, 0] < found[1, -1]


def test_tables_of_networks_are_read_as_those_of_taskset(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "taskset"
    folder.mkdir(parents=True)
    curves = np.array([[3.0, 2.0, 1.0], [3.0, np.nan, 20.0], [3.0, 2.5, 2.0]])
    np.savez(folder / "own_x.npz", X=configurations(np.random.default_rng(0), 3), valid_loss=curves)
    (folder / "own_x.space.json").write_text(json.dumps({"params": [{"name": name} for name in RANGES]}))
    (found,) = taskset(tmp_path)
    assert (found.name, found.high, found.best, found.median) == ("taskset own_x", 2, 1.0, 2.0)


def test_halving_of_a_table_begins_three_rows_before_it_promotes_the_best_of_them() -> None:
    ranks = np.array([2.0, 1.0, 3.0, 4.0])
    table = np.repeat(ranks[:, None], LEVELS[-1], axis=1) - np.arange(LEVELS[-1]) / 100  # each unit helps a little
    trace = halve(table, range(4), (3, 3, 3, 3), 6)
    # 2.0 after one unit, 1.0 after two; the third row is no better; two more units for the second one
    assert trace == [(1, 2.0), (2, 1.0), (5, pytest.approx(0.98))]


def test_halving_of_a_table_ends_with_its_rows() -> None:
    table = np.full((2, LEVELS[-1]), 1.0)
    assert halve(table, range(2), (3, 3, 3, 3), 100) == [(1, 1.0)]
