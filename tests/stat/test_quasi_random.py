"""Random and quasi-random points: their distribution, and how evenly they fill the cube. The seeds are fixed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.stats import qmc

from luthier.key import Key
from luthier.method import Quasi, Random
from luthier.numeric import NestedLatinHypercube
from luthier.space import Choice, Float, Space
from luthier.testing.methods import Drive

KINDS = [Quasi(), Quasi("halton"), Quasi("latin"), Quasi("latin", size=64), Quasi("lattice")]
LEAST_P = 1e-3


def test_random_draws_of_a_study_are_uniform_and_independent():
    space = Space({"x": Float(0, 1), "y": Float(0, 1), "kind": Choice(*"abcde")})
    configs = Drive(space, Random(), seed=3).run(1500)
    x = np.array([[config["x"], config["y"]] for config in configs])
    for column in x.T:
        assert stats.kstest(column, "uniform").pvalue > LEAST_P
        assert abs(np.corrcoef(column[:-1], column[1:])[0, 1]) < 0.1
        assert abs(np.corrcoef(column[:-64], column[64:])[0, 1]) < 0.1  # from one block of 64 to the next
    assert abs(np.corrcoef(x.T)[0, 1]) < 0.1
    counts = [sum(config["kind"] == kind for config in configs) for kind in "abcde"]
    assert stats.chisquare(counts).pvalue > LEAST_P


@pytest.mark.parametrize("method", KINDS, ids=repr)
@pytest.mark.parametrize("place", [0, 5])
def test_each_scrambled_point_is_uniform_over_the_seeds(method, place):
    x = np.concatenate([method.points(3, place, 1, Key.of(seed)) for seed in range(400)])
    for column in x.T:
        assert stats.kstest(column, "uniform").pvalue > LEAST_P
    assert np.abs(np.corrcoef(x.T) - np.eye(3)).max() < 0.2


@pytest.mark.parametrize("method", KINDS, ids=repr)
@pytest.mark.parametrize(("dimensions", "count"), [(2, 64), (2, 256), (6, 256)])
def test_the_discrepancy_is_below_that_of_random_points(method, dimensions, count):
    ours = [qmc.discrepancy(method.points(dimensions, 0, count, Key.of(seed))) for seed in range(10)]
    random = [qmc.discrepancy(Key.of(seed).fold("random").uniform((count, dimensions))) for seed in range(10)]
    assert sum(a < b for a, b in zip(ours, random, strict=True)) >= 9
    assert np.mean(ours) < 0.8 * np.mean(random)


@pytest.mark.parametrize(("kind", "factor"), [("sobol", 10.0), ("halton", 6.0), ("lattice", 10.0)])
def test_a_smooth_integral_is_much_nearer_than_by_monte_carlo(kind, factor):
    def error(x):
        return np.prod(1.0 + (x - 0.5) / 2, axis=1).mean() - 1.0

    ours = [error(Quasi(kind).points(5, 0, 512, Key.of(seed))) for seed in range(30)]
    plain = [error(Key.of(seed).uniform((512, 5))) for seed in range(30)]
    assert np.std(plain) > factor * np.std(ours)
    assert abs(np.mean(ours)) < 4 * np.std(ours) / np.sqrt(30)  # scrambled, it is unbiased


def test_a_sum_of_one_variable_functions_is_nearer_by_latin_hypercubes():
    ours = [np.sin(NestedLatinHypercube(5, Key.of(seed)).points(0, 128)).sum(axis=1).mean() for seed in range(30)]
    plain = [np.sin(Key.of(seed).uniform((128, 5))).sum(axis=1).mean() for seed in range(30)]
    assert np.std(plain) > 20 * np.std(ours)


def test_scrambled_sobol_is_as_even_as_scipys():
    ours = [qmc.discrepancy(Quasi().points(8, 0, 256, Key.of(seed))) for seed in range(20)]
    theirs = [qmc.discrepancy(qmc.Sobol(8, rng=seed).random(256)) for seed in range(20)]
    assert np.mean(ours) < 1.1 * np.mean(theirs)
