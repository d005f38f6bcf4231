"""Random: fresh draws, none twice, and the end of a finite space."""

from __future__ import annotations

import pytest

from luthier.errors import SpaceExhausted
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Random
from luthier.problem import Objective, Problem
from luthier.space import Choice, Float, Int, Space
from luthier.testing.methods import Drive, assert_valid, replay, tuning_space


def test_a_study_and_its_batches_draw_the_same():
    space = tuning_space()
    assert Drive(space, Random()).run(150, count=7) == Drive(space, Random()).run(150)


def test_studies_of_other_seeds_draw_otherwise():
    space = tuning_space()
    assert Drive(space, Random(), seed=1).run(5) != Drive(space, Random(), seed=2).run(5)


def test_the_key_decides_where_there_is_no_study():
    space = tuning_space()
    problem = Problem(space, (Objective("loss"),))

    def draw(key):
        return Random().suggest(problem, History(space), key, 3, Memo())

    assert draw(Key.of(1)) == draw(Key.of(1))
    assert draw(Key.of(1)) != draw(Key.of(2))


def test_another_key_than_the_trials_draws_something_else():
    drive = Drive(tuning_space(), Random())
    history = drive.history
    key = Key.of(0).fold("trial", 0)
    usual = Random().suggest(history.problem(), history, key, 2, Memo())
    other = Random().suggest(history.problem(), history, key.fold("other"), 2, Memo())
    assert usual == drive.propose(2)
    assert usual != other


def test_weights_count_while_there_is_choice():
    space = Space({"kind": Choice("often", "seldom", weights=[9, 1]), "x": Float(0, 1)})
    found = Drive(space, Random()).run(300)
    assert 240 <= sum(config["kind"] == "often" for config in found) <= 295


def test_a_large_finite_space_with_few_feasible_points():
    space = Space({name: Int(0, 99) for name in "abcdef"}, require=["a + b + c + d + e + f == 2"])
    drive = Drive(space, Random())
    drive.run(1000)
    assert len(drive.configs) == 21
    assert_valid(drive)
    with pytest.raises(SpaceExhausted, match="keeps the constraints has been tried"):
        drive.propose()


def test_few_feasible_points_of_a_space_that_is_not_finite():
    space = Space({"n": Int(1, 3), "x": Float(0, 1)}, require=["x == n / 4"])
    drive = Drive(space, Random())
    drive.run(10)
    assert sorted((config["n"], config["x"]) for config in drive.configs) == [(1, 0.25), (2, 0.5), (3, 0.75)]
    with pytest.raises(SpaceExhausted, match="constraints leave only few"):
        drive.propose()


def test_the_rest_of_a_finite_space_comes_from_a_list_and_is_proved():
    space = Space({"a": Int(1, 40), "b": Int(1, 40)})
    drive = Drive(space, Random())
    drive.run(795)
    drive.add({"a": 1, "b": 1}) if not drive.history.has(space.identity({"a": 1, "b": 1})) else None
    drive.run(2000, count=3)
    assert len(drive.configs) == 1600
    assert_valid(drive)
    assert drive.history.trials[-1].note["rest"]
    short = drive.resumed(drive.history.upto(1).length + 2 * 805)
    assert short.run(815) == drive.configs[:815]


def test_noisy_problems_never_end():
    drive = Drive(Space({"x": Int(1, 2)}), Random(), noisy=True)
    assert len(drive.run(20)) == 20
    replay(drive)
