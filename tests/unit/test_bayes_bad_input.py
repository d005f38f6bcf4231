"""Whatever may happen to a study: a feasible proposal or a clear end, and never an error from inside a model."""

from __future__ import annotations

import math
import warnings

import pytest

from luthier.acquisition.analytic import UCB, LogEI
from luthier.errors import Infeasible, SpaceExhausted
from luthier.event import Changed
from luthier.key import Key
from luthier.method import Auto, Bayes
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer
from luthier.run import Study
from luthier.space import Choice, Constant, Float, Int, Normal, Option, Permutation, Simplex, Space, Subset
from luthier.surrogate.gp.model import GP
from luthier.surrogate.parzen.estimator import Parzen
from luthier.testing.methods import Drive, assert_valid, replay
from luthier.trial import Reason

BRIEF = AcquisitionOptimizer(scattered=60, nearby=30, rounds=2, climbers=2, tries=5)
METHODS = [
    Bayes(GP(steps=8), LogEI(), initial=3, search=BRIEF),
    Bayes(GP(kernel="rbf", scaling="rank", steps=8), UCB(), initial=1, search=BRIEF),
    Bayes(Parzen(), LogEI(), initial=3, search=BRIEF),
    Auto(initial=2, search=BRIEF),
]
NAMES = ["gp", "gp-ucb", "parzen", "auto"]


SLOW = {"auto", "gp-ucb"}  # `make check` has one Gaussian process and the Parzen estimator


@pytest.fixture(
    params=[
        pytest.param(method, id=name, marks=[pytest.mark.slow] if name in SLOW else [])
        for method, name in zip(METHODS, NAMES, strict=True)
    ]
)
def method(request):
    return request.param


