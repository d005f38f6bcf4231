"""Ascent under outcome constraints: sequential quadratic programming along their predicted edges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import numpy as np

from luthier._typing import Bools, Floats
from luthier.acquisition import Criterion, Feasible, SmoothCriterion, analytic_posteriors
from luthier.space import Space
from luthier.surrogate import Differentiable, Posterior

_MARGIN = 1.0
"""So many standard deviations a violation is to lie below 0: the constraint then holds with a probability of 0.84."""
_STEPS = 20
_TOLERANCE = 1e-8
_LEAST_VARIANCE = 1e-18


def follow_constraints(space: Space, criterion: Criterion, points: Floats) -> Floats:
    """Lower the predicted loss from each of `points` as far as the predicted violations allow.

    Where several constraints hold just so, the probabilities that they hold are walls, and the gradient of their
    product leads nowhere between them. Taken as constraints of a program, predicted violations are smooth, nearly
    linear functions along which a few steps lead far. What is found is a point to begin from: it says nothing of how
    much is to be gained there, nor how likely.

    Args:
        space: of the points; only continuous, active variables move.
        criterion: what is to be largest in the end.
        points: (k, d), settled.

    Returns:
        At most one point for each, settled; none where the criterion is not weighted by outcome constraints, or has no
        gradients.

    Cost: some 10 values with gradients, of each model at one point, for each of them. Source: Kraft (1988), A software
    package for sequential quadratic programming.
    """
    if not isinstance(criterion, Feasible) or criterion.inner is None or SmoothCriterion not in criterion.abilities:
        return points[:0]
    free = np.zeros(points.shape, dtype=bool)
    free[:, space.continuous] = ~np.isnan(points[:, space.continuous])
    found = [
        _Program(criterion, point, moves).solved() for point, moves in zip(points, free, strict=True) if moves.any()
    ]
    rows = np.array([point for point in found if point is not None]).reshape(-1, points.shape[1])
    return space.settle(rows, np.where(np.isnan(rows), 0.5, rows))


@dataclass(slots=True)
class _Program:
    """Minimise the predicted loss, subject to ``mean + std <= 0`` of every violation.

    Args:
        criterion: whose models predict.
        start: (d,) the point to begin from.
        free: (d,) which of its coordinates move.
        last: the last place that was looked at, and what was found there: SLSQP asks for each part by itself.
    """

    criterion: Feasible
    start: Floats
    free: Bools
    last: tuple[bytes, tuple[float, Floats, Floats, Floats]] | None = field(default=None)

    def solved(self) -> Floats | None:
        """Give the point that was found, (d,); None where the numbers ran away."""
        from scipy.optimize import minimize

        room = {"type": "ineq", "fun": lambda part: self._at(part)[2], "jac": lambda part: self._at(part)[3]}
        options = {"maxiter": _STEPS, "ftol": _TOLERANCE}
        bounds = [(0.0, 1.0)] * int(self.free.sum())
        found = minimize(
            lambda part: self._at(part)[0],
            self.start[self.free],
            jac=lambda part: self._at(part)[1],
            method="SLSQP",
            bounds=bounds,
            constraints=room,
            options=options,
        )
        if not np.isfinite(found.x).all():
            return None
        point = self.start.copy()
        point[self.free] = np.clip(found.x, 0.0, 1.0)
        return point

    def _at(self, part: Floats) -> tuple[float, Floats, Floats, Floats]:
        """Give the loss, its gradient, and what room each constraint leaves, with gradients."""
        name = part.tobytes()
        if self.last is None or self.last[0] != name:
            row = self.start.copy()
            row[self.free] = part
            self.last = name, (*self._loss(row[None]), *self._room(row[None]))
        return self.last[1]

    def _loss(self, row: Floats) -> tuple[float, Floats]:
        """Give the mean over the models, each on its own scale; without such models, the negative criterion."""
        inner = cast(SmoothCriterion, self.criterion.inner)
        posteriors = analytic_posteriors(inner)
        if not posteriors:
            value, gradient = inner.value_grad(row)
            return -float(value[0]), -gradient[0, self.free]
        moments = [cast(Differentiable, posterior).moments_grad(row) for posterior in posteriors]
        mean = float(np.mean([each.mean[0] for each in moments]))
        slope: Floats = np.mean([each.mean_grad[0, self.free] for each in moments], axis=0)
        return mean, slope

    def _room(self, row: Floats) -> tuple[Floats, Floats]:
        found = [self._room_of(bound, row) for bound in self.criterion.bounds]
        return np.array([room for room, _ in found]), np.array([slope for _, slope in found])

    def _room_of(self, bound: Posterior, row: Floats) -> tuple[float, Floats]:
        moments = cast(Differentiable, bound).moments_grad(row)
        std = float(np.sqrt(max(float(moments.variance[0]), _LEAST_VARIANCE)))
        slope = moments.mean_grad[0] + _MARGIN * moments.variance_grad[0] / (2.0 * std)
        return -(float(moments.mean[0]) + _MARGIN * std), -slope[self.free]
