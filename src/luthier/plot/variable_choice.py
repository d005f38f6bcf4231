"""Variables of a picture: those that are named, or those that tell most about the objective."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from luthier.analysis import Coordinate
from luthier.errors import InvalidSetting
from luthier.plot.subject import Subject
from luthier.plot.variable_order import ordered_coordinates


def variable_names(
    subject: Subject, variables: Sequence[str] | None, objective: str | None, most: int
) -> tuple[list[str], tuple[str, ...]]:
    """Give the names of the variables to draw, and what to say where those are not all."""
    named = (variables,) if isinstance(variables, str) else variables
    axes, few = ordered_coordinates(subject.table, objective, named, most)
    return list(dict.fromkeys(axis.variable for axis in axes)), few


def variable_pair(subject: Subject, first: str | None, second: str | None, objective: str | None) -> tuple[str, str]:
    """Give two variables: those named, and else those that tell most about the objective."""
    named = [name for name in (first, second) if name is not None]
    if named:
        variable_names(subject, named, objective, 10**6)  # refuses what is no variable
    axes: Sequence[Coordinate] = ordered_coordinates(subject.table, objective, None, 10**6)[0]
    axes = sorted(axes, key=lambda axis: (_is_rare(subject, axis), bool(axis.categories)))  # a surface of numbers first
    ranked = [name for name in dict.fromkeys(axis.variable for axis in axes) if name not in named]
    pair = (*named, *ranked)[:2]
    if len(pair) < 2 or pair[0] == pair[1]:
        raise InvalidSetting(f"a contour needs two different variables, not {first!r} and {second!r}")
    return pair[0], pair[1]


def _is_rare(subject: Subject, axis: Coordinate) -> bool:
    """Tell whether a variable was inactive in most of the trials with values."""
    done = [config for config, one in zip(subject.table.configs, subject.table.done.tolist(), strict=True) if one]
    return bool(np.isnan(axis.places(done)).mean() > 0.5)
