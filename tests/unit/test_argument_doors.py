"""Arguments that make no sense, at doors that take something unusual: each is refused by an error of Luthier."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier as lt
from luthier.cli import execute
from luthier.errors import LuthierError


class NeverEqual:
    """Cannot be compared with anything."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not comparable")


def _study(goals: list[str]) -> lt.Study:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize=goals, method=lt.Random(), seed=0)
    study.add_many(
        [{"x": place / 4} for place in range(4)],
        [place if len(goals) == 1 else [place, 4 - place] for place in range(4)],
    )
    return study


ONE, TWO = _study(["f"]), _study(["f", "g"])
BAD: list[Any] = [
    -1,
    0.5,
    10**400,
    float("nan"),
    "é\x00",
    "a" * 10_000,
    b"x",
    [["f"]],
    [None],
    {"f": [1]},
    {1: 2},
    {"f", "g"},
    {1.0, 2.0},
    np.array(2.0),
    np.array([]),
    np.array([[1.0, 2.0]]),
    np.ma.masked,
    object(),
    NeverEqual(),
    1j,
]
DOORS: dict[str, Callable[[Any], object]] = {
    "an order to all who run a study": lambda bad: ONE.direct(bad),
    "names of instances": lambda bad: lt.Instances(bad),
    "features of instances": lambda bad: lt.Instances({"a": bad, "b": [1.0]}),
    "end of a run": lambda bad: ONE.run(lambda trial: trial["x"], trials=5, stop=bad),
    "reference": lambda bad: TWO.hypervolume(bad),
    "order": lambda bad: TWO.choose(order=bad),
    "params": lambda bad: ONE.ask(params=bad),
    "remove": lambda bad: ONE.space.replace(remove=bad),
    "kind of evolution": lambda bad: lt.Evolution(bad),
}


@pytest.mark.parametrize("door", DOORS)
def test_what_makes_no_sense_is_refused_and_nothing_written(door: str) -> None:
    lengths = ONE.history.length, TWO.history.length
    for bad in BAD:
        if door == "remove" and isinstance(bad, np.ndarray) and bad.size == 0:
            continue  # nothing is removed
        with pytest.raises(LuthierError) as refused:
            DOORS[door](bad)
        assert len(str(refused.value)) < 1000, door
    assert (ONE.history.length, TWO.history.length) == lengths


def test_names_whose_order_differs_between_processes_are_refused() -> None:
    with pytest.raises(LuthierError, match="no order"):
        lt.Study("s", {"x": lt.Float(0, 1)}, minimize={"f", "g"})  # type: ignore[arg-type]
    with pytest.raises(LuthierError, match="no order"):
        lt.Instances({"a", "b"})
    assert len(lt.Instances({"a": [1.0], "b": [2.0]}.keys())) == 2  # in the order in which they were written


def test_a_long_seed_is_not_repeated_in_full() -> None:
    with pytest.raises(LuthierError) as refused:
        lt.Study("s", {"x": lt.Float(0, 1)}, minimize="f", seed="a" * 10_000)  # type: ignore[arg-type]
    assert len(str(refused.value)) < 500


def test_whole_numbers_that_no_float_holds_beside_the_objectives(tmp_path: Path) -> None:
    goals = ["f", "g"]
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize=goals, method=lt.Random(), seed=0)
    for place, size in enumerate([10**400, 1, -(10**400)]):
        study.add({"x": place / 4}, {"f": place, "g": 3 - place, "size": size})
    assert study.choose(weights={"f": 1}, limits={"size": "<= 5"}).number == 1
    assert study.report(tmp_path / "report.html").exists()
    one = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="f", method=lt.Random(), seed=0)
    for place in range(5):
        one.add({"x": place / 4}, {"f": place, "folds": [10**400, 1.0, 2.0]})
    assert one.lead(over=3).best == 0


def test_limits_of_a_choice_are_called_limits() -> None:
    with pytest.raises(LuthierError, match=r"^limits=\{'f': '<= x'\}"):
        TWO.choose(weights={"f": 1}, limits={"f": "<= x"})


def test_a_weight_given_twice_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    TWO.copy(tmp_path / "s.db").close()
    assert execute(["choose", str(tmp_path / "s.db"), "--weights", "f=1,f=2"]) == 2
    assert "'f' is there twice" in capsys.readouterr().err


def test_a_text_is_an_order_where_it_is_one() -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="f", method=lt.Random(), seed=0)
    order: Any = "pause"
    assert (study.direct(order), study.direct(order)) == (True, False)
    with pytest.raises(LuthierError, match="order='later': give one of 'go on', 'pause', 'stop', 'cancel'"):
        study.direct(order.replace("pause", "later"))
    assert study.history.length == 2


@pytest.mark.parametrize("objective", [lambda x, y: x + y, lambda: 1.0, lambda **values: 1.0])
def test_a_function_that_cannot_be_called_with_a_trial_is_refused_before_anything_is_run(objective: Any) -> None:
    study = _study(["f"])
    length = study.history.length
    with pytest.raises(LuthierError, match=r"called with one argument, the trial"):
        study.run(objective, trials=3)
    assert study.history.length == length
    assert study.run(lambda *given: 1.0, trials=1) == "trials"


def test_a_limit_of_a_variable_belongs_into_the_space(tmp_path: Path) -> None:
    space = {"x": lt.Float(0, 1)}
    with pytest.raises(LuthierError, match=r"that is a variable.*require=\['x <= 0.5'\]"):
        lt.Study("s", space, minimize="f", constraints={"x": "<= 0.5"}, store=tmp_path / "s.db")
    assert not lt.studies(tmp_path / "s.db")
    assert lt.Study("s", space, minimize="f", constraints={"f": "<= 0.5"}) is not None


def test_a_study_does_not_learn_from_itself() -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="f", noisy=True, method=lt.Random(), seed=0)
    study.add({"x": 0.5}, 1.0)
    with pytest.raises(LuthierError, match="is this study itself"):
        study.learn_from(study)
    assert len(study) == 1


def test_a_share_is_no_percentage() -> None:
    with pytest.raises(LuthierError, match="write keep=25"):
        lt.Percentile(keep=0.25)


def test_a_number_for_several_objectives_is_answered_with_what_to_return() -> None:
    with pytest.raises(LuthierError, match=r"return all of them, {'f': …, 'g': …}, or a tuple in this order"):
        TWO.tell(TWO.ask(), 0.5)


def test_a_cost_without_a_limit_is_weighed_and_not_limited() -> None:
    calls = []

    def bill(trial: lt.RunningTrial) -> dict[str, float]:
        calls.append(trial.number)
        return {"value": trial["x"], "dollars": 1e9}

    lt.minimize(bill, {"x": lt.Float(0, 1)}, cost={"dollars": None}, trials=4, method=lt.Random(), seed=0)
    assert len(calls) == 4
