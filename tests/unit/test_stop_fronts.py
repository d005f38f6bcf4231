"""Several objectives at rungs: the order of trials against brute force, promotions by hand, reports at the door."""

from __future__ import annotations

import json
import math
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import luthier as lt
from check_set import examples
from luthier import event
from luthier.cli.studyfile.read import read_study
from luthier.errors import InvalidFile, InvalidResult, InvalidSetting
from luthier.event import Promoted, Reported, Resumed
from luthier.numeric import crowding_distance, front_order, hypervolume
from luthier.stop import Rule
from luthier.stop.rungs import RungLosses
from luthier.store import Memory
from luthier.trial import Report

SPACE = lt.Space({"x": lt.Float(0, 1)})
EPOCHS = lt.Fidelity("epochs", 1, 9)
GOALS = ["loss", "size"]


def study_of(rule: Rule | None = None, **more: Any) -> lt.Study:
    given: dict[str, Any] = {"method": lt.Random(), "seed": 0, "minimize": GOALS, "fidelity": EPOCHS, **more}
    return lt.Study("s", SPACE, stop=rule, **given)


# --- the order, against brute force -------------------------------------------------------------------


def _dominates(one: list[float], other: list[float]) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True)) and one != other


def _fronts(rows: list[list[float]]) -> list[list[int]]:
    left, found = list(range(len(rows))), []
    while left:
        front = [i for i in left if not any(_dominates(rows[j], rows[i]) for j in left)]
        found.append(front)
        left = [i for i in left if i not in front]
    return found


def _scaled(front: list[list[float]]) -> np.ndarray:
    losses = np.array(front) / 4.0
    width = losses.max(axis=0) - losses.min(axis=0)
    scaled: np.ndarray = (losses - losses.min(axis=0)) / np.where(width > 0, width, 1.0)
    return scaled


def _by_volume(front: list[list[float]]) -> list[int]:
    """Give the places of a front by trying every row at every step."""
    scaled, reference = _scaled(front), np.full(len(front[0]), 1.1)
    order: list[int] = []
    while len(order) < len(front):
        gains = {
            row: hypervolume(scaled[[*order, row]], reference) - (hypervolume(scaled[order], reference) if order else 0)
            for row in range(len(front))
            if row not in order
        }
        most = max(gains.values())
        order.append(min(row for row, gain in gains.items() if gain == most))
    return order


_TIED = st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0, -3.0])


@given(st.data(), st.integers(2, 4), st.integers(0, 14))
@settings(max_examples=examples(150), deadline=None)
def test_fronts_come_in_order_and_the_first_rows_of_each_cover_it(data: st.DataObject, goals: int, count: int) -> None:
    losses = data.draw(arrays(np.float64, (count, goals), elements=_TIED | st.floats(-1e308, 1e308)))
    order = front_order(losses).tolist()
    rows, place = losses.tolist(), 0
    for front in _fronts(rows):
        mine = order[place : place + len(front)]
        assert sorted(mine) == front
        if goals <= 3:
            gained = [
                hypervolume(_scaled([rows[i] for i in mine])[: k + 1], np.full(goals, 1.1)) for k in range(len(mine))
            ]
            best = _by_volume([rows[i] for i in front])
            wanted = [
                hypervolume(_scaled([rows[i] for i in front])[best[: k + 1]], np.full(goals, 1.1))
                for k in range(len(best))
            ]
            assert gained == pytest.approx(wanted, abs=1e-9)
        else:
            crowding = crowding_distance(losses[front])[[front.index(i) for i in mine]].tolist()
            assert crowding == sorted(crowding, reverse=True)
        place += len(front)
    assert place == count


def test_of_equal_rows_the_first_one_comes_first_and_the_middle_before_the_ends() -> None:
    losses = np.array([[0.0, 4.0], [1.0, 1.0], [4.0, 0.0], [1.0, 1.0], [5.0, 5.0]])
    assert front_order(losses).tolist() == [1, 0, 2, 3, 4]


def test_a_long_front_goes_on_by_crowding_distance() -> None:
    along = np.linspace(0, 1, 60)
    order = front_order(np.column_stack([along, (1 - along) ** 2]))
    assert sorted(order.tolist()) == list(range(60))
    assert len(set(order[:25].tolist())) == 25 and {0, 59} & set(order[:26].tolist())


_VALUES = st.none() | st.tuples(*[st.sampled_from([0.0, 1.0, 2.0, 3.0, math.nan, math.inf])] * 2)


