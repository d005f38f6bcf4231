"""Declared constraints on what the objective returns: read, checked, stored, and kept by the best trial."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import luthier as lt
from luthier.errors import InvalidResult, InvalidSetting, StudyMismatch
from luthier.problem import OutcomeConstraint, parse_outcome_constraints

SPACE = {"width": lt.Int(8, 512, log=True)}


def study(store: Path | None = None, **constraints: str) -> lt.Study:
    return lt.Study("fast", SPACE, minimize="error", constraints=constraints, seed=0, store=store)


def test_limits_are_read_and_written() -> None:
    limits = parse_outcome_constraints({"memory_mb": "<= 512", "recall": " >=0.9 "})
    assert limits == (OutcomeConstraint("memory_mb", 512.0), OutcomeConstraint("recall", 0.9, True))
    assert list(map(str, limits)) == ["memory_mb <= 512", "recall >= 0.9"]
    assert [limit.violation(500.0) for limit in limits] == [-12.0, 0.9 - 500.0]
    third = parse_outcome_constraints({"x": f"<= {1 / 3!r}"})
    assert parse_outcome_constraints({"x": third[0].relation}) == third


@pytest.mark.parametrize(
    "given", [["memory <= 3"], "memory <= 3", {"a": "< 3"}, {"a": "<= nan"}, {"a": "<= inf"}, {"a": 3}, {"": "<= 3"}, 3]
)
def test_what_is_no_limit_is_refused_before_anything_is_written(given: Any, tmp_path: Path) -> None:
    store = tmp_path / "study.db"
    with pytest.raises(InvalidSetting, match="constraints"):
        lt.Study("fast", SPACE, minimize="error", constraints=given, store=store)
    assert not store.exists()


def test_the_best_trial_keeps_the_limits_and_tells_the_numbers(tmp_path: Path) -> None:
    def train(trial: lt.RunningTrial) -> dict[str, float]:
        return {"error": 10 / trial["width"], "latency_ms": 0.1 * trial["width"]}

    with study(tmp_path / "study.db", latency_ms="<= 20") as run:
        run.run(train, trials=15)
        best = run.best
        assert 150 < best["width"] <= 200
        assert best.violations["latency_ms"] == pytest.approx(0.1 * best["width"] - 20)
        assert best.extra["latency_ms"] == pytest.approx(0.1 * best["width"])
    with lt.Study("fast", store=tmp_path / "study.db") as again:
        assert again.problem.outcome_constraints == (OutcomeConstraint("latency_ms", 20.0),)
        assert again.best.params == best.params and again.verify().ok


def test_another_limit_is_another_study(tmp_path: Path) -> None:
    study(tmp_path / "study.db", latency_ms="<= 20").close()
    study(tmp_path / "study.db", latency_ms="<= 20").close()
    with pytest.raises(StudyMismatch, match="latency_ms <= 20"):
        study(tmp_path / "study.db", latency_ms="<= 30")


def test_a_result_without_the_limited_number_is_refused() -> None:
    run = study(latency_ms="<= 20", error="<= 5")
    trial = run.ask()
    with pytest.raises(InvalidResult, match=r"return a mapping with \['error', 'latency_ms'\]"):
        run.tell(trial, 0.5)
    with pytest.raises(InvalidResult, match="lacks 'latency_ms', which the study limits: latency_ms <= 20"):
        run.tell(trial, {"error": 0.5})
    with pytest.raises(InvalidResult, match="'latency_ms' itself, and not its violation"):
        run.tell(trial, {"error": 0.5, "latency_ms": 3.0, "violations": {"latency_ms": -17.0}})
    told = run.tell(trial, {"error": 6.0, "latency_ms": 3, "violations": {"memory": -1.0}})
    assert told.violations == {"memory": -1.0, "latency_ms": -17.0, "error": 1.0}


def test_an_objective_may_be_limited_itself() -> None:
    goals: dict[str, Any] = {"maximize": "accuracy", "minimize": "size"}
    run = lt.Study("two", SPACE, **goals, constraints={"accuracy": ">= 0.5"}, method=lt.Random(), seed=0)
    run.tell(run.ask(), (3.0, 0.25))
    run.tell(run.ask(), {"accuracy": 0.75, "size": 4.0})
    assert [trial.number for trial in run.front] == [1]
    assert [trial.violations["accuracy"] for trial in run.trials] == [0.25, -0.25]
