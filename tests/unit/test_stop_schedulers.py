"""Schedulers: promotions against the papers' tables worked out by hand, checkpoints, and what may go wrong."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import luthier as lt
from luthier.errors import InvalidSetting
from luthier.event import Asked, Paused, Promoted, Pruned, Resumed, Told
from luthier.executor import checkpoint
from luthier.problem import Fidelity, Objective, Problem
from luthier.stop import Rule
from luthier.stop.rungs import levels, levels_from_lowest, most_halvings
from luthier.trial import Reason

EPOCHS = lt.Fidelity("epochs", 1, 81)
SPACE = {"x": lt.Float(0, 1)}


def study_of(rule: Rule, fidelity: Fidelity = EPOCHS, **more: Any) -> lt.Study:
    settings: dict[str, Any] = {"method": lt.Random(), "seed": 0, **more}
    return lt.Study("s", SPACE, minimize="y", fidelity=fidelity, stop=rule, **settings)


def loss(trial: lt.RunningTrial) -> float:
    assert trial.until is not None
    return float(trial["x"]) + 1.0 / trial.until


def problem_of(fidelity: Fidelity = EPOCHS, horizon: int | None = None) -> Problem:
    return Problem(lt.Space(SPACE), (Objective("y"),), horizon=horizon, fidelity=fidelity)


# --- tables -------------------------------------------------------------------------------------------


def test_hyperband_has_the_brackets_of_the_paper() -> None:
    """Li et al. (2018), table 1: R = 81, η = 3."""
    assert [
        list(zip(bracket.sizes, bracket.levels, strict=True)) for bracket in lt.Hyperband().brackets(problem_of())
    ] == [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(34, 3), (11, 9), (3, 27), (1, 81)],
        [(15, 9), (5, 27), (1, 81)],
        [(8, 27), (2, 81)],
        [(5, 81)],
    ]


def test_hyperband_of_another_table() -> None:
    """R = 16, η = 4, by hand from algorithm 1: s_max = 2, B = 3 R; n = ⌈3 · 4^s / (s + 1)⌉ = 16, 6, 3."""
    brackets = lt.Hyperband(eta=4).brackets(problem_of(lt.Fidelity("rounds", 1, 16)))
    assert [(bracket.sizes, bracket.levels) for bracket in brackets] == [
        ((16, 4, 1), (1, 4, 16)),
        ((6, 1), (4, 16)),
        ((3,), (16,)),
    ]


def test_successive_halving_halves() -> None:
    """Jamieson and Talwalkar (2016): with η = 2 half of the trials go on with twice as much."""
    (bracket,) = lt.SuccessiveHalving(eta=2).brackets(problem_of(lt.Fidelity("epochs", 1, 16)))
    assert (bracket.sizes, bracket.levels) == ((16, 8, 4, 2, 1), (1, 2, 4, 8, 16))
    (bracket,) = lt.SuccessiveHalving(eta=2, trials=10).brackets(problem_of(lt.Fidelity("epochs", 3, 16)))
    assert (bracket.sizes, bracket.levels) == ((10, 5, 2), (4, 8, 16))


def test_rungs_are_those_that_the_fidelity_allows() -> None:
    assert levels(lt.Fidelity("epochs", 1, 50), 3, 3) == (2, 6, 17, 50)
    assert most_halvings(lt.Fidelity("epochs", 1, 80), 3) == 3
    assert most_halvings(lt.Fidelity("epochs", 40, 81), 3) == 0


@pytest.mark.parametrize(
    ("low", "high", "eta", "rungs"),
    [
        (1, 81, 3, (1, 3, 9, 27, 81)),
        (1, 47, 3, (1, 3, 9, 27, 47)),  # 47 / 27 = 1.741
        (1, 46, 3, (1, 3, 9, 46)),  # 46 / 27 = 1.704, and √3 = 1.732
        (2, 100, 4, (2, 8, 32, 100)),
        (3, 5, 3, (5,)),
    ],
)
def test_rungs_of_asha_begin_at_the_lowest_fidelity(low: int, high: int, eta: int, rungs: tuple[int, ...]) -> None:
    assert levels_from_lowest(lt.Fidelity("epochs", low, high), eta) == rungs
    assert study_of(lt.ASHA(eta=eta), lt.Fidelity("epochs", low, high)).ask().until == rungs[0]


def _history(rule: Rule, trials: int, fidelity: Fidelity = EPOCHS) -> tuple[lt.Study, dict[int, list[int]]]:
    """Run one after the other; gives the numbers of the trials that were run to each number of units."""
    study = study_of(rule, fidelity)
    study.run(loss, trials=trials)
    reached: dict[int, list[int]] = {}
    for trial in study.trials:
        spent = [report.step for report in trial.reports] + ([fidelity.high] if trial.is_done else [])
        for level in spent:
            reached.setdefault(level, []).append(trial.number)
    return study, reached


def test_a_bracket_of_halving_promotes_the_best_third_each_time() -> None:
    study, reached = _history(lt.SuccessiveHalving(), 81)
    by_x = sorted(range(81), key=lambda number: study.trials[number].params["x"])
    assert {level: sorted(numbers) for level, numbers in reached.items()} == {
        1: list(range(81)),
        3: sorted(by_x[:27]),
        9: sorted(by_x[:9]),
        27: sorted(by_x[:3]),
        81: by_x[:1],
    }
    assert study.verify().ok


def test_a_whole_cycle_of_hyperband_promotes_as_the_table_says() -> None:
    study, reached = _history(lt.Hyperband(), 81 + 34 + 15 + 8 + 5)
    begin = 0
    expected: dict[int, list[int]] = {}
    for rungs in (
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(34, 3), (11, 9), (3, 27), (1, 81)],
        [(15, 9), (5, 27), (1, 81)],
        [(8, 27), (2, 81)],
        [(5, 81)],
    ):
        ranked = sorted(range(begin, begin + rungs[0][0]), key=lambda number: study.trials[number].params["x"])
        for count, level in rungs:
            expected.setdefault(level, []).extend(ranked[:count])
        begin += rungs[0][0]
    assert {level: sorted(numbers) for level, numbers in reached.items()} == {
        level: sorted(numbers) for level, numbers in expected.items()
    }
    spent = sum(max(report.step for report in trial.reports) if trial.reports else 81 for trial in study.trials)
    assert spent < 143 * 81 / 5
    assert study.verify().ok


def test_asynchronous_halving_follows_the_algorithm() -> None:
    """Algorithm 2 of Li et al. (2020), η = 3, rungs 1, 3, 9, one worker: every step by hand.

    Losses in the order of asking: 5, 4, 3, 9, 2, 1, … The best of three results at rung 0 is promoted, then the best of
    five, then the best two of six; and of three results at rung 1 the best.
    """
    study = study_of(lt.ASHA(), lt.Fidelity("epochs", 1, 9))
    losses = [5.0, 4.0, 3.0, 9.0, 2.0, 1.0, 8.0, 7.0, 6.0]
    order: list[tuple[int, int | None]] = []
    while len(order) < 13:
        trial = study.ask()
        order.append((trial.number, trial.until))
        trial.report(losses[trial.number], trial.until)
        while trial.until != 9 and not trial.should_stop():  # promoted at once
            until = study.reader.trial(trial.number).trial.until
            order.append((trial.number, until))
            trial.report(losses[trial.number], until)
            if until == 9:
                break
        study.tell(trial, losses[trial.number])
    assert order == [
        (0, 1), (1, 1), (2, 1),  # 5 4 3: one of three is promoted, trial 2, at once
        (2, 3),  # it is alone at its rung, and is paused
        (3, 1), (4, 1),  # 9 2: one of five, which is trial 4
        (4, 3),  # two results at rung 1 promote none
        (5, 1),  # 1: two of six, and of these trial 5 was not promoted yet
        (5, 3),  # one of three at rung 1, and it is this one
        (5, 9),
        (6, 1), (7, 1), (8, 1),  # 8 7 6: three of nine, and these are 5, 4 and 2, which were promoted
    ]  # fmt: skip
    assert study.verify().ok


def test_one_step_finishes_the_best_few() -> None:
    study, reached = _history(lt.OneStep(keep=3), 40)
    by_x = sorted(range(40), key=lambda number: study.trials[number].params["x"])
    assert reached == {1: list(range(40)), 81: sorted(by_x[:3])}
    with pytest.raises(InvalidSetting, match="how many"):
        study_of(lt.OneStep()).run(loss, target=-1.0)
    rounds, reached = _history(lt.OneStep(keep=1, trials=10), 20)
    assert len(reached[81]) == 2 and rounds.verify().ok


def test_the_last_bracket_is_cut_to_the_trials_that_are_left() -> None:
    _, reached = _history(lt.SuccessiveHalving(), 90)
    assert {level: len(numbers) for level, numbers in reached.items()} == {1: 90, 3: 27 + 3, 9: 10, 27: 4, 81: 2}


def test_a_run_that_gets_more_trials_goes_on_with_its_bracket() -> None:
    study = study_of(lt.SuccessiveHalving(), lt.Fidelity("epochs", 1, 9))
    study.run(loss, trials=4)
    assert study.reader.counts == {"paused": 3, "done": 1}
    study.run(loss, trials=9)
    assert len([trial for trial in study.trials if 3 in [report.step for report in trial.reports]]) >= 3
    assert study.verify().ok


# --- objectives ---------------------------------------------------------------------------------------


def in_steps(trial: lt.RunningTrial) -> float:
    value = 9.0
    for epoch in range(trial.start + 1, 82):
        value = float(trial["x"]) + 1.0 / epoch
        trial.report(value, epoch)
        if trial.should_stop():
            break
    return value


@pytest.mark.parametrize("rule", [lt.ASHA(), lt.Hyperband(), lt.SuccessiveHalving(), lt.OneStep()])
def test_an_objective_in_steps_and_one_that_trains_at_once_are_promoted_alike(rule: Rule) -> None:
    first, second = study_of(rule), study_of(rule)
    first.run(loss, trials=90)
    second.run(in_steps, trials=90)
    assert [(trial.number, trial.state, trial.values) for trial in first.trials] == [
        (trial.number, trial.state, trial.values) for trial in second.trials
    ]


def test_an_objective_that_looks_at_nothing_is_done_at_once() -> None:
    study = study_of(lt.ASHA())

    def in_full(trial: lt.RunningTrial) -> float:
        for epoch in range(1, 82):
            trial.report(1.0 / epoch, epoch)
        return float(trial["x"])

    study.run(in_full, trials=5)
    assert study.reader.counts == {"done": 5} and study.verify().ok


def test_an_objective_that_fails_at_a_rung_does_not_hold_its_bracket_up() -> None:
    study = study_of(lt.SuccessiveHalving(), lt.Fidelity("epochs", 1, 9))

    def failing(trial: lt.RunningTrial) -> float:
        if trial.number % 3 == 0:
            raise ValueError("no")
        if trial.number == 4:
            trial.report(float("nan"), trial.until)
        return float("nan") if trial.number == 1 else loss(trial)

    study.run(failing, trials=9)
    assert study.reader.counts["done"] >= 1 and study.reader.counts["failed"] == 3
    assert study.trials[1].reason is Reason.NONFINITE
    assert study.trials[4].reason is Reason.NONFINITE  # whatever it returned after a NaN at its rung
    assert study.verify().ok


def test_a_scheduler_and_a_rule() -> None:
    study = study_of(lt.ASHA() | lt.Threshold(1.5))
    study.run(in_steps, trials=30)
    for trial in study.trials:
        assert (trial.reason is Reason.PRUNED) == (trial.params["x"] + 1.0 > 1.5)
    assert {event.by for event in study.history.events if isinstance(event, Pruned)} == {"Threshold"}
    assert study.verify().ok


def test_promotions_are_events_and_paused_trials_are_no_outcomes() -> None:
    study = study_of(lt.ASHA())
    study.run(loss, trials=30)
    kinds = [type(event) for event in study.history.events]
    assert Paused in kinds and Resumed in kinds and Promoted in kinds
    assert kinds.count(Told) == study.reader.counts.get("done", 0)
    assert all(event.until == 1 for event in study.history.events if isinstance(event, Asked))
    assert len(study.history.paused) == study.reader.counts["paused"]
    frozen = study.history.paused[0]
    study.forget(frozen)
    assert study.trials[frozen].forgotten and frozen not in study.history.paused
    assert study.verify().ok


def test_ask_and_tell_with_a_scheduler() -> None:
    study = study_of(lt.SuccessiveHalving(), lt.Fidelity("epochs", 1, 9))
    for _ in range(9 + 3 + 1):
        trial = study.ask()
        study.tell(trial, trial["x"])
    done = [trial for trial in study.trials if trial.is_done]
    assert len(study.trials) == 9 and [trial.number for trial in done] == [
        min(study.trials, key=lambda trial: trial.params["x"]).number
    ]
    assert study.ask().number == 9


def test_four_workers_never_wait_and_promotions_are_proved() -> None:
    for rule in (lt.ASHA(), lt.Hyperband(), lt.SuccessiveHalving()):
        study = study_of(rule, lt.Fidelity("epochs", 1, 27))
        study.run(loss, trials=60, workers=4, executor="threads")
        verification = study.verify()
        assert verification.ok and verification.rulings > 60
        assert study.reader.counts["done"] >= 1


# --- checkpoints --------------------------------------------------------------------------------------


def train(trial: lt.RunningTrial) -> float:
    """Count epochs in a file; a trial that goes on counts on."""
    count = int(trial.resume_from.read_text()) if trial.resume_from else 0
    for epoch in range(trial.start + 1, 10):
        count += 1
        saved = trial.folder / "count.txt"
        saved.write_text(str(count))
        assert trial.checkpoint(saved, step=epoch).read_text() == str(count)
        trial.report(float(trial["x"]) + 1.0 / count, epoch)
        if trial.should_stop():
            break
    trial.set(count=count)
    return float(trial["x"]) + 1.0 / count


def test_a_promoted_trial_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    study = study_of(lt.ASHA(), lt.Fidelity("epochs", 1, 9), store=tmp_path / "s.db")
    study.run(train, trials=12)
    for trial in study.trials:
        assert trial.attributes["count"] == trial.reports[-1].step and trial.attributes["checkpoint"] == 1
        assert len(list((study.folder(trial) / "checkpoints").iterdir())) == 1
    assert study.best.attributes["count"] == 9
    assert any(trial.attempts > 1 for trial in study.trials)


def test_a_checkpoint_that_vanished_costs_no_trial(tmp_path: Path) -> None:
    study = study_of(lt.ASHA(), lt.Fidelity("epochs", 1, 9), store=tmp_path / "s.db")
    study.run(train, trials=2)
    for trial in study.trials:
        shutil.rmtree(study.folder(trial) / "checkpoints")
    with pytest.warns(RuntimeWarning, match="its checkpoint is not in"):
        study.run(train, trials=9)
    lost = [trial for trial in study.trials if "checkpoint_lost" in trial.attributes]
    assert lost and all(trial.attributes["checkpoint_lost"] for trial in lost)
    assert all(trial.attributes["count"] == trial.reports[-1].step for trial in study.trials)
    assert study.verify().ok


def test_folders_are_checkpoints_too_and_what_is_not_there_is_refused(tmp_path: Path) -> None:
    found: list[Any] = []

    def objective(trial: lt.RunningTrial) -> float:
        if trial.resume_from is not None:
            found.append((trial.start, (trial.resume_from / "inner" / "a.txt").read_text()))
            return 1.0
        folder = tmp_path / "model"
        (folder / "inner").mkdir(parents=True, exist_ok=True)
        (folder / "inner" / "a.txt").write_text("weights")
        trial.checkpoint(folder, step=4)
        with pytest.raises(InvalidSetting, match="no such file"):
            trial.checkpoint(tmp_path / "nowhere")
        assert trial.start == 4 and trial.resume_from is not None
        raise KeyboardInterrupt

    study = lt.Study("s", SPACE, minimize="y", method=lt.Random(), store=tmp_path / "s.db")
    with pytest.raises(KeyboardInterrupt):
        study.run(objective, trials=1)
    study.run(objective, trials=1)
    assert found == [(4, "weights")]
    assert study.trials[0].is_done


def test_a_folder_that_holds_the_checkpoints_is_none_itself(tmp_path: Path) -> None:
    def objective(trial: lt.RunningTrial) -> float:
        for folder in (trial.folder, trial.folder / "checkpoints", tmp_path):
            folder.mkdir(exist_ok=True)
            with pytest.raises(InvalidSetting, match="a folder of its own"):
                trial.checkpoint(folder, step=1)
        (trial.folder / "state").mkdir()
        trial.checkpoint(trial.folder / "state", step=1)
        return float(trial.start)

    study = lt.Study("s", SPACE, minimize="y", method=lt.Random(), store=tmp_path / "s.db")
    study.run(objective, trials=1)
    assert study.trials[0].value == 1.0


def test_a_checkpoint_of_what_is_read_only_can_be_replaced(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights").write_text("w")
    (model / "weights").chmod(0o444)
    model.chmod(0o555)
    for step in (1, 2):
        kept = checkpoint.keep(tmp_path / "trial", model, step)
        assert (kept / "content" / "weights").stat().st_mode & 0o200 and (kept / "content").stat().st_mode & 0o200
    assert [path.name for path in (tmp_path / "trial" / "checkpoints").iterdir()] == ["2-2"]
    model.chmod(0o755)


def test_without_a_fidelity_nothing_is_said_of_it() -> None:
    study = lt.Study("s", SPACE, minimize="y")
    assert study.ask().until is None and study.problem.fidelity is None

    def objective(trial: lt.RunningTrial) -> float:
        assert (trial.until, trial.start, trial.resume_from) == (None, 0, None)
        trial.report(1.0)
        return 1.0

    study.run(objective, trials=2)
    assert [report.step for report in study.trials[1].reports] == [0]
    assert study_of(lt.Median()).ask().until == 81


def test_steps_count_on_from_a_checkpoint_where_none_is_given(tmp_path: Path) -> None:
    study = study_of(lt.SuccessiveHalving(trials=2), lt.Fidelity("epochs", 2, 6), store=tmp_path / "s.db")

    def objective(trial: lt.RunningTrial) -> float:
        for _ in range(trial.start, trial.until or 0):
            (trial.folder / "w").write_text("")
            trial.checkpoint(trial.folder / "w")
            trial.report(float(trial["x"]))
        return float(trial["x"])

    study.run(objective, trials=2)
    steps = sorted([report.step for report in trial.reports] for trial in study.trials)
    assert steps == [[1, 2], [1, 2, 3, 4, 5, 6]]
