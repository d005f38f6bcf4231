"""Posterior density of a Gaussian process's hyperparameters, and its gradient.

The model is ``y ~ N(c·1, s²(K(ℓ) + λI + N))`` with a wide normal prior on the constant c (variance `WIDE` s²) and an
inverse-gamma prior on the scale s², both integrated out in closed form. θ = (log ℓ_1 … log ℓ_v, log λ) remains, and
where w columns are warped (`luthier.surrogate.gp.warped_likelihood`) also log a_1 … log a_w and log b_1 … log b_w.

Source: Rasmussen and Williams (2006), eq. 5.8 and 5.9 (marginal likelihood), 2.39 to 2.41 (constant mean); integrating
out the scale gives a multivariate t distribution (Shah, Wilson and Ghahramani 2014, eq. 5).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.errors import InvalidSetting
from luthier.setting_types import check_setting_types, settings_repr
from luthier.surrogate.gp.embedding import Embedding
from luthier.surrogate.gp.kernel import Radial

JITTER = 1e-8
"""Added to the diagonal of a correlation matrix for its factorisation."""

WIDE = 100.0
"""The prior variance of the constant mean, relative to that of the function."""

_BAD = 1e10


@translating_settings
@dataclass(frozen=True, slots=True)
class Hyperpriors:
    """The prior distribution of hyperparameters; lengths are in units of the encoding.

    Args:
        log_length: mean of log ℓ, to which half the logarithm of the number of variables is added.
        log_length_std: its standard deviation.
        log_noise: mean of log λ, the variance of the noise relative to that of the function.
        log_noise_std: its standard deviation.
        scale: shape and rate of the inverse-gamma prior on s².
        log_warp_std: standard deviation of log a and log b of warped numbers, with mean 0: no warping.

    Source: Hvarfner, Hellsten and Nardi (2024), Vanilla Bayesian optimization performs great in high dimensions, eq. 6,
    for lengths that grow with the square root of the dimension.

    Raises:
        InvalidSetting: a setting is not a finite number; or a standard deviation, or `scale`, is not above 0.
    """

    log_length: float = -0.7
    log_length_std: float = 1.0
    log_noise: float = -7.0
    log_noise_std: float = 2.5
    scale: float = 1.0
    log_warp_std: float = 0.5

    __repr__ = settings_repr

    def __post_init__(self) -> None:
        check_setting_types(self)
        for name in ("log_length_std", "log_noise_std", "scale", "log_warp_std"):
            if getattr(self, name) <= 0:
                raise InvalidSetting(f"Hyperpriors({name}={getattr(self, name)!r}): give a number above 0")

    def length(self, variables: int) -> float:
        """Give the prior mean of log ℓ for this number of variables."""
        return self.log_length + 0.5 * math.log(variables)


class Drift(NamedTuple):
    """A part of the mean, ``F β`` with ``β ~ N(b·1, t s² I)``, whose coefficients β are integrated out.

    Source: Rasmussen and Williams (2006), section 2.7 (explicit basis functions).

    Args:
        features: F, (n, k).
        mean: b, the prior mean of each coefficient.
        variance: t, relative to the scale.
    """

    features: Floats
    mean: float
    variance: float


class LogDensity(Protocol):
    """A negative log posterior density of hyperparameters, up to a constant, within a box."""

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The lowest and highest value of each hyperparameter."""
        ...

    @property
    def width(self) -> Floats:
        """The prior standard deviation of each, (p,)."""
        ...

    def start(self) -> Floats:
        """Give the start of a search, (p,)."""
        ...

    def value(self, theta: Floats) -> float:
        """Give the negative log density at `theta` (p,)."""
        ...

    def value_grad(self, theta: Floats) -> tuple[float, Floats]:
        """Give the negative log density and its gradient at `theta` (p,)."""
        ...


