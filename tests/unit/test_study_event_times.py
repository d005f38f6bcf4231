"""The times of a log's events: a list of floats whose old ones are packed, bit by bit the same."""

from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.study.stored import EventTimes

PLACES = st.none() | st.integers(-4000, 4000)


def _times(count: int) -> list[float]:
    return [1.7e9 + 0.37 * place + math.sin(place) / 7 for place in range(count)]


@given(PLACES, PLACES, st.sampled_from([None, 1, 2, 255, 256, 257, -1, -3]))
def test_reads_like_a_list(start: int | None, stop: int | None, step: int | None) -> None:
    plain = _times(3000)
    times = EventTimes(plain)
    assert len(times) == 3000 and [*times] == plain and times._chunks
    assert [*times[start:stop:step]] == plain[start:stop:step]


def test_one_by_one_from_both_ends() -> None:
    plain = _times(2500)
    times = EventTimes()
    for place, at in enumerate(plain):
        times.write(place, array("d", [at]))
    assert [times[place] for place in range(2500)] == plain == [times[place - 2500] for place in range(2500)]
    assert len(times._chunks) == (2500 - 1024) // 256
    for outside in (2500, -2501):
        with pytest.raises(IndexError):
            times[outside]


@given(st.integers(0, 2600), st.integers(1, 1500))
def test_what_was_guessed_is_written_over(first: int, count: int) -> None:
    plain = _times(2600)
    times = EventTimes(plain)
    assert times[300] == plain[300]  # a chunk that was looked at
    better = [at + 0.001 for at in _times(count)]
    plain[first : first + count] = better
    times.write(first, better)
    assert [*times] == plain and times[300] == plain[300]


@given(st.integers(0, 2600))
def test_the_end_is_cut_off(length: int) -> None:
    plain = _times(2600)
    times = EventTimes(plain)
    times.truncate(length)
    assert [*times] == plain[:length]
    times.write(length, plain[length:])
    assert [*times] == plain


def test_odd_numbers_come_back_bit_by_bit_and_usual_ones_are_small() -> None:
    odd = [0.0, -0.0, math.inf, 5e-324, 1.7e308, -1.0, math.pi] * 256
    back = array("d", EventTimes(odd)[:])
    assert back.tobytes() == array("d", odd).tobytes()
    times = EventTimes(_times(20_000))
    assert sum(map(len, times._chunks)) < 6 * 20_000
