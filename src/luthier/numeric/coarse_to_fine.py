"""The order coarse to fine of the numbers 0 … n - 1: middle, ends, quarters, eighths, …; any position at once."""

from __future__ import annotations


def stages(size: int) -> tuple[int, ...]:
    """Give the sizes of the ever finer subsets of 0 … `size` - 1, the last of them `size`; (1, 3, 5, 9, …, size).

    The first `stages(size)[k]` values of `refined(…, size)` are evenly spread (to the nearest integer below).
    """
    sizes = [1]
    gaps = 2
    while gaps + 1 < size:
        sizes.append(gaps + 1)
        gaps *= 2
    return (*sizes, size) if size > 1 else (1,)


def refined(place: int, size: int) -> int:
    """Give the number at a place (0 … `size` - 1) of the order coarse to fine. Cost O(log size).

    Stage k holds floor(j (size - 1) / 2**k) for j = 0 … 2**k, as long as these differ; the last stage holds the rest.
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
    doubling = (place - 1).bit_length() - 1  # the 2**doubling gaps that are there before this place
    gaps = 1 << doubling
    rank = place - gaps - 1
    if 2 * gaps <= last:
        return (2 * rank + 1) * last // (2 * gaps)
    # The gaps are one or two wide, the number of two-wide ones before gap j is floor(j last / gaps) - j: find the
    # gap before which there are `rank` of them and after which there is one more.
    after = -(-(rank + 1) * gaps // (last - gaps))
    return after * last // gaps - 1
