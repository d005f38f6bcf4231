"""Keys name streams of random numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from luthier.errors import InvalidSetting
from luthier.key import Key


def test_the_same_key_gives_the_same_numbers_for_ever() -> None:
    """Golden numbers: whoever changes them changes every study that was ever made."""
    key = Key.of(0).fold("trial", 7)
    assert key.words == (3991224870357602972, 14278796901448442142)
    assert key.uniform(2).tolist() == [0.438097749109324, 0.10562052498723862]
    assert key.integers(100, 3).tolist() == [43, 10, 98]
    assert key.permutation(5).tolist() == [1, 0, 4, 3, 2]
    assert key.seed() == 940807752
    assert (key.uniform(5) == key.uniform(5)).all()
    assert (key.uniform(3) == key.uniform(10)[:3]).all()  # how much is drawn does not matter


def test_raw_words_are_those_of_philox() -> None:
    key = Key((1, 2))
    expected = np.random.Philox(key=np.array([1, 2], dtype=np.uint64)).random_raw(8)
    assert (key.raw(8) == expected).all()


@given(st.lists(st.integers(0, 10**9) | st.text(max_size=5), min_size=1, max_size=3), st.integers(0, 2**64 - 1))
def test_a_path_is_folded_step_by_step_or_names_another_key(path: list[int | str], seed: int) -> None:
    key = Key.of(seed)
    assert key.fold(*path) == key.fold(*path)
    assert key.fold(*path) != key
    assert key.fold(*path) != key.fold(*path, 0)


def test_different_paths_give_different_keys() -> None:
    key = Key.of(1)
    keys = [key.fold(1), key.fold("1"), key.fold("a", "bc"), key.fold("ab", "c"), key.fold("abc"), key.fold(11), key]
    keys += [key.fold(1, 1), key.fold("a:1", "b"), key.fold("a", "1:b"), Key.of(2), Key.of(2).fold(1)]
    assert len({k.words for k in keys}) == len(keys)


def test_distributions() -> None:
    key = Key.of(3)
    assert stats.kstest(key.fold("u").uniform(20_000), "uniform").pvalue > 0.001
    assert stats.kstest(key.fold("n").normal(20_000), "norm").pvalue > 0.001
    counts = np.bincount(key.fold("i").integers(7, 70_000), minlength=7)
    assert stats.chisquare(counts).pvalue > 0.001
    orders = [tuple(key.fold("p", i).permutation(3).tolist()) for i in range(6000)]
    assert stats.chisquare([orders.count(order) for order in sorted(set(orders))]).pvalue > 0.001
    assert len(set(orders)) == math.factorial(3)
    pairs = np.array([key.fold("t", i).uniform(2) for i in range(3000)])
    assert abs(stats.spearmanr(pairs[:-1, 0], pairs[1:, 0]).statistic) < 0.06
    assert abs(stats.spearmanr(pairs[:, 0], pairs[:, 1]).statistic) < 0.06


def test_shapes_and_ranges() -> None:
    key = Key.of(4)
    assert key.uniform().shape == () and key.uniform((2, 3)).shape == (2, 3)
    assert key.normal(3).shape == (3,) and key.normal((2, 0)).shape == (2, 0)
    assert key.integers(1, 5).tolist() == [0] * 5
    assert sorted(key.permutation(9).tolist()) == list(range(9)) and key.permutation(0).shape == (0,)
    uniform = key.uniform(100_000)
    assert uniform.min() >= 0 and uniform.max() < 1
    assert 0 <= key.seed() < 2**31


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, True, "1", None])
def test_a_seed_is_a_whole_number_of_64_bits(seed: object) -> None:
    with pytest.raises(InvalidSetting, match="a seed is an integer from 0"):
        Key.of(seed)  # type: ignore[arg-type]


@pytest.mark.parametrize("high", [0, -3, 2**53 + 1])
def test_integers_need_a_bound_in_range(high: int) -> None:
    with pytest.raises(InvalidSetting, match="a bound from 1"):
        Key.of(0).integers(high, 3)
