"""Laws 1 to 6 for evolution and annealing, over random spaces and random workers."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from check_set import examples
from luthier import event as events
from luthier.errors import Infeasible, SpaceExhausted
from luthier.event import Freed, Retried
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Anneal, Evolution, Random
from luthier.method.spec import from_plain, to_plain
from luthier.run import Study
from luthier.testing.methods import Drive, assert_valid, replay, rich_space, tuning_space
from luthier.trial import Outcome, Reason
from strategies import spaces

pytestmark = pytest.mark.slow

TRIALS = 14
METHODS = {
    "cma": Evolution(population=4),
    "cma narrow": Evolution(population=5, spread=0.01),
    "de": Evolution("de", population=4),
    "de for good": Evolution("de", population=6, restart=False),
    "nsga2": Evolution("nsga2", population=5),
    "nsga3": Evolution("nsga3", population=6),
    "anneal": Anneal(),
    "anneal at the best": Anneal(1, 2.0),
}

hypothesis_settings = settings(
    max_examples=examples(12),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
methods = st.sampled_from(sorted(METHODS)).map(METHODS.__getitem__)


QUICK = ("cma", "de", "anneal")


@pytest.fixture(params=[name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in METHODS])
def method(request):
    return METHODS[request.param]


def ran(drive, key):
    """Run some trials as several workers would; None where the space has nothing feasible."""
    try:
        return drive.scatter(TRIALS, key)
    except Infeasible:
        return None


def written(drive):
    return [events.encode(event) for event in drive.history.events]


@hypothesis_settings
@given(spaces(), methods, st.integers(0, 3))
def test_valid_and_replayed(space, method, seed):
    """Laws 2, 4, 5 and 6 of asynchronous studies."""
    drive = Drive(space, method, seed=seed)
    if ran(drive, Key.of(seed + 20)) is not None:
        assert_valid(drive)
        replay(drive)
        for config, (again,) in ((c, space.decode(space.encode([c]))) for c in drive.configs):
            assert again == config


@hypothesis_settings
@given(spaces(), methods, st.integers(0, 3))
def test_memo(space, method, seed):
    """Law 3, of an asynchronous study: also what is noted is the same."""
    kept, bare, small = (Drive(space, method, seed=seed, memo=memo) for memo in (Memo(), Memo(0), Memo(1)))
    assert ran(kept, Key.of(seed)) == ran(bare, Key.of(seed)) == ran(small, Key.of(seed))
    assert written(kept) == written(bare) == written(small)


@hypothesis_settings
@given(spaces(), methods, st.integers(0, 3), st.integers(1, 40))
def test_resume(space, method, seed, cut):
    """Law 1: killed after any event, read again from text in another process, the trials are the same."""
    drive = Drive(space, method, seed=seed)
    try:
        whole = list(drive.run(TRIALS))
    except Infeasible:
        return
    resumed = drive.resumed(1 + cut % drive.history.length, from_plain(to_plain(method)))
    for number in resumed.history.running:
        resumed.tell(number)
    assert resumed.run(TRIALS) == whole
    assert written(resumed) == written(drive)


@hypothesis_settings
@given(spaces(most=3).filter(lambda space: space.size is not None and space.size <= 40), methods)
def test_a_finite_space_is_used_up(space, method):
    """Law 5: every configuration exactly once, then SpaceExhausted."""
    expected = {space.identity(config) for config in space.configurations()}
    drive = Drive(space, method)
    try:
        drive.run(1000, count=3)
    except Infeasible:
        assert not expected
        return
    assert_valid(drive)
    assert {space.identity(config) for config in drive.configs} == expected
    with pytest.raises(SpaceExhausted):
        drive.propose()


@pytest.mark.parametrize("seed", [0, 1])
def test_a_study_of_lost_failed_and_late_trials_is_proved(method, seed):
    """Law 2 by `Study.verify`: batches of 8 and single trials, reported in any order, some failed, some lost."""
    key = Key.of(seed).fold("workers")
    with Study("late", tuning_space(), minimize="loss", method=method, seed=seed) as study:
        running = list(study.ask(8))
        for turn in range(100):
            draw = key.fold(turn).uniform(3)
            if len(running) < 3 or (draw[0] < 0.4 and len(running) < 9):
                running += study.ask(8) if turn == 11 else [study.ask()]
                continue
            trial = running.pop(int(draw[1] * len(running)))
            if draw[2] < 0.15:
                study.tell(trial, failed="it broke")
            elif draw[2] < 0.3:
                study.finish(trial, Outcome(Reason.LOST))
            elif draw[2] < 0.4:
                study.release(trial)
            else:
                study.tell(trial, float(draw[0]))
            if turn % 20 == 7:
                study.enqueue({"kernel": "linear", "C": 0.5 + turn})
        found = study.verify()
    assert found.ok and found.proved >= 25, found


def test_late_results_change_nothing_that_was_folded(method):
    """Law 2 where a worker is slower than several generations, and another one's trial is retried."""
    drive = Drive(rich_space(), method)
    (slow,) = drive.ask()
    drive.run(7)
    (lost,) = drive.ask()
    drive.run(20)
    drive.tell(slow)
    lease = drive.history.trial(lost).lease
    drive.history = drive.history.extend([Freed(lost, lease.token, "lost", "gone"), Retried(lost, "another")])
    drive.run(24)
    drive.tell(lost)
    drive.run(32)
    assert_valid(drive)
    replay(drive)


def test_the_method_may_change_and_come_back(method):
    """A line of states goes on where it was left; what came between are trials of others."""
    drive = Drive(tuning_space(), method)
    drive.run(14)
    drive.method = Random()
    drive.run(20)
    drive.method = method
    drive.run(34)
    assert_valid(drive)
    for length in range(drive.history.length - 20, drive.history.length, 3):
        again = drive.resumed(length)
        for number in again.history.running:
            again.tell(number)
        assert again.run(34) == drive.configs


@pytest.mark.parametrize(
    "method", [*METHODS.values(), Evolution(), Evolution("de"), Evolution(restart=False)], ids=repr
)
def test_text_form(method):
    assert from_plain(to_plain(method)) == method
