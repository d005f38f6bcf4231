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
from luthier.event import Asked, Changed, Configured, Created, Enqueued, Event, Freed, Renewed, Reported, Retried, Told
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


def test_a_retry_drops_the_reports_of_the_attempt_before() -> None:
    history = _history(_asked(0), Reported(0, 1, 0, 0.9), Freed(0, 1, "lost"), Retried(0))
    assert history.trial(0).reports == ()


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
    by_end = {kind: [[x] for x, end in trials if end == kind] for kind in ("done", "failed", "lost", "open")}
    assert data.x.tolist() == by_end["done"] and data.failed.tolist() == by_end["failed"]
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
        base.extend([Reported(1, 3, 0, 0.5), Freed(1, 3, "lost"), Retried(1)]),  # the report is gone again
        base.where(lambda trial: trial.number == 0),
        base.upto(base.length - 1),
        _history(_asked(0, 0.1), _told(0, 1.0, duration_s=2.0), _asked(1, 0.2)),
        _history(_asked(0, 0.1), _told(0, 1.0, duration_s=1.0, extra={"variance": 1.0}), _asked(1, 0.2)),
    ]
    assert len({base.digest, *(history.digest for history in seen)}) == len(seen) + 1
    assert base.where(lambda trial: trial.number == 0).digest == seen[4].digest


def test_reasons_say_what_is_a_crash() -> None:
    crashes = {reason for reason in Reason if reason.is_crash}
    assert crashes == {Reason.FAILED, Reason.TIMEOUT, Reason.MEMORY, Reason.NONFINITE}
