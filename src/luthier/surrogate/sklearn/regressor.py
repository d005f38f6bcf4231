"""Surrogate from any scikit-learn regressor that predicts standard deviations."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from luthier._hints import translating_settings
from luthier._runtime.single_thread import single_thread
from luthier._typing import Floats, Integers
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.numeric import SCALINGS, check_scaling
from luthier.scalar import short
from luthier.setting_types import check_setting_types, settings_repr
from luthier.surrogate.cross_validation import held_out
from luthier.surrogate.gp.embedding import Embedding
from luthier.surrogate.protocol import Moments, Posterior, ScaledLosses, SupportsLeaveOneOut
from luthier.surrogate.sklearn.estimator_spec import build, describe, rewrite
from luthier.surrogate.sklearn.parameter_validation import validate_parameters
from luthier.surrogate.subset_of_data import subset_of_data

_LEAST = 1e-6  # the smallest variance, relative to that of the losses
_FAULTS = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError, np.linalg.LinAlgError)


@translating_settings
@dataclass(frozen=True, slots=True)
class Regressor:
    """Model the objective by a scikit-learn regressor whose ``predict`` takes ``return_std``.

    The features are the coordinates of `luthier.surrogate.Embedding`: numbers in [0, 1]; a coordinate for each level of
    a category, √½ or 0; an inactive number as 0.5, and for each variable that can be inactive a coordinate that is 0.5
    if it is, else 0. (A linear model of these predicts the optimum in a corner; it is for objectives that are nearly
    linear.) Where the regressor cannot be fitted (one datum, or a singular matrix) the posterior is the mean and
    variance of the losses.

    Args:
        estimator: a regressor, or the place of its class: ``sklearn.linear_model:BayesianRidge``. It is kept as the
            latter with `params`, so that a study's file can hold it; a scikit-learn kernel among its parameters is kept
            likewise. Modules other than scikit-learn's are never imported because a file names them: the program that
            opens the study imports them.
        params: of the regressor, where they differ from its defaults.
        scaling: of the losses, as of `GP`; the posterior is on that scale.
        largest: the largest number of losses that the regressor is fitted to, at least 2: half of them the lowest, the
            rest spaced evenly over the others. The time of some regressors grows with the cube of that number.

    Raises:
        InvalidSetting: a class that is not a regressor, or does not take ``return_std``; a parameter that it does not
            have, or that cannot be written down. From `fit`: an estimator that also fails on regular data, such as one
            whose kernel has length-scales for another number of coordinates.
        MissingDependency: scikit-learn is not installed.

    Example:
        >>> Regressor("sklearn.linear_model:BayesianRidge").scaling
        'standard'
    """

    abilities = (Posterior, SupportsLeaveOneOut)

    estimator: Any
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)
    scaling: str = "standard"
    largest: int = 350

    __repr__ = settings_repr

    def __post_init__(self) -> None:
        check_setting_types(self)
        check_scaling("Regressor", self.scaling)
        if not isinstance(self.params, Mapping):
            raise InvalidSetting(f"Regressor(params={short(self.params)}): give a mapping of parameters to values")
        if self.largest < 2:
            raise InvalidSetting(f"Regressor(largest={self.largest!r}): give at least 2 losses")
        if isinstance(self.estimator, str):
            params = rewrite(self.params, self.estimator)
        elif self.params:
            raise InvalidSetting("Regressor(estimator, params): give params with the name of a class only")
        else:
            place, params = describe(self.estimator)
            object.__setattr__(self, "estimator", place)
        object.__setattr__(self, "params", params)
        self._check()

    def fit(self, data: Data, key: Key, memo: Memo) -> RegressorPosterior:
        """Fit the regressor; its ``random_state``, if it has one that is not set, follows from the key."""
        embedding = Embedding.of(data.columns)
        scaled, rows = self.scale(data, key, memo)
        x, y = embedding.embed(data.x[rows]), scaled[rows]
        return RegressorPosterior(self.fit_estimator(x, y, key), embedding, x, y, self, key)

    def scale(self, data: Data, key: Key, memo: Memo) -> ScaledLosses:
        """See `luthier.surrogate.protocol.HasOutputTransform`."""
        return ScaledLosses(SCALINGS[self.scaling](data.loss), subset_of_data(data.loss, self.largest))

    def fit_estimator(self, x: Floats, y: Floats, key: Key) -> Any:
        """Give the estimator fitted to coordinates `x` (n, e), or None where it cannot be fitted to these data."""
        if len(y) < 2:
            return None
        estimator = build(self.estimator, self.params)
        if getattr(estimator, "random_state", 0) is None:
            estimator.set_params(random_state=key.fold("random_state").seed())
        try:
            with _quiet():
                return estimator.fit(x, y)
        except _FAULTS:
            self._check_fit(x.shape[1])
            return None

    def _check(self) -> None:
        """Check the signature of ``predict`` and the parameters."""
        estimator = build(self.estimator, self.params)
        predict = getattr(estimator, "predict", None)
        if predict is None or "return_std" not in inspect.signature(predict).parameters:
            raise InvalidSetting(
                f"Regressor({self.estimator!r}): its predict() takes no return_std. Use one that does, as "
                "sklearn.linear_model:BayesianRidge or sklearn.gaussian_process:GaussianProcessRegressor"
            )
        try:
            validate_parameters(estimator)
        except ValueError as error:
            raise InvalidSetting(f"Regressor({self.estimator!r}, {self.params!r}): {error}") from None

    def _check_fit(self, width: int) -> None:
        """Refuse an estimator that also fails on regular data, so that the study's data are not the cause."""
        x = np.modf(np.outer(np.arange(1.0, 4 * width + 9), np.sqrt(np.arange(2.0, width + 2))))[0]
        try:
            with _quiet():
                build(self.estimator, self.params).fit(x, np.cos(x.sum(axis=1))).predict(x, return_std=True)
        except _FAULTS as error:
            raise InvalidSetting(
                f"Regressor({self.estimator!r}, {self.params!r}) cannot be fitted in {width} coordinates: {error}"
            ) from None


