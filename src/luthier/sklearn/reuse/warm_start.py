"""Estimators of which one fit helps the next: those that differ in one parameter only go on from one another.

Exact paths give what a fit from scratch gives, to the bit; they were found by experiment, by comparing all fitted
attributes of grown and of fresh estimators (decision 0020). Close ones agree up to the estimator's ``tol``.
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

from luthier.sklearn.reuse.step_fingerprint import StateReader


class Trace(NamedTuple):
    """What a fit left for the next one.

    Args:
        value: of the parameter that differs.
        state: the fitted attributes.
        seconds: how long the fits took that led here.
        sent: the names of the keyword arguments of ``fit``.
        held: objects that the key knows by their identity.
        shared: of paths with a common decomposition, that; False where it was found to have other bits.
    """

    value: float
    state: dict[str, Any]
    seconds: float
    sent: frozenset[str]
    held: tuple[Any, ...]
    shared: Any = None


@dataclass(frozen=True)
class WarmStartPath:
    """How fits that differ in one parameter follow one another.

    Args:
        parameter: its name.
        rising: whether its values go up.
        allows: says of an estimator with its parameters whether it may go on from another one.
        keeps: says of a fitted one whether another one may go on from it.
        whole: whether its values are whole numbers.
        close: whether the results agree up to a tolerance only.
        solves: whether all fits share one decomposition, instead of each going on from the one before.
    """

    parameter: str
    rising: bool
    allows: Callable[[Any], bool]
    keeps: Callable[[Any], bool] = lambda fitted: True
    whole: bool = True
    close: bool = False
    solves: bool = False

    def order(self, value: Any) -> float:
        """Give the place of a value among others: smaller ones go first."""
        number = float(value) if isinstance(value, Real) and math.isfinite(value) else 0.0
        return number if self.rising else -number

    def after(self, value: float, other: float) -> bool:
        """Say whether a value comes after another one."""
        return value > other if self.rising else value < other

    def value(self, estimator: Any) -> float | None:
        """Give the parameter's value where it is one that can be on a path."""
        found = getattr(estimator, self.parameter, None)
        if isinstance(found, bool) or not isinstance(found, Integral if self.whole else Real):
            return None
        return float(found) if 0.0 < float(found) < math.inf else None


def path_of(estimator: Any, close: bool) -> WarmStartPath | None:
    """Give the path on which estimators of exactly this class are, if there is one.

    Args:
        estimator: or its last step; classes that derive from one of scikit-learn's have none.
        close: whether paths count that agree up to a tolerance only.
    """
    kind = type(estimator)
    module, path = _KNOWN.get(kind.__name__, ("", None))
    if path is None or getattr(sys.modules.get(module), kind.__name__, None) is not kind:
        return None
    return None if path.close and not close else path


def key_of(estimator: Any, path: WarmStartPath) -> tuple[Hashable, tuple[Any, ...]] | None:
    """Give what estimators have in common that differ in the path's parameter, and the objects known by identity.

    Returns:
        None where an estimator is on no path: settings that the path does not allow; something that is not
        scikit-learn's, or that cannot be known to do the same each time (see `fingerprint`); callbacks.
    """
    if getattr(estimator, "_skl_callbacks", None) or path.value(estimator) is None or not path.allows(estimator):
        return None
    reader = StateReader()
    params = estimator.get_params(deep=False)
    key = [(name, reader.entry(name, value)) for name, value in params.items() if name != path.parameter]
    if not reader.sound or reader.foreign:
        return None
    return (type(estimator), *key), tuple(reader.held)


def resume(estimator: Any, trace: Trace, fit: Callable[[], Any]) -> bool:
    """Fit an estimator that goes on from what another fit left, by scikit-learn's ``warm_start``.

    Args:
        estimator: not fitted; with its parameters.
        trace: of the other fit; it is used up.
        fit: fits the estimator.

    Returns:
        Whether that went well. Where not, the estimator is as it was.
    """
    own = dict(vars(estimator))
    vars(estimator).update({name: value for name, value in trace.state.items() if name not in own})
    estimator.warm_start = True
    try:
        fit()
    except Exception:  # noqa: BLE001 - whatever it was: a fit from scratch says the same, or succeeds
        vars(estimator).clear()
        vars(estimator).update(own)
        return False
    estimator.warm_start = False
    if "_seeds" in vars(estimator):  # of the members of a bag, of which warm_start keeps the newest only
        estimator._seeds = np.concatenate([trace.state["_seeds"], estimator._seeds])
    return True


def state_of(estimator: Any, own: Set[str]) -> dict[str, Any]:
    """Give the attributes besides an estimator's own; containers that the next fit changes are copies."""
    return {name: _copy(value) for name, value in vars(estimator).items() if name not in own}


def _copy(value: Any) -> Any:
    """Copy a list, or an array with its layout in memory."""
    if type(value) is np.ndarray:
        return value.copy(order="K")
    return value.copy() if type(value) is list else value


# --- which there are --------------------------------------------------------------------------------------------


def _seeded(estimator: Any) -> bool:
    return isinstance(estimator.random_state, Integral) and not isinstance(estimator.random_state, bool)


def _forest(estimator: Any) -> bool:
    """A weight by name is one of all data, of which a warm start warns."""
    return _seeded(estimator) and not isinstance(getattr(estimator, "class_weight", None), str)


def _bag(estimator: Any) -> bool:
    """Members get their random states from the bag."""
    return _seeded(estimator) and not getattr(estimator, "oob_score", False)


def _boosting(estimator: Any) -> bool:
    """Stages that are stopped early depend on how many there may be; an initial model may draw random numbers."""
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
    """The others gain nothing from where they begin."""
    return estimator.solver in ("lbfgs", "newton-cg", "newton-cholesky")


@cache
def _exact_boosting() -> bool:
    """Say whether gradient boosting that goes on has the same bits as one from scratch on this machine.

    Where a multiplication and an addition are rounded together (as compilers do on ARM), what it begins with differs
    in the last bit from what it had. A small fit shows it. Cost: some milliseconds, once in a process.
    """
    from sklearn.ensemble import GradientBoostingRegressor

    points = np.linspace(0.0, 1.0, 200)[:, None] ** [1.0, 1.7]
    targets = np.sin(9.0 * points[:, 0]) / 3.0
    fresh = GradientBoostingRegressor(n_estimators=6, random_state=0).fit(points, targets)
    grown = GradientBoostingRegressor(n_estimators=3, random_state=0, warm_start=True).fit(points, targets)
    grown.set_params(n_estimators=6).fit(points, targets)
    return all(
        np.array_equal(one.tree_.value, other.tree_.value)
        and np.array_equal(one.tree_.threshold, other.tree_.threshold)
        for one, other in zip(fresh.estimators_[:, 0], grown.estimators_[:, 0], strict=True)
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

_KNOWN: dict[str, tuple[str, WarmStartPath]] = {
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
"""By the name of a class: the module that has it, and its path."""