class HyperparameterPosterior:
    """The negative log posterior density of length-scales and noise, for given data.

    Args:
        embedding: the coordinates.
        x: (n, e) in coordinates.
        y: (n,) scaled losses.
        noise: (n,) known variances relative to s², or None.
        kernel: of r².
        hyperpriors: the priors.
        drift: a part of the mean that is known up to its coefficients; None: there is none.

    Attributes:
        variables: their number v.
        distances: (v, n (n - 1) / 2) squared distances of each pair of points, by variable.
    """

    __slots__ = (
        "_drift",
        "_hyperpriors",
        "_kernel",
        "_lengths",
        "_lower",
        "_noise",
        "_upper",
        "_y",
        "distances",
        "variables",
    )

    def __init__(
        self,
        embedding: Embedding,
        x: Floats,
        y: Floats,
        noise: Floats | None,
        kernel: Callable[[Floats], Radial],
        hyperpriors: Hyperpriors,
        drift: Drift | None = None,
    ) -> None:
        self._lower, self._upper = np.tril_indices(len(x), -1)
        self.variables = embedding.variables
        self.distances = np.zeros((self.variables, len(self._lower)))
        for coordinate, owner in enumerate(embedding.owners):
            along = np.ascontiguousarray(x[:, coordinate])
            self.distances[owner] += (along[self._lower] - along[self._upper]) ** 2
        self._lengths = np.full(self.variables, hyperpriors.length(self.variables))
        self._y, self._noise, self._kernel, self._hyperpriors = y, noise, kernel, hyperpriors
        self._drift: Floats | None = None  # the covariance of the part of the mean, (n, n)
        if drift is not None:
            self._y = y - drift.features.sum(axis=1) * drift.mean
            self._drift = drift.variance * (drift.features @ drift.features.T)

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """See `LogDensity.bounds`."""
        return ((-4.5, 5.0),) * self.variables + ((-14.0, 1.0),)

    @property
    def width(self) -> Floats:
        """See `LogDensity.width`."""
        return np.append(np.full(self.variables, self._hyperpriors.log_length_std), self._hyperpriors.log_noise_std)

    def start(self) -> Floats:
        """Give the prior mean of θ, but with more noise, so that a search does not begin by interpolating."""
        return np.append(self._lengths, self._hyperpriors.log_noise + 2.0)

    def value(self, theta: Floats) -> float:
        """Give the negative log posterior, up to a constant, at `theta` (v + 1,). O(n³ / 3 + v n²)."""
        return self.value_at(theta, np.exp(-2.0 * theta[: self.variables]) @ self.distances)

    def value_grad(self, theta: Floats) -> tuple[float, Floats]:
        """Give the negative log posterior, up to a constant, and its gradient at `theta` (v + 1,). O(n³ + v n²)."""
        value, gradient, _ = self.value_grad_at(theta, self.distances)
        return value, gradient

    def value_at(self, theta: Floats, r2: Floats) -> float:
        """Give `value` for given squared scaled distances of the pairs, (n (n - 1) / 2,)."""
        from scipy.linalg.lapack import dpotrf, dtrtrs

        n = len(self._y)
        matrix = self._correlation(self._kernel(r2).value, math.exp(theta[-1]))
        factor, failed = dpotrf(matrix, lower=1, clean=0, overwrite_a=1)
        if failed:
            return _BAD
        half, _ = dtrtrs(factor, np.stack([self._y, np.ones(n)], axis=1), lower=1)
        total = half[:, 1] @ half[:, 1] + 1.0 / WIDE
        shape = n + 2.0 * self._hyperpriors.scale
        rest = half[:, 0] @ half[:, 0] - (half[:, 0] @ half[:, 1]) ** 2 / total + 2.0 * self._hyperpriors.scale
        value = 0.5 * shape * math.log(rest / shape) + np.log(np.diag(factor)).sum() + 0.5 * math.log(total)
        return float(value + self._prior(theta)[0])

    def value_grad_at(self, theta: Floats, distances: Floats) -> tuple[float, Floats, Floats]:
        """Give `value_grad` for other squared distances by variable, (v, n (n - 1) / 2), and the derivatives by r²."""
        from scipy.linalg.lapack import dpotrf, dpotri

        n, v = len(self._y), self.variables
        weights, noise = np.exp(-2.0 * theta[:v]), math.exp(theta[v])
        radial = self._kernel(weights @ distances)
        factor, failed = dpotrf(self._correlation(radial.value, noise), lower=1, clean=1, overwrite_a=1)
        if failed:
            return _BAD, np.zeros(v + 1), np.zeros(len(self._lower))
        inverse, _ = dpotri(factor, lower=1)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        ones = inverse.sum(axis=1)
        total = ones.sum() + 1.0 / WIDE
        alpha = inverse @ self._y
        constant = (ones @ self._y) / total
        alpha -= constant * ones
        shape = n + 2.0 * self._hyperpriors.scale
        rest = self._y @ alpha + 2.0 * self._hyperpriors.scale
        value = 0.5 * shape * math.log(rest / shape) + np.log(np.diag(factor)).sum() + 0.5 * math.log(total)
        # Twice the derivative by the entries of the correlation matrix.
        slope = np.outer(alpha, alpha) * (-shape / rest) + inverse - np.outer(ones, ones) / total
        by_r2 = slope[self._lower, self._upper] * radial.slope
        gradient = np.empty(v + 1)
        gradient[:v] = (distances @ by_r2) * (-2.0 * weights)
        gradient[v] = 0.5 * np.trace(slope) * noise
        prior, prior_gradient = self._prior(theta)
        return float(value + prior), gradient + prior_gradient, by_r2

    def _correlation(self, values: Floats, noise: float) -> Floats:
        """Give the lower triangle of the correlation matrix with noise, in Fortran order."""
        n = len(self._y)
        matrix = np.zeros((n, n), order="F")
        matrix[self._lower, self._upper] = values
        matrix[np.diag_indices(n)] = 1.0 + JITTER + noise + (0.0 if self._noise is None else self._noise)
        if self._drift is not None:
            matrix += np.tril(self._drift)
        return matrix

    def _prior(self, theta: Floats) -> tuple[float, Floats]:
        hyperpriors, v = self._hyperpriors, self.variables
        centre = np.append(self._lengths, hyperpriors.log_noise)
        std = np.append(np.full(v, hyperpriors.log_length_std), hyperpriors.log_noise_std)
        z = (theta - centre) / std
        return 0.5 * float(z @ z), z / std


def maximize_posterior(density: LogDensity, starts: list[Floats], steps: int) -> Floats:
    """Give the best θ that L-BFGS-B finds from the starts. Cost O(starts steps (n³ + v n²))."""
    from scipy.optimize import fmin_l_bfgs_b

    best, least = starts[0], math.inf
    for start in starts:
        theta, value, _ = fmin_l_bfgs_b(
            density.value_grad, start, bounds=density.bounds, maxiter=steps, maxfun=2 * steps, factr=1e10
        )
        if value < least:
            best, least = theta, float(value)
    return np.asarray(best, dtype=np.float64)
