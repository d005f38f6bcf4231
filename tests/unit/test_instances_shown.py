"""What is shown of a race over instances while few trials have had all cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

import luthier as lt
from luthier.analysis import cost_curve, known_results, optimization_history, run_seconds, timeline, trial_table
from luthier.plot.pictures.history_picture import history_picture
from luthier.plot.subject import Subject
from luthier.report.findings import Findings
from luthier.report.sections.time_use import time_use


def loss(trial: lt.RunningTrial) -> float:
    if trial["x"] > 0.9:
        raise ValueError("too large")
    return float((trial["x"] - 0.3) ** 2 + 0.1 * (int(trial.instance) % 7))


@pytest.fixture(scope="module")
def race() -> lt.Study:
    """A race in which no trial has had all of the 40 cases."""
    study = lt.Study("race", {"x": lt.Float(0, 1)}, minimize="loss", seed=0, instances=lt.Instances(range(40)))
    study.run(loss, trials=14)
    assert not any(trial.is_done for trial in study.trials)
    return study


def test_trials_stand_at_the_mean_over_their_cases(race: lt.Study) -> None:
    table = trial_table(race.history)
    had = [bool(trial.reports) and trial.reason != "failed" for trial in race.trials]
    assert not all(had) and table.done.tolist() == had == table.eligible.tolist()
    for trial, value in zip(race.trials, table.values[:, 0].tolist(), strict=True):
        assert value == trial.value or math.isnan(value)


def test_the_history_follows_the_incumbents(race: lt.Study) -> None:
    history = optimization_history(trial_table(race.history))
    assert history.improvements[-1] == race.best.number and history.best[-1] == race.best.value
    incumbents = [number for _, number in race.history.reigns]
    assert list(history.improvements) == incumbents and len(set(incumbents)) > 1
    value = {trial.number: trial.value for trial in race.trials}
    for number, best in zip(history.numbers.tolist(), history.best.tolist(), strict=True):
        assert best == value[[one for latest, one in race.history.reigns if latest <= number][-1]]
    assert "no trial has a value" not in str(history_picture(Subject.of(race.reader, acquires=False)).notes)
    costs = cost_curve(trial_table(race.history))
    assert costs.best[-1] == race.best.value


def test_reigns_are_a_fold_and_end_with_a_dropped_trial(race: lt.Study) -> None:
    reigns = tuple(race.history.reigns)
    race.copy(name="copy")  # a fold anew
    assert tuple(lt.Study("copy", store=race.reader.store).history.reigns) == reigns
    gone = lt.Study("gone", {"x": lt.Float(0, 1)}, minimize="loss", seed=0, instances=lt.Instances(range(9)))
    gone.run(loss, trials=6)
    before = gone.best
    ended = next(trial for trial in gone.trials if str(trial.reason) == "pruned")
    gone.forget(ended.number)
    assert gone.best.number == before.number
    assert optimization_history(trial_table(gone.history)).best[-1] == before.value


def test_predictions_learn_from_all_that_had_cases(race: lt.Study) -> None:
    data, numbers = known_results(race.history, race.problem)
    assert numbers == tuple(trial.number for trial in race.trials if trial.reports and trial.reason != "failed")
    assert len(data) == len(data.costs) == len(data.violations) == len(numbers) > len(race.history.data(race.problem))
    np.testing.assert_array_equal(data.x[:, 0], [race.trial(number)["x"] for number in numbers])
    near, far = race.predict([{"x": 0.3}, {"x": 0.75}])
    assert near.intervals["loss"].median < far.intervals["loss"].median
    assert race.expected_best().number in numbers
    assert race.importance().scores["x"] > 0.3
    assert race.forecast(5).best == pytest.approx(race.best.value, abs=0.15)
    assert race.calibration().objective == "loss"


def test_seconds_of_all_runs_are_counted(race: lt.Study) -> None:
    spent = run_seconds(race.reader.events)
    paused = [trial.number for trial in race.trials if trial.state == "paused"]
    assert paused and all(spent[number] > 0 for number in paused)
    spans = timeline(race.reader.events, race.reader.stamps, race.reader.stamps[-1])
    assert sum(spent.values()) <= spans.busy_s
    page = str(time_use(Findings(race)))
    assert "paused" in page and "'0 s'" not in page
