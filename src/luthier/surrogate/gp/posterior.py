"""Posterior of a Gaussian process with constant mean and unknown scale, given its hyperparameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from luthier._typing import Floats
from luthier.key import Key
from luthier.numeric import quasi_normal
from luthier.surrogate.gp.embedding import Embedding
from luthier.surrogate.gp.kernel import Radial, squares
from luthier.surrogate.gp.marginal_likelihood import JITTER, WIDE
from luthier.surrogate.gp.random_features import RandomFourierFeatures
from luthier.surrogate.protocol import Moments, MomentsGrad

_LEAST_VARIANCE = 1e-10


class PriorMean(Protocol):
    """A function that the mean of a Gaussian process is taken to have before any losses, up to a constant."""

    def value(self, x: Floats) -> Floats:
        """Give the mean at `x` (q, d), on the posterior's scale; shape (q,)."""
        ...

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the mean (q,) and its gradient (q, d) at `x` (q, d); 0 along inactive columns."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class GPPosterior:
    """The normal distribution of the function given n losses; it has every ability except `IsMixture` and `Ratio`.

    Args:
        embedding: the coordinates.
        kernel: of r².
        theta: (v + 1,) log length-scales and log relative noise.
        x: (n, d) the points.
        y: (n,) their losses, on the posterior's scale.
        noise: (n,) known variances relative to the function's, or None.
        scaled: (n, e) coordinates divided by the length-scales.
        factor: (n, n) lower Cholesky factor of the correlation matrix with noise.
        alpha: (n,) the inverse of the correlation matrix times the residuals from the constant mean.
        ones: (n,) the same inverse times a vector of ones.
        constant: the posterior mean of the function's constant mean.
        precision: of that mean, relative to the scale.
        scale: s², the variance of the function.
        prior_mean: what the mean is without any losses, up to its constant; None: nothing. Then `alpha`, `constant` and
            `scale` are those of the losses less that.
    """

    embedding: Embedding
    kernel: Callable[[Floats], Radial]
    theta: Floats
    x: Floats
    y: Floats
    noise: Floats | None
    scaled: Floats
    factor: Floats
    alpha: Floats
    ones: Floats
    constant: float
    precision: float
    scale: float
    prior_mean: PriorMean | None = None

    @property
    def best(self) -> float:
        """The lowest loss, on the posterior's scale."""
        return float(self.y.min())

    def moments(self, x: Floats) -> Moments:
        """See `Posterior.moments`. Cost O(q n² + q n e)."""
        from scipy.linalg import solve_triangular

        k = self.correlations(self.scaled_coordinates(x)).value
        half = solve_triangular(self.factor, k.T, lower=True, check_finite=False)
        return Moments(self._mean(k, x), self.variance(k, np.einsum("ij,ij->j", half, half)))

    def mean_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the mean (q,) and its gradient (q, d) at `x` (q, d), without the variance. Cost O(q n e)."""
        at = self.scaled_coordinates(x)
        k, slope = self.correlations(at)
        mean, mean_grad = self.constant + k @ self.alpha, self._chain(slope * self.alpha, at, x)
        if self.prior_mean is None:
            return mean, mean_grad
        before, before_grad = self.prior_mean.value_grad(x)
        return mean + before, mean_grad + before_grad

    def mean(self, x: Floats) -> Floats:
        """Give the mean at `x` (q, d), without the variance; shape (q,). Cost O(q n e)."""
        return self._mean(self.correlations(self.scaled_coordinates(x)).value, x)

    def moments_grad(self, x: Floats) -> MomentsGrad:
        """See `Differentiable.moments_grad`. Cost O(q n² + q n e)."""
        from scipy.linalg import cho_solve

        at = self.scaled_coordinates(x)
        k, slope = self.correlations(at)
        solved = cho_solve((self.factor, True), k.T, check_finite=False).T
        gap = 1.0 - k @ self.ones
        mean_grad = self._chain(slope * self.alpha, at, x)
        weights = -2.0 * self.scale * (solved + np.outer(gap / self.precision, self.ones))
        variance = self.variance(k, np.einsum("ij,ij->i", k, solved))
        mean, variance_grad = self.constant + k @ self.alpha, self._chain(slope * weights, at, x)
        if self.prior_mean is not None:
            before, before_grad = self.prior_mean.value_grad(x)
            mean, mean_grad = mean + before, mean_grad + before_grad
        return MomentsGrad(mean, variance, mean_grad, variance_grad)

    def covariance(self, x: Floats) -> Floats:
        """Give the joint covariance at `x` (q, d); shape (q, q). Cost O(q n² + q² (n + e))."""
        from scipy.linalg import solve_triangular

        at = self.scaled_coordinates(x)
        k = self.correlations(at).value
        half = solve_triangular(self.factor, k.T, lower=True, check_finite=False)
        gap = 1.0 - k @ self.ones
        prior = self.kernel(squares(at, at)).value
        joint: Floats = self.scale * (prior - half.T @ half + np.outer(gap, gap) / self.precision)
        return joint

    def log_lengths(self) -> Floats:
        """Give the logarithm of the length-scale along each column (d,) of the space; NaN for a category."""
        found = np.full(len(self.embedding.columns), np.nan)
        copied = self.embedding.sources >= 0
        found[self.embedding.sources[copied]] = self.theta[self.embedding.owners[copied]]
        return found[:-1] if self.embedding.has_fidelity else found

    @property
    def noise_variance(self) -> float:
        """See `SupportsCovariance.noise_variance`: the learnt part, and the mean of the known part."""
        known = 0.0 if self.noise is None else float(self.noise.mean())
        return self.scale * (math.exp(self.theta[-1]) + known)

    def cross_covariance(self, x: Floats, z: Floats) -> Floats:
        """See `SupportsCovariance.cross_covariance`. Cost O(min(q, m) n² + q m (n + e))."""
        from scipy.linalg import cho_solve

        if len(x) < len(z):
            return np.ascontiguousarray(self.cross_covariance(z, x).T)
        at, to = self.scaled_coordinates(x), self.scaled_coordinates(z)
        k, other = self.correlations(at).value, self.correlations(to).value
        explained = k @ cho_solve((self.factor, True), other.T, check_finite=False)
        gaps = np.outer(1.0 - k @ self.ones, 1.0 - other @ self.ones)
        covariance: Floats = self.scale * (self.kernel(squares(at, to)).value - explained + gaps / self.precision)
        return covariance

    def distance(self, x: Floats, z: Floats) -> Floats:
        """See `HasDistance.distance`. Cost O(q m e)."""
        return np.sqrt(squares(self.scaled_coordinates(x), self.scaled_coordinates(z)))

    def sample(self, x: Floats, base: Floats) -> Floats:
        """See `Joint.sample`. Cost O(q n² + q³)."""
        covariance = self.covariance(x)
        values, vectors = np.linalg.eigh(0.5 * (covariance + covariance.T))
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        drawn: Floats = self.moments(x).mean + base @ root.T
        return drawn

    def paths(self, key: Key, count: int) -> Callable[[Floats], Floats]:
        """See `Pathwise.paths`. Cost O(n² count) once, and then O(q (n + f)) for each function, f frequencies.

        With g₀ a prior draw at the data, ε a draw of the noise and c₀ a draw of the constant mean, ``r = y - g₀ - ε``;
        the constant of the path is ``c = (1ᵀK⁻¹r + c₀/W) / (1ᵀK⁻¹1 + 1/W)``, with its prior variance W, and the path is
        ``g₀(x) + c + k(x)ᵀ K⁻¹(r - c)``.

        Source: Wilson et al. (2020), eq. 9, for a kernel with the constant's variance added.
        """
        from scipy.linalg import cho_solve

        root = math.sqrt(self.scale)
        prior = RandomFourierFeatures.draw(self.kernel, self.scaled.shape[1], count, key)
        noise_std = np.sqrt(
            JITTER + math.exp(self.theta[-1]) + (np.zeros(len(self.y)) if self.noise is None else self.noise)
        )
        rest = (
            self._residuals() / root
            - prior.value(self.scaled).T
            - noise_std * key.fold("noise").normal((count, len(self.y)))
        )
        prior_constants = math.sqrt(WIDE) * key.fold("constant").normal(count)
        constants = (rest @ self.ones + prior_constants / WIDE) / self.precision
        weights = cho_solve((self.factor, True), rest.T, check_finite=False) - np.outer(self.ones, constants)

        def values(x: Floats) -> Floats:
            at = self.scaled_coordinates(x)
            drawn: Floats = root * (prior.value(at) + constants + self.correlations(at).value @ weights).T
            return drawn if self.prior_mean is None else drawn + self.prior_mean.value(x)

        return values

    def noiseless_draws(self, key: Key, count: int, more: Floats) -> GPDraws:
        """See `SupportsNoiselessDraws`; one factorisation for all draws. Cost O((n + p)³ + count (n + p)²)."""
        from scipy.linalg import cho_solve

        x = np.concatenate([self.x, self.embedding.complete(more)])
        drawn = self.sample(x, quasi_normal(key, count, len(x)))
        theta = np.append(self.theta[:-1], -np.inf)
        drawn = drawn if self.prior_mean is None else drawn - self.prior_mean.value(x)
        shared = gp_posterior(self.embedding, self.kernel, theta, x, drawn[0], None)
        shared = replace(shared, scale=self.scale)
        weights = cho_solve((shared.factor, True), drawn.T, check_finite=False)
        constants = drawn @ shared.ones / shared.precision
        return GPDraws(shared, weights - np.outer(shared.ones, constants), constants, self.prior_mean)

    def condition(self, x: Floats, losses: Floats | None = None) -> GPPosterior:
        """See `Conditionable.condition`. Cost O((n + p)³)."""
        if not len(x):
            return self
        y = self.moments(x).mean if losses is None else losses
        noise = None if self.noise is None else np.append(self.noise, np.zeros(len(x)))
        both_x, both_y = np.concatenate([self.x, self.embedding.complete(x)]), np.concatenate([self.y, y])
        before = self.prior_mean
        conditioned = gp_posterior(self.embedding, self.kernel, self.theta, both_x, both_y, noise, prior_mean=before)
        # Means in place of losses carry no information about the scale.
        return conditioned if losses is not None else replace(conditioned, scale=self.scale)

    def with_prior_mean(self, prior_mean: PriorMean, strength: float = 1.0) -> GPPosterior:
        """Give the posterior of the same losses with a prior mean. Cost O(n³)."""
        given = (self.embedding, self.kernel, self.theta, self.x, self.y, self.noise)
        return gp_posterior(*given, strength, prior_mean)

    def leave_one_out(self) -> tuple[Floats, Floats]:
        """Give leave-one-out means and variances of the observations, (n,) each.

        Source: Sundararajan and Keerthi (2001); Rasmussen and Williams (2006), eq. 5.12.
        """
        from scipy.linalg import cho_solve

        n = len(self.y)
        inverse = cho_solve((self.factor, True), np.eye(n), check_finite=False)
        inverse -= np.outer(self.ones, self.ones) / self.precision
        diagonal = np.maximum(np.diag(inverse), 1e-12)
        return self.y - self.alpha / diagonal, self.scale / diagonal

    def scaled_coordinates(self, x: Floats) -> Floats:
        """Give the coordinates of `x` (q, d) divided by the length-scales; shape (q, e)."""
        return self.embedding.embed(x) * _inverse_lengths(self.embedding, self.theta)

    def correlations(self, at: Floats) -> Radial:
        """Give the prior correlations between scaled coordinates `at` (q, e) and the data; (q, n)."""
        return self.kernel(squares(at, self.scaled))

    def variance(self, k: Floats, explained: Floats) -> Floats:
        """Give the variances (q,) from the correlations `k` (q, n) and the part that the data explain (q,)."""
        gap = 1.0 - k @ self.ones
        return np.maximum(1.0 - explained + gap * gap / self.precision, _LEAST_VARIANCE) * self.scale

    def _mean(self, k: Floats, x: Floats) -> Floats:
        """Give the mean at `x` (q, d), with prior correlations `k` (q, n) to the data; shape (q,)."""
        mean: Floats = self.constant + k @ self.alpha
        return mean if self.prior_mean is None else mean + self.prior_mean.value(x)

    def _residuals(self) -> Floats:
        """Give the losses less the prior mean, (n,)."""
        return self.y if self.prior_mean is None else self.y - self.prior_mean.value(self.x)

    def _chain(self, weights: Floats, at: Floats, x: Floats) -> Floats:
        """Give Σ_i weights_i ∂r²_i/∂x for each of q points; shape (q, d)."""
        by_scaled = 2.0 * (at * weights.sum(axis=1)[:, None] - weights @ self.scaled)
        return self.embedding.pull(by_scaled * _inverse_lengths(self.embedding, self.theta), x)


@dataclass(frozen=True, slots=True, eq=False)
class GPDraws:
    """Posteriors that differ only in their losses: one for each draw of the function at the data.

    Args:
        shared: the posterior of one draw.
        weights: (n, s) `alpha` of each.
        constants: (s,) the constant mean of each.
        prior_mean: that of all of them.
    """

    shared: GPPosterior
    weights: Floats
    constants: Floats
    prior_mean: PriorMean | None = None

    def moments(self, x: Floats) -> Moments:
        """See `Draws.moments`. Cost O(q n² + q n s)."""
        from scipy.linalg import solve_triangular

        k = self.shared.correlations(self.shared.scaled_coordinates(x)).value
        half = solve_triangular(self.shared.factor, k.T, lower=True, check_finite=False)
        mean = (k @ self.weights + self.constants).T
        if self.prior_mean is not None:
            mean = mean + self.prior_mean.value(x)
        return Moments(mean, self.shared.variance(k, np.einsum("ij,ij->j", half, half)))


def gp_posterior(
    embedding: Embedding,
    kernel: Callable[[Floats], Radial],
    theta: Floats,
    x: Floats,
    y: Floats,
    noise: Floats | None,
    strength: float = 1.0,
    prior_mean: PriorMean | None = None,
) -> GPPosterior:
    """Give the posterior of a Gaussian process given losses `y` (n,) at `x` (n, d).

    Args:
        embedding: the coordinates.
        kernel: of r².
        theta: log length-scales and log relative noise, (v + 1,).
        x: the points, n at least 1.
        y: their losses, on the posterior's scale.
        noise: known variances relative to the function's, (n,), or None.
        strength: shape and rate of the inverse-gamma prior on the scale.
        prior_mean: what the mean is without any losses, up to its constant; None: nothing.

    Source: Rasmussen and Williams (2006), eq. 2.25, 2.26 and 2.41. Cost O(n³).
    """
    from scipy.linalg import cho_solve

    scaled = embedding.embed(x) * _inverse_lengths(embedding, theta)
    matrix = kernel(squares(scaled, scaled)).value
    matrix[np.diag_indices(len(x))] = 1.0 + JITTER + math.exp(theta[-1]) + (0.0 if noise is None else noise)
    factor = _factorise(matrix)
    ones = cho_solve((factor, True), np.ones(len(x)), check_finite=False)
    rest = y if prior_mean is None else y - prior_mean.value(x)
    alpha = cho_solve((factor, True), rest, check_finite=False)
    precision = float(ones.sum()) + 1.0 / WIDE
    constant = float(ones @ rest) / precision
    alpha = alpha - constant * ones
    scale = float(rest @ alpha + 2.0 * strength) / (len(x) + 2.0 * strength)
    scale = max(scale, 1e-12)
    given = (embedding, kernel, theta, x, y, noise, scaled)
    return GPPosterior(*given, factor, alpha, ones, constant, precision, scale, prior_mean)


def _factorise(matrix: Floats) -> Floats:
    """Give the lower Cholesky factor, with a slightly larger diagonal where rounding made the matrix indefinite."""
    from scipy.linalg.lapack import dpotrf

    extra = 0.0
    while True:
        factor, failed = dpotrf(matrix + extra * np.eye(len(matrix)) if extra else matrix, lower=1, clean=1)
        if not failed:
            return np.asarray(factor, dtype=np.float64)
        extra = max(10.0 * extra, JITTER)


def _inverse_lengths(embedding: Embedding, theta: Floats) -> Floats:
    inverse: Floats = np.exp(-theta[:-1])[embedding.owners]
    return inverse
