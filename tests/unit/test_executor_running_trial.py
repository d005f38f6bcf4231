"""RunningTrial, Limits, and the results of what an objective returns or raises."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from luthier.errors import InvalidResult, InvalidSetting, TrialPruned
from luthier.executor import Limits, RunningTrial, Task
from luthier.executor.running_trial import clean, perform, plain
from luthier.trial import Reason


def _running(**params: object) -> RunningTrial:
    return RunningTrial(Task(3, 1, params), lambda step, value: None, lambda: False)


def test_limits_refuse_what_makes_no_sense() -> None:
    for settings in (
        {"time_s": 0},
        {"time_s": -1.0},
        {"memory_mb": math.nan},
        {"grace_s": -0.1},
        {"grace_s": math.inf},
    ):
        with pytest.raises(InvalidSetting, match=next(iter(settings))):
            Limits(**settings)


def test_limits_are_filled_from_others() -> None:
    assert Limits(1.0, None, 2.0).fill(Limits(9.0, 8.0, 7.0)) == Limits(1.0, 8.0, 2.0)
    assert Limits().fill(Limits()) == Limits()


def test_running_reads_like_a_mapping() -> None:
    trial = _running(x=1, y="a")
    assert (trial["x"], dict(trial), len(trial), "y" in trial, "z" in trial) == (1, {"x": 1, "y": "a"}, 2, True, False)
    assert repr(trial) == "RunningTrial(3: x=1, y='a')"
    assert (trial.get("z", 7), list(trial.items())) == (7, [("x", 1), ("y", "a")])
    assert json.loads(json.dumps(trial.params)) == trial.params  # a dict, which everything takes
    with pytest.raises(AttributeError, match=r"use trial\.should_stop\(\)"):
        trial.should_prune  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match=r"declared in the study's space"):
        trial.suggest_float("x", 0, 1)  # type: ignore[attr-defined]
    with pytest.raises(KeyError, match="z: no variable of this trial; active are 'x', 'y'"):
        trial["z"]


def test_running_knows_its_circumstances(tmp_path: Path) -> None:
    context = {"study": "s", "seed": 12, "folder": str(tmp_path / "a" / "00003")}
    trial = RunningTrial(Task(3, 1, {}, attempt=2, context=context), lambda step, value: None, lambda: True)
    assert (trial.number, trial.attempt, trial.seed, trial.folder) == (3, 2, 12, tmp_path / "a" / "00003")
    assert trial.context == context
    assert trial.should_stop()
    bare = _running()
    assert (bare.seed, dict(bare.context)) == (3, {})
    with pytest.raises(InvalidSetting, match="trial 3 has no folder"):
        _ = bare.folder


def test_reports_count_their_steps() -> None:
    sent = []
    trial = RunningTrial(Task(0, 1, {}), lambda step, value: sent.append((step, value)), lambda: False)
    trial.report(1)
    trial.report(np.float32(0.5), step=4)
    trial.report(math.nan)
    assert trial.reports == tuple(sent)
    assert sent[:2] == [(0, 1.0), (4, 0.5)]
    assert sent[2][0] == 5
    for value, step in ((None, None), ("x", None), (1.0, -1), (1.0, 0.5), (1.0, "x")):
        with pytest.raises(InvalidResult, match="of trial 0"):
            trial.report(value, step)
    assert len(sent) == 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(1.5), 1.5),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array(2.5), 2.5),
        (np.array([2.5]), 2.5),
        (np.array([1, 2]), [1, 2]),
        (Decimal("0.5"), 0.5),
        (-(10**400), -math.inf),
        (2**5000 * Fraction(1, 3), math.inf),
        (Fraction(1, 4), 0.25),
        (np.longdouble(1.25), 1.25),
        ({"loss": Fraction(1, 2), "$odd": (1, [2])}, {"loss": 0.5, "$odd": (1, [2])}),
    ],
)
def test_values_become_plain(value: object, expected: object) -> None:
    made = plain(value)
    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    "value", [object(), {1: 2.0}, {"x": object()}, np.zeros(2, complex), 1j, b"x", "\ud800", {1, 2}]
)
def test_what_is_no_plain_data_is_refused(value: object) -> None:
    with pytest.raises(InvalidResult, match="the objective"):
        plain(value)
    made = perform(lambda trial: value, _running())
    assert (made.reason, made.value) == (Reason.FAILED, None)


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(InvalidResult, match="cannot be stored"):
        plain(endless)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("bad"), Reason.FAILED),
        (SystemExit(1), Reason.FAILED),
        (KeyboardInterrupt(), Reason.FAILED),
        (MemoryError(), Reason.MEMORY),
        (TrialPruned("enough"), Reason.PRUNED),
    ],
)
def test_every_exception_is_an_outcome(error: BaseException, reason: Reason) -> None:
    def objective(trial: RunningTrial) -> float:
        trial.report(0.5)
        raise error

    made = perform(objective, _running())
    assert (made.number, made.token, made.reason, made.value, made.reports) == (3, 1, reason, None, ((0, 0.5),))
    with pytest.raises(type(error)):
        perform(objective, _running(), passing=(type(error),))


def test_an_exception_whose_text_fails_is_an_outcome_too() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    def objective(trial: RunningTrial) -> float:
        raise Mute

    assert perform(objective, _running()).error.startswith("test_executor_running_trial.")


def test_a_traceback_begins_with_the_objective_and_has_the_cause() -> None:
    def objective(trial: RunningTrial) -> float:
        try:
            return 1 / 0
        except ZeroDivisionError as cause:
            raise ValueError("no \ud800 way") from cause

    error = perform(objective, _running()).error
    assert error.startswith("ValueError: no \\ud800 way\n\n")
    assert "ZeroDivisionError: division by zero" in error
    assert "in perform" not in error


def test_long_texts_are_cut_in_the_middle() -> None:
    text = clean("a" * 30_000 + "b" * 30_000)
    assert len(text) < 21_000
    assert text.startswith("aaa")
    assert text.endswith("bbb")
    assert "[… 40000 characters …]" in text