@given(st.lists(_VALUES, max_size=9))
@settings(max_examples=examples(100), deadline=None)
def test_trials_at_a_rung_are_ordered_by_front_and_what_diverged_is_none(values: list[Any]) -> None:
    study = study_of(lt.ASHA())
    for one in values:
        trial = study.ask()
        if one is not None:
            study.report(trial, one, 1)
    history = study.history
    ranked = [trial.number for trial in RungLosses(history).best_first(history.trials, 1)]
    finite = [i for i, one in enumerate(values) if one is not None and all(map(math.isfinite, one))]
    assert sorted(ranked) == finite
    place = 0
    for front in _fronts([list(values[i]) for i in finite]):
        assert sorted(ranked[place : place + len(front)]) == sorted(finite[i] for i in front)
        place += len(front)


# --- promotions, by hand ------------------------------------------------------------------------------

_CURVES = [
    (0.9, 0.1),
    (0.5, 0.5),
    (0.1, 0.9),
    (0.6, 0.6),
    (0.9, 0.9),
    (0.55, 0.52),
    (0.2, 0.95),
    (0.95, 0.2),
    (0.8, 0.8),
]
"""The front: trials 0, 1, 2; then 5, 6, 7; 3; 8; 4. Trial 1 adds most volume, then the ends alike."""


def _train(trial: lt.RunningTrial) -> dict[str, float]:
    loss, size = _CURVES[trial.number]
    assert trial.until is not None
    return {"loss": loss + 1 / trial.until, "size": size}


def test_successive_halving_promotes_the_front() -> None:
    study = study_of(lt.SuccessiveHalving(trials=9))
    study.run(_train, trials=9)
    promoted = {one.number: one.until for one in study.history.events if isinstance(one, Promoted | Resumed)}
    assert promoted == {1: 9, 0: 3, 2: 3}
    assert [trial.number for trial in study.trials if trial.is_done] == [1]
    assert study.verify().ok


def test_asha_promotes_who_is_among_the_first_third_by_dominance() -> None:
    study = study_of(lt.ASHA())
    moves: list[Any] = []
    for values in [(3.0, 3.0), (2.0, 2.0), (1.0, 4.0), (4.0, 1.0), (1.5, 1.5), (9.0, 9.0)]:
        trial = study.ask()
        study.report(trial, dict(zip(GOALS, values, strict=True)))
        moves.append(study.history.trial(trial.number).ruling.value)
    # Of three, trials 1 and 2 are the front, two ends that are worth the same: the lower number is first, and trial 2
    # waits. Of four, trial 1 adds most. Of five, the front is 2, 3 and 4, of which 4 adds most: it goes on at once.
    assert moves == ["pause", "pause", "pause", "pause", "promote", "pause"]
    assert study.verify().ok


@pytest.mark.parametrize("method", [lt.Auto(initial=4), lt.Bayes(lt.Parzen(), lt.EI()), lt.Evolution("nsga2")])
@pytest.mark.parametrize(
    "rule", [lt.ASHA(), lt.Hyperband(), lt.OneStep(keep=2, trials=6)], ids=lambda r: type(r).__name__
)
def test_every_method_proposes_under_a_scheduler_and_all_of_it_is_proved(rule: Rule, method: Any) -> None:
    def bowl(trial: lt.RunningTrial) -> dict[str, float]:
        assert trial.until is not None
        return {"loss": trial["x"] ** 2 + 1 / trial.until, "size": (trial["x"] - 1) ** 2}

    study = study_of(rule, method=method)
    study.run(bowl, trials=12)
    verification = study.verify()
    assert verification.ok and verification.proved == 12 and verification.rulings > 3
    assert study.front


def test_a_trial_with_less_teaches_each_objective_what_it_may_end_with() -> None:
    study = study_of(lt.SuccessiveHalving(trials=9))
    study.run(_train, trials=9)
    data = study.history.data(study.problem)
    stopped = data.stopped
    assert stopped.tell and stopped.losses.shape == (8, 2) and not len(data.pending)
    # From one epoch to three a loss falls by 2/3 and a size not at all, by what the promoted trials show.
    assert stopped.losses[:, 1] == pytest.approx(
        [size for number, (_, size) in enumerate(_CURVES) if number != 1], abs=1e-9
    )
    assert (stopped.losses[2:, 0] < [loss + 0.6 for number, (loss, _) in enumerate(_CURVES) if number > 2]).all()


# --- at the door --------------------------------------------------------------------------------------

