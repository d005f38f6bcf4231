"""Events: one line of canonical JSON each, and back."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_codec import VALUES

from luthier import event
from luthier.errors import InvalidResult, StoreCorrupt
from luthier.event import (
    Annotated,
    Asked,
    Attributed,
    Changed,
    Claimed,
    Configured,
    Created,
    Enqueued,
    Event,
    Forgotten,
    Freed,
    Paused,
    Preferred,
    Promoted,
    Pruned,
    Renewed,
    Reopened,
    Reported,
    Resumed,
    Retried,
    Told,
    Transferred,
)
from luthier.key import Key

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_number = st.integers(0, 2**53)
_float = st.floats(allow_nan=False)
_mapping = st.dictionaries(_text, VALUES, max_size=3)
_values = st.dictionaries(_text, _float, max_size=3)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Created, _text, VALUES, st.lists(st.tuples(_text, st.booleans()), max_size=3).map(tuple), _number),
    st.builds(
        Created,
        _text,
        VALUES,
        st.lists(st.tuples(_text, st.booleans()), max_size=3).map(tuple),
        _number,
        fidelity=st.none() | st.tuples(_text, _number, _number),
    ),
    st.builds(Configured, VALUES, st.none() | _number, VALUES, VALUES),
    st.builds(Changed, VALUES),
    st.builds(
        Transferred,
        _text,
        _text,
        st.lists(_text, max_size=2).map(tuple),
        st.lists(_mapping, max_size=2).map(tuple),
        st.dictionaries(_text, st.lists(_float, max_size=2).map(tuple), max_size=2),
        st.lists(_number, max_size=2).map(tuple),
    ),
    st.builds(
        Asked,
        _number,
        _mapping,
        _number,
        _text,
        st.none() | st.tuples(_number, _number),
        _text,
        st.none() | st.floats(0, 1e9),
        _mapping,
        _text,
        st.none() | _number,
        _number,
        st.none() | _number,
    ),
    st.builds(Pruned, _number, _number, _number, _text, st.booleans()),
    st.builds(Paused, _number, _number, _number, _text),
    st.builds(Promoted, _number, _number, _number, _number, _text),
    st.builds(Resumed, _number, _number, _number, _text, st.none() | st.floats(0, 1e9)),
    st.builds(Claimed, _number, _number, _number, _text, st.none() | st.floats(0, 1e9)),
    st.builds(Retried, _number, _text, st.none() | st.floats(0, 1e9)),
    st.builds(Renewed, _number, _number),
    st.builds(Freed, _number, _number, _text, _text, st.none() | st.floats(0, 1e9)),
    st.builds(Reported, _number, _number, _number, _float),
    st.builds(Told, _number, _number, _text, _values, _values, st.none() | st.floats(0, 1e9), _text, _mapping),
    st.builds(Reopened, _number),
    st.builds(Forgotten, _number),
    st.builds(Attributed, _number, _number, _mapping),
    st.builds(Annotated, st.none() | _text, st.none() | st.lists(_text, max_size=3).map(tuple)),
    st.builds(Preferred, _number, _number),
    st.builds(Enqueued, _mapping, _text),
)


@given(EVENTS)
def test_an_event_reads_back_the_same(value: Event) -> None:
    text = event.encode(value)
    assert event.decode(text) == value
    assert event.decode(text.decode()) == value
    assert event.encode(event.decode(text)) == text
    assert b"\n" not in text


def test_what_is_left_out_is_the_default() -> None:
    assert event.encode(Retried(3)) == b'{"number":3,"type":"retried"}'
    assert event.encode(Told(3, 9, "done", {"loss": 1.0})) == (
        b'{"number":3,"reason":"done","token":9,"type":"told","values":{"loss":1.0}}'
    )
    assert event.decode('{"type":"asked","number":1,"config":{},"seen":2}') == Asked(1, {}, 2)


def test_numbers_that_are_not_finite_are_kept() -> None:
    again = event.decode(event.encode(Told(0, 1, "nonfinite", {"a": math.inf, "b": math.nan})))
    assert isinstance(again, Told) and again.values["a"] == math.inf and math.isnan(again.values["b"])
    report = event.decode(event.encode(Reported(0, 1, 0, -math.inf)))
    assert isinstance(report, Reported) and report.value == -math.inf


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"type":"asked"}',
        '{"type":"told","number":"x","token":1,"reason":"done"}',
        '{"type":"told","number":{"$tuple":[1]},"token":1,"reason":"done"}',
        '{"type":"told","number":1,"token":1,"reason":"done","values":{"a":{"$float":"no"}}}',
        '{"type":"enqueued","ticket":"t","config":{"a":{"$tuple":3}}}',
    ],
)
def test_what_is_no_event_is_damage(text: str) -> None:
    with pytest.raises(StoreCorrupt):
        event.decode(text)


def test_a_value_that_cannot_be_stored_is_refused() -> None:
    config: dict[str, Any] = {"x": object()}
    with pytest.raises(InvalidResult, match="'x'"):
        event.encode(Asked(0, config, 0))


def test_a_proposal_says_whose_randomness_it_has() -> None:
    root = Key.of(3)
    alone, second = Asked(7, {}, 20), Asked(8, {}, 20, batch=(7, 2))
    assert alone.stream(root) == second.stream(root) == root.fold("trial", 7)
    assert (alone.place, second.place) == (0, 1)
    claimed = Asked(8, {}, 20, batch=(7, 2), claim=5)
    assert claimed.stream(root) == root.fold("trial", 5) and claimed.place == 1
    assert Asked(7, {}, 20, again=2).stream(root) == root.fold("trial", 7).fold("again", 2)
