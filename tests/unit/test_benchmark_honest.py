"""The benchmark of objectives as people have them: its halves, its truths and what a tool is judged by."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # `benchmarks` is no installed package, and others install one

from benchmarks.honest import compare, reference, run
from benchmarks.honest.parameters import Config, draw, real
from benchmarks.honest.reference import Reference
from benchmarks.honest.suite import half
from benchmarks.honest.task import Task

CHOOSE, JUDGE = half("choose"), half("judge")


def test_the_halves_are_alike_and_share_nothing() -> None:
    assert len(CHOOSE) == len(JUDGE) == len({task.name for task in CHOOSE + JUDGE}) / 2
    for one, other in zip(CHOOSE, JUDGE, strict=True):
        assert one.batch == other.batch
        assert (one.exact is None) == (other.exact is None)


def test_no_configuration_is_better_than_the_known_optimum() -> None:
    for task in CHOOSE + JUDGE:
        if task.best is not None:
            random = np.random.default_rng(0)
            lowest = min(task.true(draw(task.parameters, random)) for _ in range(150))
            assert task.best - 1e-4 <= lowest, task.name


def test_noise_is_that_of_the_trial_and_the_same_for_every_tool() -> None:
    task = next(one for one in CHOOSE + JUDGE if one.noisy and one.exact is not None)
    config = draw(task.parameters, np.random.default_rng(0))
    assert task.told(config, 0, 3) == task.told(config, 0, 3) != task.told(config, 0, 4)


def test_a_run_is_judged_by_the_truth_of_what_is_recommended() -> None:
    task = next(one for one in CHOOSE + JUDGE if one.batch == 8 and one.noisy and one.exact is not None)
    trace = run.run("random", task, 0, 32)
    assert list(trace["true"]) == ["10", "25"]
    assert trace["true"]["25"]["incumbent"] >= task.best
    found = {"incumbent": 3.0, "model": 2.0, "anywhere": 1.0}
    assert compare.recommended(found, noisy=True) == 1.0
    assert compare.recommended(found, noisy=True, how="model") == 2.0
    assert compare.recommended(found, noisy=False) == compare.recommended(found, True, "incumbent") == 3.0
    assert Reference(1.0, 3.0).regret(2.0) == 0.5


def test_ratios_of_equal_tools_are_one() -> None:
    one = {"a": {0: np.full(4, 0.2), 1: np.full(4, 0.4)}, "b": {0: np.full(4, 0.1)}}
    for middle, low, high in compare.ratios(one, one, ["a", "b"], 0, resamples=50):
        assert middle == pytest.approx(1.0)
        assert low <= 1.0 <= high


def test_the_best_that_is_known_is_not_that_of_a_lucky_configuration(tmp_path: Path) -> None:
    def measure(config: Config, seed: int) -> float:
        x, noise = float(config["x"]), np.random.default_rng(seed).normal()
        return x + (2.0 * noise if x > 0.9 else 0.0)  # the worst ones are lucky now and then

    task = Task("lucky", [real("x", 0.0, 1.0)], measure, noisy=True)
    (found,) = reference.ensure([task], tmp_path / "reference.json").values()
    assert found.best < 0.2
    assert 0.2 < found.random < 0.8


def test_a_run_that_was_too_short_counts_where_it_got_to(tmp_path: Path) -> None:
    task = next(one for one in JUDGE if one.exact is not None and not one.noisy and one.batch == 1)
    run.run_missing("random", [task], [0], tmp_path / "short.jsonl", trials=30)
    run.run_missing("random", [task], [0, 1], tmp_path / "long.jsonl")
    table = {task.name: Reference(task.best or 0.0, task.best + 1.0 if task.best is not None else 1.0)}
    short = compare.load(tmp_path / "short.jsonl", {task.name: task}, table, "incumbent")
    assert np.isfinite(short[task.name][0]).tolist() == [True, True, False, False]
    text = compare.table_text([task], "long", tmp_path)
    assert "| short | 25 |" in text
    assert "| short | 50 |" not in text
