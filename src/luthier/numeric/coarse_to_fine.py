"""Coarse-to-fine order of 0 … n - 1 with random access: middle, ends, quarters, eighths, …"""

from __future__ import annotations


def coarse_to_fine_sizes(size: int) -> tuple[int, ...]:
    """Give the sizes of the successively finer subsets of 0 … `size` - 1: (1, 3, 5, 9, …, size).

    The first ``coarse_to_fine_sizes(size)[k]`` values of ``coarse_to_fine_number(…, size)`` are evenly spaced, up to
    rounding down.
    """
    sizes = [1]
    gaps = 2
    while gaps + 1 < size:
        sizes.append(gaps + 1)
        gaps *= 2
    return (*sizes, size) if size > 1 else (1,)


def coarse_to_fine_number(place: int, size: int) -> int:
    """Give the number at a place (0 … `size` - 1) of the coarse-to-fine order. Cost O(log size).

    Stage k consists of floor(j (size - 1) / 2**k) for j = 0 … 2**k, as long as these differ; the last one of the rest.
    """
    last = size - 1
    if last <= 0:
        return 0
    middle = last // 2
    if place == 0:
        return middle
    if last == 1:
        return 1
    if place < 3:
        return 0 if place == 1 else last
    doubling = (place - 1).bit_length() - 1  # there are 2**doubling gaps before this place
    gaps = 1 << doubling
    rank = place - gaps - 1
    if 2 * gaps <= last:
        return (2 * rank + 1) * last // (2 * gaps)
    # The gaps are one or two wide, and floor(j last / gaps) - j of the first j are two wide: find the gap that is the
    # next two-wide one after `rank` of them.
    after = -(-(rank + 1) * gaps // (last - gaps))
    return after * last // gaps - 1
