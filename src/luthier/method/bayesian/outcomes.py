"""What a model learns from where there is more than one loss: several objectives, and outcome constraints.

Source: Knowles (2006), ParEGO, IEEE Transactions on Evolutionary Computation 10, for the objectives; Gardner, Kusner,
Xu, Weinberger and Cunningham (2014), Bayesian optimization with inequality constraints, ICML, for the constraints.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats
from luthier.acquisition import Acquisition, AcquisitionContext, Bindable, Criterion, Feasible, bind_acquisition
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.numeric import standard_scaling
from luthier.surrogate import GP, Posterior, SupportsScalarization, Surrogate

_SLOPE = 0.05
"""Weight of the sum beside the maximum (Knowles 2006, eq. 2), so that of two equal maxima the better sum wins."""
_FIRST = 8
"""The unit of a violation is the median size of so many of the first ones: later ones do not change it."""
_FARTHEST = 4.0


def scalarize(data: Data, key: Key) -> Data:
    """Give the data with one loss: of several, an augmented Chebyshev norm with weights drawn by `key`.

    Each proposal draws weights of its own, so that the proposals spread along the Pareto front.
    """
    objectives = data.losses.shape[1]
    if objectives == 1:
        return data
    weights = -np.log1p(-key.fold("weights").uniform(objectives))
    weights = (weights + 1e-12) / (weights + 1e-12).sum()
    weighed = np.stack([_from_zero_to_one(column) for column in data.losses.T], axis=1) * weights
    return replace(data, losses=(weighed.max(axis=1) + _SLOPE * weighed.sum(axis=1))[:, None])


def fit_scalarized(surrogate: Surrogate, told: Data, data: Data, key: Key, memo: Memo) -> Any:
    """Fit a surrogate to `data`, which is `scalarize` of what it was `told`; give a `Posterior` or a `Ratio`."""
    if told.losses.shape[1] == 1 or not isinstance(surrogate, SupportsScalarization):
        return surrogate.fit(data, key, memo)
    noises = [told.noise, *[None] * (told.losses.shape[1] - 1)]
    parts = [replace(told, losses=loss[:, None], noise=n) for loss, n in zip(told.losses.T, noises, strict=True)]
    return surrogate.fit_scalarization(data, parts, key, memo)


def feasible_rows(data: Data) -> NDArray[np.bool_]:
    """Tell which rows keep the outcome constraints, as far as they say; shape (n,)."""
    keeping: NDArray[np.bool_] = np.logical_not((data.violations > 0).any(axis=1))
    return keeping


def best_first(data: Data) -> NDArray[np.int64]:
    """Order the rows: those that keep the constraints by their loss, and then the others by how much they break them.

    Source: Deb (2000), An efficient constraint handling method for genetic algorithms.
    """
    if not data.violations.shape[1]:
        return np.argsort(data.loss, kind="stable")
    broken = np.minimum(np.where(data.violations > 0, data.violations, 0.0), 1e300 / max(data.violations.shape[1], 1))
    return np.lexsort((data.loss, broken.sum(axis=1)))


def ranked(data: Data) -> Data:
    """Give the data with ranks for losses where constraints are broken, for models that only compare."""
    if feasible_rows(data).all():
        return data
    places = np.empty(len(data))
    places[best_first(data)] = np.arange(len(data))
    return replace(data, losses=places[:, None])


def constraint_models(data: Data, key: Key, memo: Memo) -> tuple[Posterior, ...]:
    """Model each violation that is known of some trial, on a scale whose zero is that of the violation."""
    models: list[Posterior] = []
    for place, violation in enumerate(data.violations.T):
        rows = np.flatnonzero(~np.isnan(violation))
        if len(rows):
            scaled = _squashed(violation[rows])
            seen = replace(data, x=data.x[rows], losses=scaled[:, None], noise=None)
            models.append(GP(scaling="given").fit(seen, key.fold("limit", place), memo))
    return tuple(models)


def bound_criterion(
    acquisition: Acquisition | Bindable, model: Posterior, bounds: tuple[Posterior, ...], situation: AcquisitionContext
) -> Criterion:
    """Bind an acquisition to a posterior, and weigh it by the probability that the outcome constraints hold.

    Args:
        acquisition: what is worth trying.
        model: of the loss, pending points believed already.
        bounds: of the violations.
        situation: the best loss in it is replaced by the lowest mean of a row that keeps the constraints.
    """
    if not bounds:
        return bind_acquisition(acquisition, model, situation)
    lawful = situation.data.x[feasible_rows(situation.data)]
    inner = None
    if len(lawful):
        best = float(model.moments(lawful).mean.min())
        inner = bind_acquisition(acquisition, model, situation._replace(best=best))
    return Feasible(inner, acquisition.scale, bounds)


def incumbent(model: Posterior, data: Data, noisy: bool) -> float:
    """Give the lowest loss: the one that was seen, or of noisy ones the lowest that the model believes.

    Source: Picheny, Wagner and Ginsbourger (2013), A benchmark of kriging-based infill criteria for noisy
    optimization, section 3.1 (plug-in).
    """
    return float(model.moments(data.x).mean.min()) if noisy or data.noise is not None else model.best


def _from_zero_to_one(losses: Floats) -> Floats:
    scaled = standard_scaling(losses)
    width = float(np.ptp(scaled))
    return (scaled - scaled.min()) / width if width > 0 else np.zeros_like(scaled)


def _squashed(violation: Floats) -> Floats:
    bounded = np.clip(violation, -1e300, 1e300)
    sizes = np.abs(bounded[bounded != 0][:_FIRST])
    unit = max(float(np.median(sizes)), 1e-300) if len(sizes) else 1.0
    with np.errstate(over="ignore"):  # 1e300 in units of 1e-300 is far, and that is all that matters
        squashed: Floats = np.clip(np.arcsinh(np.clip(bounded / unit, -1e300, 1e300)), -_FARTHEST, _FARTHEST)
    return squashed
