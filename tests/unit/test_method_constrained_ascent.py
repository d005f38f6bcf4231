"""Ascent under outcome constraints: where programs along predicted edges lead, and when there are none."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.acquisition import Feasible, IntegratedCriterion, LogEI, ValueScale, analytic_posteriors
from luthier.acquisition.criterion import AnalyticCriterion
from luthier.key import Key
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer, EvaluatedPoints, ascend
from luthier.method.bayesian.constrained_ascent import follow_constraints
from luthier.space import Choice, Float, Space
from luthier.surrogate import Differentiable, Moments, MomentsGrad

SPACE = Space({name: Float(0, 1) for name in "abc"})
BEGIN = np.array([[0.495, 0.0, 0.1]])
CORNER = np.array([0.5 / 1.9, 0.5 / 1.9, 0.6 - 0.05 / 1.9])
"""Where the three planes below meet: the lowest loss that they allow."""


class Plane:
    """A posterior that knows a linear function well."""

    abilities = (Differentiable,)

    def __init__(self, slope: list[float], at: float, std: float = 0.002) -> None:
        self.slope, self.at, self.std = np.array(slope), at, std

    @property
    def best(self) -> float:
        return 0.0

    def moments(self, x):
        return Moments(x[:, : len(self.slope)] @ self.slope - self.at, np.full(len(x), self.std**2))

    def moments_grad(self, x):
        slopes = np.zeros_like(x)
        slopes[:, : len(self.slope)] = self.slope
        return MomentsGrad(*self.moments(x), slopes, np.zeros_like(x))


class Sum:
    """A criterion with gradients that is no analytic one."""

    abilities = AnalyticCriterion(LogEI(), Plane([1.0], 0.0), 0.0).abilities

    def value(self, x):
        return 300.0 * x[:, :3].sum(axis=1)

    def value_grad(self, x):
        gradient = np.zeros_like(x)
        gradient[:, :3] = 300.0
        return self.value(x), gradient


PLANES = (Plane([1.0, 0.9, 0.0], 0.5), Plane([0.9, 1.0, 0.0], 0.5), Plane([0.05, 0.05, 1.0], 0.6))
LOSS = Plane([-1.0, -1.0, -1.0], 0.0)
IMPROVEMENT = AnalyticCriterion(LogEI(), LOSS, -0.6)


@pytest.mark.parametrize("inner", [IMPROVEMENT, Sum()], ids=["predicted loss", "the criterion itself"])
def test_edges_are_followed_to_where_they_meet(inner) -> None:
    criterion = Feasible(inner, ValueScale.LOG, PLANES)
    (found,) = follow_constraints(SPACE, criterion, BEGIN)
    np.testing.assert_allclose(found, CORNER, atol=0.01)
    for plane in PLANES:  # each holds with a probability of 0.84
        assert plane.moments(found[None]).mean[0] <= -plane.std + 1e-6
    assert criterion.value(found[None])[0] > criterion.value(ascend(SPACE, criterion, BEGIN))[0] + 0.1


def test_the_search_proposes_what_was_found() -> None:
    criterion = Feasible(IMPROVEMENT, ValueScale.LOG, PLANES)
    search = AcquisitionOptimizer(scattered=50, nearby=0, rounds=0)
    best = search.maximise(SPACE, criterion, BEGIN, EvaluatedPoints(BEGIN), Key.of(0))[0]
    np.testing.assert_allclose(best, CORNER, atol=0.03)
    assert criterion.value(best[None])[0] >= criterion.value(follow_constraints(SPACE, criterion, BEGIN))[0]


def test_only_active_floats_move() -> None:
    space = Space({"a": Float(0, 1), "b": Float(0, 1), "c": Choice("x", "y"), "d": Float(0, 1, when="c == 'x'")})
    points = space.sample(Key.of(0), 8)
    active = ~np.isnan(points[:, 3])
    assert 0 < active.sum() < 8
    loss, bound = Plane([-1.0, -1.0, 0.0], 0.0), Plane([1.0, 1.0], 1.0)
    found = follow_constraints(space, Feasible(AnalyticCriterion(LogEI(), loss, 0.0), ValueScale.LOG, (bound,)), points)
    assert len(found) == 8
    np.testing.assert_array_equal(found[:, 2], points[:, 2])
    np.testing.assert_array_equal(np.isnan(found), np.isnan(points))
    np.testing.assert_allclose(found[:, :2].sum(axis=1), 1.0 - bound.std, atol=1e-5)


def test_there_is_nothing_to_follow() -> None:
    """Without constraints, before anything is feasible, where nothing can move, and without points."""
    criterion = Feasible(IMPROVEMENT, ValueScale.LOG, PLANES)
    assert follow_constraints(SPACE, IMPROVEMENT, BEGIN).shape == (0, 3)
    assert follow_constraints(SPACE, Feasible(None, ValueScale.LOG, PLANES), BEGIN).shape == (0, 3)
    assert follow_constraints(SPACE, criterion, BEGIN[:0]).shape == (0, 3)
    fixed = Space({name: Choice("x", "y") for name in "abc"})
    assert follow_constraints(fixed, criterion, fixed.sample(Key.of(0), 2)).shape == (0, 3)


def test_the_posteriors_of_analytic_criteria() -> None:
    both = IntegratedCriterion(
        [IMPROVEMENT, AnalyticCriterion(LogEI(), PLANES[0], 0.0)], np.array([0.5, 0.5]), ValueScale.LOG
    )
    assert analytic_posteriors(IMPROVEMENT) == (LOSS,)
    assert analytic_posteriors(both) == (LOSS, PLANES[0])
    assert analytic_posteriors(Sum()) == ()
    assert analytic_posteriors(IntegratedCriterion([IMPROVEMENT, Sum()], np.array([0.5, 0.5]), ValueScale.LOG)) == ()
