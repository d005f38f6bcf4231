"""Axes of variables: the user's own units, options as words, marks of one option side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from luthier._typing import Floats, Integers
from luthier.analysis import Coordinate
from luthier.plot.axis_range import padded
from luthier.plot.labels import TICK, flat, shortened_apart
from luthier.plot.picture import Numbers, PanelAxis

_JITTER = 0.26
_MOST_WORDS = 30
_GOLDEN = 0.6180339887498949


def variable_axis(coordinate: Coordinate, title: str) -> PanelAxis:
    """Give the axis of a variable, with a title that may be shortened."""
    full = "" if title == flat(coordinate.title) else flat(coordinate.title)
    if coordinate.categories:
        return PanelAxis(
            title, limits=(-0.6, len(coordinate.categories) - 0.4), ticks=word_ticks(coordinate), full_title=full
        )
    limits = padded(coordinate.low, coordinate.high, coordinate.log)
    return PanelAxis(title, "log" if coordinate.log else "linear", limits, whole=coordinate.whole, full_title=full)


def titles_of(axes: Sequence[Coordinate], most: int) -> tuple[str, ...]:
    """Give the titles of axes, of at most `most` characters and told apart."""
    return shortened_apart([axis.title for axis in axes], most)


def mark_size(count: int) -> float:
    """Give the size of marks, in points: the smaller, the more there are."""
    return 5.0 if count <= 600 else 3.6 if count <= 2000 else 2.6


def word_ticks(coordinate: Coordinate) -> tuple[tuple[float, str], ...]:
    """Give the places and words of options; of very many only some."""
    words = shortened_apart(coordinate.categories, TICK)
    every = -(-len(words) // _MOST_WORDS)
    return tuple((float(place), words[place]) for place in range(0, len(words), every))


def side_by_side(coordinate: Coordinate, places: Floats, numbers: Integers) -> Floats:
    """Move the marks of one option apart, each by an amount of its trial's own; numbers stay where they are."""
    if not coordinate.categories:
        return places
    return places + _JITTER * (2.0 * ((numbers * _GOLDEN) % 1.0) - 1.0)


def numbers_of(values: Floats | Integers) -> Numbers:
    """Give an array as plain floats."""
    return tuple(map(float, np.asarray(values).tolist()))
