"""Objective of digits.toml: the accuracy of a support vector machine on handwritten digits.

The data are scikit-learn's digits (1797 images of 8 × 8 pixels). The accuracy is that of five-fold cross-validation,
averaged over three random splits into folds, so that a lucky split does not decide the winner.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # trials run in parallel, not the code inside them

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC

SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler}
FOLDS = RepeatedStratifiedKFold(n_splits=5, n_repeats=3, random_state=0)


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Load the images (1797, 64) and their labels (1797,), once per process."""
    images, labels = load_digits(return_X_y=True)
    return np.asarray(images), np.asarray(labels)


def pipeline(params: dict[str, Any]) -> Pipeline:
    """Build the classifier: a scaler, then a support vector machine with the other parameters."""
    machine = {name: value for name, value in params.items() if name != "scaler"}
    return Pipeline([("scale", SCALERS[params["scaler"]]()), ("classify", SVC(**machine))])


def accuracy(trial: Any) -> float:
    """Return the mean accuracy over the folds with the parameters of a trial."""
    images, labels = digits()
    return float(cross_val_score(pipeline(dict(trial.params)), images, labels, cv=FOLDS).mean())
