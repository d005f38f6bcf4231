"""Laws 1 to 6 for the model-based methods, one of each kind, and the default; see `test_bayes_pairs` for all pairs."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from check_set import examples
from luthier import event as events
from luthier.acquisition.analytic import EI, PI, UCB, LogEI
from luthier.errors import Infeasible, SpaceExhausted
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Auto, Bayes
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer
from luthier.method.spec import from_plain, to_plain
from luthier.run import Study
from luthier.space import Choice, Float, Space
from luthier.surrogate.gp.model import GP
from luthier.surrogate.parzen.estimator import Parzen
from luthier.surrogate.trees.forest import Forest
from luthier.testing.methods import Drive, MethodContract, assert_valid, replay, tuning_space
from luthier.trial import Outcome, Reason
from strategies import spaces

BRIEF = AcquisitionOptimizer(scattered=40, nearby=20, parents=3, rounds=1, climbers=2, tries=5)
FAST = GP(steps=4, growth=1.5)
TRIALS = 9

PAIRS = {
    "gp-log-ei": Bayes(FAST, LogEI(), initial=3, search=BRIEF),
    "gp-ei": Bayes(FAST, EI(), initial=3, search=BRIEF),
    "gp-pi": Bayes(FAST, PI(0.01), initial=3, search=BRIEF),
    "gp-ucb": Bayes(GP(steps=4, growth=1.5, scaling="half rank"), UCB(1.0), initial=3, search=BRIEF),
    "parzen-ei": Bayes(Parzen(), EI(), initial=3, search=BRIEF),
    "parzen-log-ei": Bayes(Parzen(forgetting=5), LogEI(), initial=3, search=BRIEF),
    "forest-ei": Bayes(Forest(trees=4), EI(), initial=3, search=BRIEF),
    "auto": Auto(initial=3, committee=(FAST, GP(steps=4, growth=1.5, scaling="log gap")), search=BRIEF),
}


class TestBayesLogEI(MethodContract):
    def method(self):
        return PAIRS["gp-log-ei"]


@pytest.mark.slow
class TestBayesUCB(MethodContract):
    def method(self):
        return PAIRS["gp-ucb"]


class TestBayesParzen(MethodContract):
    def method(self):
        return PAIRS["parzen-ei"]


@pytest.mark.slow
class TestBayesForest(MethodContract):
    def method(self):
        return PAIRS["forest-ei"]


@pytest.mark.slow
class TestAuto(MethodContract):
    def method(self):
        return PAIRS["auto"]


@pytest.mark.slow
class TestBayesParzenLogEI(MethodContract):
    def method(self):
        return PAIRS["parzen-log-ei"]


hypothesis_settings = settings(
    max_examples=examples(15),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
methods = st.sampled_from(sorted(PAIRS)).map(PAIRS.__getitem__)


def ran(drive, key):
    """Run some trials as several workers would; None where the space has nothing feasible."""
    try:
        return drive.scatter(TRIALS, key)
    except Infeasible:
        return None


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
    """Law 3."""
    cached, bare = (Drive(space, method, seed=seed, memo=memo) for memo in (Memo(), Memo(0)))
    assert ran(cached, Key.of(seed)) == ran(bare, Key.of(seed))
    written = [[events.encode(event) for event in drive.history.events] for drive in (cached, bare)]
    assert written[0] == written[1]


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


@pytest.mark.slow
@pytest.mark.parametrize("method", PAIRS.values(), ids=PAIRS.keys())
@pytest.mark.parametrize("seed", [0, 1])
def test_a_study_of_lost_failed_and_late_trials_is_proved(method, seed):
    """Law 2 by `Study.verify`: batches of 8 and single trials, reported in any order, some failed, some lost."""
    key = Key.of(seed).fold("workers")
    with Study("late", tuning_space(), minimize="loss", method=method, seed=seed) as study:
        running = list(study.ask(8))
        for turn in range(30):
            draw = key.fold(turn).uniform(3)
            if len(running) < 3 or (draw[0] < 0.3 and len(running) < 9):
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
        found = study.verify()
    assert found.ok and found.given == 0 and found.proved >= 16, found


@pytest.mark.parametrize("method", [PAIRS["auto"], PAIRS["gp-ei"], PAIRS["parzen-ei"]], ids=["auto", "gp-ei", "parzen"])
def test_a_study_with_outcome_constraints_is_proved(method):
    """Law 2 by `Study.verify`, in batches, where the optimum lies at two constraints."""
    space = Space({"a": Float(0, 1), "b": Float(0, 1), "c": Choice("x", "y")})
    limits = {"left": "<= 0.6", "right": "<= 0.6"}
    with Study("edges", space, minimize="loss", constraints=limits, method=method, seed=3) as study:
        for _ in range(4):
            for trial in study.ask(3):
                a, b = trial["a"], trial["b"]
                study.tell(trial, {"loss": -a - b, "left": a + 0.9 * b, "right": 0.9 * a + b})
        found = study.verify()
    assert found.ok and found.proved >= 9, found


@pytest.mark.parametrize("method", [*PAIRS.values(), Auto(), Bayes(), Bayes(Parzen())], ids=repr)
def test_text_form(method):
    assert from_plain(to_plain(method)) == method
