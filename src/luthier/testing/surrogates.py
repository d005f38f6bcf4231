"""Contract suite of surrogates.

A surrogate of one's own is tested by

    class TestMySurrogate(SurrogateContract):
        def surrogate(self):
            return MySurrogate(setting=3)

in a file that pytest collects. The class must be registered by its name: see `luthier.register`. The checks of an
ability run for the surrogates that declare it.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from luthier._typing import Floats
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import from_plain, to_plain
from luthier.space import Choice, Column, Float, Int, Ordinal, Permutation, Simplex, Space, Subset
from luthier.surrogate import (
    ABILITIES,
    Conditionable,
    Differentiable,
    HasOutputTransform,
    IsMixture,
    Joint,
    Pathwise,
    Posterior,
    Ratio,
    SupportsCovariance,
    SupportsLeaveOneOut,
    SupportsNoiselessDraws,
    Surrogate,
    check_surrogate,
    supports,
)

_STDS = 5.0  # tolerance of a mean of draws, in its standard deviations
_ABOUT = 0.3  # tolerance of the variance of drawn functions, which may be approximations


def mixed_space() -> Space:
    """Give a space with a variable of every kind, and with conditions."""
    return Space(
        {
            "rate": Float(1e-4, 1.0, log=True),
            "depth": Int(1, 9),
            "kind": Choice("a", "b", "c"),
            "slope": Float(0.0, 1.0, when="kind == 'b'"),
            "mode": Choice("u", "v", when="kind != 'a'"),
            "size": Ordinal("s", "m", "l"),
            "features": Subset(["p", "q", "r"], size=(1, 2)),
            "order": Permutation(["x", "y", "z"]),
            "mix": Simplex(3),
        }
    )


def data_of(columns: tuple[Column, ...], x: Floats, losses: Floats, noise: Floats | None = None) -> Data:
    """Give the data of a study without constraints, failed and pending trials."""
    n, none = len(x), x[:0]
    return Data(columns, x, losses.reshape(n, 1), np.empty((n, 0)), noise, np.full(n, np.nan), none, none)


def sampled(n: int, seed: int = 0, space: Space | None = None) -> Data:
    """Give `n` losses that depend smoothly on some columns of a space, with a little noise."""
    space = space or mixed_space()
    key = Key.of(seed).fold("sampled")
    x = space.sample(key, n)
    losses = np.sin(3.0 * x[:, 0]) + np.nan_to_num(x[:, 1:], nan=0.3).sum(axis=1) + 0.05 * key.fold("noise").normal(n)
    return data_of(space.columns, x, losses)


def digest(surrogate: Surrogate, data: Data, x: Floats) -> str:
    """Give a digest of a surrogate's predictions at `x`."""
    model = surrogate.fit(data, Key.of(5), Memo())
    predictions = [model.log_ratio(x)] if isinstance(model, Ratio) else [model.best, *model.moments(x)]
    return hashlib.blake2b(b"".join(np.asarray(part).tobytes() for part in predictions), digest_size=16).hexdigest()


