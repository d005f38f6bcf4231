"""A history is a value: the fold of the first events of a log, whatever happens to other histories of that log."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import luthier as lt
from luthier.errors import StoreCorrupt, TrialNotFound
from luthier.event import (
    Asked,
    Changed,
    Claimed,
    Configured,
    Created,
    Enqueued,
    Event,
    Freed,
    Renewed,
    Reported,
    Retried,
    Told,
)
from luthier.history import History
from luthier.problem import Problem
from luthier.trial import Reason, State

SPACE = lt.Space({"x": lt.Float(0, 1)})
CREATED = Created("s", SPACE.to_plain(), (("loss", False),), 7)


def _asked(number: int, x: float = 0.5, **settings: Any) -> Asked:
    return Asked(number, {"x": x}, 0, owner="me", ttl_s=60.0, **settings)


def _told(number: int, value: float, token: int = 1, reason: str = "done", **settings: Any) -> Told:
    return Told(number, token, reason, {"loss": value} if reason in ("done", "nonfinite") else {}, **settings)


def _history(*events: Event) -> History:
    return History(SPACE).extend([CREATED, *events])


def test_events_fold_to_trials() -> None:
    history = _history(_asked(0), Reported(0, 1, 0, 0.9), _asked(1, 0.25, note={"by": "me"}), _told(0, 0.5))
    first, second = history.trials
    assert first.state is State.FINISHED and first.is_done and first.outcome is not None
    assert first.outcome.values == {"loss": 0.5} and first.reports[0].value == 0.9
    assert second.state is State.RUNNING and second.note == {"by": "me"}
    assert second.lease is not None and (second.lease.token, second.lease.owner) == (3, "me")
    assert (len(history), history.finished, history.running, history.length) == (2, 1, (1,), 5)
    assert history.alive_at(1) == 3
    with pytest.raises(TrialNotFound, match="no trial 2; the study has 2"):
        history.trial(2)
    with pytest.raises(TrialNotFound):
        history.trial(-1)


def test_a_history_is_not_changed_by_what_comes_later() -> None:
    old = _history(_asked(0))
    new = old.extend([_told(0, 0.5), _asked(1, 0.25)])
    assert [trial.state for trial in old.trials] == [State.RUNNING] and len(old) == 1
    assert old.best is None and new.best == 0
    assert not old.has(SPACE.identity({"x": 0.25})) and new.has(SPACE.identity({"x": 0.25}))
    assert new.upto(old.length).trials == old.trials
    assert old.events == new.events[: old.length]


def test_a_history_branches_where_two_go_on_from_it() -> None:
    trunk = _history(_asked(0))
    left = trunk.apply(_told(0, 0.5))
    right = trunk.apply(_told(0, 0.1))
    assert left.trial(0).outcome != right.trial(0).outcome
    assert trunk.trial(0).outcome is None


def test_a_lease_is_freed_retried_and_renewed() -> None:
    history = _history(_asked(0), Freed(0, 1, "lost"))
    assert history.trial(0).state is State.WAITING and history.waiting == (0,) and history.running == ()
    assert history.trial(0).lease is not None and history.trial(0).lease.lost == 1
    history = history.apply(Retried(0, "you", 60.0))
    lease = history.trial(0).lease
    assert lease is not None and (lease.owner, lease.token, lease.attempt, lease.lost) == ("you", 3, 2, 1)
    history = history.extend([Renewed(0, 3), Renewed(0, 1), Renewed(5, 1)])
    assert history.alive_at(0) == 4  # a sign of life of the one before does not count
    history = history.extend([Freed(0, 3, "interrupted"), _told(0, 1.0)])
    assert history.waiting == () and history.trial(0).lease == lease


def test_reports_are_kept_over_attempts() -> None:
    history = _history(_asked(0), Reported(0, 1, 0, 0.9), Reported(0, 1, 1, 0.8), Freed(0, 1, "lost"), Retried(0))
    history = history.extend([Reported(0, 5, 1, 0.7), Reported(0, 5, 4, 0.6)])
    reports = history.trial(0).reports
    assert [(r.attempt, r.step, r.value) for r in reports] == [(1, 0, 0.9), (1, 1, 0.8), (2, 1, 0.7), (2, 4, 0.6)]
    assert [(r.attempt, r.step, r.value) for r in history.trial(0).curve] == [(1, 0, 0.9), (2, 1, 0.7), (2, 4, 0.6)]


def _curves(history: History) -> list[tuple[int, float, int, float]]:
    """Give the reports as a model sees them: (trial, its x, step, loss)."""
    found = history.data(history.problem()).reports
    assert found.x.shape == (len(found.numbers), 1) and len(found) == len(found.loss)
    assert found.trial.dtype == found.step.dtype == found.numbers.dtype == np.int64
    return [
        (int(found.numbers[row]), float(found.x[row, 0]), step, loss)
        for row, step, loss in zip(found.trial.tolist(), found.step.tolist(), found.loss.tolist(), strict=True)
    ]


def test_reports_are_data_of_stopped_crashed_and_running_trials_too() -> None:
    history = _history(_asked(0, 0.1), _asked(1, 0.2), Reported(1, 2, 3, 5.0), Reported(0, 1, 0, 4.0))
    assert _curves(_history()) == []
    history = history.extend([_asked(2, 0.3), Reported(0, 1, 1, 3.0), Reported(2, 5, 0, 2.0), _asked(3, 0.4)])
    assert _curves(history) == [(0, 0.1, 0, 4.0), (0, 0.1, 1, 3.0), (1, 0.2, 3, 5.0), (2, 0.3, 0, 2.0)]
    ended = history.extend([_told(0, 1.0), Told(1, 2, "pruned"), Told(2, 5, "failed")])
    assert _curves(ended) == _curves(history)
    assert _curves(history) == _curves(ended.upto(history.length))
    again = ended.extend([_asked(4, 0.5), Reported(4, 12, 0, 1.0), Freed(4, 12, "lost"), Retried(4)])
    assert _curves(again)[-1] == (4, 0.5, 0, 1.0)
    assert _curves(again.apply(Reported(4, 15, 0, 0.5)))[4:] == [(4, 0.5, 0, 0.5)]
    odd = again.extend([Reported(4, 15, 1, math.inf), Reported(4, 15, 0, math.nan)])
    assert _curves(odd) == _curves(ended)  # what is not finite is no loss


def test_reports_are_losses_of_trials_that_the_space_can_hold() -> None:
    upwards = History(SPACE).extend([Created("s", SPACE.to_plain(), (("gain", True),), 7), _asked(0, 0.1)])
    upwards = upwards.extend([Reported(0, 1, 0, 2.0), _asked(1, 0.9), Reported(1, 3, 0, 3.0)])
    assert _curves(upwards) == [(0, 0.1, 0, -2.0), (1, 0.9, 0, -3.0)]
    wide = lt.Space({"x": lt.Float(0.5, 1.0)})
    assert _curves(upwards.apply(Changed(wide.to_plain()))) == [(1, 0.8, 0, -3.0)]


def test_many_reports_grow_the_arrays() -> None:
    history = _history(*(_asked(number, number / 10) for number in range(5)))
    for step in range(60):
        history = history.extend([Reported(number, number + 1, step, float(step)) for number in range(5)])
    found = _curves(history)
    assert found == [(n, n / 10, step, float(step)) for n in range(5) for step in range(60)]


def test_a_rung_is_a_part_of_a_history() -> None:
    """The trials that got as far as a step: what successive halving compares."""
    history = _history(*(_asked(number, number / 10) for number in range(4)))
    for number, steps in enumerate((3, 1, 2, 0)):
        history = history.extend([Reported(number, number + 1, step, number + step / 8) for step in range(steps)])
    history = history.apply(_told(0, 9.0))
    for step, members in enumerate(((0, 1, 2), (0, 2), (0,), ())):
        rung = history.where(lambda trial, step=step: any(report.step >= step for report in trial.reports))
        assert tuple(trial.number for trial in rung.trials) == members
        assert sorted({number for number, *_ in _curves(rung)}) == list(members)
        assert rung.measured() == ((0,) if members else ())
        assert len(rung) == 4 and rung.running == (1, 2, 3) and rung.has(SPACE.identity({"x": 0.3}))
    newer = history.where(lambda trial: trial.number != 1).apply(Reported(3, 4, 0, 0.5))
    assert sorted({number for number, *_ in _curves(newer)}) == [0, 2, 3]  # what comes later is cut, too


def test_claims_are_held_and_lost_and_taken_over() -> None:
    history = _history(_asked(0), Claimed(1, 2, 2, "me", 60.0))
    assert history.claims == ((2, Claimed(1, 2, 2, "me", 60.0)),) and history.holds(2)
    assert (len(history), history.claimed, history.free_numbers(3)) == (1, 2, (3, 3))
    history = history.extend([Claimed(3, 3), _asked(1, claim=4)])  # the first trial after the claims is number 1
    assert history.trial(1).config == {"x": 0.5} and history.claimed == 3 and history.free_numbers(1) == (5, 1)
    history = history.extend([_asked(2, claim=1, batch=(2, 2)), Freed(1, 2, "interrupted")])
    assert [trial.number for trial in history.trials] == [0, 1, 2] and not history.holds(2)
    assert history.claimed == 1 and history.free_numbers(5) == (2, 1)
    history = history.apply(_asked(3, claim=3))
    assert history.claims == () and history.claimed == 0
    history = history.apply(Claimed(2, history.length))
    assert history.holds(history.length - 1) and history.free_numbers(5) == (5, 5)
    history = history.apply(Freed(2, history.length - 1, "lost"))
    assert history.apply(_asked(4, claim=2)).free_numbers(5) == (5, 5)
    assert history.apply(_asked(4, origin="user")).free_numbers(5) == (2, 1)


def test_numbers_are_claimed_in_a_row() -> None:
    history = _history(Claimed(0, 1), Claimed(1, 2), Claimed(2, 3), Claimed(3, 4))
    history = history.extend([Freed(3, 4, "lost"), Freed(0, 1, "lost"), Freed(1, 2, "lost")])
    assert history.free_numbers(1) == (0, 1) and history.free_numbers(9) == (0, 2)
    assert history.apply(Claimed(0, 8, 2)).free_numbers(9) == (3, 1)
    assert [claimed.number for _, claimed in history.claims] == [2]


@pytest.mark.parametrize("event", [Claimed(0, 3), Claimed(1, 3), Claimed(3, 3), Claimed(0, 3, 2), Freed(1, 9, "lost")])
def test_a_claim_of_what_is_not_free_is_refused(event: Event) -> None:
    history = _history(_asked(0), Claimed(1, 2))
    with pytest.raises(StoreCorrupt):
        history.apply(event)
    assert history.apply(Claimed(2, 3)).claimed == 2


def test_a_method_sees_nothing_of_claims() -> None:
    plain = _history(_asked(0, 0.1), _told(0, 1.0), _asked(1, 0.2))
    claimed = _history(Claimed(0, 1), _asked(0, 0.1), Claimed(1, 3), _told(0, 1.0, token=2), _asked(1, 0.2))
    assert plain.digest == claimed.digest and len(plain) == len(claimed)
    assert [trial.config for trial in plain.trials] == [trial.config for trial in claimed.trials]


def test_a_fork_is_equal_and_goes_its_own_way() -> None:
    base = _history(_asked(0, 0.1), Reported(0, 1, 0, 0.9), _told(0, 1.0, duration_s=2.0), _asked(1, 0.2))
    problem, plain = base.problem(), _history(*base.events[1:])
    fork = base.fork()
    grown = base.extend([Told(1, 4, "done", {"loss": 0.5}, {"a": 1.0}), _asked(2, 0.3), Reported(2, 6, 0, 0.8)])
    for _ in range(2):  # the fork is as it was, whatever is appended to the other and looked at
        assert grown.data(problem).loss.tolist() == [1.0, 0.5]
        assert (fork.length, fork.digest, fork.best, len(fork)) == (plain.length, plain.digest, 0, 2)
        data = fork.data(problem)
        assert data.x.tolist() == [[0.1]] and data.pending.tolist() == [[0.2]] and data.violations.shape == (1, 0)
        assert _curves(fork) == [(0, 0.1, 0, 0.9)]
        assert fork.has(SPACE.identity({"x": 0.2})) and not fork.has(SPACE.identity({"x": 0.3}))
        assert fork.upto(3).trials == plain.upto(3).trials
    other = fork.extend([_asked(2, 0.4), Told(1, 4, "done", {"loss": 7.0}, {"b": 1.0}), _told(2, 9.0)])
    assert other.data(problem).loss.tolist() == [1.0, 7.0, 9.0] and other.data(problem).x[:, 0].tolist() == [
        0.1,
        0.2,
        0.4,
    ]
    assert grown.data(problem).loss.tolist() == [1.0, 0.5] and grown.data(problem).pending.tolist() == [[0.3]]
    many = fork.extend([_asked(number, number / 100) for number in range(2, 80)])
    assert len(many.data(problem).pending) == 79 and len(grown) == 3


def test_the_queue_and_its_tickets() -> None:
    history = _history(Enqueued({"x": 0.1}, "a"), Enqueued({"x": 0.2}, "b"), Enqueued({"x": 0.3}, "a"))
    assert history.queue == (("a", {"x": 0.1}), ("b", {"x": 0.2}))
    history = history.apply(_asked(0, 0.1, ticket="a"))
    assert [ticket for ticket, _ in history.queue] == ["b"]
    assert history.ticketed("a") and history.ticket("a") == 0 and history.ticket("b") is None
    assert not history.ticketed("c")


@pytest.mark.parametrize(
    "event",
    [CREATED, _asked(4), _told(0, 0.5), _told(4, 0.5), Freed(9, 1, "lost"), Told(1, 1, "nonsense"), Told(1, 1, "done")],
)
def test_events_that_make_no_sense_are_refused_and_change_nothing(event: Event) -> None:
    history = _history(_asked(0), _told(0, 0.1), _asked(1))
    with pytest.raises(StoreCorrupt):
        history.extend([_asked(2), event])
    assert len(history) == 2 and history.running == (1,)
    assert history.apply(_told(1, 0.05)).best == 1


def test_a_log_must_begin_with_the_creation() -> None:
    with pytest.raises(StoreCorrupt, match="does not begin"):
        History(SPACE).problem()


def test_the_best_is_kept_while_folding() -> None:
    history = _history()
    for number, (value, reason) in enumerate(
        [(5.0, "done"), (math.nan, "nonfinite"), (3.0, "done"), (3.0, "done"), (0.0, "failed"), (4.0, "done")]
    ):
        history = history.extend([_asked(number, number / 10), _told(number, value, reason=reason)])
    assert history.best == 2 and history.since_best == 3
    history = history.extend([_asked(6, origin="imported"), _told(6, 3.5)])
    assert history.since_best == 3 and history.asked == 6
    history = history.extend([_asked(7), Told(7, 1, "done", {"loss": 1.0}, {"size": 0.1})])
    assert history.best == 2 and history.since_best == 4
    upwards = History(SPACE).extend([Created("s", SPACE.to_plain(), (("gain", True),), 7), _asked(0), _asked(1, 0.1)])
    upwards = upwards.extend([Told(0, 1, "done", {"gain": 1.0}), Told(1, 2, "done", {"gain": 2.0})])
    assert upwards.best == 1


def test_of_equals_told_out_of_order_the_lower_number_is_best() -> None:
    history = _history(_asked(0), _asked(1, 0.1), _told(1, 1.0, token=2), _told(0, 1.0))
    assert history.best == 0


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from(["done", "failed", "lost", "open"])), max_size=40))
def test_data_are_what_a_loop_over_the_trials_gives(trials: list[tuple[float, str]]) -> None:
    history = _history()
    for number, (x, end) in enumerate(trials):
        history = history.apply(_asked(number, x))
        if number % 3 == 0:
            history.data(history.problem())  # whatever is cached on the way
        if end != "open":
            history = history.apply(_told(number, x * 2, reason=end, duration_s=x))
    data = history.data(history.problem())
    counted = [(x, end) for number, (x, end) in enumerate(trials) if number not in history.forgotten]
    by_end = {kind: [[x] for x, end in counted if end == kind] for kind in ("done", "open")}
    assert data.x.tolist() == by_end["done"]
    assert data.failed.tolist() == [[x] for x, end in counted if end in ("failed", "lost")]
    assert [trials[number][1] in ("failed", "lost") for number in history.forgotten] == [True] * len(history.forgotten)
    assert data.pending.tolist() == by_end["open"]
    assert data.loss.tolist() == [2 * x for (x,) in by_end["done"]]
    assert data.costs.tolist() == [x for (x,) in by_end["done"]]
    assert data.noise is None and data.violations.shape == (len(by_end["done"]), 0)


def test_data_of_an_old_history_and_of_a_part() -> None:
    old = _history(_asked(0, 0.1), _told(0, 1.0), _asked(1, 0.2))
    problem = old.problem()
    new = old.extend([_told(1, 2.0), _asked(2, 0.3), _told(2, 3.0)])
    assert old.data(problem).loss.tolist() == [1.0] and old.data(problem).pending.tolist() == [[0.2]]
    odd = new.where(lambda trial: trial.number != 1)
    assert odd.data(problem).loss.tolist() == [1.0, 3.0]
    assert odd.where(lambda trial: trial.number > 0).data(problem).loss.tolist() == [3.0]
    assert [trial.number for trial in odd.trials] == [0, 2] and len(odd) == 3


def test_data_in_another_space_than_the_present_one() -> None:
    history = _history(_asked(0, 0.5), _told(0, 1.0))
    wide = lt.Space({"x": lt.Float(0, 2)})
    assert history.data(Problem(wide, history.problem().objectives)).x.tolist() == [[0.25]]
    assert history.data(history.problem()).x.tolist() == [[0.5]]


def test_data_have_the_known_noise_and_the_outcome_constraints() -> None:
    history = _history(
        _asked(0, 0.1),
        Told(0, 1, "done", {"loss": 1.0}, {"b": 1.0}, extra={"variance": 0.5}),
        _asked(1, 0.2),
        Told(1, 3, "done", {"loss": 2.0}, {"a": -1.0}, extra={"variance": 0.25}),
    )
    data = history.data(history.problem())
    assert data.noise is not None and data.noise.tolist() == [0.5, 0.25]
    np.testing.assert_array_equal(data.violations, [[np.nan, 1.0], [-1.0, np.nan]])
    history = history.extend([_asked(2), _told(2, 1.0)])
    assert history.data(history.problem()).noise is None


def test_many_trials_grow_the_table() -> None:
    history = _history()
    for number in range(200):
        history = history.extend(
            [_asked(number, number / 200), Told(number, 1, "done", {"loss": float(number)}, {"a": -float(number)})]
        )
        if number % 50 == 0:
            assert len(history.data(history.problem())) == number + 1
    data = history.data(history.problem())
    assert data.loss.tolist() == list(range(200)) and data.x[:, 0].tolist() == [n / 200 for n in range(200)]
    assert data.violations[:, 0].tolist() == [-n for n in range(200)]


def test_a_changed_space_is_what_the_history_is_read_in() -> None:
    new = lt.Space({"x": lt.Float(0.4, 2), "k": lt.Bool(default=True)})
    history = _history(_asked(0, 0.1), _told(0, 1.0), _asked(1, 0.5), _told(1, 2.0), Enqueued({"x": 0.2}, "t"))
    history.data(history.problem())
    assert history.best == 0
    history = history.apply(Changed(new.to_plain()))
    assert history.space == new and history.best == 1 and history.queue == () and history.since_best == 0
    assert history.config(0) is None and history.config(1) == {"x": 0.5, "k": True}
    assert history.trial(1).config == {"x": 0.5}
    data = history.data(history.problem())
    assert len(data) == 1 and len(data.columns) == len(new.columns)
    assert history.has(new.identity({"x": 0.5, "k": True})) and history.distinct == 1
    assert history.upto(3).space == SPACE


def test_the_problem_is_what_the_log_says() -> None:
    history = _history(Configured({"use": "Random"}, 60))
    assert history.problem().horizon == 60 and history.problem().objectives[0].name == "loss"
    assert history.configured == (1, Configured({"use": "Random"}, 60))


def test_the_digest_names_what_a_method_can_see() -> None:
    plain = [_asked(0, 0.1), _told(0, 1.0, duration_s=1.0), _asked(1, 0.2)]
    base = _history(*plain)
    assert base.digest == _history(*plain).digest
    unseen = _history(Configured(1), *plain, Renewed(1, 3), Enqueued({"x": 0.3}, "t"), Freed(1, 3, "lost"), Retried(1))
    assert unseen.digest == base.digest
    seen = [
        base.apply(_told(1, 1.0)),
        base.apply(Told(1, 3, "lost")),  # no longer pending
        base.apply(Reported(1, 3, 0, 0.5)),
        base.extend([Reported(1, 3, 0, 0.5), Reported(1, 3, 0, 0.4)]),
        base.where(lambda trial: trial.number == 0),
        base.upto(base.length - 1),
        _history(_asked(0, 0.1), _told(0, 1.0, duration_s=2.0), _asked(1, 0.2)),
        _history(_asked(0, 0.1), _told(0, 1.0, duration_s=1.0, extra={"variance": 1.0}), _asked(1, 0.2)),
    ]
    assert len({base.digest, *(history.digest for history in seen)}) == len(seen) + 1
    assert base.where(lambda trial: trial.number == 0).digest == seen[4].digest
    assert seen[2].extend([Freed(1, 3, "lost"), Retried(1)]).digest == seen[2].digest  # a report outlives its attempt


def test_reasons_say_what_is_a_crash() -> None:
    crashes = {reason for reason in Reason if reason.is_crash}
    assert crashes == {Reason.FAILED, Reason.TIMEOUT, Reason.MEMORY, Reason.NONFINITE, Reason.LOST}
