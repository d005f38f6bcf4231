"""Order of variables for pictures: those that tell most about the objective first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from luthier._typing import Floats
from luthier.analysis import Coordinate, TrialTable, chosen_coordinates, coordinates
from luthier.errors import InvalidSetting

_GROUPS = 8


def explained_share(places: Floats, ranks: Floats) -> float:
    """Give the share of the variance of ranks that the groups of one axis explain, corrected for their number.

    Args:
        places: (n,) on the axis; NaN, where the variable is inactive, is a group of its own.
        ranks: (n,) of the values.

    Returns:
        At most 1; about 0, or a little less, where the axis says nothing. Cost O(n log n).

    Source: Kelley (1935), An unbiased correlation ratio measure, eq. 4 (ε²), over up to 8 groups of equal size.
    """
    known = places[~np.isnan(places)]
    options = np.unique(known)
    if len(options) > _GROUPS:
        edges = np.unique(np.quantile(known, np.linspace(0, 1, _GROUPS + 1)[1:-1]))
        groups = np.searchsorted(edges, places, side="right")
    else:
        groups = np.searchsorted(options, places)
    groups = np.where(np.isnan(places), groups.max(initial=0) + 1, groups)
    _, groups = np.unique(groups, return_inverse=True)
    count = int(groups.max(initial=0)) + 1
    total = float(((ranks - ranks.mean()) ** 2).sum())
    if count < 2 or len(ranks) <= count or total == 0:
        return 0.0
    sizes = np.bincount(groups, minlength=count)
    means = np.bincount(groups, ranks, count) / sizes
    between = float((sizes * (means - ranks.mean()) ** 2).sum())
    return (between - (count - 1) * (total - between) / (len(ranks) - count)) / total


def ordered_coordinates(
    table: TrialTable, objective: str | None, names: Sequence[str] | None, most: int
) -> tuple[tuple[Coordinate, ...], tuple[str, ...]]:
    """Give the axes to draw, and a note where those are not all.

    Args:
        table: the trials.
        objective: the name of the objective that the order is for; by default the first.
        names: the variables, in the order in which they are to be drawn; None for those that tell most.
        most: how many axes can be drawn.

    Raises:
        InvalidSetting: there is no such variable, or more are asked for than can be drawn.
    """
    space = table.problem.space
    if names is not None:
        if isinstance(names, str):
            names = (names,)
        chosen = chosen_coordinates(space, names)
        if not chosen:
            raise InvalidSetting(f"variables={list(names)!r}: name at least one; there are {', '.join(space.names)}")
        if len(chosen) > most:
            raise InvalidSetting(
                f"{len(chosen)} axes are asked for, and at most {most} can be drawn: name fewer variables"
            )
        return chosen, ()
    axes = coordinates(space)
    if len(axes) <= 1:
        return axes, ()
    _, column = table.of(objective)
    rows = np.flatnonzero(table.done)
    if len(rows) > 1:
        values = column[rows]
        ranks = np.searchsorted(np.sort(values), values).astype(np.float64)
        configs = [table.configs[row] for row in rows]
        shares = np.array([explained_share(axis.places(configs), ranks) for axis in axes])
        axes = tuple(axes[place] for place in np.argsort(-shares, kind="stable"))
    if len(axes) <= most:
        return axes, ()
    how = "that tell most about the ranks of the values" if len(rows) > 1 else "first"
    return axes[:most], (f"{most} of {len(axes)} variables are drawn, those {how}; name others with variables=",)