def elsewhere(surrogates: Sequence[Surrogate]) -> list[str]:
    """Give the digests of surrogates that another process reads from text, at 10 points after 25 losses."""
    plain = msgspec.json.encode([to_plain(surrogate) for surrogate in surrogates]).decode()
    code = (
        "import msgspec\n"
        "from luthier.method import from_plain\n"
        "from luthier.testing.surrogates import digest, sampled\n"
        f"for plain in msgspec.json.decode({plain!r}):\n"
        "    print(digest(from_plain(plain), sampled(25), sampled(10, 1).x))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


class SurrogateContract(ABC):
    """Tests that every surrogate must pass."""

    @abstractmethod
    def surrogate(self) -> Surrogate:
        """Give the surrogate under test."""

    @pytest.fixture(autouse=True)
    def _no_warnings(self) -> Iterator[None]:
        """Turn the warning of a division by zero or an overflow into an error."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield

    def fitted(self, data: Data, seed: int = 0) -> Any:
        """Fit the surrogate."""
        return self.surrogate().fit(data, Key.of(seed), Memo())

    def check(self, data: Data, x: Floats) -> None:
        """Fit to `data`, and check the predictions at `x`."""
        model = self.fitted(data)
        if isinstance(model, Ratio):
            assert model.log_ratio(x).shape == (len(x),)
            assert np.isfinite(model.log_ratio(x)).all()
            assert model.draw(Key.of(1), 4).shape == (4, x.shape[1])
            return
        mean, variance = model.moments(x)
        assert mean.shape == variance.shape == (len(x),)
        assert np.isfinite(mean).all() and np.isfinite(variance).all() and (variance > 0).all()
        assert np.isfinite(model.best)
        for ability in self.surrogate().abilities:
            _PROMISES[ability](model, x, len(data))

    def test_it_has_the_abilities_that_it_declares_and_no_others(self) -> None:
        check_surrogate(self.surrogate())
        given = self.surrogate().abilities
        model = self.fitted(sampled(12))
        assert set(given) <= set(ABILITIES)
        assert {ability for ability in ABILITIES if supports(model, ability)} == set(given)

    def test_a_study_of_every_kind_of_variable(self) -> None:
        self.check(sampled(40), sampled(15, 1).x)

    def test_the_same_key_gives_the_same_bits(self) -> None:
        data, x = sampled(25), sampled(10, 1).x
        assert digest(self.surrogate(), data, x) == digest(self.surrogate(), data, x)

    def test_a_cache_changes_nothing(self) -> None:
        data, x, memo = sampled(25), sampled(10, 1).x, Memo()
        for size in (10, 18, 25):  # as a study grows
            part = data_of(data.columns, data.x[:size], data.loss[:size])
            warm, cold = (self.surrogate().fit(part, Key.of(size), cache) for cache in (memo, Memo(0)))
            one, two = (
                model.log_ratio(x) if isinstance(model, Ratio) else np.stack(model.moments(x)) for model in (warm, cold)
            )
            assert (one == two).all()

    def test_its_text_form_gives_it_back(self) -> None:
        plain = msgspec.json.decode(msgspec.json.encode(to_plain(self.surrogate())))
        assert from_plain(plain) == self.surrogate()
        assert hash(from_plain(plain)) == hash(self.surrogate())

    def test_it_learns(self) -> None:
        space = Space({"x": Float(0, 1), "y": Float(0, 1)})
        x = space.sample(Key.of(3), 60)
        model = self.fitted(data_of(space.columns, x, x[:, 0] + 0.2 * x[:, 1]))
        low, high = np.array([[0.05, 0.2], [0.1, 0.5]]), np.array([[0.95, 0.8], [0.9, 0.5]])
        if isinstance(model, Ratio):
            assert model.log_ratio(low).min() > model.log_ratio(high).max()
        else:
            assert model.moments(low).mean.max() < model.moments(high).mean.min()

    @pytest.mark.parametrize("n", [1, 2, 3, 4, 7])
    def test_few_losses(self, n: int) -> None:
        self.check(sampled(n), sampled(5, 1).x)

    @pytest.mark.parametrize(
        "losses",
        [
            (0.0,),
            (1e300,),
            (1.7e308, -1.7e308, 0.0),
            (1e-300, 2e-300),
            (5e-324, 0.0),
            (1e300, 1e-300, 1.0, -1e300),
            (1.0, 1.0 + 2e-16),
            (0.0, 1e300),
        ],
        ids=repr,
    )
    def test_losses_of_any_size(self, losses: tuple[float, ...]) -> None:
        data = sampled(13)
        self.check(data_of(data.columns, data.x, np.resize(np.array(losses), 13)), sampled(6, 1).x)

    def test_one_point_many_times_with_other_losses(self) -> None:
        data = sampled(12)
        self.check(data_of(data.columns, np.repeat(data.x[:3], 4, axis=0), data.loss), data.x)

    def test_a_variable_that_is_always_inactive(self) -> None:
        data, at = sampled(14), sampled(6, 1).x
        conditional = np.array([column.conditional for column in data.columns])
        self.check(data_of(data.columns, np.where(conditional, np.nan, data.x), data.loss), at)

    def test_two_hundred_columns(self) -> None:
        space = Space({f"x{j}": Float(0, 1) if j % 3 else Choice("a", "b", "c") for j in range(200)})
        self.check(sampled(12, 0, space), sampled(4, 1, space).x)

    def test_noise_that_is_known(self) -> None:
        data = sampled(14)
        noise = np.linspace(0.0, 0.1, 14)
        self.check(data_of(data.columns, data.x, data.loss, noise), sampled(6, 1).x)

    def test_it_tells_the_scale_of_the_losses(self) -> None:
        surrogate, data = self.surrogate(), sampled(18)
        if Ratio in surrogate.abilities:
            return
        assert isinstance(surrogate, HasOutputTransform)
        scaled, rows = surrogate.scale(data, Key.of(0), Memo())
        assert scaled[rows].min() == pytest.approx(self.fitted(data).best)
        assert (np.argsort(scaled, kind="stable") == np.argsort(data.loss, kind="stable")).all()

    def test_draws_agree_with_the_moments(self) -> None:
        """Joint draws and drawn functions have the means and covariances of the posterior."""
        if Ratio in self.surrogate().abilities:
            return
        model, x, count = self.fitted(sampled(20)), sampled(5, 1).x, 4000
        mean, variance = model.moments(x)
        draws: list[Floats] = []
        if supports(model, Joint):
            draws.append(model.sample(x, Key.of(1).normal((count, len(x)))))
        if supports(model, Pathwise):
            draws.append(model.paths(Key.of(2), count)(x))
        for drawn in draws:
            assert (np.abs(drawn.mean(axis=0) - mean) < _STDS * np.sqrt(variance / count) + 1e-3).all()
            spread = drawn.var(axis=0)
            error = np.sqrt(((drawn - mean) ** 2).var(axis=0) / count)
            assert (np.abs(spread - variance) < _STDS * error + _ABOUT * variance).all()
            if supports(model, SupportsCovariance):
                apart = (drawn - drawn.mean(axis=0)).T @ (drawn - drawn.mean(axis=0)) / count
                assert np.abs(apart - model.cross_covariance(x, x)).max() < _ABOUT * variance.max()


def _moments(model: Posterior, x: Floats, n: int) -> None:
    one, two = model.moments(x), model.moments(x[:1])
    assert np.allclose(one.mean[:1], two.mean) and np.allclose(one.variance[:1], two.variance)
    assert model.moments(x[:0]).mean.shape == (0,)


def _differentiable(model: Differentiable, x: Floats, n: int) -> None:
    found, plain = model.moments_grad(x), model.moments(x)
    assert np.allclose(found.mean, plain.mean) and np.allclose(found.variance, plain.variance)
    for gradient in (found.mean_grad, found.variance_grad):
        assert gradient.shape == x.shape and np.isfinite(gradient).all()
        assert (gradient[np.isnan(x)] == 0).all()


def _joint(model: Joint, x: Floats, n: int) -> None:
    base = Key.of(4).normal((6, len(x)))
    drawn = model.sample(x, base)
    assert drawn.shape == (6, len(x)) and np.isfinite(drawn).all()
    assert (model.sample(x, base) == drawn).all()
    assert np.isfinite(model.sample(x, np.full((2, len(x)), [[40.0], [-40.0]]))).all()


def _conditionable(model: Conditionable, x: Floats, n: int) -> None:
    by_means = model.condition(x[:2])
    by_losses = model.condition(x[:2], np.full(2, model.best))
    for conditioned in (by_means, by_losses):
        mean, variance = conditioned.moments(x)
        assert np.isfinite(mean).all() and (variance > 0).all()
        assert type(conditioned) is type(model)
    before = model.moments(x)
    assert (by_means.moments(x).variance <= before.variance * (1 + 1e-6) + 1e-6).all()


def _pathwise(model: Pathwise, x: Floats, n: int) -> None:
    drawn = model.paths(Key.of(4), 3)
    assert drawn(x).shape == (3, len(x)) and np.isfinite(drawn(x)).all()
    assert np.allclose(drawn(x[::-1]), drawn(x)[:, ::-1])  # a function, independent of the other points
    assert (model.paths(Key.of(4), 3)(x) == drawn(x)).all()
    assert drawn(x[:0]).shape == (3, 0)


def _covariant(model: SupportsCovariance, x: Floats, n: int) -> None:
    cross, variance = model.cross_covariance(x, x), model.moments(x).variance
    scale = max(float(variance.max()), 1e-12)
    assert np.isfinite(model.noise_variance) and model.noise_variance >= 0
    assert cross.shape == (len(x), len(x)) and model.cross_covariance(x, x[:2]).shape == (len(x), 2)
    assert np.allclose(cross, cross.T, atol=1e-6 * scale)
    assert np.allclose(np.diag(cross), variance, rtol=1e-4, atol=1e-4 * scale)
    assert np.linalg.eigvalsh(0.5 * (cross + cross.T)).min() > -1e-6 * scale * len(x)


def _denoised(model: SupportsNoiselessDraws, x: Floats, n: int) -> None:
    mean, variance = model.noiseless_draws(Key.of(4), 3, x[:1]).moments(x)
    assert mean.shape == (3, len(x)) and variance.shape in {(len(x),), (3, len(x))}
    assert np.isfinite(mean).all() and (variance >= 0).all()


def _checked(model: SupportsLeaveOneOut, x: Floats, n: int) -> None:
    mean, variance = model.leave_one_out()
    assert mean.shape == variance.shape == (n,)
    assert np.isfinite(mean).all() and np.isfinite(variance).all() and (variance > 0).all()


def _several(model: IsMixture, x: Floats, n: int) -> None:
    weights = model.weights
    assert len(model.members) == len(weights) >= 1
    assert (weights > 0).all() and np.isclose(weights.sum(), 1.0)
    parts = [member.moments(x) for member in model.members]
    centre = sum(weight * part.mean for weight, part in zip(weights, parts, strict=True))
    square = sum(weight * (part.variance + part.mean**2) for weight, part in zip(weights, parts, strict=True))
    found = model.moments(x)
    assert np.allclose(found.mean, centre)
    assert np.allclose(found.variance, square - centre**2, rtol=1e-6, atol=1e-9)
    assert all(np.isclose(member.best, model.best) for member in model.members)


_PROMISES: dict[type, Callable[[Any, Floats, int], None]] = {
    Posterior: _moments,
    Differentiable: _differentiable,
    Joint: _joint,
    Conditionable: _conditionable,
    Pathwise: _pathwise,
    SupportsCovariance: _covariant,
    SupportsNoiselessDraws: _denoised,
    SupportsLeaveOneOut: _checked,
    IsMixture: _several,
}
