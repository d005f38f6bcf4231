"""An explanation is a function of the log: it appends nothing, stays as it is, and comes out the same elsewhere."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import luthier as lt
from luthier.testing.methods import SPACES

METHODS: dict[str, Any] = {
    "auto": lambda: lt.Auto(),
    "bayes": lambda: lt.Bayes(acquisition=lt.UCB(1.0), initial=4),
    "thompson": lambda: lt.Bayes(acquisition=lt.Thompson(), initial=4),
    "parzen": lambda: lt.Bayes(surrogate=lt.Parzen(), acquisition=lt.EI(), initial=4),
    "random": lambda: lt.Random(),
}


pytestmark = pytest.mark.slow


def scatter(study: lt.Study, trials: int, seed: int) -> dict[int, Any]:
    """Ask and tell as workers of random speed do; explain every trial as soon as it is asked for."""
    draw = random.Random(seed)
    running: list[Any] = []
    first: dict[int, Any] = {}
    while len(study) < trials or running:
        if running and (len(study) >= trials or len(running) > 3 or draw.random() < 0.5):
            trial = running.pop(draw.randrange(len(running)))
            if draw.random() < 0.15:
                study.tell(trial, failed="crash")
            else:
                study.tell(trial, sum(map(len, map(repr, trial.params.values()))) + draw.random())
        else:
            asked = study.ask(draw.choice([1, 1, 3]))
            running += asked
            for trial in asked:
                first[trial.number] = study.explain(trial)
    return first


def _pairs() -> list[Any]:
    """Give all pairs; one of them is quick enough for every check."""
    pairs = [(method, space) for method in sorted(METHODS) for space in sorted(SPACES)]
    return [pytest.param(*pair, marks=[] if pair == ("auto", "finite") else pytest.mark.slow) for pair in pairs]


@pytest.mark.parametrize(("method", "space"), _pairs())
def test_explanations_are_functions_of_the_log(method: str, space: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"minimize": "y", "store": tmp_path / "s.db", "seed": 4}
    with lt.Study("s", SPACES[space](), method=METHODS[method](), **settings) as study:
        first = scatter(study, 13, 1)
        length = study.history.length
        last = [study.explain(number) for number in range(len(study))]
        predicted = study.predict([trial.params for trial in study.trials[:3]])
        best, calibration = study.expected_best(), study.calibration()
        assert study.history.length == length, "reading appended events"
        assert study.verify().ok
    for number, explanation in first.items():
        now = last[number]
        for name in ("purpose", "why", "prediction", "improvement", "neighbours", "known", "note"):
            assert getattr(explanation, name) == getattr(now, name), (number, name)
    with lt.Study("s", store=tmp_path / "s.db") as again:  # another memo, a method read from its text
        assert [again.explain(number) for number in reversed(range(len(again)))] == last[::-1]
        assert again.predict([trial.params for trial in again.trials[:3]]) == predicted
        assert (again.expected_best(), again.calibration()) == (best, calibration)
        assert again.history.length == length
        again.run(lambda trial: 1.0, trials=15)
        assert [again.explain(number) for number in range(13)] == last


def test_each_method_of_a_study_explains_its_own_trials(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"minimize": "y", "store": tmp_path / "s.db", "seed": 4}
    with lt.Study("s", {"x": lt.Float(0, 1)}, method=lt.Random(), **settings) as study:
        study.run(lambda trial: trial["x"], trials=5)
        last = study.explain(4)
    with lt.Study("s", method=lt.Bayes(initial=2), **settings) as study:
        study.run(lambda trial: trial["x"], trials=7)
        assert study.explain(4) == last
        assert last.purpose == "unmodelled"
        assert study.explain(6).method == "Bayes"
