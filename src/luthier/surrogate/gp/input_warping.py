"""Input warping: learnt monotone maps of numbers, which make an objective equally rough everywhere.

Source: Snoek, Swersky, Zemel and Adams (2014), Input warping for Bayesian optimization of non-stationary functions,
section 3.1, with the distribution function of Kumaraswamy (1980), ``w(u) = 1 - (1 - uᵃ)ᵇ``, instead of the Beta's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from luthier._typing import Floats, Integers
from luthier.space import Column

_MARGIN = 1e-6  # the ends of the range are moved inwards by this, so that the slope is finite
_FEWEST_LEVELS = 3  # two levels cannot be warped


class Partials(NamedTuple):
    """The warped values and their derivatives, each of shape (n, w); 0.5 and 0 where a value is inactive."""

    value: Floats
    by_u: Floats
    by_log_a: Floats
    by_log_b: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """A monotone map of some columns.

    Args:
        places: (w,) the indices of the columns.
        shape: (2 w,) log a of each of them, then log b; zeros are the identity.
    """

    places: Integers
    shape: Floats

    def apply(self, x: Floats) -> Floats:
        """Give `x` (n, d) with the columns warped; NaN stays NaN."""
        warped = x.copy()
        warped[:, self.places] = self._terms(x[:, self.places])[0]
        return warped

    def values(self, x: Floats) -> Floats:
        """Give only the warped columns, (n, w); 0.5 where inactive."""
        value = self._terms(x[:, self.places])[0]
        return np.where(np.isnan(value), 0.5, value)

    def partials(self, x: Floats) -> Partials:
        """Give the warped columns of `x` (n, d) and their derivatives."""
        u = x[:, self.places]
        value, power, rest, log_u, log_rest = self._terms(u)
        w = len(self.places)
        a, b = np.exp(self.shape[:w]), np.exp(self.shape[w:])
        outer = b * np.exp((b - 1.0) * log_rest)  # dw/d(uᵃ)
        partials = (
            value,
            (1.0 - 2.0 * _MARGIN) * outer * a * power / np.exp(log_u),
            outer * power * log_u * a,
            -rest * log_rest * b,
        )
        inactive = np.isnan(u)
        return Partials(
            *(np.where(inactive, filler, part) for part, filler in zip(partials, (0.5, 0, 0, 0), strict=True))
        )

    def _terms(self, u: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Give w(u), uᵃ, (1 - uᵃ)ᵇ, log u and log(1 - uᵃ)."""
        w = len(self.places)
        log_u = np.log(_MARGIN + (1.0 - 2.0 * _MARGIN) * u)
        inner = np.exp(self.shape[:w]) * log_u
        log_rest = np.log(-np.expm1(inner))
        outer = np.exp(self.shape[w:]) * log_rest
        return -np.expm1(outer), np.exp(inner), np.exp(outer), log_u, log_rest


def warpable(columns: Sequence[Column]) -> Integers:
    """Give the indices of the columns that can be warped: numbers of more than two values."""
    chosen = [j for j, c in enumerate(columns) if c.kind == "number" and (not c.levels or c.levels >= _FEWEST_LEVELS)]
    return np.array(chosen, dtype=np.int64)
