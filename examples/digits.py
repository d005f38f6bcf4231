"""How well a support vector machine reads handwritten digits: the objective of digits.toml.

The data are scikit-learn's digits (1797 images of 8 × 8 pixels). The accuracy is that of five-fold cross-validation,
averaged over three ways to cut the folds, so that chance in the cut does not choose the winner.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the trials are what runs side by side

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
    """Load the images (1797, 64) and their labels (1797,), once in a process."""
    images, labels = load_digits(return_X_y=True)
    return images, labels


def pipeline(params: dict[str, Any]) -> Pipeline:
    """Build the classifier: scale the pixels, then the support vector machine with the rest of the parameters."""
    machine = {name: value for name, value in params.items() if name != "scaler"}
    return Pipeline([("scale", SCALERS[params["scaler"]]()), ("classify", SVC(**machine))])


def accuracy(trial: Any) -> float:
    """Give the mean accuracy over the folds of a trial's parameters."""
    images, labels = digits()
    return float(cross_val_score(pipeline(dict(trial.params)), images, labels, cv=FOLDS).mean())
