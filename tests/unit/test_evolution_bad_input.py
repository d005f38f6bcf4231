"""Whatever may happen to a study: evolution and annealing give a feasible proposal or a clear end, never an error."""

from __future__ import annotations

import math
import sys
import warnings

import pytest

from luthier.errors import Infeasible, InvalidSetting, MissingDependency, SpaceExhausted
from luthier.event import Changed
from luthier.key import Key
from luthier.method import Anneal, Evolution
from luthier.run import Study
from luthier.space import (
    Bool,
    Choice,
    Constant,
    Float,
    Int,
    Normal,
    Option,
    Ordinal,
    Permutation,
    Simplex,
    Space,
    Subset,
)
from luthier.testing.methods import Drive, assert_valid, replay
from luthier.trial import Reason

pytestmark = pytest.mark.slow

METHODS = {"cma": Evolution(population=4), "de": Evolution("de", population=4), "anneal": Anneal()}


@pytest.fixture(params=METHODS)
def method(request):
    return METHODS[request.param]


@pytest.fixture(autouse=True)
def _no_warnings():
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
    ("method", "why"),
    [
        (lambda: Evolution("es"), "one of cma, de"),
        (lambda: Evolution(population=3), "at least 4"),
        (lambda: Evolution(population=10.0), "whole number"),
        (lambda: Evolution(population=True), "whole number"),
        (lambda: Evolution(spread=0), r"in \(0, 1\]"),
        (lambda: Evolution(spread=math.nan), "give a finite number"),
        (lambda: Evolution(spread="wide"), "give a finite number"),
        (lambda: Evolution(restart=1), "True or False"),
        (lambda: Anneal(0.5), "preference=0.5"),
        (lambda: Anneal(math.inf), "preference=inf"),
        (lambda: Anneal(shrink=-1), "shrink=-1"),
        (lambda: Anneal(shrink="a lot"), "shrink='a lot'"),
    ],
)
def test_settings_without_meaning_are_refused(method, why):
    with pytest.raises(InvalidSetting, match=why):
        method()


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cmaes", None)
    with pytest.raises(MissingDependency, match=r"pip install 'luthier\[cma\]'"):
        Drive(plane(), Evolution()).propose()
    assert Drive(plane(), Evolution("de")).propose()


@pytest.mark.parametrize(
    "losses",
    [
        (0.0,),
        (1e300,),
        (-1.7e308,),
        (1e300, -1e300),
        (1.7e308, -1.7e308, 0.0),
        (5e-324, 0.0),
        (1e300, 1e-300, 1.0, -1e300, -1e-300),
        (1e16, 1e16 + 2.0),
    ],
    ids=repr,
)
@pytest.mark.parametrize("space", [plane(), Space({"x": Float(0, 1), "y": Float(0, 1)})], ids=["mixed", "smooth"])
def test_losses_of_any_size(method, losses, space):
    drive = Drive(space, method, loss=by_turn(*losses))
    assert len(drive.run(30)) == 30
    drive.ask(3)
    drive.propose(2)
    assert_valid(drive)


def test_a_constant_objective_for_long(method):
    drive = Drive(plane(), method, loss=by_turn(1.0))
    assert len(drive.run(250)) == 250
    assert_valid(drive)


def test_one_trial_and_a_batch_at_once(method):
    drive = Drive(plane(), method)
    drive.run(1)
    assert len(drive.ask(40)) == 40
    drive = Drive(plane(), method)
    numbers = drive.ask(40)
    assert len(numbers) == 40
    for number in reversed(numbers):
        drive.tell(number)
    drive.run(90, count=40)
    assert_valid(drive)
    replay(drive)


@pytest.mark.parametrize("reason", [Reason.FAILED, Reason.LOST, Reason.TIMEOUT, Reason.NONFINITE, Reason.PRUNED])
def test_all_trials_end_without_a_value(method, reason):
    drive = Drive(plane(), method)
    for _ in range(25):
        for number in drive.ask():
            drive.tell(number, reason)
    assert_valid(drive)
    replay(drive)


def test_one_value_among_failures(method):
    drive = Drive(plane(), method)
    for turn in range(25):
        for number in drive.ask():
            drive.tell(number, Reason.DONE if turn == 5 else Reason.FAILED)
    assert_valid(drive)
    replay(drive)


