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
