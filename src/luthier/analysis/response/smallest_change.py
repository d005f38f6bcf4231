"""Smallest change from a start to a configuration as good as the best, within noise."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from luthier.analysis.response.change_results import SmallestChange
from luthier.analysis.response.start_configuration import Plain, changes_between, is_allowed, moved, start_of
from luthier.analysis.single_objective import SingleObjective
from luthier.errors import InvalidSetting
from luthier.trial import Config

_MOST_SETS = 4096
_LEAST_SHARE = 0.01
_FRACTIONS = 64


def find_smallest_change(
    of: SingleObjective, given: Config | None, tolerance: float | None, level: float
) -> SmallestChange:
    """Find the fewest variables that must differ from the start, and then how little their numbers may differ.

    All sets of up to 12 differing variables are tried, of more the variables that cost least are put back one by one.

    Raises:
        InvalidSetting: the tolerance is negative or not a number.
    """
    if tolerance is not None and not tolerance >= 0:
        raise InvalidSetting(f"tolerance={tolerance!r}: give a difference of {of.goal.name} that does not matter")
    space, row = of.problem.space, of.best_row
    start = start_of(of, given)
    end = {name: of.config(row)[name] for name in space.names if name in of.config(row)}
    at_ends = of.medians(space.encode([start.config, end]))
    if tolerance is None:
        gain = max(float(at_ends[0] - at_ends[1]), 0.0)
        tolerance = max(of.noise(of.data.x[row : row + 1]), _LEAST_SHARE * gain)
    bound = float(at_ends[1]) + tolerance
    names = [change.name for change in changes_between(space, start.config, end) if change.name in end]
    found = _fewest(of, start.config, end, names, bound)
    found = _shrunk(of, start.config, found, bound)
    changes = changes_between(space, start.config, found)
    changed = {change.name for change in changes}
    kept = tuple(one for one in changes_between(space, start.config, end) if one.name not in changed)
    predicted, best = of.intervals(space.encode([found, end]), level)
    return SmallestChange(
        of.goal.name,
        of.goal.maximize,
        start.origin,
        dict(space.realize(found)),
        found,
        changes,
        kept,
        of.numbers[row],
        predicted,
        best,
        tolerance,
        level,
        of.by,
    )


def _fewest(of: SingleObjective, start: Plain, end: Plain, names: list[str], bound: float) -> Plain:
    space = of.problem.space
    if 2 ** len(names) > _MOST_SETS:
        return _put_back(of, start, end, names, bound)
    for size in range(len(names)):
        sets = [moved(space, start, chosen, end) for chosen in combinations(names, size)]
        allowed = [config for config in sets if is_allowed(space, config)]
        if not allowed:
            continue
        medians = of.medians(space.encode(allowed))
        place = int(np.argmin(medians))
        if medians[place] <= bound:
            return allowed[place]
    return end


def _put_back(of: SingleObjective, start: Plain, end: Plain, names: list[str], bound: float) -> Plain:
    """Put back one variable after the other, each time the one that costs least, while the bound is kept."""
    space = of.problem.space
    left, config = list(names), end
    while left:
        tries = [[name for name in left if name != out] for out in left]
        configs = [moved(space, start, chosen, end) for chosen in tries]
        allowed = [place for place, one in enumerate(configs) if is_allowed(space, one)]
        if not allowed:
            return config
        medians = of.medians(space.encode([configs[place] for place in allowed]))
        best = int(np.argmin(medians))
        if medians[best] > bound:
            return config
        left, config = tries[allowed[best]], configs[allowed[best]]
    return config


def _shrunk(of: SingleObjective, start: Plain, config: Plain, bound: float) -> Plain:
    """Move the changed numbers back towards the start, one after the other, as far as the bound allows."""
    space = of.problem.space
    columns = {column.name: place for place, column in enumerate(space.columns) if column.kind == "number"}
    for change in changes_between(space, start, config):
        place = columns.get(change.name)
        if place is None or change.before is None or change.after is None:
            continue
        here, there = space.encode([config])[0], space.encode([start])[0]
        points = np.repeat(here[None], _FRACTIONS, axis=0)
        points[:, place] += np.linspace(0.0, 1.0, _FRACTIONS, endpoint=False) * (there[place] - here[place])
        tries = [dict(one) for one in space.decode(space.settle(points))]
        good = (of.medians(space.encode(tries)) <= bound) & [is_allowed(space, one) for one in tries]
        same = np.array([set(one) == set(config) for one in tries])
        farthest = np.flatnonzero(good & same)
        if len(farthest) and farthest[-1] > 0:
            config = tries[int(farthest[-1])]
    return config
