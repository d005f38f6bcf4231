"""Halton, Latin and lattice sequences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import qmc

from luthier.key import Key
from luthier.numeric import LatinHypercube, NestedLatinHypercube
from luthier.numeric.quasi.halton import Halton, primes
from luthier.numeric.quasi.lattice import Lattice, search
from luthier.numeric.quasi.lattice_vector import VECTOR

KEY = Key.of(7)
SEQUENCES = {
    "halton": lambda d: Halton.of(d, KEY),
    "plain halton": lambda d: Halton.of(d),
    "latin": lambda d: LatinHypercube(d, 10, KEY),
    "nested latin": lambda d: NestedLatinHypercube(d, KEY),
    "lattice": lambda d: Lattice.of(d, KEY),
    "plain lattice": lambda d: Lattice.of(d),
}


@pytest.mark.parametrize("name", SEQUENCES)
@pytest.mark.parametrize("dimensions", [1, 3, 250])
def test_any_part_of_a_sequence_is_got_alone(name, dimensions):
    sequence = SEQUENCES[name](dimensions)
    whole = sequence.points(0, 70)
    assert whole.shape == (70, dimensions)
    assert whole.min() >= 0.0 and whole.max() < 1.0
    assert np.array_equal(sequence.points(23, 31), whole[23:54])
    assert np.array_equal(sequence.points(69, 1), whole[69:])
    assert len(np.unique(whole, axis=0)) == 70


def test_halton_is_scipys():
    assert np.allclose(Halton.of(8).points(0, 500), qmc.Halton(8, scramble=False).random(500), rtol=0, atol=1e-15)


def test_scrambled_halton_keeps_elementary_intervals():
    x = Halton.of(3, KEY).points(0, 30)
    for column, base in enumerate((2, 3, 5)):
        for begin in range(0, 30, base):
            assert sorted(np.floor(x[begin : begin + base, column] * base)) == list(range(base))


def test_scrambling_breaks_the_lines_of_large_bases():
    plain, scrambled = Halton.of(40).points(1, 30), Halton.of(40, KEY).points(1, 30)
    assert np.corrcoef(plain[:, 38], plain[:, 39])[0, 1] > 0.99
    assert abs(np.corrcoef(scrambled[:, 38], scrambled[:, 39])[0, 1]) < 0.6


def test_primes():
    assert primes(10).tolist() == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]
    assert [len(primes(count)) for count in (1, 5, 6, 7, 1000)] == [1, 5, 6, 7, 1000]
    assert primes(1000)[-1] == 7919


@pytest.mark.parametrize("size", [1, 7, 10])
def test_each_latin_design_is_one(size):
    x = LatinHypercube(4, size, KEY).points(0, 3 * size).reshape(3, size, 4)
    cells = np.sort(np.floor(x * size), axis=1)
    assert (cells == np.arange(size)[:, None]).all()
    if size > 1:
        assert not np.array_equal(x[0], x[1])


def test_a_nested_latin_sequence_is_latin_at_every_power_of_two():
    x = NestedLatinHypercube(5, KEY).points(0, 256)
    for size in 2 ** np.arange(9):
        cells = np.sort(np.floor(x[:size] * size), axis=0)
        assert (cells == np.arange(size)[:, None]).all()
    assert abs(np.corrcoef(x[:, 0], x[:, 1])[0, 1]) < 0.2


def test_a_lattice_is_closed_under_addition():
    x = Lattice.of(6).points(0, 128)
    rows = {tuple(row) for row in np.round(x * 2**53).astype(np.int64).tolist()}
    sums = (x[17] + x) % 1.0
    assert {tuple(row) for row in np.round(sums * 2**53).astype(np.int64).tolist()} == rows
    assert (np.sort(np.floor(x * 128), axis=0) == np.arange(128)[:, None]).all()


def test_the_lattices_vector_is_made_again():
    assert search(4, (4, 16), 400, Key.of(0)) == VECTOR[:4]
    assert len(VECTOR) == 200 and all(z % 2 for z in VECTOR)
