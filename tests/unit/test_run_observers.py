"""Callbacks of a run that are called for paused trials, too, and when the run ends."""

from __future__ import annotations

from typing import Any

import pytest

import luthier as lt
from luthier.interop import Tracker
from luthier.interop.tracker import TrackedTrial
from luthier.study import StudyReader, TrialResult

SPACE = {"x": lt.Float(0, 1)}


class Observer:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, study: lt.Study, result: TrialResult) -> None:
        self.seen.append(str(result.reason or result.state))

    def ended(self, study: lt.Study) -> None:
        self.seen.append(f"ended after {len(study)}")


class ListTracker(Tracker):
    """Keeps what it records in a list that is shared by processes, so to speak."""

    def __init__(self, records: dict[int, TrackedTrial]) -> None:
        super().__init__()
        self.records = records
        self.broken = False

    def _find_marks(self, study: StudyReader, identity: str) -> dict[int, str]:
        return {number: trial.mark for number, trial in self.records.items()}

    def _record(self, study: StudyReader, trial: TrackedTrial) -> None:
        if self.broken:
            raise OSError("the disk is full")
        self.records[trial.number] = trial


def rung(trial: lt.RunningTrial) -> float:
    return trial["x"] / (trial.until or 1)


def halving() -> lt.Study:
    method, fidelity = lt.Random(), lt.Fidelity("steps", 1, 4)
    return lt.Study("s", SPACE, minimize="y", seed=0, method=method, fidelity=fidelity, stop=lt.SuccessiveHalving(2))


def test_an_observer_sees_paused_trials_and_the_end() -> None:
    observer, plain = Observer(), []
    halving().run(rung, trials=4, callbacks=[observer, lambda study, result: plain.append(str(result.reason))])
    assert sorted(observer.seen[:-1]) == ["done"] + ["paused"] * 6 and observer.seen[-1] == "ended after 4"
    assert plain == ["done"]


def test_it_is_told_of_an_end_by_an_error() -> None:
    observer = Observer()

    def fail(study: lt.Study, result: TrialResult) -> None:
        raise RuntimeError("enough")

    study = lt.Study("s", SPACE, minimize="y", seed=0, method=lt.Random())
    with pytest.raises(RuntimeError, match="enough"):
        study.run(lambda trial: trial["x"], trials=3, callbacks=[observer, fail])
    assert observer.seen == ["done", "ended after 1"]


def test_two_trackers_of_one_study_record_each_trial_once_and_catch_up() -> None:
    records: dict[int, TrackedTrial] = {}
    study = halving()
    first, second = ListTracker(records), ListTracker(records)
    study.run(rung, trials=4, callbacks=[first, second])
    assert sorted(trial.state for trial in records.values()) == ["done", "paused", "paused", "paused"]
    assert first.sync(study) == second.sync(study.reader) == 0
    study.forget(0)
    assert first.sync(study) == 1  # it is not what it was


def test_a_tracker_that_fails_warns_once_and_is_asked_again_at_the_end() -> None:
    tracker, study = ListTracker({}), lt.Study("s", SPACE, minimize="y", seed=0, method=lt.Random())
    tracker.broken = True

    def mended(trial: lt.RunningTrial) -> float:
        tracker.broken = trial.number < 3
        value: float = trial["x"]
        return value

    with pytest.warns(RuntimeWarning, match=r"ListTracker could not record .* OSError: the disk is full") as said:
        study.run(mended, trials=4, callbacks=[tracker])
    assert len(said) == 1
    assert sorted(tracker.records) == [0, 1, 2, 3]


def test_what_is_recorded_is_plain() -> None:
    records: dict[int, TrackedTrial] = {}
    space = {"x": lt.Float(0, 1), "layers": lt.Subset(["a", "b"]), "on": lt.Bool()}
    study = lt.Study("s", space, minimize="y", seed=0, method=lt.Random(), constraints={"mb": "<= 5"})
    tracker = ListTracker(records)
    trial: Any = study.ask()
    trial.set(device="cpu")
    trial.report(0.5)
    tracker(study, study.tell(trial, {"y": 0.25, "mb": 7.0, "note": "large"}))
    tracker(study, study.tell(study.ask(), failed="no memory"))
    first, second = records[0], records[1]
    assert all(isinstance(value, bool | int | float | str) for value in first.params.values())
    assert first.curve == ((0, {"y": 0.5}),) and first.metrics["y"] == 0.25 and first.attributes == {"device": '"cpu"'}
    assert any(name.startswith("violations/") for name in first.metrics)
    assert second.failed and second.error == "no memory" and not second.metrics