@dataclass(frozen=True, slots=True, eq=False)
class RegressorPosterior:
    """The predictions of a regressor; it has the abilities `Posterior` and `SupportsLeaveOneOut`.

    Args:
        model: the fitted estimator; None: it could not be fitted, and mean and variance of the losses are predicted.
        embedding: the coordinates.
        x: (n, e) the points in coordinates.
        y: (n,) the losses, on the posterior's scale.
        settings: of the regressor.
        key: the randomness.
    """

    model: Any
    embedding: Embedding
    x: Floats
    y: Floats
    settings: Regressor
    key: Key

    @property
    def best(self) -> float:
        """The lowest loss, on the posterior's scale."""
        return float(self.y.min())

    def moments(self, x: Floats) -> Moments:
        """Give mean and variance at `x` (q, d); whether the variance includes noise depends on the regressor."""
        return _moments(self.model, self.embedding.embed(x), self.y)

    def leave_one_out(self) -> tuple[Floats, Floats]:
        """Give means and variances by regressors of four fifths of the data. Cost: five fits."""

        def predict(train: Integers, test: Integers, key: Key) -> Moments:
            y = self.y[train]
            return _moments(self.settings.fit_estimator(self.x[train], y, key), self.x[test], y)

        return held_out(predict, self.y, self.key.fold("folds"))


def _moments(model: Any, x: Floats, y: Floats) -> Moments:
    """Predict; where a prediction is not finite, give mean and variance of the losses."""
    spread = float(y.var()) or 1.0
    plain = Moments(np.full(len(x), y.mean()), np.full(len(x), spread))
    if model is None or not len(x):
        return plain
    with _quiet():
        mean, std = model.predict(x, return_std=True)
        variance = np.maximum(np.square(std), _LEAST * spread)
    finite = np.isfinite(mean) & np.isfinite(variance)
    return Moments(np.where(finite, mean, plain.mean), np.where(finite, variance, plain.variance))


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold the libraries to one thread and ignore warnings: a fit that has not converged is good enough."""
    with single_thread(), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