def test_repeated_points_with_different_values(method):
    drive = Drive(Space({"x": Int(0, 1)}), method, noisy=True, loss=by_turn(0.0, 1.0, -3.0, 1e9, 0.5))
    assert len(drive.run(40, count=2)) == 40
    replay(drive)
    assert {config["x"] for config in drive.configs} == {0, 1}


def test_nothing_to_choose_in_a_noisy_problem(method):
    drive = Drive(Space({"x": Constant(1)}), method, noisy=True)
    assert drive.run(15, count=2) == [{"x": 1}] * 15


def test_two_hundred_variables(method):
    space = Space({f"x{j}": Float(0, 1) if j % 3 else Choice("a", "b", "c") for j in range(200)})
    drive = Drive(space, method)
    for config in space.decode(space.sample(Key.of(1), 10)):
        drive.add(config)
    drive.run(24)
    assert_valid(drive)


@pytest.mark.parametrize(
    ("space", "count"),
    [
        (Space({"x": Constant(1)}), 1),
        (Space({"x": Constant(1), "y": Constant("b"), "z": Choice("only")}), 1),
        (Space({"x": Int(1, 2)}), 2),
        (Space({"x": Int(1, 12, log=True)}), 12),
        (Space({"a": Int(1, 30), "b": Int(1, 30)}, require=["a + b == 60"]), 1),
        (Space({"a": Int(1, 30), "b": Int(1, 30)}, require=["a + b >= 59"]), 3),
        (Space({"x": Float(0, 1, step=0.25)}, require=["x >= 0.4", "x <= 0.6"]), 1),
        (Space({"s": Subset(["a", "b", "c"], size=2), "p": Permutation(["u", "v"])}), 6),
        (Space({"s": Subset(["a", "b"], size=(0, 2))}), 4),
        (Space({"c": Choice("a", Option("b", Space({"n": Int(1, 3)})))}), 4),
        (Space({"c": Choice("a", "b"), "n": Int(1, 3, when="c == 'b'"), "m": Int(1, 2, when="n == 2")}), 5),
        (Space({"o": Ordinal("s", "m", "l"), "b": Bool()}), 6),
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
    assert len(drive.run(18)) == 18
    assert_valid(drive)
    replay(drive)


def test_nan_on_half_of_the_space(method):
    with Study("half", plane(), minimize="loss", method=method, seed=4) as study:
        study.run(lambda trial: math.nan if trial["x"] > 0.5 else trial["x"], trials=40, give_up_after=None)
        found = study.verify()
        assert found.ok and found.proved == 40
        assert study.best.values["loss"] <= 0.4


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
    drive.scatter(30, Key.of(8))
    assert len(drive.configs) >= 14
    assert_valid(drive)
    replay(drive)


def test_results_where_the_prior_says_there_are_none(method):
    drive = Drive(Space({"x": Float(0, 1, prior=Normal(0.2, 0.001)), "n": Int(1, 1000, log=True)}), method)
    for x, n in ((1.0, 1000), (0.999, 1), (0.0, 500)):
        drive.add({"x": x, "n": n})
    drive.run(25)
    assert_valid(drive)
    replay(drive)


def test_the_space_changes_and_changes_back(method):
    first = Space({"x": Float(0, 1), "c": Choice("a", "b", "c")})
    drive = Drive(first, method)
    drive.run(12)
    drive.ask(2)
    smaller = Space({"x": Float(0.9, 1), "c": Choice("c", "d"), "new": Choice(True, False, default=False)})
    for space in (smaller, first):
        drive.history = drive.history.apply(Changed(space.to_plain()))
        begun = len(drive.history)
        drive.run(begun + 12)
        for trial in drive.history.trials[begun:]:
            space.check(trial.config)
    replay(drive)


def test_a_long_study_of_imported_results(method):
    space = plane()
    drive = Drive(space, method)
    for config in space.decode(space.sample(Key.of(2), 200)):
        drive.add(config)
    drive.run(207)
    assert_valid(drive)
    replay(drive)


@pytest.mark.parametrize("method", [Evolution(), Evolution("de"), Anneal()], ids=repr)
def test_a_loss_that_falls_towards_a_corner(method):
    """Points that can no longer be told apart are known: the search goes on elsewhere."""
    drive = Drive(Space({"x": Float(0, 1), "n": Int(1, 3)}), method, loss=lambda config: config["x"] - config["n"])
    assert len(drive.run(400)) == 400
    assert_valid(drive)
    assert min(drive.loss(config) for config in drive.configs) < -2.9
