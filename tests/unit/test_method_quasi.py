"""Quasi: the sequences' points in order, through priors, conditions, constraints and duplicates."""

from __future__ import annotations

import math

import numpy as np
import pytest

from luthier.errors import InvalidSetting, SpaceExhausted
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Quasi
from luthier.method.spec import from_plain, to_plain
from luthier.numeric.quasi.halton import Halton
from luthier.numeric.quasi.lattice import Lattice
from luthier.numeric.quasi.sobol import Sobol
from luthier.problem import Objective, Problem
from luthier.space import Choice, Float, Int, Space
from luthier.testing.methods import Drive, assert_valid, finite_configs, finite_space, replay

KINDS = [Quasi(), Quasi("halton"), Quasi("latin"), Quasi("latin", size=16), Quasi("lattice")]
SQUARE = Space({"x": Float(0, 1), "y": Float(0, 1)})


def table(configs):
    return np.array([[config["x"], config["y"]] for config in configs])


@pytest.mark.parametrize(
    ("kind", "plain"), [("sobol", Sobol.of(2)), ("halton", Halton.of(2)), ("lattice", Lattice.of(2))]
)
def test_without_scrambling_the_points_are_the_textbooks(kind, plain):
    found = table(Drive(SQUARE, Quasi(kind, scramble=False)).run(100))
    assert np.allclose(found, plain.points(0, 100), rtol=0, atol=1e-11)


@pytest.mark.parametrize("method", KINDS, ids=repr)
def test_a_study_walks_along_one_sequence(method):
    found = table(Drive(SQUARE, method, seed=4).run(150))
    assert np.allclose(found, method.points(2, 0, 150, Key.of(4)), rtol=0, atol=1e-11)
    assert np.array_equal(table(Drive(SQUARE, method, seed=4).run(150, count=7)), found)
    assert not np.array_equal(table(Drive(SQUARE, method, seed=5).run(150)), found)


@pytest.mark.parametrize("method", KINDS, ids=repr)
def test_sixteen_points_fill_every_row_and_column(method):
    x = table(Drive(SQUARE, method).run(16))
    rows = 16 if method.kind != "halton" else 2
    for column in x.T:
        assert len(set(np.floor(column * rows))) == rows


def test_priors_are_kept():
    space = Space({"x": Float(1e-4, 1.0, log=True), "k": Choice("a", "b", weights=[3, 1])})
    found = Drive(space, Quasi()).run(64)
    assert sum(config["x"] < 1e-2 for config in found) == 32
    assert sum(config["k"] == "a" for config in found) == 48


def test_what_breaks_a_constraint_is_passed_over():
    space = Space({"x": Float(0, 1), "y": Float(0, 1)}, require=["x + y <= 1"])
    drive = Drive(space, Quasi(), seed=2)
    found = table(drive.run(60))
    every = Quasi().points(2, 0, 200, Key.of(2))
    assert np.allclose(found, every[every.sum(axis=1) <= 1][:60], rtol=0, atol=1e-11)
    notes = [trial.note["index"] for trial in drive.history.trials]
    assert notes == sorted(notes) and notes[-1] > 60


def test_trials_of_others_do_not_move_the_sequence():
    plain = Drive(SQUARE, Quasi()).run(10)
    drive = Drive(SQUARE, Quasi())
    drive.run(4)
    drive.add({"x": 0.5, "y": 0.5}, "enqueued")
    drive.add({"x": 0.25, "y": 0.5})
    drive.add(plain[4])  # the next point: it is passed over
    drive.run(12)
    assert drive.configs[7:] == plain[5:]
    replay(drive)


def test_a_tiny_feasible_share_goes_on_at_random():
    names = [f"x{i}" for i in range(10)]
    space = Space({name: Float(0, 1) for name in names}, require=[f"{' + '.join(names)} <= 1"])
    drive = Drive(space, Quasi())
    drive.run(20)
    assert_valid(drive)
    assert drive.history.trials[-1].note["by"] == "random"
    replay(drive)


@pytest.mark.parametrize("method", KINDS, ids=repr)
def test_a_finite_space_is_tried_to_its_end(method):
    drive = Drive(finite_space(), method)
    assert len(drive.run(100)) == len(finite_configs())
    assert_valid(drive)
    with pytest.raises(SpaceExhausted):
        drive.propose()


def test_more_columns_than_the_table_of_direction_numbers():
    space = Space({f"x{i}": Float(0, 1) for i in range(1030)})
    x = np.array([list(config.values()) for config in Drive(space, Quasi()).run(4)])
    assert (np.sort(np.floor(x * 4), axis=0) == np.arange(4)[:, None]).all()


def test_another_sequence_begins_at_its_beginning():
    drive = Drive(SQUARE, Quasi("halton"))
    drive.run(5)
    drive.method = Quasi("lattice")
    drive.run(8)
    assert drive.history.trial(5).note["index"] == 0
    drive.method = Quasi("halton")
    drive.run(9)
    assert drive.history.trial(8).note["index"] == 5
    replay_ = Drive(SQUARE, Quasi("halton"))
    assert replay_.run(6)[5] == drive.configs[8]


def test_noisy_problems_go_on():
    drive = Drive(Space({"x": Int(1, 2)}), Quasi(), noisy=True)
    found = [config["x"] for config in drive.run(16)]
    assert found.count(1) == found.count(2) == 8


def test_without_a_study_the_seed_is_0():
    problem = Problem(SQUARE, (Objective("loss"),))
    (proposal,) = Quasi().suggest(problem, History(SQUARE), Key.of(9), 1, Memo())
    assert proposal.config == Drive(SQUARE, Quasi(), seed=0).run(1)[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "sobel"}, "one of sobol, halton, latin, lattice, not 'sobel'"),
        ({"size": 5}, "of 'latin' only"),
        ({"kind": "latin", "size": 0}, "at least 1"),
        ({"kind": "latin", "size": True}, "whole number"),
        ({"kind": "latin", "scramble": False}, "random by nature"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(InvalidSetting, match=message):
        Quasi(**settings)


def test_text():
    assert to_plain(Quasi()) == {"use": "Quasi"}
    for method in (*KINDS, Quasi("lattice", scramble=False)):
        assert from_plain(to_plain(method)) == method
    assert math.isclose(Quasi().points(1, 0, 1, Key.of(0))[0, 0], Quasi().points(1, 0, 2, Key.of(0))[0, 0])
