"""Warm-start paths: estimators that differ in one parameter only, and can continue one another's fits.

Exact paths give the results of a fit from scratch, to the bit; they were found by experiment, by comparing all fitted
attributes of continued and of fresh estimators (decision 0020). Close paths agree up to the estimator's ``tol``.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Hashable, Set
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from luthier.sklearn import private_api
from luthier.sklearn.reuse.step_fingerprint import StateReader


class FitState(NamedTuple):
    """What a fit leaves for the next one.

    Args:
        value: the value of the path's parameter.
        state: the fitted attributes.
        seconds: total duration of the fits that led here.
        sent: the names of the keyword arguments of ``fit``.
        held: objects that the key identifies by address.
        shared: the computation that all fits share, on paths that have one; False if its bits were found to differ.
    """

    value: float
    state: dict[str, Any]
    seconds: float
    sent: frozenset[str]
    held: tuple[Any, ...]
    shared: Any = None


@dataclass(frozen=True)
class WarmStartPath:
    """A parameter along which fits can continue one another.

    Args:
        parameter: its name.
        rising: whether the fits go from small to large values.
        allows: returns whether an estimator with these parameters may continue a fit.
        keeps: returns whether a fitted estimator may be continued.
        whole: whether the values are integers.
        close: whether the results agree up to a tolerance only.
        solves: whether all fits share one computation, instead of each continuing the one before.
    """

    parameter: str
    rising: bool
    allows: Callable[[Any], bool]
    keeps: Callable[[Any], bool] = lambda fitted: True
    whole: bool = True
    close: bool = False
    solves: bool = False

    def order(self, value: Any) -> float:
        """Return the sort key of a value: smaller keys go first."""
        number = float(value) if isinstance(value, Real) and math.isfinite(value) else 0.0
        return number if self.rising else -number

    def after(self, value: float, other: float) -> bool:
        """Return whether a value comes after another one on the path."""
        return value > other if self.rising else value < other

    def value(self, estimator: Any) -> float | None:
        """Return the parameter's value; None if it cannot be on a path."""
        found = getattr(estimator, self.parameter, None)
        if isinstance(found, bool) or not isinstance(found, Integral if self.whole else Real):
            return None
        return float(found) if 0.0 < float(found) < math.inf else None


def path_of(estimator: Any, close: bool) -> WarmStartPath | None:
    """Return the path of an estimator's class, or None; classes that derive from scikit-learn's have none.

    Args:
        estimator: an estimator, not a pipeline.
        close: whether paths that agree up to a tolerance only are included.
    """
    kind = type(estimator)
    module, path = _PATHS.get(kind.__name__, ("", None))
    if path is None or getattr(sys.modules.get(module), kind.__name__, None) is not kind:
        return None
    return None if path.close and not close else path


def key_of(estimator: Any, path: WarmStartPath) -> tuple[Hashable, tuple[Any, ...]] | None:
    """Return a key that all estimators of a path have in common, and the objects that it identifies by address.

    Returns:
        None if the estimator cannot be on the path: it has settings that the path does not allow, code other than
        scikit-learn's, something that may not do the same each time (see `step_fingerprint`), or callbacks.
    """
    if private_api.has_callbacks(estimator) or path.value(estimator) is None or not path.allows(estimator):
        return None
    reader = StateReader()
    params = estimator.get_params(deep=False)
    key = [(name, reader.entry(name, value)) for name, value in params.items() if name != path.parameter]
    if not reader.sound or reader.foreign:
        return None
    return (type(estimator), *key), tuple(reader.held)


def resume(estimator: Any, earlier: FitState, fit: Callable[[], Any]) -> bool:
    """Fit an estimator by scikit-learn's ``warm_start``, from the state that an earlier fit left.

    Args:
        estimator: with its parameters, not fitted.
        earlier: the state of the earlier fit; it is changed, and cannot be used again.
        fit: fits the estimator.

    Returns:
        Whether the fit succeeded. If not, the estimator is as it was before.
    """
    own = dict(vars(estimator))
    vars(estimator).update({name: value for name, value in earlier.state.items() if name not in own})
    estimator.warm_start = True
    try:
        fit()
    except Exception:  # noqa: BLE001 - a fit from scratch raises the same exception, or succeeds
        vars(estimator).clear()
        vars(estimator).update(own)
        return False
    estimator.warm_start = False
    private_api.prepend_member_seeds(estimator, earlier.state)
    return True


def state_of(estimator: Any, own: Set[str]) -> dict[str, Any]:
    """Return the fitted attributes (those not in `own`), with copies of the containers that the next fit changes."""
    return {name: _copy(value) for name, value in vars(estimator).items() if name not in own}