_WRONG = [
    ((0.5,), "a number for each of the study's 2 objectives"),
    ((0.5, 0.5, 0.5), "a number for each"),
    ({"loss": 0.5}, "'size'"),
    ({"loss": 0.5, "size": 1.0, "sise": 1.0}, "'size'"),
    ((0.5, None), "a number for each"),
    ((0.5, "1"), "a number for each"),
    ((0.5, True), "a number for each"),
    ("0.5", "a number for each"),
    (None, "a number for each"),
    ({0.5, 0.6}, "a number for each"),
    (np.array([[0.5, 0.6]]), "a number for each"),
]


@pytest.mark.parametrize(("wrong", "why"), _WRONG)
def test_a_wrong_report_is_refused_and_nothing_is_lost(wrong: Any, why: str) -> None:
    study = study_of(lt.ASHA())
    trial = study.ask()
    with pytest.raises(InvalidResult, match=why):
        trial.report(wrong)
    trial.report((0.5, 2.0))
    assert study.history.trial(0).reports == (Report(1, 0.5, 1, (2.0,)),)
    failed = study_of(lt.ASHA())
    failed.run(lambda running: running.report(wrong), trials=1)
    assert why in failed.trials[0].error and not failed.trials[0].reports


def test_where_a_scheduler_compares_them_one_number_is_not_enough() -> None:
    study = study_of(lt.ASHA())
    with pytest.raises(InvalidResult, match="2 objectives, as a scheduler compares them"):
        study.report(study.ask(), 0.5)
    study.run(lambda running: running.report(0.5), trials=2)
    assert "as a scheduler compares them" in study.trials[1].error
    alone = study_of(fidelity=None)
    trial = alone.ask()
    trial.report(0.5)  # nobody compares
    assert alone.history.trial(0).reports == (Report(0, 0.5),)
    with pytest.raises(InvalidResult, match="reports 2 of the objectives after 1"):
        trial.report((0.25, 1.0))


def test_several_values_are_refused_in_a_study_of_one_objective() -> None:
    study = lt.Study("s", SPACE, minimize="loss", method=lt.Random(), seed=0)
    for wrong in ((0.5, 0.5), {"loss": 0.5}):
        with pytest.raises(InvalidResult, match="is a number, not"):
            study.ask().report(wrong)  # type: ignore[arg-type]


def test_the_mixture_within_a_run_fails_its_trial() -> None:
    def mixed(trial: lt.RunningTrial) -> tuple[float, float]:
        trial.report(1.0)
        trial.report((1.0, 2.0))
        return 1.0, 2.0

    study = study_of(fidelity=None)
    study.run(mixed, trials=1)
    assert "other objectives than the last one" in study.trials[0].error


def test_an_array_and_numbers_in_any_order_of_names_will_do() -> None:
    study = study_of(lt.ASHA(), minimize="loss", maximize="gain")
    for value in (np.array([0.5, 2.0]), {"gain": np.float32(2.0), "loss": 0.5}, [0.5, 2]):
        trial = study.ask()
        trial.report(value)  # type: ignore[arg-type]
        assert study.history.trial(trial.number).reports[0].values == (0.5, 2.0)
    assert study.history.rung_losses(1)[1].tolist() == [[0.5, -2.0]] * 3


def test_a_report_with_nan_is_the_worst_of_its_rung() -> None:
    study = study_of(lt.ASHA())
    for values in ((math.nan, 1.0), (3.0, 3.0), (1.0, math.inf), (2.0, 2.0)):
        study.report(study.ask(), values)
    history = study.history
    assert [trial.number for trial in RungLosses(history).best_first(history.trials, 1)] == [3, 1]
    assert [trial.ruling.value for trial in history.trials] == ["pause"] * 3 + ["promote"]  # of four the best one
    assert study.verify().ok


@pytest.mark.parametrize("rule", [lt.Median(), lt.Percentile(), lt.Threshold(1.0), lt.Patience(), lt.Wilcoxon(),
                                  lt.CurveExtrapolation(), lt.ASHA() | lt.Threshold(1.0),
                                  lt.Median() & lt.Patience()], ids=str)  # fmt: skip
def test_rules_of_one_number_say_so(rule: Rule) -> None:
    with pytest.raises(InvalidSetting, match=r"compares one number of each report.*several objectives.*lt\.ASHA"):
        study_of(rule)
    study = study_of(lt.ASHA())
    with pytest.raises(InvalidSetting, match="compares one number"):
        study.rule = rule


# --- stored and shown ---------------------------------------------------------------------------------


