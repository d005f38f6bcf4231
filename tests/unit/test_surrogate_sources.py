"""Models of other tasks as the prior mean of a Gaussian process: against the dense formulas, and when they mislead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from luthier.data import Data, SourceData
from luthier.key import Key
from luthier.memo import Memo
from luthier.space import Column
from luthier.surrogate import GP, KERNELS, Embedding, GPPosterior, SourceMean, gp_posterior, source_models
from luthier.surrogate.gp.kernel import squares
from luthier.surrogate.gp.marginal_likelihood import JITTER, WIDE, HyperparameterPosterior, Hyperpriors
from luthier.surrogate.gp.source_models import coefficients, drift

COLUMNS = (
    Column("a", "number", 0, 0, 1, False),
    Column("k", "category", 3, 0, 1, False),
    Column("g", "number", 0, 0, 1, True),
)
KERNEL = KERNELS["matern52"]


def draw(n: int, seed: int) -> np.ndarray:
    x = np.random.default_rng(seed).random((n, 3))
    x[:, 1] = (np.floor(x[:, 1] * 3) + 0.5) / 3
    x[x[:, 1] < 0.4, 2] = np.nan
    return x


def loss(x: np.ndarray, shift: float = 0.0) -> np.ndarray:
    return np.sin(4 * x[:, 0] + shift) + np.where(x[:, 1] > 0.6, 0.7, 0.0) + 0.3 * np.nan_to_num(x[:, 2])


def source(seed: int, sign: float = 1.0, n: int = 30, places: tuple[int, ...] = (0, 1, 2)) -> SourceData:
    x = draw(n, seed)
    losses = sign * loss(x, 0.2 * seed)
    x[:, [j for j in range(3) if j not in places]] = np.nan
    return SourceData(f"s{seed}", np.array(places), x, losses[:, None], np.ones(n, dtype=bool))


def data(n: int, *sources: SourceData, seed: int = 9) -> Data:
    x = draw(n, seed)
    none = np.empty((0, 3))
    losses = loss(x)[:, None]
    return Data(COLUMNS, x, losses, np.empty((n, 0)), None, np.full(n, np.nan), none, none, sources=sources)


def informed(n: int = 8) -> GPPosterior:
    model = GP().fit(data(n, source(1), source(2, places=(0, 1))), Key.of(0), Memo())
    assert isinstance(model, GPPosterior) and isinstance(model.prior_mean, SourceMean)
    return model


def test_the_mean_is_that_of_a_process_with_the_drift_in_its_kernel() -> None:
    x, at = draw(12, 3), draw(7, 4)
    y = loss(x)
    models = source_models([source(1), source(2)], COLUMNS, KERNEL, "standard", Memo())
    theta = np.array([-0.4, 0.2, 0.3, -4.0])
    alone = gp_posterior(Embedding.of(COLUMNS), KERNEL, theta, x, y, None)
    part = drift(models, x)
    made = alone.with_prior_mean(SourceMean(models, coefficients(alone, part)))
    scaled, other = alone.scaled_coordinates(x), alone.scaled_coordinates(at)
    features = drift(models, at).features

    def covariance(a: np.ndarray, b: np.ndarray, f: np.ndarray, g: np.ndarray) -> np.ndarray:
        return KERNEL(squares(a, b)).value + WIDE + part.variance * (f @ g.T)

    dense = covariance(scaled, scaled, part.features, part.features) + (np.exp(-4.0) + JITTER) * np.eye(12)
    before = part.features.sum(1) * part.mean
    expected = features.sum(1) * part.mean + covariance(other, scaled, features, part.features) @ np.linalg.solve(
        dense, y - before
    )
    np.testing.assert_allclose(made.moments(at).mean, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(made.mean(at), made.moments(at).mean)


@pytest.mark.parametrize("noisy", [False, True])
def test_the_evidence_with_a_drift(noisy: bool) -> None:
    embedding, x = Embedding.of(COLUMNS), draw(12, 3)
    y, noise = loss(x), np.linspace(0.01, 0.2, 12) if noisy else None
    models = source_models([source(1), source(2)], COLUMNS, KERNEL, "standard", Memo())
    part, hyperpriors = drift(models, x), Hyperpriors()
    evidence = HyperparameterPosterior(embedding, embedding.embed(x), y, noise, KERNEL, hyperpriors, part)
    plain = HyperparameterPosterior(embedding, embedding.embed(x), y, noise, KERNEL, hyperpriors)
    theta = np.array([-0.4, 0.2, 0.3, -4.0])
    gradient = evidence.value_grad(theta)[1]
    for i in range(len(theta)):
        step = np.zeros(4)
        step[i] = 1e-5
        difference = (evidence.value(theta + step) - evidence.value(theta - step)) / 2e-5
        assert gradient[i] == pytest.approx(difference, rel=1e-4, abs=1e-5)

    def dense(features: np.ndarray, mean: float) -> float:
        alone = gp_posterior(embedding, KERNEL, theta, x, y, noise)
        matrix = KERNEL(squares(alone.scaled, alone.scaled)).value + WIDE + part.variance * (features @ features.T)
        matrix += np.diag(np.exp(-4.0) + JITTER + (np.zeros(12) if noise is None else noise))
        rest = y - features.sum(1) * mean
        shape = 12 + 2 * hyperpriors.scale
        spread = rest @ np.linalg.solve(matrix, rest) + 2 * hyperpriors.scale
        return 0.5 * shape * np.log(spread / shape) + 0.5 * np.linalg.slogdet(matrix)[1]

    gain = dense(part.features, part.mean) - dense(np.zeros((12, 1)), 0.0)
    assert evidence.value(theta) - plain.value(theta) == pytest.approx(gain, rel=1e-6)


def test_moments_have_gradients_and_conditioning_keeps_the_prior_mean() -> None:
    model, x = informed(), draw(6, 5)
    made = model.moments_grad(x)
    np.testing.assert_allclose(made.mean, model.moments(x).mean)
    np.testing.assert_allclose(model.mean_grad(x)[0], made.mean)
    np.testing.assert_allclose(model.mean_grad(x)[1], made.mean_grad)
    for j in (0, 2):
        step = np.zeros(3)
        step[j] = 1e-6
        active = ~np.isnan(x[:, j])
        difference = (model.moments(x + step).mean - model.moments(x - step).mean) / 2e-6
        np.testing.assert_allclose(made.mean_grad[active, j], difference[active], rtol=1e-4, atol=1e-6)
    believed = model.condition(x)
    np.testing.assert_allclose(believed.moments(x).mean, made.mean, atol=1e-6)
    told = model.condition(x[:1], np.array([3.0]))
    assert told.moments(x[:1]).mean[0] > made.mean[0] + 1.0 and told.prior_mean is model.prior_mean


def test_draws_have_the_posterior_mean() -> None:
    model, x = informed(), draw(5, 6)
    mean, variance = model.moments(x)
    paths = model.paths(Key.of(1), 4000)(x)
    assert (np.abs(paths.mean(axis=0) - mean) < 5 * np.sqrt(variance / 4000) + 0.02).all()
    draws = model.noiseless_draws(Key.of(2), 400, x[:2]).moments(x).mean
    assert (np.abs(draws.mean(axis=0) - mean) < 6 * np.sqrt(variance / 400) + 0.02).all()
    left, _ = model.leave_one_out()
    without = np.arange(1, 8)
    one = gp_posterior(model.embedding, KERNEL, model.theta, model.x[without], model.y[without], None)
    assert left[0] == pytest.approx(one.with_prior_mean(model.prior_mean).moments(model.x[:1]).mean[0], abs=1e-6)


def test_few_losses_suffice_where_sources_are_alike_and_opposites_do_no_harm() -> None:
    at = draw(200, 7)
    truth = loss(at)

    def correlation(n: int, *sources: SourceData) -> float:
        model = GP().fit(data(n, *sources), Key.of(0), Memo())
        return float(np.corrcoef(model.moments(at).mean, truth)[0, 1])

    alike, opposite = (source(1), source(2)), (source(1, -1.0), source(2, -1.0))
    assert correlation(4, *alike) > 0.85 > 0.6 > correlation(4)
    assert correlation(12, *opposite) > correlation(12) - 0.05
    assert correlation(25, *opposite) > 0.97


def test_without_usable_sources_every_bit_is_that_of_no_sources() -> None:
    x = draw(6, 7)
    plain = GP().fit(data(10), Key.of(0), Memo()).moments(x)
    few = replace(source(1), x=source(1).x[:3], losses=source(1).losses[:3])
    flat = replace(source(1), losses=np.zeros((30, 1)))
    unknown = replace(source(1), losses=np.full((30, 1), np.nan))
    found = GP().fit(data(10, few, flat, unknown), Key.of(0), Memo()).moments(x)
    assert found.mean.tobytes() == plain.mean.tobytes() and found.variance.tobytes() == plain.variance.tobytes()


def test_sources_that_losses_speak_against_are_left_out() -> None:
    rng = np.random.default_rng(0)
    noise = [replace(source(seed), losses=rng.normal(size=(30, 1))) for seed in range(1, 9)]
    given = data(40)
    plain = GP().fit(given, Key.of(0), Memo())
    found = GP().fit(replace(given, sources=tuple(noise)), Key.of(0), Memo())
    assert isinstance(plain, GPPosterior) and isinstance(found, GPPosterior)
    assert found.prior_mean is None and found.alpha.tobytes() == plain.alpha.tobytes()


@pytest.mark.parametrize("settings", [{"samples": 3}, {"warp": True}, {"scaling": "evidence"}, {"scaling": "log gap"}])
def test_every_kind_of_process_takes_them(settings: dict[str, object]) -> None:
    given = data(9, source(1), source(2))
    model = GP(**settings).fit(given, Key.of(0), Memo())  # type: ignore[arg-type]
    again = GP(**settings).fit(given, Key.of(0), Memo(0))  # type: ignore[arg-type]
    x = draw(5, 8)
    assert model.moments(x).mean.tobytes() == again.moments(x).mean.tobytes()
    member = model if isinstance(model, GPPosterior) else model.members[0]
    assert isinstance(member, GPPosterior) and member.prior_mean is not None
