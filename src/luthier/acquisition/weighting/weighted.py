"""Criteria weighted by a positive function of x, whatever the scale of their values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from luthier._typing import Floats
from luthier.acquisition.criterion import bind_acquisition, smooth_where
from luthier.acquisition.protocol import (
    Acquisition,
    AcquisitionContext,
    Bindable,
    Criterion,
    SmoothCriterion,
    ValueScale,
)
from luthier.surrogate import Posterior, supports

_LARGEST = 700.0  # of a logarithm: the exponential of more overflows
_TAIL = -30.0  # below it log softplus(z) is z to the last bit


@dataclass(frozen=True, slots=True)
class Weighted:
    """A criterion times a weight, smooth where both are.

    ``positive`` values are multiplied by the weight, and to ``log`` ones its logarithm is added. A ``signed`` value is
    a negated loss, so ``best + value`` is an improvement; its softplus, which is positive and keeps the order of
    points, is weighted: ``log softplus((best + value) / unit) + log weight``. (Hvarfner et al. 2022, appendix, and SMAC
    weight its positive part, which makes all points without an improvement equal.)

    With w the weight: ``∇(a w) = w (∇a + a ∇log w)``; ``∂ log softplus(z)/∂z = 1 / ((1 + e^-z) softplus(z))``.

    Args:
        inner: the criterion.
        scale: of its values.
        log_weight: the logarithm of the weight, a function of x.
        best: the lowest loss, on the posterior's scale; for ``signed`` values.
        unit: the spread of the values, more than 0; for ``signed`` values.
    """

    inner: Criterion
    scale: ValueScale
    log_weight: Criterion
    best: float = 0.0
    unit: float = 1.0

    @property
    def abilities(self) -> tuple[type, ...]:
        """See `luthier.surrogate.supports`."""
        return smooth_where(supports(self.inner, SmoothCriterion) and supports(self.log_weight, SmoothCriterion))

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        value, weight = self.inner.value(x), self.log_weight.value(x)
        if self.scale == ValueScale.POSITIVE:
            return value * np.exp(np.minimum(weight, _LARGEST))
        if self.scale == ValueScale.SIGNED:
            value = _log_softplus((value + self.best) / self.unit)
        return value + weight

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        value, gradient = cast(SmoothCriterion, self.inner).value_grad(x)
        weight, slope = cast(SmoothCriterion, self.log_weight).value_grad(x)
        if self.scale == ValueScale.POSITIVE:
            factor = np.exp(np.minimum(weight, _LARGEST))
            slope = np.where(weight[:, None] < _LARGEST, slope, 0.0)
            return value * factor, factor[:, None] * (gradient + value[:, None] * slope)
        if self.scale == ValueScale.SIGNED:
            z = (value + self.best) / self.unit
            value, gradient = _log_softplus(z), (_slope_of_log_softplus(z) / self.unit)[:, None] * gradient
        return value + weight, gradient + slope


def weight_criterion(
    acquisition: Acquisition | Bindable, posterior: Posterior, context: AcquisitionContext, log_weight: Criterion
) -> Weighted:
    """Bind an acquisition function and weight it by a function of x, which is given by its logarithm."""
    inner = bind_acquisition(acquisition, posterior, context)
    unit = float(inner.value(context.scattered).std()) if acquisition.scale == ValueScale.SIGNED else 1.0
    return Weighted(inner, acquisition.scale, log_weight, context.best, unit if unit > 0 else 1.0)


def weighted_scale(acquisition: Acquisition | Bindable) -> ValueScale:
    """Give the scale of an acquisition function's values once they are weighted."""
    return ValueScale.LOG if acquisition.scale == ValueScale.SIGNED else acquisition.scale


def _log_softplus(z: Floats) -> Floats:
    """Give log(log(1 + e^z)), which is about z below 0 and about log z above; same shape."""
    found: Floats = np.where(z < _TAIL, z, np.log(np.logaddexp(0.0, np.maximum(z, _TAIL))))
    return found


def _slope_of_log_softplus(z: Floats) -> Floats:
    """Give the derivative of `_log_softplus`: 1 far below 0, and 1/z far above; same shape."""
    from scipy.special import expit

    near = np.maximum(z, _TAIL)
    found: Floats = np.where(z < _TAIL, 1.0, expit(near) / np.logaddexp(0.0, near))
    return found
