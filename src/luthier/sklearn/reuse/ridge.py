"""Normal equations that ridge regressions of different penalties share, bit-equal to separate fits.

scikit-learn's solver for dense data centres them and solves (XᵀX + α I) w = XᵀY by a Cholesky decomposition. XᵀX and
XᵀY are the same for every α. That the products here have the bits of scikit-learn's is not assumed but checked: the
first penalty is fitted by scikit-learn, and the shared products must give the same coefficients, bit by bit.
"""

from __future__ import annotations

import threading
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg
from sklearn.preprocessing import LabelBinarizer


@dataclass(frozen=True)
class NormalEquations:
    """The part of the normal equations that does not depend on the penalty.

    Args:
        gram: XᵀX of the centred X; (d, d).
        moment: XᵀY; (d, k).
        x_mean: of each column; (d,); None without an intercept.
        y_mean: of each target; (k,), or a number.
        flat: whether the coefficients have one dimension.
    """

    gram: Any
    moment: Any
    x_mean: Any
    y_mean: Any
    flat: bool

    def solve(self, alpha: float) -> dict[str, Any]:
        """Return ``coef_`` and ``intercept_``. Cost: O(d³ + d² k).

        Raises:
            LinAlgError: the matrix is singular.
        """
        gram = self.gram.copy(order="K")
        gram.flat[:: len(gram) + 1] += alpha
        coef = linalg.solve(gram, self.moment, assume_a="pos", overwrite_a=True).T
        if self.flat:
            coef = coef.ravel()
        coef = coef / np.ones(len(gram))
        return {"coef_": coef, "intercept_": 0.0 if self.x_mean is None else self.y_mean - self.x_mean @ coef.T}


def normal_equations(estimator: Any, X: Any, y: Any, flat: bool) -> NormalEquations | None:
    """Compute the shared part; None for data that scikit-learn treats in another way.

    Args:
        estimator: a `Ridge` or a `RidgeClassifier`.
        X: (n, d), with no more columns than rows.
        y: (n,) or (n, k).
        flat: whether the coefficients have one dimension.

    Cost: O(n d² + n d k).
    """
    if type(X) is not np.ndarray or X.ndim != 2 or X.dtype != np.float64 or X.shape[1] > X.shape[0]:
        return None
    if type(y) is not np.ndarray or y.ndim > 2:
        return None
    if hasattr(estimator, "class_weight"):
        y = LabelBinarizer(pos_label=1, neg_label=-1).fit_transform(y)
    centred, targets = X.copy(order="K"), np.array(y, dtype=np.float64)
    x_mean = y_mean = None
    if estimator.fit_intercept:
        x_mean, y_mean = np.average(X, axis=0), np.average(targets, axis=0)
        centred -= x_mean
        targets -= y_mean
    columns = targets.reshape(-1, 1) if targets.ndim == 1 else targets
    return NormalEquations(centred.T @ centred, centred.T @ columns, x_mean, y_mean, flat)


def solve_penalty(shared: NormalEquations, alpha: float) -> dict[str, Any] | None:
    """Return the coefficients for a penalty; None if scikit-learn would warn, or solve in another way."""
    if threading.current_thread() is not threading.main_thread():
        return None  # a warning could not be distinguished from those of other threads
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = shared.solve(alpha)
        except (linalg.LinAlgError, ValueError):
            return None
    return None if caught else found


def same_bits(found: dict[str, Any], fitted: dict[str, Any]) -> bool:
    """Return whether coefficients have the bits, the types and the memory layout of fitted ones."""
    for name, value in found.items():
        other = fitted[name]
        if type(value) is not type(other) or np.asarray(value).tobytes() != np.asarray(other).tobytes():
            return False
        if isinstance(value, np.ndarray) and (value.strides, value.dtype) != (other.strides, other.dtype):
            return False
    return True
