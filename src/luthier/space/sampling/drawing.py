"""Drawing of feasible points, and enumeration of finite spaces."""

from __future__ import annotations

from luthier._typing import Floats
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.space.encoding import Encoder
from luthier.space.sampling.adapter import SamplerSource


def sample(encoder: Encoder, source: SamplerSource | None, key: Key, count: int) -> Floats:
    """Draw `count` feasible settled points; see `Space.sample`."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise InvalidSetting(f"the number of points is a whole number of at least 0, not {count!r}")
    if source is None:
        uniforms = key.uniform((count, encoder.dimensions))
    else:
        encoder.flat.check_complete()
        uniforms = source.sampler.sample(key, count)[:, source.columns]
    points = encoder.warp(uniforms)
    return encoder.settle(points, points)
