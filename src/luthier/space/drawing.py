"""Drawing feasible points, and enumerating finite spaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.errors import Infeasible, InvalidSetting, InvalidSpace
from luthier.key import Key
from luthier.space import counting
from luthier.space.column import Floats

if TYPE_CHECKING:
    from luthier.space.space import Space

MOST_DRAWS = 1_000_000


def sample(space: Space, key: Key, count: int) -> Floats:
    """Draw `count` feasible points by rejection; see `Space.sample`."""
    if count < 0:
        raise InvalidSetting(f"the number of points is at least 0, not {count}")
    if not space.structure.rules:
        return draw(space, key, count)
    found: list[Floats] = []
    total = drawn = turn = 0
    while total < count:
        size = min(max(2 * (count - total), 64) * (1 + drawn // 1000), 100_000)
        points = draw(space, key.fold(turn), size)
        kept = points[space.feasible(points)]
        found.append(kept)
        total, drawn, turn = total + len(kept), drawn + size, turn + 1
        if drawn >= MOST_DRAWS and total < count * drawn / (100 * MOST_DRAWS):
            raise Infeasible(f"no point keeps the constraints: {', '.join(space.constraints)}")
    return np.concatenate(found)[:count] if found else np.empty((0, space.dimensions))


def draw(space: Space, key: Key, count: int) -> Floats:
    """Draw settled points without regard to constraints."""
    return space.settle(space.warp(key.uniform((count, space.dimensions))))


def configurations(space: Space) -> Iterator[dict[str, Any]]:
    """Enumerate a finite space; see `Space.configurations`."""
    if space.size is None:
        raise InvalidSpace("the space has infinitely many configurations: give its numbers steps, or use a grid")
    return _enumerate(space, 0, {})


def _enumerate(space: Space, place: int, config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    order = space.structure.order
    if place == len(order):
        if not any(rule.broken(config, space.realize) for rule in space.structure.rules):
            yield {name: config[name] for name in space.names if name in config}
        return
    part = order[place]
    if part.when is not None and not part.when.holds(config):
        yield from _enumerate(space, place + 1, config)
        return
    for value in counting.values(part):
        yield from _enumerate(space, place + 1, {**config, part.name: value})
