"""Gradient ascent from candidates: where it goes, what stays, and what the search makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer, EvaluatedPoints, ascend
from luthier.space import Choice, Float, Int, Space

MIXED = Space({"a": Float(0, 1), "n": Int(0, 9), "c": Choice("x", "y"), "d": Float(0, 1, when="c == 'x'")})
NONE = np.empty((0, 4))


class Hill:
    """A paraboloid with its top at 0.3 in every column; counts its gradients."""

    def __init__(self) -> None:
        self.asked = 0

    def value(self, x):
        return -(np.where(np.isnan(x), 0.0, x - 0.3) ** 2).sum(axis=1)

    def value_grad(self, x):
        self.asked += 1
        return self.value(x), -2.0 * np.where(np.isnan(x), 0.0, x - 0.3)


def test_floats_climb_and_everything_else_stays() -> None:
    points = MIXED.sample(Key.of(0), 20)
    found = ascend(MIXED, Hill(), points)
    active = ~np.isnan(points[:, 3])
    assert 0 < active.sum() < 20
    np.testing.assert_allclose(found[:, 0], 0.3, atol=1e-5)
    np.testing.assert_allclose(found[active, 3], 0.3, atol=1e-5)
    np.testing.assert_array_equal(found[:, 1:3], points[:, 1:3])
    np.testing.assert_array_equal(np.isnan(found), np.isnan(points))


def test_what_cannot_move_is_left_out() -> None:
    space = Space({"n": Int(0, 9), "c": Choice("x", "y")})
    hill = Hill()
    assert ascend(space, hill, space.sample(Key.of(0), 5)).shape == (0, 2)
    assert hill.asked == 0


def test_whole_numbers_on_a_log_scale_stay() -> None:
    """Half a step would be undone, and the steps of the floats were made together with it."""
    space = Space({"a": Float(0, 1), "n": Int(1, 1000, log=True)})
    points = space.sample(Key.of(0), 5)
    found = ascend(space, Hill(), points)
    np.testing.assert_allclose(found[:, 0], 0.3, atol=1e-5)
    np.testing.assert_array_equal(found[:, 1], points[:, 1])


def test_all_climb_at_once() -> None:
    one, many = Hill(), Hill()
    points = MIXED.sample(Key.of(0), 20)
    ascend(MIXED, one, points[:1])
    found = ascend(MIXED, many, points)
    assert many.asked <= 2 * one.asked
    np.testing.assert_allclose(found[:1], ascend(MIXED, Hill(), points[:1]), atol=1e-5)


def test_bounds_hold() -> None:
    class Slope(Hill):
        def value(self, x):
            return x[:, 0]

        def value_grad(self, x):
            return self.value(x), np.eye(1, 4).repeat(len(x), axis=0)

    assert (ascend(MIXED, Slope(), MIXED.sample(Key.of(1), 5))[:, 0] == 1.0).all()


def test_the_search_ends_on_the_top() -> None:
    """A climb of random steps alone comes only near it."""
    space = Space({f"x{i}": Float(0, 1) for i in range(4)})
    with_gradients = AcquisitionOptimizer(scattered=50, nearby=0, rounds=1).maximise(
        space, Hill(), NONE, EvaluatedPoints(), Key.of(2)
    )
    without = AcquisitionOptimizer(scattered=50, nearby=0, rounds=1, ascents=0).maximise(
        space, Hill(), NONE, EvaluatedPoints(), Key.of(2)
    )
    assert np.abs(with_gradients[0] - 0.3).max() < 1e-5
    assert np.abs(without[0] - 0.3).max() > 1e-2


def test_what_is_found_keeps_constraints_and_is_new() -> None:
    """The top is out of bounds, or was tried: then the best of the climb is what there is."""
    space = Space({"a": Float(0, 1), "b": Float(0, 1)}, require=["a + b >= 0.9"])
    points = AcquisitionOptimizer(scattered=200, nearby=0).maximise(
        space, Hill(), NONE[:, :2], EvaluatedPoints(), Key.of(3)
    )
    assert space.feasible(points).all()
    free = Space({"a": Float(0, 1), "b": Float(0, 1)})
    top = AcquisitionOptimizer(scattered=50, nearby=0).maximise(
        free, Hill(), NONE[:, :2], EvaluatedPoints(), Key.of(4)
    )[:1]
    again = AcquisitionOptimizer(scattered=50, nearby=0).maximise(
        free, Hill(), NONE[:, :2], EvaluatedPoints(top), Key.of(4)
    )
    assert not (again == top).all(axis=1).any()


def test_what_has_no_value_is_not_climbed_from() -> None:
    class Edge(Hill):
        """Is minus infinity but on a narrow strip."""

        def value(self, x):
            return np.where(np.abs(x[:, 0] - 0.3) < 1e-3, super().value(x), -np.inf)

        def value_grad(self, x):
            assert np.isfinite(self.value(x)).all()
            return self.value(x), 0.0 * x

    space = Space({"a": Float(0, 1)})
    found = AcquisitionOptimizer(scattered=5, nearby=0, rounds=0).maximise(
        space, Edge(), NONE[:, :1], EvaluatedPoints(), Key.of(5)
    )
    assert len(found) == 5


def test_a_negative_number_of_ascents_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="ascents=-1"):
        AcquisitionOptimizer(ascents=-1)
