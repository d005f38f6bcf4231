"""Trainings of some milliseconds with two objectives: how often a model is right, and how large it is.

Few rows are tested, so accuracies have levels; sizes are whole numbers, some over several orders of magnitude; large
parts of each space give one and the same model. The tasks of `choose` are for choosing designs, those of `judge` for
judging them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from front_problems import FrontProblem

Config = dict[str, Any]
Train = Callable[["Split", Config], tuple[Any, float]]
"""Gives a trained model and its size."""


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to train with, and rows to test."""

    x: Any
    y: Any
    x_test: Any
    y_test: Any


@dataclass(frozen=True)
class FrontTraining:
    """A training to be right often with a small model.

    Args:
        name: of the task.
        half: ``choose`` or ``judge``.
        data: the name of the rows.
        parameters: in the neutral description of shared/bench/peers.py.
        train: gives the model and its size.
        balanced: whether classes count alike.
        logarithm: whether the size is told as its logarithm.
    """

    name: str
    half: str
    data: str
    parameters: list[dict[str, Any]]
    train: Train
    balanced: bool = False
    logarithm: bool = False

    def losses(self, config: Config) -> list[float]:
        """Give the share of wrong answers, and the size."""
        from sklearn.metrics import balanced_accuracy_score

        split = _split(self.data)
        model, size = self.train(split, config)
        answers = model.predict(split.x_test)
        right = balanced_accuracy_score(split.y_test, answers) if self.balanced else np.mean(answers == split.y_test)
        return [1.0 - float(right), float(np.log10(size)) if self.logarithm else float(size)]


@cache
def _split(name: str) -> Split:
    """Load or make rows, scale their columns, and split them 6 to 4, classes alike."""
    from sklearn import datasets
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    made = {
        "two": {"n_samples": 1200, "n_features": 30, "n_informative": 8, "flip_y": 0.08},
        "six": {"n_samples": 1500, "n_features": 16, "n_informative": 9, "n_classes": 6, "flip_y": 0.02},
        "wide": {"n_samples": 400, "n_features": 120, "n_informative": 10, "flip_y": 0.05},
        "uneven": {"n_samples": 1200, "n_features": 12, "n_informative": 6, "weights": [0.88], "flip_y": 0.02},
    }
    if name in made:
        x, y = datasets.make_classification(random_state=3, **made[name])
    else:
        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    parts = train_test_split(x, y, test_size=0.4, random_state=1, stratify=y)
    scale = StandardScaler().fit(parts[0])
    return Split(scale.transform(parts[0]), parts[2], scale.transform(parts[1]), parts[3])


# --- trainings ----------------------------------------------------------------------------------------


def _tree(split: Split, config: Config) -> tuple[Any, float]:
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier(random_state=0, **config).fit(split.x, split.y)
    return model, model.tree_.node_count


def _forest(split: Split, config: Config) -> tuple[Any, float]:
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(random_state=0, **config).fit(split.x, split.y)
    return model, sum(tree.tree_.node_count for tree in model.estimators_)


def _extra_trees(split: Split, config: Config) -> tuple[Any, float]:
    from sklearn.ensemble import ExtraTreesClassifier

    model = ExtraTreesClassifier(random_state=0, **config).fit(split.x, split.y)
    return model, sum(tree.tree_.n_leaves for tree in model.estimators_)


def _boosting(split: Split, config: Config) -> tuple[Any, float]:
    from sklearn.ensemble import GradientBoostingClassifier

    model = GradientBoostingClassifier(random_state=0, **config).fit(split.x, split.y)
    return model, sum(tree.tree_.n_leaves for tree in model.estimators_.ravel())


def _svm(split: Split, config: Config) -> tuple[Any, float]:
    from sklearn.svm import SVC

    model = SVC(**config).fit(split.x, split.y)
    return model, int(model.n_support_.sum())


def _linear(split: Split, config: Config) -> tuple[Any, float]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(solver="liblinear", penalty="l1", random_state=0, **config).fit(split.x, split.y)
    return model, 1 + np.count_nonzero(model.coef_)


