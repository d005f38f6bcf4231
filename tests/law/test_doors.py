"""Whatever a study accepts is there when it is opened again, and what one store refuses, all of them refuse."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import luthier as lt
from luthier.errors import LuthierError
from luthier.event import encode
from luthier.scalar import to_whole

SPACE = {"x": lt.Float(0, 1), "k": lt.Int(1, 9), "c": lt.Choice("a", "b")}
POINT = {"x": 0.25, "k": 1, "c": "a"}


class Colour(enum.IntEnum):
    RED = 3


class Loud(float):
    def __repr__(self) -> str:
        return "Loud"


NUMBERS: st.SearchStrategy[Any] = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.fractions(),
    st.decimals(allow_nan=True),
    st.sampled_from(
        [
            10**400,
            -(10**400),
            Colour.RED,
            Loud(0.5),
            np.float16(0.5),
            np.longdouble(0.25),
            np.uint64(2**64 - 1),
            np.int8(3),
            np.bool_(True),
            np.array(0.5),
            np.array([0.5]),
            np.array([[1]]),
            np.zeros(2),
            np.ma.masked,
            np.float64("nan"),
            1j,
        ]
    ),
)
OTHERS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.text(max_size=5),
    st.binary(max_size=3),
    st.sampled_from(["3", "\udcff", "a\0b", "", " ", "\u2028 😀", "$tuple", "nan"]),
    st.sampled_from(
        [ValueError("x"), object, datetime.timedelta(seconds=3), datetime.datetime(2026, 1, 1), Path("/x")]
    ),
    st.sampled_from(
        [{1, 2}, {3: "k"}, {None: 1}, {"$tuple": [1]}, {"$float": "nan"}, {"": 1}, [math.inf, {"a": (1,)}]]
    ),
    st.tuples(st.integers(), st.floats()),
)
ANYTHING = NUMBERS | OTHERS


def _asked(act: Callable[[lt.Study, Any, Any], object], end: bool = True) -> Callable[[lt.Study, Any], object]:
    def put(study: lt.Study, value: Any) -> object:
        trial = study.ask()
        act(study, trial, value)
        return study.tell(trial, 0.5) if end else None

    return put


DOORS: dict[str, Callable[[lt.Study, Any], object]] = {
    "report": _asked(lambda study, trial, v: trial.report(v)),
    "step": _asked(lambda study, trial, v: trial.report(1.0, v)),
    "value": _asked(lambda study, trial, v: study.tell(trial, v), False),
    "key": _asked(lambda study, trial, v: study.tell(trial, {"v": 0.5, v: 1}), False),
    "extra": _asked(lambda study, trial, v: study.tell(trial, {"v": 0.5, "extra": v}), False),
    "violations": _asked(lambda study, trial, v: study.tell(trial, {"v": 0.5, "violations": v}), False),
    "violation": _asked(lambda study, trial, v: study.tell(trial, {"v": 0.5, "violations": {"c": v}}), False),
    "duration": _asked(lambda study, trial, v: study.tell(trial, 0.5, duration_s=v), False),
    "failed": _asked(lambda study, trial, v: study.tell(trial, failed=v), False),
    "error": _asked(lambda study, trial, v: study.release(trial, v), False),
    "lease": lambda study, v: study.tell(study.ask(lease_s=v), 0.5),
    "attribute": lambda study, v: study.set(study.ask(), {"a": v}),
    "name of an attribute": lambda study, v: study.set(study.ask(), {v: 1}),
    "notes": lambda study, v: study.annotate(v),
    "tags": lambda study, v: study.annotate(tags=[v]),
    "count": lambda study, v: study.ask(v),
    "ticket": lambda study, v: study.enqueue(POINT, ticket=v),
    "known ticket": lambda study, v: study.add(POINT, 1.0, ticket=v),
    "known value": lambda study, v: study.add(POINT, v),
    "known duration": lambda study, v: study.add(POINT, 1.0, duration_s=v),
    "variable": lambda study, v: study.add({**POINT, "x": v}, 1.0),
    "given": lambda study, v: study.tell(study.ask(params={**POINT, "k": v}), 0.5),
    "told number": lambda study, v: study.tell(v, 0.5),
}
ENOUGH = (LuthierError, TypeError, ValueError)


def _put(study: lt.Study, door: str, value: Any) -> str:
    """Put a value into a study with a good trial; what was said."""
    if door == "count" and (to_whole(value) or 0) > 9:  # so many trials would be made
        return "left out"
    try:
        DOORS[door](study, value)
    except ENOUGH as error:
        return type(error).__name__
    return "taken"


@pytest.mark.parametrize("door", DOORS)
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(values=st.lists(ANYTHING, min_size=12, max_size=12))
def test_what_is_accepted_is_read_back_from_every_store(
    door: str, values: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    where = tmp_path_factory.mktemp("doors") / "s.db"
    memory = lt.Study("s", SPACE, minimize="v", method=lt.Random(), seed=0)
    with lt.Study("s", SPACE, minimize="v", method=lt.Random(), seed=0, store=where) as study:
        said = []
        for one in (memory, study):
            one.tell(one.ask(), 0.5)
            said.append([_put(one, door, value) for value in values])
        assert said[0] == said[1]
        written, count = [encode(event) for event in study.reader.events], len(study.trials)
    with lt.Study("s", store=where) as again:
        assert [encode(event) for event in again.reader.events][: len(written)] == written
        assert again.trials[0].is_done and len(again.trials) == count
        again.tell(again.ask(), 0.5)


@pytest.mark.parametrize("value", [5, 1.5, fractions.Fraction(1, 4), decimal.Decimal("0.5"), np.array([2.0]), Loud(1)])
def test_tell_run_report_and_add_take_the_same_numbers(value: Any) -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="v", method=lt.Random(), seed=0)
    trial = study.ask()
    trial.report(value)
    told, added = study.tell(trial, value), study.add({"x": 0.5}, value)

    def objective(running: lt.RunningTrial) -> Any:
        running.report(value)
        return value

    study.run(objective, trials=2)
    ran = study.trials[2]
    assert told.value == added.value == ran.value == float(np.ravel(value)[0]) and type(ran.value) is float
    assert told.reports[0].value == told.value == ran.reports[0].value


@pytest.mark.parametrize("value", [True, "0.5", 1j, np.zeros(2), [0.5], b"1", None, np.bool_(False)])
def test_tell_run_report_and_add_refuse_the_same(value: Any) -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="v", method=lt.Random(), seed=0)
    trial = study.ask()
    for refuse in (
        lambda: study.tell(trial, value),
        lambda: trial.report(value),
        lambda: study.add({"x": 0.5}, value),
    ):
        with pytest.raises(lt.errors.InvalidResult):
            refuse()
    study.run(lambda running: value, trials=2, give_up_after=None)
    assert [str(one.reason) for one in study.trials if one.number != trial.number] == ["failed"]


def test_numbers_beyond_floats_keep_their_sign() -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="v", method=lt.Random(), seed=0)
    assert [study.tell(study.ask(), sign * 10**400).error[-3:] for sign in (1, -1)] == ["inf", "inf"]
    assert "= -inf" in study.trials[1].error and "= inf" in study.trials[0].error
