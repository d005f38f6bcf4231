"""An acquisition weighed by a positive function of x, whatever the scale of its values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luthier._typing import Floats
from luthier.acquisition.criterion import bind
from luthier.acquisition.protocol import (
    Acquisition,
    AcquisitionContext,
    Bindable,
    Criterion,
    CriterionEnsemble,
    Scale,
    SmoothCriterion,
)
from luthier.errors import InvalidSetting
from luthier.surrogate import Posterior

_LARGEST = 700.0  # of a logarithm: the exponential of more overflows
_TAIL = -30.0  # below it log softplus(z) is z to the last bit


@dataclass(frozen=True, slots=True)
class Weighted:
    """A criterion: another one times a weight.

    ``positive`` values are multiplied by it, and to ``log`` ones its logarithm is added. A ``signed`` value is a loss
    in disguise, so ``best + value`` is the improvement that is hoped for; its softplus, which is positive and keeps
    the order of points, is weighed: ``log softplus((best + value) / unit) + log weight``. (Hvarfner et al. 2022,
    appendix, and SMAC weigh the part of it above 0, which leaves all points without hope equal.)

    Args:
        inner: the criterion.
        scale: of its values.
        log_weight: the logarithm of the weight, a function of x.
        best: the lowest loss, on the posterior's scale; for ``signed`` ones.
        unit: the spread of the values, more than 0; for ``signed`` ones.
    """

    inner: Criterion
    scale: Scale
    log_weight: Criterion
    best: float = 0.0
    unit: float = 1.0

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        value, weight = self.inner.value(x), self.log_weight.value(x)
        if self.scale == "positive":
            return value * np.exp(np.minimum(weight, _LARGEST))
        return (_log_softplus((value + self.best) / self.unit) if self.scale == "signed" else value) + weight


@dataclass(frozen=True, slots=True)
class SmoothWeighted(Weighted):
    """The same of a criterion and a weight that have gradients.

    With w the weight: ``∇(a w) = w (∇a + a ∇log w)``; ``∂ log softplus(z)/∂z = 1 / ((1 + e^-z) softplus(z))``.
    """

    inner: SmoothCriterion
    log_weight: SmoothCriterion

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        value, gradient = self.inner.value_grad(x)
        weight, slope = self.log_weight.value_grad(x)
        if self.scale == "positive":
            factor = np.exp(np.minimum(weight, _LARGEST))
            slope = np.where(weight[:, None] < _LARGEST, slope, 0.0)
            return value * factor, factor[:, None] * (gradient + value[:, None] * slope)
        if self.scale == "signed":
            z = (value + self.best) / self.unit
            value, gradient = _log_softplus(z), (_slope_of_log_softplus(z) / self.unit)[:, None] * gradient
        return value + weight, gradient + slope


def weight_criterion(
    acquisition: Acquisition | Bindable, posterior: Posterior, situation: AcquisitionContext, weight: Criterion
) -> Weighted:
    """Bind an acquisition and weigh it by a function of x, given by its logarithm; smoothly where both are smooth."""
    inner = bind(acquisition, posterior, situation)
    unit = float(inner.value(situation.scattered).std()) if acquisition.scale == "signed" else 1.0
    unit = unit if unit > 0 else 1.0
    if isinstance(inner, SmoothCriterion) and isinstance(weight, SmoothCriterion):
        return SmoothWeighted(inner, acquisition.scale, weight, situation.best, unit)
    return Weighted(inner, acquisition.scale, weight, situation.best, unit)


def weighted_scale(acquisition: Acquisition | Bindable) -> Scale:
    """Tell the scale of an acquisition's values once they are weighed."""
    return "log" if acquisition.scale == "signed" else acquisition.scale


def check_inner(name: str, acquisition: object) -> None:
    """Refuse to wrap what is no single acquisition.

    Raises:
        InvalidSetting: says what to do instead.
    """
    if isinstance(acquisition, CriterionEnsemble):
        kind = type(acquisition).__name__
        raise InvalidSetting(f"{name}({kind}(…)): write {kind}(({name}(…), …)), so that each of its members is weighed")
    if not isinstance(acquisition, Acquisition | Bindable):
        raise InvalidSetting(f"{name}({acquisition!r}): give an acquisition function, such as LogEI()")


def _log_softplus(z: Floats) -> Floats:
    """Give log(log(1 + e^z)), which goes like z below 0 and like log z above; same shape."""
    found: Floats = np.where(z < _TAIL, z, np.log(np.logaddexp(0.0, np.maximum(z, _TAIL))))
    return found


def _slope_of_log_softplus(z: Floats) -> Floats:
    """Give the derivative of `_log_softplus`: 1 far below 0, and 1/z far above; same shape."""
    from scipy.special import expit

    near = np.maximum(z, _TAIL)
    found: Floats = np.where(z < _TAIL, 1.0, expit(near) / np.logaddexp(0.0, near))
    return found
