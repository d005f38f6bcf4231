"""A source as the log has it: the results of another task, read in the space of the study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from luthier._typing import Floats
from luthier.data import SourceData
from luthier.event import Transferred
from luthier.problem import Objective
from luthier.space import Space


class LoggedSource:
    """The results of another task that an event of the log has.

    Args:
        event: the results.
        space: that of the study at the event.
    """

    __slots__ = ("_arrays", "event", "space")

    def __init__(self, event: Transferred, space: Space) -> None:
        if any(len(values) != len(event.configs) for values in event.values.values()):
            raise ValueError("a source has another number of values than of configurations")
        self.event, self.space = event, space
        self._arrays: tuple[Space, SourceData] | None = None  # in the space that was asked for last

    def data(self, space: Space, objectives: Sequence[Objective]) -> SourceData:
        """Give the results as arrays in a space, without those that it cannot hold. Cost O(results · d), once.

        What the source says of variables that the space has no more is left out; it says nothing of others.
        """
        made = self._arrays
        if made is None or made[0] is not space:
            made = self._arrays = (space, _arrays(self.event, space, objectives))
        return made[1]


def _arrays(event: Transferred, space: Space, objectives: Sequence[Objective]) -> SourceData:
    had = frozenset(event.variables)
    held = [
        (row, config) for row, one in enumerate(event.configs) if (config := read_partial(one, space, had)) is not None
    ]
    rows = np.array([row for row, _ in held], dtype=np.int64)
    places = np.array([j for j, column in enumerate(space.columns) if column.name in had], dtype=np.int64)
    x: Floats = np.full((len(rows), space.dimensions), np.nan)
    if len(rows):
        x[:, places] = space.encode([config for _, config in held])[:, places]
    losses: Floats = np.full((len(rows), len(objectives)), np.nan)
    for column, objective in enumerate(objectives):
        if objective.name in event.values:
            values = np.array(event.values[objective.name], dtype=np.float64)[rows]
            losses[:, column] = -values if objective.maximize else values
    return SourceData(event.source, places, x, losses, ~np.isin(rows, event.infeasible))


def read_partial(config: dict[str, Any], space: Space, had: frozenset[str]) -> dict[str, Any] | None:
    """Read a configuration of some variables in a space, the others at their defaults; None where it cannot hold it."""
    found: dict[str, Any] = {}
    for part in space.structure.order:
        if part.when is not None and not part.when.holds(found):
            continue
        if part.name not in had:
            found[part.name] = part.variable.start
        elif part.name not in config or part.variable.fault(config[part.name]):
            return None
        else:
            found[part.name] = config[part.name]
    return found
