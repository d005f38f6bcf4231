"""The way back from a scale to losses."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.key import Key
from luthier.numeric.inverse_scaling import InverseScaling
from luthier.numeric.scaling import SCALINGS


def _losses(kind: str) -> np.ndarray:
    normal = Key.of(3).normal(40)
    return {
        "normal": 5.0 + 2.0 * normal,
        "heavy": np.exp(4.0 * normal),
        "ties": np.round(normal),
        "huge": 1e300 * normal,
        "tiny": 1e-300 * normal,
        "plateau": np.where(normal > 0, 1.0, normal),
    }[kind]


@pytest.mark.parametrize("kind", ["normal", "heavy", "ties", "huge", "tiny", "plateau"])
@pytest.mark.parametrize("scaling", sorted(SCALINGS))
def test_losses_that_were_seen_come_back(scaling: str, kind: str) -> None:
    losses = _losses(kind)
    if scaling == "given":  # which is bounded at 1e100
        losses = np.clip(losses, -1e100, 1e100)
    scaled = SCALINGS[scaling](losses)
    if not np.ptp(scaled) > 0:
        assert InverseScaling.through(losses, scaled) is None
        return
    way = InverseScaling.through(losses, scaled)
    assert way is not None
    np.testing.assert_allclose(way.to_losses(scaled), losses, rtol=1e-9, atol=1e-9 * np.abs(losses).max())
    np.testing.assert_allclose(way.to_scale(losses), scaled, atol=1e-9)


@pytest.mark.parametrize("kind", ["normal", "heavy", "ties", "huge", "plateau"])
@pytest.mark.parametrize("scaling", sorted(SCALINGS))
def test_it_is_monotone_and_finite_far_outside(scaling: str, kind: str) -> None:
    losses = _losses(kind)
    way = InverseScaling.through(losses, SCALINGS[scaling](losses))
    assert way is not None
    far = way.to_losses(np.linspace(way.scaled[0] - 50, way.scaled[-1] + 50, 1001))
    assert np.isfinite(far).all()
    assert (np.diff(far) >= 0).all()


def test_an_affine_scale_is_undone_exactly_everywhere() -> None:
    losses = _losses("normal")
    way = InverseScaling.through(losses, (losses - 4.0) / 3.0)
    assert way is not None
    at = np.linspace(-20, 20, 101)
    np.testing.assert_allclose(way.to_losses(at), 3.0 * at + 4.0, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(way.to_scale(3.0 * at + 4.0), at, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("scaling", ["standard", "half rank"])
def test_below_the_best_these_scales_are_affine(scaling: str) -> None:
    losses = _losses("heavy")
    scaled = SCALINGS[scaling](losses)
    way = InverseScaling.through(losses, scaled)
    assert way is not None
    low = losses <= np.median(losses)
    slope, offset = np.polyfit(scaled[low], losses[low], 1)
    at = scaled.min() - np.array([0.0, 1.0, 10.0])
    np.testing.assert_allclose(way.to_losses(at), slope * at + offset, rtol=1e-9)


def test_one_point_is_no_map() -> None:
    assert InverseScaling.through(np.array([2.0, 2.0]), np.zeros(2)) is None


def test_losses_that_differ_by_rounding_give_no_wild_slopes() -> None:
    losses = np.array([1.0, 1.0 + 1e-15, 2.0, 3.0])
    way = InverseScaling.through(losses, np.array([0.0, 1e-3, 1.0, 2.0]))
    assert way is not None
    assert way.to_losses(np.array([-1.0]))[0] == pytest.approx(0.0)
