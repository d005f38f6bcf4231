"""The times of trials as their log has them, read from the state and not from the events."""

from __future__ import annotations

import random
from typing import Any

import pytest

import luthier as lt
from luthier.event import Asked, Resumed, Retried, Told
from luthier.study.elapsed import utc


def _of_events(study: lt.Study) -> dict[int, tuple[Any, ...]]:
    """Give begun, ended, attempts and worker of each trial by a walk over all events."""
    begun: dict[int, tuple[float, int, str]] = {}
    ended: dict[int, float] = {}
    for at, event in zip(study.reader.stamps, study.history.events, strict=True):
        if isinstance(event, Asked | Retried | Resumed):
            begun[event.number] = (at, begun.get(event.number, (0.0, 0, ""))[1] + 1, event.owner)
            ended.pop(event.number, None)
        elif isinstance(event, Told):
            ended[event.number] = at
    return {n: (utc(at), utc(ended[n]) if n in ended else None, *rest) for n, (at, *rest) in begun.items()}


def _of_reader(study: lt.Study) -> dict[int, tuple[Any, ...]]:
    return {n: (one.begun, one.ended, one.attempts, one.worker) for n, one in study.reader.times.items()}


@pytest.mark.parametrize("seed", range(4))
def test_they_are_those_of_the_events(seed: int) -> None:
    rng = random.Random(seed)
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random(), seed=seed)
    study.add_many([{"x": 0.25}, {"x": 0.75}], [1.0, 2.0])
    live: list[lt.ActiveTrial] = []
    for _ in range(120):
        act = rng.choice(["ask", "tell", "fail", "release", "retry", "forget"])
        done = [trial.number for trial in study.trials if trial.reason is not None and trial.number > 1]
        if act == "ask":
            live.append(study.ask())
        elif act in ("tell", "fail", "release") and live:
            trial = live.pop(rng.randrange(len(live)))
            if act == "tell":
                study.tell(trial, rng.random())
            elif act == "fail":
                study.tell(trial, failed="no")
            else:
                study.release(trial)
        elif act in ("retry", "forget") and done:
            getattr(study, act)(rng.choice(done))
        if rng.random() < 0.1:
            assert study.history.fork().ends.tolist() == study.history.ends.tolist()
    assert _of_reader(study) == _of_events(study)
    assert any(one.attempts > 1 for one in study.reader.times.values())


def test_of_trials_that_were_paused_and_promoted() -> None:
    fidelity = lt.Fidelity("epochs", 1, 9)
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random(), seed=0, fidelity=fidelity)
    study.run(lambda trial: float(trial["x"]) + 1 / (trial.until or 9), trials=20)
    assert any(isinstance(event, Resumed) for event in study.history.events)
    assert _of_reader(study) == _of_events(study)
