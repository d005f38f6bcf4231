"""Unranking of combinations, permutations and compositions in lexicographic order."""

from __future__ import annotations

import math
from itertools import pairwise


def unrank_combination(rank: int, items: int, size: int) -> tuple[int, ...]:
    """Give the subset of 0 … `items` - 1 with `size` members at a rank (0 … C(items, size) - 1), ascending.

    Source: Knuth (2011), The Art of Computer Programming 4A, section 7.2.1.3. Cost O(items).
    """
    chosen: list[int] = []
    left = size
    for item in range(items):
        if not left:
            break
        with_item = math.comb(items - item - 1, left - 1)
        if rank < with_item:
            chosen.append(item)
            left -= 1
        else:
            rank -= with_item
    return tuple(chosen)


def unrank_permutation(rank: int, items: int) -> tuple[int, ...]:
    """Give the order of 0 … `items` - 1 at a rank (0 … items! - 1).

    Source: Knuth (2011), The Art of Computer Programming 4A, section 7.2.1.2 (Lehmer codes). Cost O(items**2).
    """
    rest = list(range(items))
    order: list[int] = []
    for place in range(items, 0, -1):
        digit, rank = divmod(rank, math.factorial(place - 1))
        order.append(rest.pop(digit))
    return tuple(order)


def unrank_composition(rank: int, total: int, parts: int) -> tuple[int, ...]:
    """Give the composition of `total` into `parts` numbers >= 0 at a rank (0 … C(total+parts-1, parts-1) - 1).

    Stars and bars: the bars are a combination of the total + parts - 1 places. Cost O(total + parts).
    """
    places = total + parts - 1
    bars = unrank_combination(rank, places, parts - 1)
    edges = (-1, *bars, places)
    return tuple(after - before - 1 for before, after in pairwise(edges))
