"""Column: the meaning of one column of an encoded space."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """Describe one column of the encoding.

    Args:
        name: the variable.
        kind: ``number`` (ordered), ``category``, ``member`` (of a subset: above 0.5 is in), ``rank`` (of an item of a
            permutation) or ``share`` (of a simplex).
        levels: the number of distinct values; level i is encoded as (i + 0.5) / levels. 0 where the values are
            continuous, or discrete and not evenly spaced (whole numbers on a log scale): `Space.settle` snaps them.
        place: the index of the column within its variable.
        width: the number of columns of the variable.
        conditional: whether the variable can be inactive (NaN).
    """

    name: str
    kind: str
    levels: int
    place: int
    width: int
    conditional: bool