@given(st.lists(st.floats(), min_size=1, max_size=4))
def test_a_report_is_stored_and_read_back(values: list[float]) -> None:
    written = event.encode(Reported(3, 7, 2, values[0], tuple(values[1:])))
    back = event.decode(written)
    assert isinstance(back, Reported) and repr(back) == repr(Reported(3, 7, 2, values[0], tuple(values[1:])))


def test_logs_of_earlier_versions_rank_by_the_first_objective() -> None:
    """As they were written: one number a report."""
    assert event.decode(b'{"type":"reported","number":0,"token":1,"step":1,"value":0.5}') == Reported(0, 1, 1, 0.5)
    study = study_of(lt.ASHA())
    trials = [study.ask() for _ in range(3)]
    old = [Reported(trial.number, trial.token, 1, value) for trial, value in zip(trials, (2.0, 1.0, 3.0), strict=True)]
    history = study.history.extend(old)
    assert [trial.number for trial in RungLosses(history).best_first(history.trials, 1)] == [1, 0, 2]
    newer = history.extend([Reported(0, trials[0].token, 1, 5.0, (5.0,))])
    assert [trial.number for trial in RungLosses(newer).best_first(newer.trials, 1)] == [0, 1, 2]
    assert len(history.data(study.problem).pending) == 3  # they teach nothing, as before


def test_a_stored_rule_of_one_number_goes_on(tmp_path: Path) -> None:
    store = Memory()
    study = lt.Study("s", SPACE, minimize=GOALS, method=lt.Random(), seed=0, store=store)
    study._asking._reports.rule = lt.Median(trials=1)  # as an earlier version let one have it
    study.run(lambda trial: (trial.report(trial["x"]), (trial["x"], 1.0))[1], trials=3)
    again = lt.Study("s", store=store)
    assert again.rule == lt.Median(trials=1)
    again.run(lambda trial: (trial.report(trial["x"]), (trial["x"], 1.0))[1], trials=6)
    assert again.verify().ok


def test_a_study_file_names_a_rule_for_several_objectives(tmp_path: Path) -> None:
    text = """[study]
minimize = ["loss", "size"]
fidelity = {epochs = [1, 9]}
[objective]
command = "echo 1 2"
[space]
x = {float = [0, 1]}
[stop]
use = "ASHA"
"""
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    assert read_study(tmp_path / "study.toml").stop == lt.ASHA()
    (tmp_path / "study.toml").write_text(text.replace("ASHA", "Median"), encoding="utf-8")
    with pytest.raises(InvalidFile, match=r"line 9.*compares one number, and the study has 2 objectives"):
        read_study(tmp_path / "study.toml")


@pytest.mark.parametrize("executor", ["inline", "threads", "processes", "pool", "processes of a pool"])
def test_executors_carry_all_values(executor: str) -> None:
    study, workers = study_of(lt.ASHA()), 1 if executor == "inline" else 2
    pools: dict[str, Any] = {"pool": ThreadPoolExecutor, "processes of a pool": ProcessPoolExecutor}
    with pools[executor](2) if executor in pools else nullcontext(executor) as place:
        study.run(_in_steps, trials=6, workers=workers, executor=place)
    for trial in study.trials:
        assert trial.reports and all(len(report.values) == 2 for report in trial.reports)
        assert trial.reports[0].values == (trial["x"] + 1.0, trial["x"] - 1.0)
    assert study.verify().ok


def _in_steps(trial: lt.RunningTrial) -> tuple[float, float]:
    values = 0.0, 0.0
    for epoch in range(1, 10):
        values = trial["x"] + 1.0 / epoch, trial["x"] - 1.0 / epoch
        trial.report(values)
        if trial.should_stop():
            break
    return values


def test_results_tables_and_pictures_have_them(tmp_path: Path) -> None:
    study = study_of(lt.ASHA(), store=tmp_path / "s.db")
    study.run(_in_steps, trials=12)
    first = study.trials[0]
    x = first["x"]
    assert first.to_dict()["reports"][0] == [1, x + 1.0, x - 1.0]
    assert study.reader.columns()["reports"][0][0] == [1, x + 1.0, x - 1.0]
    json.dumps(first.to_dict())
    for objective in (None, *GOALS):
        picture = study.plot.reports(objective=objective, backend="picture")
        assert picture.panels[0].y.title == (objective or "loss")
    with pytest.raises(InvalidSetting, match="no objective 'sise'"):
        study.plot.reports(objective="sise")
    assert "epochs" in Path(study.report(tmp_path / "report.html")).read_text(encoding="utf-8")
