"""Orders of 0 … n - 1 whose places are known at once, and combinatorial objects by rank."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import pytest

from luthier.key import Key
from luthier.numeric import (
    IndexPermutation,
    coarse_to_fine_number,
    coarse_to_fine_sizes,
    unrank_combination,
    unrank_composition,
    unrank_permutation,
)


@pytest.mark.parametrize("size", [*range(1, 70), 100, 127, 128, 129, 1000])
def test_coarse_to_fine_is_an_order_whose_stages_are_even(size):
    order = [coarse_to_fine_number(place, size) for place in range(size)]
    assert sorted(order) == list(range(size))
    sizes = coarse_to_fine_sizes(size)
    assert sizes[0] == 1 and sizes[-1] == size and list(sizes) == sorted(set(sizes))
    for stage in sizes[1:-1]:
        found = sorted(order[:stage])
        gaps = {after - before for before, after in itertools.pairwise(found)}
        assert found[0] == 0 and found[-1] == size - 1
        assert max(gaps) - min(gaps) <= 1


def test_coarse_to_fine_begins_with_middle_and_ends():
    assert [coarse_to_fine_number(place, 9) for place in range(9)] == [4, 0, 8, 2, 6, 1, 3, 5, 7]
    assert coarse_to_fine_sizes(9) == (1, 3, 5, 9)
    assert coarse_to_fine_sizes(10**12)[-1] == 10**12
    assert {coarse_to_fine_number(place, 10**12) for place in range(3)} == {0, (10**12 - 1) // 2, 10**12 - 1}
    assert 0 <= coarse_to_fine_number(10**12 - 1, 10**12) < 10**12


@pytest.mark.parametrize("size", [1, 2, 3, 5, 16, 17, 1000])
def test_a_shuffle_is_a_permutation(size):
    assert sorted(map(IndexPermutation(size, Key.of(1)), range(size))) == list(range(size))


def test_shuffles_of_huge_ranges():
    shuffle = IndexPermutation(10**30, Key.of(1))
    found = {shuffle(place) for place in range(200)}
    assert len(found) == 200 and min(found) >= 0 and max(found) < 10**30
    assert found != {IndexPermutation(10**30, Key.of(2))(place) for place in range(200)}


def test_all_orders_of_four_are_about_equally_likely():
    counts = Counter(tuple(map(IndexPermutation(4, Key.of(seed)), range(4))) for seed in range(2400))
    statistic = sum((counts[order] - 100) ** 2 / 100 for order in itertools.permutations(range(4)))
    assert statistic < 49.7  # the 0.1 % point of chi squared with 23 degrees of freedom


def test_combinations_and_permutations_in_lexicographic_order():
    for items in range(7):
        for size in range(items + 1):
            expected = list(itertools.combinations(range(items), size))
            assert [unrank_combination(rank, items, size) for rank in range(len(expected))] == expected
    assert [unrank_permutation(rank, 4) for rank in range(24)] == list(itertools.permutations(range(4)))
    assert unrank_permutation(math.factorial(30) - 1, 30) == tuple(range(29, -1, -1))


def test_compositions_are_all_there():
    found = [unrank_composition(rank, 5, 3) for rank in range(math.comb(7, 2))]
    assert set(found) == {parts for parts in itertools.product(range(6), repeat=3) if sum(parts) == 5}
    assert unrank_composition(0, 4, 1) == (4,)
