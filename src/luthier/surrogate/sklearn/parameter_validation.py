"""Validation of a scikit-learn estimator's parameters, by private attributes of scikit-learn."""

from __future__ import annotations

from typing import Any


def validate_parameters(estimator: Any) -> None:
    """Raise ValueError where a parameter of an estimator is outside its range.

    scikit-learn has no public function for that before data are given. Estimators of other packages, which need not
    have its private attributes, are not checked.
    """
    if getattr(estimator, "_parameter_constraints", None):
        estimator._validate_params()
