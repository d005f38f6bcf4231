"""Results in the form of skopt: points, losses, dimensions and a model, for its plots and stoppers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from luthier.run import Study
from luthier.sklearn.spaces.parsed_space import ParsedSpace
from luthier.space import Choice, Constant, Float, Int, Named, Options, Variable


def optimize_result(study: Study, space: ParsedSpace) -> Any:
    """Return the results as skopt does: parameters sorted by name, and losses (negative scores).

    Where skopt is installed, ``space`` is its ``Space`` and ``models`` holds one model of the losses, as its plots,
    stoppers and `expected_minimum` need them; otherwise ``space`` is Luthier's, and ``models`` is empty.

    Args:
        study: the study of a search; trials without a score have an infinite loss.
        space: converts its configurations into parameters.
    """
    from scipy.optimize import OptimizeResult

    trials = [trial for trial in study.trials if trial.reason is not None]
    params = [space.params(trial.params) for trial in trials]
    names = _names(space)
    points = [[one.get(name) for name in names] for one in params]
    losses = np.array([-trial.value if trial.is_done else math.inf for trial in trials], dtype=float)
    best = int(np.argmin(losses)) if len(losses) else None
    dimensions = skopt_space(space)
    return OptimizeResult(
        x=None if best is None else points[best],
        fun=math.inf if best is None else float(losses[best]),
        x_iters=points,
        func_vals=losses,
        names=names,
        space=study.space if dimensions is None else dimensions,
        models=[] if dimensions is None or not np.isfinite(losses).any() else [LossModel(dimensions, points, losses)],
        random_state=study.seed,
        specs={"names": names, "args": {}},
    )


def skopt_space(space: ParsedSpace) -> Any:
    """Return a search space as skopt's, in the coordinates of its Gaussian process; None if skopt is not installed.

    A variable that skopt has no dimension for is a ``Categorical`` if it has few values; else there is no such space.
    """
    try:
        from skopt.space import Space  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    variables = {name.rpartition(".")[2]: (name, space.space.variables[name]) for name in space.space.names}
    made = [_dimension(space, *variables[name]) for name in _names(space)]
    if None in made:
        return None
    for name, dimension in zip(_names(space), made, strict=True):
        dimension.name = name
    return Space(made)


class LossModel:
    """A Gaussian process of scikit-learn's over the losses, for skopt's plots; fitted when it first predicts.

    What Luthier's own models expect is in ``study_.predict(…)``.

    Args:
        space: skopt's space.
        points: the points.
        losses: the loss of each; infinite ones are left out.
    """

    def __init__(self, space: Any, points: Sequence[Sequence[Any]], losses: Any) -> None:
        kept = [
            (point, loss)
            for point, loss in zip(points, losses, strict=True)
            if math.isfinite(loss) and not any(value is None for value in point)
        ]
        self._space = space
        self._points = [point for point, _ in kept]
        self._losses = [loss for _, loss in kept]
        self._model: Any = None

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict losses at points in skopt's coordinates: means or, with `return_std`, means and deviations."""
        if self._model is None:
            self._model = self._fit()
        return self._model.predict(X, return_std=return_std)

    def _fit(self) -> Any:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import Matern, WhiteKernel

        x = self._space.transform(self._points)
        kernel = Matern(np.full(x.shape[1], 0.3), (0.05, 10.0), nu=2.5) + WhiteKernel(1e-2, (1e-6, 1.0))
        model = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return model.fit(x, self._losses)


def _names(space: ParsedSpace) -> list[str]:
    return sorted({name.rpartition(".")[2] for name in space.space.names})


def _dimension(space: ParsedSpace, name: str, variable: Variable) -> Any:
    """Return the dimension of a variable; None if there is none."""
    from skopt.space import Categorical, Integer, Real  # type: ignore[import-not-found, unused-ignore]

    if name in space.quantiles:
        quantile = space.quantiles[name]
        ends = [quantile.value(end) for end in (variable.low, variable.high)]  # type: ignore[attr-defined]
        return (Integer if quantile.whole else Real)(*ends, transform="normalize")
    if name in space.lists:
        return Categorical(list(space.lists[name].values), transform="onehot")
    if isinstance(variable, Float | Int):
        kind = Real if isinstance(variable, Float) else Integer
        prior = "log-uniform" if variable.log else "uniform"
        return kind(variable.low, variable.high, prior=prior, transform="normalize")
    values = _values(variable)
    return None if values is None else Categorical(values, transform="onehot")


def _values(variable: Variable) -> list[Any] | None:
    if isinstance(variable, Constant):
        return [variable.value.object if isinstance(variable.value, Named) else variable.value]
    if isinstance(variable, Choice):
        return [variable.objects.get(option, option) for option in variable.options]
    return list(variable.options) if isinstance(variable, Options) else None