class _Neighbours:
    """k-NN with some of the rows and of the principal components."""

    def __init__(self, split: Split, config: Config) -> None:
        from sklearn.decomposition import PCA
        from sklearn.neighbors import KNeighborsClassifier

        order = np.random.default_rng(5).permutation(len(split.x))
        rows = order[: max(3, round(config["share"] * len(order)))]
        self.parts = PCA(config["components"], random_state=0).fit(split.x)
        self.size = len(rows) * config["components"]
        neighbours = min(config["n_neighbors"], len(rows))
        self.model = KNeighborsClassifier(neighbours).fit(self.parts.transform(split.x[rows]), split.y[rows])

    def predict(self, x: Any) -> Any:
        return self.model.predict(self.parts.transform(x))


def _neighbours(split: Split, config: Config) -> tuple[Any, float]:
    model = _Neighbours(split, config)
    return model, model.size


# --- tasks --------------------------------------------------------------------------------------------


def _real(name: str, low: float, high: float, log: bool = True) -> dict[str, Any]:
    return {"name": name, "type": "float", "lo": low, "hi": high, "log": log}


def _whole(name: str, low: int, high: int, log: bool = False) -> dict[str, Any]:
    return {"name": name, "type": "int", "lo": low, "hi": high, "log": log}


_LEAF, _DEPTH = _whole("min_samples_leaf", 1, 40, True), _whole("max_depth", 1, 15)
_GROWTH = [_whole("max_leaf_nodes", 2, 200, True), _real("min_impurity_decrease", 1e-6, 0.1)]
_TREES = [_whole("n_estimators", 1, 15), _DEPTH, _LEAF]
_ENSEMBLE = [_whole("n_estimators", 1, 25, True), _whole("max_depth", 1, 5), _real("learning_rate", 0.01, 1.0)]
_KERNEL = [_real("C", 1e-2, 1e3), _real("gamma", 1e-4, 10.0)]
_SPARSE = [_real("C", 1e-3, 1e2), _real("intercept_scaling", 0.1, 100.0), _real("tol", 1e-4, 1e-1)]


def _near(components: int) -> list[dict[str, Any]]:
    return [_real("share", 0.01, 1.0), _whole("components", 1, components), _whole("n_neighbors", 1, 30, True)]


def front_trainings(half: str) -> list[FrontTraining]:
    """List the tasks of a half."""
    pruned = [_DEPTH, _LEAF, _real("ccp_alpha", 1e-6, 0.1)]
    task = FrontTraining
    every = [
        task("tree_two", "choose", "two", pruned, _tree),
        task("tree_six", "choose", "six", [*_GROWTH, _whole("min_samples_split", 2, 60, True)], _tree, True),
        task("tree_wine", "choose", "wine", [_DEPTH, _real("max_features", 0.1, 1.0, False)], _tree),
        task("forest_six", "choose", "six", _TREES, _forest),
        task("svm_wine", "choose", "wine", _KERNEL, _svm),
        task("l1_wide", "choose", "wide", _SPARSE, _linear),
        task("knn_digits", "choose", "digits", _near(40), _neighbours, False, True),
        task("boost_uneven", "choose", "uneven", _ENSEMBLE, _boosting, True),
        task("tree_digits", "judge", "digits", [*_GROWTH, _real("max_features", 0.1, 1.0, False)], _tree),
        task("tree_cancer", "judge", "breast_cancer", pruned, _tree, True),
        task("tree_uneven", "judge", "uneven", [*pruned, _GROWTH[0]], _tree, True, True),
        task("extra_two", "judge", "two", _TREES, _extra_trees),
        task("svm_cancer", "judge", "breast_cancer", [*_KERNEL, _real("tol", 1e-5, 0.1)], _svm),
        task("l1_cancer", "judge", "breast_cancer", _SPARSE[:2], _linear, True),
        task("knn_six", "judge", "six", _near(16), _neighbours),
        task("boost_iris", "judge", "iris", [*_ENSEMBLE, _real("subsample", 0.3, 1.0, False)], _boosting),
    ]
    return [one for one in every if one.half == half]


def training_problems(half: str) -> list[FrontProblem]:
    """List the tasks of a half as problems of `benchmarks/fronts.py`, whose best fronts are not known."""
    return [FrontProblem(f"{half}/{one.name}", one.parameters, one.losses) for one in front_trainings(half)]
