"""Settings of the wrong kind, in every dataclass that a study may hold as its method or a part of it."""

from __future__ import annotations

import dataclasses
import importlib
import math
from typing import Any

import numpy as np
import pytest

import luthier as lt
from luthier._names import STORED
from luthier.errors import InvalidSetting, InvalidSpace
from luthier.method import from_plain, to_plain


class Unreadable:
    """A value that cannot be shown or compared."""

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        raise RuntimeError("no text")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not comparable")


VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2.5, math.nan, math.inf, -math.inf, 10**400, 10**30, "", "x", "\udcff", b"b"),
    *((), (1,), [], [1, "a"], {}, {"a": 1}, {1, 2}, object(), int, 1j, lambda: 0, Unreadable()),
    *(lt.Quasi(), lt.Quasi, lt.GP(), lt.GP, lt.EI(), lt.UCB, lt.Random(), lt.Float(0, 1), np.bool_(True)),
    *(np.float64(0.5), np.int64(3), np.array([1, 2.0]), np.array(0.5), np.ma.masked),
]
NEEDED: dict[str, dict[str, Any]] = {
    "Beta": {"a": 1.0, "b": 1.0},
    "Ensemble": {"members": (lt.GP(), lt.Forest())},
    "Hedge": {"acquisitions": (lt.EI(), lt.UCB())},
    "LogNormal": {"mean": 0.0, "std": 1.0},
    "MACE": {"acquisitions": (lt.EI(), lt.UCB())},
    "Normal": {"mean": 0.0, "std": 1.0},
    "PerSecond": {"inner": lt.EI()},
    "Prior": {"beliefs": {"x": lt.Normal(0, 1)}},
    "PriorBand": {"prior": lt.Prior({"x": lt.Normal(0, 1)})},
    "Regressor": {"estimator": "sklearn.linear_model:BayesianRidge"},
    "Threshold": {"worst": 1.0},
}
READ_AGAIN_ELSEWHERE = {("Grid", "points"), ("Regressor", "params"), ("Prior", "beliefs")}


@pytest.mark.parametrize("name", STORED)
def test_a_setting_is_refused_or_can_be_stored_and_read_back(name: str) -> None:
    kind: Any = getattr(importlib.import_module(STORED[name]), name)
    for field in dataclasses.fields(kind):
        for value in VALUES if field.init else ():
            try:
                made = kind(**{**NEEDED.get(name, {}), field.name: value})
            except (InvalidSetting, InvalidSpace):
                continue
            assert STORED[name] == "luthier.space" or not isinstance(getattr(made, field.name), np.generic)
            if (name, field.name) not in READ_AGAIN_ELSEWHERE:
                assert from_plain(to_plain(made)) == made


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lt.Bayes(initial=lt.Quasi()), r"Bayes\(initial=Quasi\(.*: give a whole number or None"),  # type: ignore[arg-type]
        (lambda: lt.Auto(search=3), "give an AcquisitionOptimizer, such as AcquisitionOptimizer"),  # type: ignore[arg-type]
        (lambda: lt.Auto(committee=(1,)), "give a tuple, each a GP"),  # type: ignore[arg-type]
        (lambda: lt.Forest(trees=2.5), "give a whole number"),  # type: ignore[arg-type]
        (lambda: lt.UCB(math.nan), "give a finite number"),
        (lambda: lt.GP(warp="no"), "give True or False"),  # type: ignore[arg-type]
        (lambda: lt.Ensemble(3), "two or more surrogates"),  # type: ignore[arg-type]
    ],
)
def test_the_message_says_what_a_setting_takes(make: Any, message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        make()


def test_scalars_of_numpy_become_those_of_python() -> None:
    made = lt.Forest(trees=np.int64(3), share=np.float64(0.5), extra=np.bool_(True))
    assert [type(one) for one in (made.trees, made.share, made.extra)] == [int, float, bool]
    assert made == lt.Forest(trees=3, share=0.5, extra=True)