@pytest.fixture(autouse=True)
def _no_warnings():
    """A model that divides by zero or overflows says so in a warning: here it is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def plane():
    return Space({"x": Float(0, 1), "y": Float(1e-3, 1e3, log=True), "kind": Choice("a", "b")})


def by_turn(*losses):
    """Give an objective whose values are these, in turn, whatever the configuration."""
    turn = iter(range(10**9))
    return lambda config: losses[next(turn) % len(losses)]


@pytest.mark.parametrize(
    "losses",
    [
        (0.0,),
        (1e300,),
        (-1.7e308,),
        (1e300, -1e300),
        (1.7e308, -1.7e308, 0.0),
        (1e-300, 2e-300, 5e-300),
        (5e-324, 0.0),
        (1e300, 1e-300, 1.0, -1e300, -1e-300),
        (1.0, 1.0 + 2e-16),
        (1e16, 1e16 + 2.0),
        (0.0, 1e300),
    ],
    ids=repr,
)
def test_losses_of_any_size(method, losses):
    drive = Drive(plane(), method, loss=by_turn(*losses))
    assert len(drive.run(12)) == 12
    drive.ask(3)
    drive.propose(2)
    assert_valid(drive)


def test_one_trial_and_a_batch_at_once(method):
    drive = Drive(plane(), method)
    drive.run(1)
    assert len(drive.ask(4)) >= 1
    drive = Drive(plane(), method)
    assert len(drive.ask(8)) == 8
    assert_valid(drive)


@pytest.mark.parametrize("reason", [Reason.FAILED, Reason.LOST, Reason.TIMEOUT, Reason.NONFINITE])
def test_all_trials_end_without_a_value(method, reason):
    drive = Drive(plane(), method)
    for _ in range(12):
        for number in drive.ask():
            drive.tell(number, reason)
    assert_valid(drive)
    replay(drive)


def test_one_value_among_failures(method):
    drive = Drive(plane(), method)
    for turn in range(14):
        for number in drive.ask():
            drive.tell(number, Reason.DONE if turn == 5 else Reason.FAILED)
    assert_valid(drive)


def test_repeated_points_with_different_values(method):
    drive = Drive(Space({"x": Int(0, 1)}), method, noisy=True, loss=by_turn(0.0, 1.0, -3.0, 1e9, 0.5))
    assert len(drive.run(25, count=2)) == 25
    replay(drive)
    assert {config["x"] for config in drive.configs} == {0, 1}


def test_nothing_to_choose_in_a_noisy_problem(method):
    drive = Drive(Space({"x": Constant(1)}), method, noisy=True)
    assert drive.run(15, count=2) == [{"x": 1}] * 15


def test_nearly_equal_points_with_different_values(method):
    drive = Drive(Space({"x": Float(0, 1)}), method, loss=by_turn(0.0, 1e6, -1e6))
    for place in range(20):
        drive.add({"x": round(0.5 + place * 1e-12, 12)})
    assert len(drive.run(25)) == 25
    assert_valid(drive)


def test_two_hundred_variables(method):
    space = Space({f"x{j}": Float(0, 1) if j % 3 else Choice("a", "b", "c") for j in range(200)})
    drive = Drive(space, method)
    for config in space.decode(space.sample(Key.of(1), 10)):
        drive.add(config)
    drive.run(13)
    assert_valid(drive)


@pytest.mark.parametrize(
    ("space", "count"),
    [
        (Space({"x": Constant(1)}), 1),
        (Space({"x": Constant(1), "y": Constant("b"), "z": Choice("only")}), 1),
        (Space({"x": Int(1, 2)}), 2),
        (Space({"a": Int(1, 30), "b": Int(1, 30)}, require=["a + b == 60"]), 1),
        (Space({"a": Int(1, 30), "b": Int(1, 30)}, require=["a + b >= 59"]), 3),
        (Space({"x": Float(0, 1, step=0.25)}, require=["x >= 0.4", "x <= 0.6"]), 1),
        (Space({"s": Subset(["a", "b", "c"], size=2), "p": Permutation(["u", "v"])}), 6),
        (Space({"s": Subset(["a", "b"], size=(0, 2))}), 4),
        (Space({"c": Choice("a", Option("b", Space({"n": Int(1, 3)})))}), 4),
        (Space({"c": Choice("a", "b"), "n": Int(1, 3, when="c == 'b'"), "m": Int(1, 2, when="n == 2")}), 5),
    ],
)
@pytest.mark.parametrize("batch", [1, 3])
def test_tiny_spaces_are_used_up(method, space, count, batch):
    drive = Drive(space, method)
    found = drive.run(100, count=batch)
    assert_valid(drive)
    assert len(found) == count
    with pytest.raises(SpaceExhausted, match="tried"):
        drive.propose(batch)


def test_a_tiny_space_that_is_all_pending(method):
    drive = Drive(Space({"x": Int(1, 4)}), method)
    drive.run(3)
    drive.ask()
    with pytest.raises(SpaceExhausted):
        drive.propose()


def test_nothing_is_feasible(method):
    drive = Drive(Space({"x": Float(0, 1), "y": Float(0, 1)}, require=["x + y > 3"]), method)
    with pytest.raises(Infeasible, match=r"x \+ y > 3"):
        drive.propose()


def test_a_sliver_of_the_space_is_feasible(method):
    space = Space({"x": Float(0, 1), "y": Float(0, 1), "z": Float(0, 1)}, require=["x + y + z == 1", "x < 0.01"])
    drive = Drive(space, method)
    assert len(drive.run(10)) == 10
    assert_valid(drive)


def test_nan_on_half_of_the_space(method):
    with Study("half", plane(), minimize="loss", method=method, seed=4) as study:
        study.run(lambda trial: math.nan if trial["x"] > 0.5 else trial["x"], trials=20, give_up_after=None)
        found = study.verify()
        assert found.ok and found.proved == 20
        assert study.best.values["loss"] <= 0.5


INNER = Space({"t": Simplex(3), "u": Int(1, 9)})
COMBINED = {
    "subset": Space({"s": Subset(list("abcdef"), size=(1, 4))}),
    "permutation": Space({"p": Permutation(list("abcdef"))}),
    "simplex": Space({"m": Simplex(["a", "b", "c"])}),
    "nested": Space(
        {
            "a": Choice("p", Option("q", Space({"b": Choice("r", Option("s", INNER))}))),
            "v": Subset(["k", "l"], size=(0, 2), when="a == 'q'"),
            "w": Permutation(["k", "l", "m"], when="a == 'p'"),
        }
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COMBINED)
def test_combined_variables(method, name):
    drive = Drive(COMBINED[name], method, seed=3)
    drive.scatter(14, Key.of(8))
    assert len(drive.configs) == 14
    assert_valid(drive)
    replay(drive)


def test_results_where_the_prior_says_there_are_none(method):
    drive = Drive(Space({"x": Float(0, 1, prior=Normal(0.2, 0.001)), "n": Int(1, 1000, log=True)}), method)
    for x, n in ((1.0, 1000), (0.999, 1), (0.0, 500)):
        drive.add({"x": x, "n": n})
    drive.run(12)
    assert_valid(drive)
    replay(drive)


def test_the_space_changes_and_most_of_the_history_is_outside(method):
    drive = Drive(Space({"x": Float(0, 1), "c": Choice("a", "b", "c")}), method)
    drive.run(8)
    drive.ask(2)
    smaller = Space({"x": Float(0.9, 1), "c": Choice("c", "d"), "new": Choice(True, False, default=False)})
    drive.history = drive.history.apply(Changed(smaller.to_plain()))
    begun = len(drive.history)
    drive.run(begun + 8)
    for trial in drive.history.trials[begun:]:
        smaller.check(trial.config)
    replay(drive)


def test_a_long_study_of_imported_results(method):
    space = plane()
    drive = Drive(space, method)
    for config in space.decode(space.sample(Key.of(2), 300)):
        drive.add(config)
    drive.run(302)
    assert_valid(drive)


@pytest.mark.slow
def test_fifteen_hundred_trials(method):
    space = plane()
    drive = Drive(space, method, loss=lambda config: (config["x"] - 0.3) ** 2)
    for config in space.decode(space.sample(Key.of(2), 1500)):
        drive.add(config)
    drive.run(1503)
    assert_valid(drive)
