"""Real trainings: losses by cross-validation, one thread, folds that are always the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.honest import estimators as make
from benchmarks.honest.datasets import rows_of
from benchmarks.honest.parameters import Config, Parameters, choice, real, whole
from benchmarks.honest.task import Task

WORST = {
    "accuracy": 1.0,
    "balanced": 1.0,
    "log loss": 5.0,
    "squared": 5.0,
}  # of a training that fails; losses end there

SVM = [real("C", 1e-3, 1e3, True), real("gamma", 1e-5, 10.0, True), real("tol", 1e-5, 0.1, True)]
KERNELS = [*SVM[:2], choice("kernel", "rbf", "poly", "sigmoid"), real("coef0", 0.0, 2.0)]
SVM_REGRESSION = [real("C", 1e-2, 1e4, True), real("epsilon", 1e-3, 1e2, True), real("gamma", 1e-5, 10.0, True)]
NEIGHBOURS = [
    choice("scale", "none", "standard", "range"),
    whole("n_neighbors", 1, 40),
    choice("weights", "uniform", "distance"),
    whole("p", 1, 4),
]
TREE = [
    choice("criterion", "gini", "entropy"),
    whole("max_depth", 1, 20),
    whole("min_samples_split", 2, 60, True),
    whole("min_samples_leaf", 1, 40, True),
    real("max_features", 0.1, 1.0),
    real("min_impurity_decrease", 1e-6, 0.3, True),
]
SMALL_TREE = [whole("max_depth", 1, 20), real("ccp_alpha", 1e-5, 0.3, True)]
FOREST = [
    whole("max_depth", 1, 15),
    real("max_features", 0.05, 1.0),
    whole("min_samples_leaf", 1, 30, True),
    real("max_samples", 0.1, 1.0),
]
EXTRA_TREES = [whole("max_depth", 1, 15), real("max_features", 0.05, 1.0), whole("min_samples_leaf", 1, 30, True)]
NETWORK = [
    whole("width", 4, 64, True),
    whole("layers", 1, 3),
    choice("activation", "relu", "tanh", "logistic"),
    choice("solver", "adam", "sgd"),
    real("alpha", 1e-7, 10.0, True),
    real("learning_rate_init", 1e-4, 1.0, True),
    whole("batch_size", 8, 128, True),
    real("momentum", 0.0, 0.99, given=("solver", ["sgd"])),
    real("beta_1", 0.5, 0.99, given=("solver", ["adam"])),
]
SMALL_NETWORK = [
    real("learning_rate_init", 1e-4, 1.0, True),
    real("alpha", 1e-7, 10.0, True),
    whole("width", 2, 64, True),
]
LOGISTIC = [real("C", 1e-4, 1e3, True), real("l1_ratio", 0.0, 1.0), real("tol", 1e-5, 0.1, True)]
RIDGE = [real("alpha", 1e-4, 1e5, True)]
ELASTIC_NET = [real("alpha", 1e-4, 10.0, True), real("l1_ratio", 0.0, 1.0)]
BOOSTED = [
    whole("n_estimators", 5, 50, True),
    real("learning_rate", 0.01, 1.0, True),
    whole("max_depth", 1, 6),
    real("subsample", 0.2, 1.0),
    whole("min_samples_leaf", 1, 40, True),
    real("max_features", 0.1, 1.0),
]
BRANCHES = [
    choice("model", "svm", "trees", "bayes", "linear"),
    real("C", 1e-3, 1e3, True, ("model", ["svm"])),
    real("gamma", 1e-5, 10.0, True, ("model", ["svm"])),
    real("max_features", 0.05, 1.0, given=("model", ["trees"])),
    whole("leaf", 1, 30, True, ("model", ["trees"])),
    real("smoothing", 1e-10, 1.0, True, ("model", ["bayes"])),
    real("C_linear", 1e-4, 1e3, True, ("model", ["linear"])),
    real("l1_ratio", 0.0, 1.0, given=("model", ["linear"])),
]


def training(
    name: str,
    source: str,
    rows: int,
    metric: str,
    parameters: Parameters,
    build: Callable[[Config, int], Any],
    *,
    folds: int = 3,
    noisy: bool = False,
    batch: int = 1,
) -> Task:
    """Make a task of a training: `metric` on `rows` rows of a data set, by cross-validation over `folds`."""

    def measure(config: Config, seed: int) -> float:
        return cross_validate(build, config, seed if noisy else 0, source, rows, metric, folds)

    return Task(name, parameters, measure, noisy=noisy, batch=batch)


def cross_validate(
    build: Callable[[Config, int], Any], config: Config, seed: int, source: str, rows: int, metric: str, folds: int
) -> float:
    """Give the mean loss over the folds; a training that fails has the worst."""
    from sklearn.model_selection import KFold, StratifiedKFold

    features, targets = rows_of(source, rows)
    split = (KFold if metric == "squared" else StratifiedKFold)(folds, shuffle=True, random_state=0)
    losses = []
    for train, test in split.split(features, targets):
        try:
            fitted = build(config, seed).fit(features[train], targets[train])
            loss = _loss(metric, fitted, features[test], targets[test], targets)
        except (ValueError, FloatingPointError):
            loss = WORST[metric]
        losses.append(min(loss, WORST[metric]) if np.isfinite(loss) else WORST[metric])
    return float(np.mean(losses))


def _loss(metric: str, fitted: Any, features: Any, targets: Any, every: Any) -> float:
    from sklearn import metrics

    if metric == "log loss":
        return float(metrics.log_loss(targets, fitted.predict_proba(features), labels=np.unique(every)))
    predicted = fitted.predict(features)
    if metric == "squared":
        return float(metrics.mean_squared_error(targets, predicted) / np.var(every))
    score = metrics.accuracy_score if metric == "accuracy" else metrics.balanced_accuracy_score
    return 1.0 - float(score(targets, predicted))


def pairs() -> list[tuple[Task, Task]]:
    """List the trainings in pairs of one kind."""
    t = training
    return [
        (
            t("svm-breast-accuracy", "breast_cancer", 120, "accuracy", SVM, make.support_vectors, batch=8),
            t("svm-wine-accuracy", "wine", 90, "accuracy", SVM, make.support_vectors, batch=8),
        ),
        (
            t("kernels-iris-balanced", "iris", 60, "balanced", KERNELS, make.support_vectors),
            t("kernels-digits-balanced", "digits", 200, "balanced", KERNELS, make.support_vectors),
        ),
        (
            t("svr-diabetes", "diabetes", 150, "squared", SVM_REGRESSION, make.support_vector_regression),
            t("svr-diabetes-few", "diabetes", 50, "squared", SVM_REGRESSION, make.support_vector_regression, folds=5),
        ),
        (
            t("neighbours-breast-accuracy", "breast_cancer", 200, "accuracy", NEIGHBOURS, make.neighbours),
            t("neighbours-digits-accuracy", "digits", 300, "accuracy", NEIGHBOURS, make.neighbours),
        ),
        (
            t("tree-iris-log-loss", "iris", 150, "log loss", TREE, make.tree),
            t("tree-digits-log-loss", "digits", 400, "log loss", TREE, make.tree),
        ),
        (
            t("tree-iris-log-loss-unseeded", "iris", 150, "log loss", TREE, make.tree, noisy=True, batch=8),
            t("tree-breast-log-loss-unseeded", "breast_cancer", 300, "log loss", TREE, make.tree, noisy=True, batch=8),
        ),
        (
            t("tree-wine-balanced", "wine", 178, "balanced", SMALL_TREE, make.tree, folds=5),
            t("tree-breast-balanced", "breast_cancer", 300, "balanced", SMALL_TREE, make.tree, folds=5),
        ),
        (
            t("forest-iris-log-loss-unseeded", "iris", 150, "log loss", FOREST, make.forest, noisy=True),
            t("forest-breast-log-loss-unseeded", "breast_cancer", 200, "log loss", FOREST, make.forest, noisy=True),
        ),
        (
            t("extra-digits-accuracy", "digits", 250, "accuracy", EXTRA_TREES, make.extra_trees),
            t("extra-wine-accuracy-unseeded", "wine", 178, "accuracy", EXTRA_TREES, make.extra_trees, noisy=True),
        ),
        (
            t("network-wine-log-loss", "wine", 178, "log loss", NETWORK, make.network),
            t("network-digits-log-loss", "digits", 150, "log loss", NETWORK, make.network),
        ),
        (
            t(
                "network-breast-accuracy-unseeded",
                "breast_cancer",
                120,
                "accuracy",
                SMALL_NETWORK,
                make.network,
                noisy=True,
                batch=8,
            ),
            t(
                "network-iris-accuracy-unseeded",
                "iris",
                90,
                "accuracy",
                SMALL_NETWORK,
                make.network,
                noisy=True,
                batch=8,
            ),
        ),
        (
            t("logistic-wine-log-loss", "wine", 178, "log loss", LOGISTIC, make.logistic),
            t("logistic-digits-log-loss", "digits", 150, "log loss", LOGISTIC, make.logistic),
        ),
        (
            t("ridge-diabetes", "diabetes", 200, "squared", RIDGE, make.ridge),
            t("elastic-net-diabetes", "diabetes", 60, "squared", ELASTIC_NET, make.elastic_net, folds=5),
        ),
        (
            t("boosted-diabetes-unseeded", "diabetes", 200, "squared", BOOSTED, make.boosted_regression, noisy=True),
            t("boosted-breast-log-loss", "breast_cancer", 150, "log loss", BOOSTED, make.boosted_classifier),
        ),
        (
            t("branches-wine-accuracy", "wine", 120, "accuracy", BRANCHES, make.one_of_four),
            t("branches-digits-accuracy", "digits", 200, "accuracy", BRANCHES, make.one_of_four),
        ),
    ]
