"""Snapshots of a log: the state that they give back is the one that folding the log gives, in all its parts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import luthier as lt
from luthier.history import History, LogSnapshot
from luthier.history.log_state import LogState
from luthier.history.packed.packing import PackedTrials, is_pickled
from luthier.history.snapshot import log_snapshot
from luthier.history.snapshot.log_snapshot import SAVED
from luthier.history.snapshot.plain_objects import NotPlain, from_plain, to_plain
from luthier.trial import Outcome, Reason, Report, State, Trial

VARIABLES = {"x": lt.Float(0, 1), "kind": lt.Choice("a", "b", None), "order": lt.Permutation(["p", "q", "r"])}
SPACE = lt.Space(VARIABLES)
SUM = 12345


def study(seed: int, trials: int) -> lt.Study:
    """Have everything happen to a study that the log has events for."""
    epochs = lt.Fidelity("epoch", 1, 9)
    made = lt.Study("s", SPACE, minimize="y", method=lt.Random(), seed=seed, fidelity=epochs)
    draw = np.random.default_rng(seed)
    for number in range(trials):
        what = draw.integers(10)
        trial = made.ask()
        for epoch in range(1, draw.integers(1, 4)):
            made.report(trial, float(draw.random()), epoch)
        made.set(trial, note=[1, (2.0, None)], epoch=number)
        if what == 0:
            made.tell(trial, failed="ValueError: no")
        elif what == 1:
            made.release(trial)
        elif what == 2:
            made.tell(trial, pruned="bad")
        elif what == 3:
            made.enqueue({"x": float(draw.random())}, ticket=f"t{number}")
        elif what < 9:
            made.tell(trial, float(draw.normal()), duration_s=float(draw.random()))
        if what == 8:
            made.forget(trial.number)
        elif what == 7:
            made.retry(trial.number)
    made.add({"x": 0.25, "kind": None, "order": ["r", "q", "p"]}, 0.5, ticket="known")
    made.annotate(notes="a note", tags=["one"])
    return made


def parts(history: History) -> dict[str, object]:
    state = history._log.fold
    identities = state.read_identities()  # a snapshot has them
    identities._merge(np.empty(0, np.uint64), np.empty(0, np.int64))  # without what counts for nothing
    return {name: to_plain(getattr(state, name)) for name in SAVED}


def restored(made: lt.Study, length: int | None = None) -> History:
    whole = made.history
    before = whole.begin().extend(whole.events[: whole.length if length is None else length])
    data = before.snapshot([1e9 + place for place in range(before.length)], SUM)
    assert data is not None
    snapshot = LogSnapshot.read(data)
    assert snapshot is not None and snapshot.log_sum == SUM and snapshot.stamps[-1] == 1e9 + before.length - 1
    return whole.begin().restore(snapshot, lambda first, last: whole.events[first:last])


@given(st.integers(0, 2**32), st.integers(0, 40), st.floats(0, 1))
@settings(max_examples=12, deadline=None)
def test_a_snapshot_gives_back_the_state_wherever_it_was_taken(seed: int, trials: int, share: float) -> None:
    made = study(seed, trials)
    whole = made.history
    length = max(1, int(share * whole.length))
    again = restored(made, length)
    before = whole.upto(length)
    assert again.events == before.events and again.trials == before.trials and again.length == length
    assert parts(again) == parts(whole.begin().extend(whole.events[:length]))
    again = again.extend(whole.events[length:])
    assert parts(again) == parts(whole.begin().extend(whole.events))
    assert again.trials == whole.trials and again.digest == whole.digest and again.events == whole.events
    assert to_plain(again.data(again.problem()).x) == to_plain(whole.data(whole.problem()).x)
    assert again.upto(length).digest == whole.upto(length).digest


def test_many_trials_stay_packed_and_go_on() -> None:
    made = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random(), seed=0)
    made.add_many([{"x": i / 3000} for i in range(3000)], [float(i % 700) for i in range(3000)])
    whole = made.history
    _ = whole.digest, whole.has("nothing"), whole.data(whole.problem())
    again = restored(made)
    chunks, rest = again._log.fold.trials._parts
    assert all(isinstance(chunk, bytes) for chunk in chunks) and len(rest) < 256
    assert again.best == whole.best == 0 and len(again) == 3000 and again.distinct == whole.distinct
    assert again.trial(17) == whole.trial(17) and again.event(5001) == whole.event(5001)
    assert again.digest == whole.digest and again.upto(4000).digest == whole.upto(4000).digest
    problem = again.problem()
    assert np.array_equal(again.data(problem).x, whole.data(problem).x)


def test_a_study_over_instances_is_kept_too() -> None:
    made = lt.Study(
        "s", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random(), seed=0, instances=lt.Instances(["a", "b", "c"])
    )
    for number in range(4):
        trial = made.ask()
        for case in trial.cases():
            trial.report(number % 3 + case.step)
        made.tell(trial)
    whole = made.history
    assert whole.evaluations and parts(restored(made)) == parts(whole.begin().extend(whole.events))


@pytest.mark.parametrize("change", ["cut", "flipped", "longer", "other code", "other mark", "empty", "other numbers"])
def test_what_is_not_sure_to_be_a_snapshot_is_none(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    history = study(3, 20).history
    data = history.snapshot([0.0] * history.length, SUM)
    assert data is not None and LogSnapshot.read(data) is not None
    for place in {"flipped": range(0, len(data), 97)}.get(change, [0]):
        broken = {
            "cut": data[:-1],
            "flipped": data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :],
            "longer": data + b"\0",
            "other mark": b"luthier snapshot 2\n" + data[19:],
            "empty": b"",
        }.get(change, data)
        if change == "other code":
            monkeypatch.setattr(log_snapshot, "_version", lambda: b"another")
        elif change == "other numbers":
            short = history.snapshot([0.0] * (history.length - 1), SUM)
            assert short is not None
            broken = short
        assert LogSnapshot.read(broken) is None


def test_no_snapshot_is_made_of_what_it_cannot_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    made = study(5, 8)
    stamps = [0.0] * made.history.length
    assert made.history.snapshot(stamps, SUM) is not None
    monkeypatch.setattr(log_snapshot, "_version", lambda: b"")  # code that cannot be read
    assert made.history.snapshot(stamps, SUM) is None
    monkeypatch.undo()
    assert made.history.upto(5).snapshot(stamps[:5], SUM) is None  # not the newest one
    made.change(lt.Space({**VARIABLES, "more": lt.Float(0, 1, default=0.5)}))
    assert made.history.snapshot([0.0] * made.history.length, SUM) is None


def test_every_part_of_a_state_is_in_a_snapshot_or_known_to_be_simple() -> None:
    follows = {"configs", "outside", "problem", "sources", "space", "spaces", "trials"}
    assert {*SAVED} | follows == {*LogState.__slots__} and not {*SAVED} & follows


def test_an_object_of_a_class_that_is_not_known_has_no_plain_form() -> None:
    for value in (object(), {"a": [np.float64(1.0)]}, SPACE, 1j):
        with pytest.raises(NotPlain):
            to_plain(value)
    with pytest.raises(KeyError):
        from_plain(["Popen", "true"])
    odd = {"a": (1, [None, {2.5: b"x"}], {3}), 4: math.inf}
    assert from_plain(to_plain(odd)) == odd


def test_trials_are_packed_exactly() -> None:
    lease = lt.Study("s", SPACE, minimize="y").ask()
    odd = {"n": 1, "m": 1.0, "big": 2**63, "t": (1, [2.0]), "$tuple": [1], "nan": math.nan, "on": True}
    trial = Trial(
        7,
        {"x": 0.1, "order": ["q", "p"], "k": None},
        state=State.FINISHED,
        outcome=Outcome(Reason.DONE, {"y": 1.0}, {"c": -0.0}, 2.0, "", odd),
        reports=(Report(1, math.inf), Report(2, 3.0, 2, (0.5, -1.0))),
        note={"by": "model"},
        attributes=odd,
        mean=2.0,
    )
    packing = PackedTrials()
    packed = packing.pack([trial, replace(trial, number=8, outcome=None)], 0)
    again = packing.unpack(packed, 0, 2)
    assert not is_pickled(packed) and repr(again) == repr([trial, replace(trial, number=8, outcome=None)])
    for value in (2**64, "\ud800", object):
        strange = [replace(trial, number=9, attributes={"v": value})]
        packed = packing.pack(strange, 0)
        assert is_pickled(packed) and repr(packing.unpack(packed, 0, 1)) == repr(strange)
    assert lease.number == 0
