"""Drawing feasible points, and enumerating finite spaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from luthier.errors import InvalidSetting, InvalidSpace
from luthier.key import Key
from luthier.space import counting
from luthier.space.column import Floats

if TYPE_CHECKING:
    from luthier.space.space import Space


def sample(space: Space, key: Key, count: int) -> Floats:
    """Draw `count` feasible settled points; see `Space.sample`."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise InvalidSetting(f"the number of points is a whole number of at least 0, not {count!r}")
    if not space.structure.rules:
        uniforms = key.uniform((count, space.dimensions))
    else:
        space.check_complete()
        source = space.source
        uniforms = source.sampler.sample(key, count)[:, source.columns]
    return space.settle(space.warp(uniforms))


def configurations(space: Space) -> Iterator[dict[str, Any]]:
    """Enumerate a finite space; see `Space.configurations`."""
    if space.size is None:
        raise InvalidSpace("the space has infinitely many configurations: give its numbers steps, or use a grid")
    space.check_complete()
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
