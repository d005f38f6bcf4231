"""Lists whose old items are packed: they read like lists, whatever was packed of them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier as lt
from check_set import examples
from luthier.history.packed.packed_list import CHUNK, KEPT, PackedList

MANY = 3 * CHUNK + KEPT


def _packed(count: int = MANY) -> PackedList[object]:
    items: PackedList[object] = PackedList()
    for number in range(count):
        items.append((number, 0.1 * number))
        items.pack()
    return items


def _packed_chunks(items: PackedList[object]) -> int:
    return sum(isinstance(chunk, bytes) for chunk in items._parts[0])


@given(st.integers(-MANY - 5, MANY + 5), st.none() | st.integers(-MANY - 5, MANY + 5), st.sampled_from([1, 3, -1, -7]))
@settings(max_examples=examples(60), deadline=None)
def test_reads_like_a_list(start: int, stop: int | None, step: int) -> None:
    items, plain = _packed(), [(number, 0.1 * number) for number in range(MANY)]
    assert _packed_chunks(items) == 3 and len(items) == MANY
    assert items[start:stop:step] == plain[start:stop:step]
    if -MANY <= start < MANY:
        assert items[start] == plain[start]
    else:
        with pytest.raises(IndexError):
            items[start]
    assert [*items] == plain


def test_an_item_that_is_replaced_is_packed_again_later() -> None:
    items = _packed()
    items[5], items[-1] = "new", "last"
    assert items[5] == "new" and items[4] == (4, 0.4) and items[-1] == "last"
    twin = items.copy()
    twin[6] = "other"
    assert items[6] != "other" and _packed_chunks(items) == 2
    for number in range(CHUNK):
        items.append(number)
        items.pack()
    assert _packed_chunks(items) == 4 and items[5] == "new"


def test_what_is_not_done_is_not_packed() -> None:
    items: PackedList[int] = PackedList(range(MANY), done=lambda item: item != 3)
    items.pack()
    items.pack()
    assert [type(chunk) for chunk in items._parts[0]] == [list, bytes]
    items[3] = 4
    for _ in range(CHUNK):
        items.append(0)
    items.pack()
    assert [type(chunk) for chunk in items._parts[0]] == [bytes, bytes, bytes]


def test_who_goes_through_all_of_it_again_and_again_gets_it_kept() -> None:
    items = _packed()
    for _ in range(5):
        assert len([*items]) == MANY
    assert _packed_chunks(items) == 0
    items.pack()
    assert _packed_chunks(items) == 0 and items[3] == (3, pytest.approx(0.3))


def test_every_item_comes_back_as_it_was() -> None:
    odd = [(1, True, 1.0, -0.0, 10**30, "\ud800", None), {"b": (1,), "a": [1]}]
    items: PackedList[object] = PackedList([*odd, math.nan, *range(MANY)])
    items.pack()
    assert repr(items[:2]) == repr(odd) and math.isnan(items[2])  # type: ignore[arg-type]


@pytest.mark.parametrize("method", [lt.Random(), lt.Quasi("sobol"), lt.Evolution("de")], ids=repr)
def test_a_study_whose_past_is_packed_makes_the_same_trials(method: lt.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> lt.Study:
        space = {"x": lt.Float(0, 1), "n": lt.Int(1, 1000)}
        study = lt.Study("s", space, minimize="y", method=method, seed=0)
        for number in range(90):
            trial = study.ask()
            if number % 7 == 6:
                study.tell(trial, failed="no")
            elif number != 3:  # which goes on running
                study.tell(trial, trial["x"] + trial["n"])
            if number == 60:
                study.forget(2)
        return study

    plain = run()
    monkeypatch.setattr("luthier.history.packed.packed_list.CHUNK", 8)
    monkeypatch.setattr("luthier.history.packed.packed_list.KEPT", 8)
    monkeypatch.setattr("luthier.study.log._PACKED_AFTER", 1)
    packed = run()
    parts = packed.history._state.trials._parts[0]
    assert sum(isinstance(chunk, bytes) for chunk in parts) > 5
    mine, theirs = packed.history, plain.history
    assert [trial.config for trial in mine.trials] == [trial.config for trial in theirs.trials]
    assert [mine.config(number) for number in range(90)] == [theirs.config(number) for number in range(90)]
    assert mine.digest == theirs.digest and mine.fork().digest == mine.digest and mine.distinct == theirs.distinct
    assert packed.best.number == plain.best.number and packed.verify().ok
    study_space = lt.Space({"x": lt.Float(0, 2), "n": lt.Int(1, 1000)})
    for study in (plain, packed):
        study.change(study_space)
    assert packed.ask().config == plain.ask().config
