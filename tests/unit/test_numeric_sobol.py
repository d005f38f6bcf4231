"""Sobol' sequences against SciPy's, and Owen's scrambling by its properties."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import qmc

from luthier.key import Key
from luthier.numeric.quasi.bits import BITS, mix, nested_scramble, reverse_bits, to_floats
from luthier.numeric.quasi.sobol import SOBOL_DIMENSIONS, Sobol, direction_numbers


@pytest.mark.parametrize("dimensions", [1, 2, 7, 40, 1024])
def test_the_points_are_scipys(dimensions):
    gray = np.arange(256) ^ (np.arange(256) >> 1)
    ours = Sobol.of(dimensions).points(0, 256)[gray]
    theirs = qmc.Sobol(dimensions, scramble=False, bits=53).random(256)
    assert np.array_equal(ours, theirs)


def test_far_points_are_scipys():
    theirs = qmc.Sobol(5, scramble=False, bits=30).fast_forward(2**20).random(64)
    gray = np.arange(2**20, 2**20 + 64)
    ours = np.concatenate([Sobol.of(5).points(int(i), 1) for i in gray ^ (gray >> 1)])
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("key", [None, Key.of(3)])
def test_any_part_of_the_sequence_is_got_alone(key):
    sequence = Sobol.of(6, key)
    whole = sequence.points(0, 200)
    assert np.array_equal(sequence.points(77, 50), whole[77:127])
    assert np.array_equal(sequence.points(199, 1), whole[199:])
    assert sequence.points(2**53, 2).shape == (2, 6)


def test_there_are_numbers_for_1024_dimensions():
    assert direction_numbers(SOBOL_DIMENSIONS).shape == (SOBOL_DIMENSIONS, BITS)


def test_scrambling_keeps_elementary_intervals():
    x = Sobol.of(2, Key.of(1)).points(0, 64)  # a (0, 6, 2)-net in base 2: every such box has one point
    for bits in range(7):
        boxes = np.floor(x[:, 0] * 2**bits) * 2 ** (6 - bits) + np.floor(x[:, 1] * 2 ** (6 - bits))
        assert len(set(boxes.tolist())) == 64


def test_scrambling_flips_each_digit_by_those_before_it():
    x = np.arange(2**10, dtype=np.uint64)[:, None] << np.uint64(BITS - 10)
    scrambled = nested_scramble(x, np.array([12345], dtype=np.uint64))
    for digits in range(1, 11):
        shift = np.uint64(BITS - digits)
        pairs = set(zip((x >> shift).ravel().tolist(), (scrambled >> shift).ravel().tolist(), strict=True))
        assert len(pairs) == 2**digits  # the first digits decide the first digits
        assert len({after for _, after in pairs}) == 2**digits


def test_columns_and_keys_are_scrambled_apart():
    x = np.zeros((1, 50), dtype=np.uint64)
    one = nested_scramble(x, Key.of(1).raw(50))
    two = nested_scramble(x, Key.of(2).raw(50))
    assert len(set(one.ravel().tolist()) | set(two.ravel().tolist())) == 100


def test_floats_never_reach_one():
    assert to_floats(np.array([2**BITS - 1], dtype=np.uint64))[0] == 1.0 - 2.0**-53


def test_bits_are_reversed():
    words = Key.of(0).raw(20)
    expected = [int(f"{word:064b}"[::-1], 2) for word in words.tolist()]
    assert reverse_bits(words).tolist() == expected


def test_mix_is_the_finalizer_of_splitmix():
    # The first output of SplitMix64 from state 0 is the finalizer of the golden gamma (java.util.SplittableRandom).
    assert int(mix(np.array([0x9E3779B97F4A7C15], dtype=np.uint64))[0]) == 0xE220A8397B1DCDAF
