"""Surrogates say truly what they made of the losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import luthier as lt
from luthier.analysis.predictive_distribution import predictive_distribution
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.surrogate.protocol import HasDistance, HasOutputTransform, Posterior, SupportsLeaveOneOut
from luthier.testing.methods import Drive, rich_space

SURROGATES: dict[str, Any] = {
    "gp": lt.GP(),
    "thinned": lt.GP(largest=10),
    "evidence": lt.GP(scaling="evidence"),
    "power": lt.GP(scaling="power", warp=True),
    "samples": lt.GP(samples=2),
    "forest": lt.Forest(trees=8, scaling="half rank"),
    "extra": lt.Forest(trees=8, extra=True),
    "boosted": lt.Boosted(models=3, rounds=10),
    "regressor": lt.Regressor("sklearn.linear_model:BayesianRidge", scaling="log gap"),
    "ensemble": lt.Ensemble((lt.GP(), lt.Forest(trees=8)), scaling="rank"),
}
KEY = Key.of(1)


@pytest.fixture(scope="module")
def data() -> Data:
    drive = Drive(rich_space(), lt.Random())
    drive.run(24)
    return drive.history.data(drive.history.problem())


@pytest.mark.parametrize("name", sorted(SURROGATES))
def test_the_scale_is_that_of_the_posterior(name: str, data: Data) -> None:
    surrogate = SURROGATES[name]
    assert isinstance(surrogate, HasOutputTransform)
    scaled, rows = surrogate.scale(data, KEY, Memo())
    posterior = surrogate.fit(data, KEY, Memo())
    assert isinstance(posterior, Posterior)
    assert scaled.shape == (len(data),)
    assert posterior.best == pytest.approx(scaled[rows].min())
    assert (np.diff(scaled[np.argsort(data.loss, kind="stable")]) >= 0).all()
    if isinstance(posterior, SupportsLeaveOneOut):
        mean, variance = posterior.leave_one_out()
        assert len(mean) == len(variance) == (len(rows) if name != "ensemble" else len(data))


@pytest.mark.parametrize("name", sorted(SURROGATES))
def test_an_outlook_of_any_surrogate_is_consistent(name: str, data: Data) -> None:
    outlook = predictive_distribution((SURROGATES[name], lt.GP(scaling="log gap")), data, KEY, Memo())
    assert outlook is not None
    assert sum(one.weight for one in outlook.components) == pytest.approx(1.0)
    levels = (0.05, 0.3, 0.5, 0.9)
    quantiles = outlook.quantiles(data.x[:5], levels, observed=True)
    assert (np.diff(quantiles, axis=0) > 0).all()
    for level, losses in zip(levels, quantiles, strict=True):
        np.testing.assert_allclose(outlook.below(data.x[:5], losses, observed=True), level, atol=1e-6)
    z, rows, _ = outlook.left_out()
    assert len(z) == len(rows) > 0
    assert np.isfinite(z).all()


def test_distances_are_in_length_scales(data: Data) -> None:
    model = lt.GP().fit(data, KEY, Memo())
    assert isinstance(model, HasDistance)
    apart = model.distance(data.x, data.x)
    np.testing.assert_allclose(np.diag(apart), 0.0, atol=1e-6)
    np.testing.assert_allclose(apart, apart.T, atol=1e-6)
    correlation = model.kernel(apart**2).value
    embedded = model.embedding.embed(data.x) * np.exp(-model.theta[:-1])[model.embedding.owners]
    squares = ((embedded[:, None] - embedded[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(correlation, model.kernel(squares).value, atol=1e-7)
