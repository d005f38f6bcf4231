"""Penalty on plateaus: where the nearest trials are equal, one more is likely to equal them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from luthier._typing import Floats
from luthier.acquisition.criterion import smooth_where
from luthier.acquisition.protocol import Criterion, SmoothCriterion
from luthier.surrogate import supports


@dataclass(frozen=True, slots=True, eq=False)
class PlateauPenalty:
    """A criterion less a penalty that is constant in pieces.

    Args:
        inner: the criterion, on a logarithmic scale.
        penalty: maps points (q, d) to penalties (q,), at least 0, in nats.
    """

    inner: Criterion
    penalty: Callable[[Floats], Floats]

    @property
    def abilities(self) -> tuple[type, ...]:
        """See `luthier.surrogate.supports`."""
        return smooth_where(supports(self.inner, SmoothCriterion))

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        return self.inner.value(x) - self.penalty(x)

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        value, gradient = cast(SmoothCriterion, self.inner).value_grad(x)
        return value - self.penalty(x), gradient
