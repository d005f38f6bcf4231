"""Canonical JSON: one value, one text, and back."""

from __future__ import annotations

import enum
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier import codec
from luthier.errors import InvalidResult, StoreCorrupt

_texts = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | _texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(_texts | st.sampled_from(["$float", "$tuple", "$object"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_reads_back_the_same(value: object) -> None:
    text = codec.dumps(value)
    again = codec.loads(text)
    assert again == value
    assert codec.dumps(again) == text  # which tells True from 1, and -0.0 from 0.0
    json.loads(text)


@given(st.dictionaries(_texts, st.integers(0, 9)))
def test_the_order_of_a_mapping_does_not_show(mapping: dict[str, int]) -> None:
    assert codec.dumps(mapping) == codec.dumps(dict(reversed(mapping.items())))


def test_what_json_cannot_say_is_said_explicitly() -> None:
    assert codec.dumps([math.nan, math.inf, -math.inf]) == b'[{"$float":"nan"},{"$float":"inf"},{"$float":"-inf"}]'
    assert codec.dumps((1, "a")) == b'{"$tuple":[1,"a"]}'
    assert codec.dumps({"$tuple": 3}) == b'{"$object":{"$tuple":3}}'
    assert math.isnan(codec.loads(codec.dumps(math.nan)))
    assert codec.loads('{"$float":"inf"}') == math.inf
    assert codec.dumps(-0.0) == b"-0.0" and codec.dumps(0.1) == b"0.1"


def test_scalars_of_numpy_and_enumerations_are_plain_values() -> None:
    class Colour(enum.StrEnum):
        RED = "red"

    values = [np.float64(0.5), np.int32(3), np.bool_(True), np.str_("a"), np.array(2.0), Colour.RED]
    assert codec.loads(codec.dumps(values)) == [0.5, 3, True, "a", 2.0, "red"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"a": [1, {2}]}, r"value\['a'\]\[1\] is a set, which cannot be stored"),
        ({"a": {3: 1}}, r"value\['a'\] has the key 3: the keys"),
        (b"bytes", "value is a bytes"),
        (np.zeros(3), "value is a ndarray"),
        ((1, object()), r"value\[1\] is an object"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_place(value: object, says: str) -> None:
    with pytest.raises(InvalidResult, match=says):
        codec.dumps(value)


@pytest.mark.parametrize("text", ["", "{", "[1,]", b"\xff"])
def test_what_is_no_json_is_damage(text: str | bytes) -> None:
    with pytest.raises(StoreCorrupt, match="not JSON"):
        codec.loads(text)
