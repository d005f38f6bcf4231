"""Estimators of scikit-learn, built from a configuration and a seed."""

from __future__ import annotations

from typing import Any

from benchmarks.honest.parameters import Config

ITERATIONS = 3000  # of a support vector machine at most, so that one training stays cheap


def standardized(estimator: Any) -> Any:
    """Put a scaler before an estimator."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), estimator)


def support_vectors(config: Config, seed: int) -> Any:
    """Build a classifier that gives no probabilities."""
    from sklearn.svm import SVC

    return standardized(SVC(**config, max_iter=ITERATIONS))


def support_vector_regression(config: Config, seed: int) -> Any:
    """Build a regressor."""
    from sklearn.svm import SVR

    return standardized(SVR(**config, max_iter=ITERATIONS))


def neighbours(config: Config, seed: int) -> Any:
    """Build k nearest neighbours with a scaler of choice."""
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    scalers = {"none": "passthrough", "standard": StandardScaler(), "range": MinMaxScaler()}
    rest = {name: value for name, value in config.items() if name != "scale"}
    return make_pipeline(scalers[config["scale"]], KNeighborsClassifier(**rest))


def tree(config: Config, seed: int) -> Any:
    """Build one decision tree."""
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(random_state=seed, **config)


def forest(config: Config, seed: int) -> Any:
    """Build a forest of eight trees."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=8, random_state=seed, **config)


def extra_trees(config: Config, seed: int) -> Any:
    """Build extremely randomized trees, eight of them."""
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(n_estimators=8, random_state=seed, **config)


def network(config: Config, seed: int) -> Any:
    """Build a small network, trained for few epochs."""
    from sklearn.neural_network import MLPClassifier

    rest = {name: value for name, value in config.items() if name not in ("width", "layers")}
    return standardized(
        MLPClassifier((config["width"],) * config.get("layers", 1), max_iter=8, random_state=seed, **rest)
    )


def logistic(config: Config, seed: int) -> Any:
    """Build a logistic regression with an elastic net."""
    from sklearn.linear_model import LogisticRegression

    return standardized(LogisticRegression(solver="saga", penalty="elasticnet", max_iter=40, random_state=0, **config))


def ridge(config: Config, seed: int) -> Any:
    """Build a ridge regression on products of two features."""
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    return make_pipeline(StandardScaler(), PolynomialFeatures(2, include_bias=False), Ridge(**config))


def elastic_net(config: Config, seed: int) -> Any:
    """Build a linear regression with an elastic net."""
    from sklearn.linear_model import ElasticNet

    return standardized(ElasticNet(**config, max_iter=300))


def boosted_regression(config: Config, seed: int) -> Any:
    """Build boosted trees for regression."""
    from sklearn.ensemble import GradientBoostingRegressor

    return GradientBoostingRegressor(random_state=seed, **config)


def boosted_classifier(config: Config, seed: int) -> Any:
    """Build boosted trees for two classes."""
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(random_state=seed, **config)


def one_of_four(config: Config, seed: int) -> Any:
    """Build the model that the configuration chooses: linear, svm, trees or bayes."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.naive_bayes import GaussianNB
    from sklearn.svm import SVC

    model = config["model"]
    if model == "svm":
        return standardized(SVC(C=config["C"], gamma=config["gamma"], max_iter=ITERATIONS))
    if model == "trees":
        share, leaf = config["max_features"], config["leaf"]
        return ExtraTreesClassifier(10, max_features=share, min_samples_leaf=leaf, random_state=0)
    if model == "bayes":
        return GaussianNB(var_smoothing=config["smoothing"])
    return logistic({"C": config["C_linear"], "l1_ratio": config["l1_ratio"]}, 0)