def _copy(value: Any) -> Any:
    """Copy a list, or an array with its layout in memory."""
    if type(value) is np.ndarray:
        return value.copy(order="K")
    return value.copy() if type(value) is list else value


# --- the paths ------------------------------------------------------------------------------------------------


def _seeded(estimator: Any) -> bool:
    return isinstance(estimator.random_state, Integral) and not isinstance(estimator.random_state, bool)


def _forest(estimator: Any) -> bool:
    """A class weight by name depends on the data, and a warm start warns about it."""
    return _seeded(estimator) and not isinstance(getattr(estimator, "class_weight", None), str)


def _bag(estimator: Any) -> bool:
    """The members get their random states from the bag."""
    return _seeded(estimator) and not getattr(estimator, "oob_score", False)


def _boosting(estimator: Any) -> bool:
    """Early stopping depends on the maximal number of stages; an initial model may draw random numbers."""
    plain = estimator.init is None or isinstance(estimator.init, str)
    return _seeded(estimator) and estimator.n_iter_no_change is None and plain and _exact_boosting()


def _histograms(estimator: Any) -> bool:
    return _seeded(estimator) and estimator.early_stopping is not True


def _ridge(estimator: Any) -> bool:
    weights = getattr(estimator, "class_weight", None)
    return estimator.solver in ("auto", "cholesky") and estimator.positive is False and weights is None


def _descent(estimator: Any) -> bool:
    return bool(estimator.selection == "cyclic") or _seeded(estimator)


def _logistic(estimator: Any) -> bool:
    """The other solvers gain nothing from a starting point."""
    return estimator.solver in ("lbfgs", "newton-cg", "newton-cholesky")


@cache
def _exact_boosting() -> bool:
    """Return whether continued gradient boosting has the bits of a fit from scratch on this machine.

    Where a multiplication and an addition are rounded together (as compilers do on ARM), the prediction that the next
    stages start from differs in the last bit. A small fit shows it. Cost: some milliseconds, once per process.
    """
    from sklearn.ensemble import GradientBoostingRegressor

    points = np.linspace(0.0, 1.0, 200)[:, None] ** [1.0, 1.7]
    targets = np.sin(9.0 * points[:, 0]) / 3.0
    fresh = GradientBoostingRegressor(n_estimators=6, random_state=0).fit(points, targets)
    continued = GradientBoostingRegressor(n_estimators=3, random_state=0, warm_start=True).fit(points, targets)
    continued.set_params(n_estimators=6).fit(points, targets)
    return all(
        np.array_equal(one.tree_.value, other.tree_.value)
        and np.array_equal(one.tree_.threshold, other.tree_.threshold)
        for one, other in zip(fresh.estimators_[:, 0], continued.estimators_[:, 0], strict=True)
    )


_FORESTS = (
    "ExtraTreesClassifier",
    "ExtraTreesRegressor",
    "RandomForestClassifier",
    "RandomForestRegressor",
)
_BAGS = ("BaggingClassifier", "BaggingRegressor", "IsolationForest")
_BOOSTINGS = ("GradientBoostingClassifier", "GradientBoostingRegressor")
_HISTOGRAMS = ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
_RIDGES = ("Ridge", "RidgeClassifier")
_DESCENTS = ("ElasticNet", "Lasso", "MultiTaskElasticNet", "MultiTaskLasso")

_ENSEMBLES, _LINEAR = "sklearn.ensemble", "sklearn.linear_model"

_PATHS: dict[str, tuple[str, WarmStartPath]] = {
    **dict.fromkeys(_FORESTS, (_ENSEMBLES, WarmStartPath("n_estimators", True, _forest))),
    **dict.fromkeys(_BAGS, (_ENSEMBLES, WarmStartPath("n_estimators", True, _bag))),
    **dict.fromkeys(_BOOSTINGS, (_ENSEMBLES, WarmStartPath("n_estimators", True, _boosting))),
    **dict.fromkeys(
        _HISTOGRAMS,
        (_ENSEMBLES, WarmStartPath("max_iter", True, _histograms, lambda fitted: not fitted.do_early_stopping_)),
    ),
    **dict.fromkeys(_RIDGES, (_LINEAR, WarmStartPath("alpha", False, _ridge, whole=False, solves=True))),
    **dict.fromkeys(_DESCENTS, (_LINEAR, WarmStartPath("alpha", False, _descent, whole=False, close=True))),
    "LogisticRegression": (_LINEAR, WarmStartPath("C", True, _logistic, whole=False, close=True)),
}
"""Module and path, by the name of a class."""
