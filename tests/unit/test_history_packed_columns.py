"""Columns of packed values: whatever is written comes back, every bit and type of it."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from check_set import examples
from luthier.history.packed.packed_columns import field_of, from_column, to_column

NUMBERS = st.integers(-(2**61), 2**61) | st.floats() | st.floats(0, 100).map(lambda value: round(value, 10))
LEAVES = st.none() | st.booleans() | st.text() | NUMBERS
NESTED = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=9,
)
ALIKE = st.sampled_from(
    [
        st.floats(),
        st.floats(0, 1).map(lambda value: round(value, 12)),
        st.integers(-(2**61), 2**61),
        st.lists(NESTED),
        st.tuples(LEAVES, st.dictionaries(st.just("a"), st.floats(), min_size=1)),
        st.sampled_from([{}, [], ()]),
        NESTED,
    ]
)


def same(one: Any, other: Any) -> bool:
    """Compare types, order and bits; a tuple is a list once it was written."""
    one, other = (list(value) if isinstance(value, tuple) else value for value in (one, other))
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return [*one] == [*other] and all(same(one[key], other[key]) for key in one)
    if isinstance(one, float):
        return np.float64(one).tobytes() == np.float64(other).tobytes() or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


def again(values: list[Any]) -> list[Any]:
    return [*from_column(msgspec.msgpack.decode(msgspec.msgpack.encode(to_column(values))), len(values))]


@given(ALIKE.flatmap(lambda values: st.lists(values, max_size=9)))
@settings(max_examples=examples(400), deadline=None)
def test_columns_come_back(values: list[Any]) -> None:
    assert same(again(values), values)


@pytest.mark.parametrize(
    ("values", "most"),
    [
        ([place / 1e12 for place in range(0, 10**12, 10**10)], 520),
        ([-0.0, 0.0] * 50, 820),
        ([*range(7, 10**6, 10**4)], 320),
        (["finished"] * 100, 20),
        ([{"a": 1.5, "b": []}] * 100, 60),
        ([float("nan"), float("inf"), 5e-324, 1e308] * 25, 820),
    ],
)
def test_values_that_are_alike_are_small(values: list[Any], most: int) -> None:
    assert len(msgspec.msgpack.encode(to_column(values))) <= most and same(again(values), values)


def test_one_field_is_read_alone() -> None:
    alike = [(place, {"x": place / 8}, [place] * place) for place in range(5)]
    assert same(field_of(to_column(alike), 1, 5), [value[1] for value in alike])
    mixed = [(1, "a"), (2, "b", "c")]
    assert same(field_of(to_column(mixed), 1, 2), ["a", "b"])
