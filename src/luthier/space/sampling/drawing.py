"""Drawing feasible points, and enumerating finite spaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from luthier._typing import Floats
from luthier.errors import InvalidSetting, InvalidSpace
from luthier.key import Key

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
    return space.source.sampler.configurations()
