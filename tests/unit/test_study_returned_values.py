"""What an objective gave back, judged."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import luthier as lt
from luthier.errors import InvalidResult
from luthier.problem import Objective, Problem
from luthier.study.returned_values import parse_result
from luthier.trial import Reason

SPACE = lt.Space({"x": lt.Float(0, 1)})
ONE = Problem(SPACE, (Objective("loss"),))
TWO = Problem(SPACE, (Objective("loss"), Objective("gain", True)))


class _Tensor:
    """A scalar as tensor libraries have it."""

    def __init__(self, *values: float) -> None:
        self._values = values

    def size(self) -> tuple[int, ...]:
        return (len(self._values),)

    def item(self) -> float:
        if len(self._values) != 1:
            raise RuntimeError("not one element")
        return self._values[0]


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2), np.array(2.0), np.array([2.0]), _Tensor(2.0)])
def test_any_one_number_is_a_value(value: object) -> None:
    outcome = parse_result(ONE, value, 1.5)
    assert (outcome.reason, outcome.values, outcome.duration_s) == (Reason.DONE, {"loss": 2.0}, 1.5)
    assert type(outcome.values["loss"]) is float


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, np.float64("nan")])
def test_what_is_not_finite_is_an_outcome_of_its_own(value: object) -> None:
    outcome = parse_result(ONE, value)
    assert outcome.reason is Reason.NONFINITE and "the objective returned loss = " in outcome.error


@pytest.mark.parametrize(
    "value",
    [None, "1.0", True, np.bool_(True), [1.0], {}, object(), 1j, np.zeros(2), _Tensor(1.0, 2.0), b"1"],
)
def test_anything_else_is_refused_with_a_message(value: object) -> None:
    with pytest.raises(InvalidResult) as caught:
        parse_result(ONE, value)
    assert "loss" in str(caught.value) and len(str(caught.value)) < 300


def test_a_fraction_is_a_number_and_a_long_text_is_cut_in_the_message() -> None:
    assert parse_result(ONE, Fraction(1, 2)).values == {"loss": 0.5}
    with pytest.raises(InvalidResult, match=r"x\.\.\. for 'loss'"):
        parse_result(ONE, "x" * 1000)


@pytest.mark.parametrize("value", [(1.0, 2.0), [1, 2], np.array([1.0, 2.0]), {"gain": 2, "loss": 1}])
def test_several_objectives_come_in_order_or_by_name(value: Any) -> None:
    assert parse_result(TWO, value).values == {"loss": 1.0, "gain": 2.0}


@pytest.mark.parametrize("value", [1.0, (1.0,), (1, 2, 3), "ab", {"loss": 1.0}, None])
def test_of_several_objectives_all_are_needed(value: object) -> None:
    with pytest.raises(InvalidResult, match="loss"):
        parse_result(TWO, value)


def test_constraints_and_whatever_else_come_in_a_mapping() -> None:
    outcome = parse_result(ONE, {"loss": 1, "violations": {"size": np.float32(-1)}, "variance": 0.1, "epochs": (1, 2)})
    assert outcome.violations == {"size": -1.0} and outcome.extra == {"variance": 0.1, "epochs": (1, 2)}
    assert parse_result(ONE, {"loss": 1, "violations": {"size": math.nan}}).reason is Reason.NONFINITE
    with pytest.raises(InvalidResult, match="violations are a mapping"):
        parse_result(ONE, {"loss": 1, "violations": 3})
    with pytest.raises(InvalidResult, match="violation 'size'"):
        parse_result(ONE, {"loss": 1, "violations": {"size": "small"}})
    with pytest.raises(InvalidResult, match="the result's 'model'"):
        parse_result(ONE, {"loss": 1, "model": object()})


@pytest.mark.parametrize("key", ["violation", "constraint", "constraints"])
def test_a_misspelt_outcome_constraint_is_not_kept_as_something_else(key: str) -> None:
    for given in ({"memory": 1.0}, [1.0], (1.0,)):
        with pytest.raises(InvalidResult, match=f"the result has '{key}', which would not be .*write 'violations'"):
            parse_result(ONE, {"loss": 1.0, key: given})
    assert parse_result(ONE, {"loss": 1.0, key: "none"}).extra == {key: "none"}
    assert parse_result(Problem(SPACE, (Objective(key),)), {key: 1.0}).values == {key: 1.0}


def test_a_result_without_the_objective_says_what_to_return() -> None:
    with pytest.raises(
        InvalidResult, match=r"lacks the objective 'loss'; return \{'loss': …\}, or the number by itself"
    ):
        parse_result(ONE, {"value": 1.0})
