"""Stationary kernels as functions of the squared scaled distance.

A kernel is ``k(r²)`` with ``k(0) = 1``; ``r² = Σ_v |e_v(x) - e_v(x')|² / ℓ_v²`` sums over variables v, each of which
has coordinates e_v (see `luthier.surrogate.gp.embedding`) and one length-scale ℓ_v (automatic relevance determination).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from luthier._typing import Floats


class Radial(NamedTuple):
    """A kernel and its derivative with respect to r², each of the shape of r²."""

    value: Floats
    slope: Floats


def matern52(r2: Floats) -> Radial:
    """Give the Matérn kernel of smoothness 5/2. Source: Rasmussen and Williams (2006), eq. 4.17."""
    a = np.sqrt(5.0 * r2)
    e = np.exp(-a)
    return Radial((1.0 + a + a * a / 3.0) * e, (-5.0 / 6.0) * (1.0 + a) * e)


def matern32(r2: Floats) -> Radial:
    """Give the Matérn kernel of smoothness 3/2. Source: Rasmussen and Williams (2006), eq. 4.17."""
    a = np.sqrt(3.0 * r2)
    e = np.exp(-a)
    return Radial((1.0 + a) * e, -1.5 * e)


def rbf(r2: Floats) -> Radial:
    """Give the squared exponential kernel. Source: Rasmussen and Williams (2006), eq. 4.9."""
    e = np.exp(-0.5 * r2)
    return Radial(e, -0.5 * e)


_VANISHED = 200.0
"""Beyond this r² a kernel is taken to be 0: the slowest one that there is has fallen to 6e-10."""


@dataclass(frozen=True, slots=True)
class DetailedKernel:
    """A smooth function and fine detail, ``(k(r²) + λ k(c² r²)) / (1 + λ)``: the same kernel at two length-scales.

    Args:
        base: k.
        share: λ, the variance of the detail relative to that of the smooth function, above 0.
        finer: c, by how much shorter the length-scales of the detail are, above 1.

    Source: Rasmussen and Williams (2006), section 5.4.3, for sums of kernels of two length-scales.
    """

    base: Callable[[Floats], Radial]
    share: float
    finer: float

    def __call__(self, r2: Floats) -> Radial:
        """Give the kernel and its derivative; the detail is computed for near pairs only."""
        smooth = self.base(r2)
        value, slope = smooth.value / (1.0 + self.share), smooth.slope / (1.0 + self.share)
        weight, closer = self.share / (1.0 + self.share), self.finer**2
        near = np.nonzero(r2 < _VANISHED / closer)
        detail = self.base(closer * r2[near])
        value[near] += weight * detail.value
        slope[near] += weight * closer * detail.slope
        return Radial(value, slope)


def squares(a: Floats, b: Floats) -> Floats:
    """Give squared distances between rows of `a` (q, e) and `b` (n, e); shape (q, n)."""
    found: Floats = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2.0 * (a @ b.T)
    return np.maximum(found, 0.0)


KERNELS: dict[str, Callable[[Floats], Radial]] = {"matern52": matern52, "matern32": matern32, "rbf": rbf}
