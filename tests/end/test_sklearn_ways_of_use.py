"""Programs of users of skopt and Hyperopt, with Luthier's names in place of theirs."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

import luthier as lt
from luthier.sklearn import BayesSearchCV, RandomizedSearchCV

pytestmark = pytest.mark.slow


class TestSkopt:
    """The examples of skopt's own documentation of ``BayesSearchCV``."""

    def test_a_minimal_example(self) -> None:
        X, y = load_digits(n_class=4, return_X_y=True)
        X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=0.75, test_size=0.25, random_state=0)
        opt = BayesSearchCV(
            SVC(),
            {
                "C": (1e-6, 1e6, "log-uniform"),
                "gamma": (1e-6, 1e1, "log-uniform"),
                "degree": (1, 8),
                "kernel": ["linear", "poly", "rbf"],
            },
            n_iter=16,
            cv=3,
            random_state=0,
        )
        opt.fit(X_train, y_train)
        assert opt.best_score_ > 0.98 and opt.score(X_test, y_test) > 0.97
        assert all(isinstance(one["degree"], int) and 1 <= one["degree"] <= 8 for one in opt.cv_results_["params"])

    def test_several_models_in_one_pipeline_with_callbacks(self) -> None:
        X, y = load_digits(n_class=4, return_X_y=True)
        pipe = Pipeline([("model", SVC())])
        linsvc_search = {"model": [LinearSVC(max_iter=1000)], "model__C": (1e-6, 1e6, "log-uniform")}
        svc_search = {
            "model": [SVC()],
            "model__C": (1e-6, 1e6, "log-uniform"),
            "model__gamma": (1e-6, 1e1, "log-uniform"),
            "model__degree": (1, 8),
            "model__kernel": ["linear", "poly", "rbf"],
        }
        opt = BayesSearchCV(pipe, [(svc_search, 8), (linsvc_search, 4)], cv=3, random_state=0)
        assert opt.total_iterations == 12
        scores: list[float] = []

        def on_step(result: Any) -> bool:
            scores.append(-result.fun)
            return scores[-1] >= 2  # never

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            opt.fit(X[:300], y[:300], callback=on_step)
        assert len(scores) == 12 and len(opt.optimizer_results_) == 2
        kinds = [type(one["model"]) for one in opt.cv_results_["params"]]
        assert kinds == [SVC] * 8 + [LinearSVC] * 4
        assert opt.best_score_ > 0.95

    def test_counting_down_the_iterations_of_a_mapping(self) -> None:
        opt = BayesSearchCV(DecisionTreeClassifier(), [{"max_depth": (1, 10)}, {"min_samples_leaf": (1, 9)}], n_iter=4)
        assert opt.total_iterations == 8
        assert BayesSearchCV(DecisionTreeClassifier(), {"max_depth": (1, 10)}, n_iter=4).total_iterations == 4

    def test_several_points_at_once_and_a_regressor(self) -> None:
        rng = np.random.RandomState(0)
        X = rng.uniform(size=(80, 3))
        y = X @ [1.0, 2.0, 3.0] + rng.normal(scale=0.1, size=80)
        opt = BayesSearchCV(
            GradientBoostingRegressor(n_estimators=20, random_state=0),
            {"learning_rate": (0.01, 1.0, "log-uniform"), "subsample": stats.uniform(0.3, 0.7)},
            optimizer_kwargs={"base_estimator": "ET", "acq_func": "EI", "n_initial_points": 4},
            scoring="neg_mean_squared_error",
            n_points=4,
            n_iter=10,
            cv=3,
            random_state=0,
        ).fit(X, y)
        assert len(opt.cv_results_["params"]) == 10 and opt.best_score_ < 0

    def test_a_callable_scorer_of_several_metrics(self) -> None:
        def scoring(estimator: Any, X: Any, y: Any) -> dict[str, float]:
            right = float(np.mean(estimator.predict(X) == y))
            return {"right": right, "wrong": 1 - right}

        X, y = load_iris(return_X_y=True)
        opt = BayesSearchCV(SVC(), {"C": (0.1, 10.0)}, scoring=scoring, refit="right", n_iter=3, cv=3).fit(X, y)
        assert opt.best_score_ == max(opt.cv_results_["mean_test_right"]) == opt.study_.best.value


class TestHyperopt:
    """The ways of Hyperopt's tutorial: a function of a nested space, minimised."""

    def test_choosing_among_classifiers_with_parameters_of_their_own(self) -> None:
        X, y = load_iris(return_X_y=True)
        space = lt.Space(
            {
                "classifier": lt.Choice(
                    "naive_bayes",
                    lt.Option(
                        "svm",
                        {
                            "C": lt.Float(1e-3, 1e3, log=True, prior=lt.LogNormal(0, 1)),
                            "kernel": lt.Choice("linear", lt.Option("rbf", {"gamma": lt.Float(1e-4, 1e1, log=True)})),
                        },
                    ),
                    lt.Option(
                        "dtree",
                        {
                            "criterion": lt.Choice("gini", "entropy"),
                            "max_depth": lt.Choice(None, lt.Option("some", {"value": lt.Int(2, 8)})),
                            "min_samples_split": lt.Int(2, 10),
                        },
                    ),
                )
            }
        )

        def build(params: Any) -> Any:
            own = {name.split(".", 2)[2]: value for name, value in params.items() if name.count(".") >= 2}
            if params["classifier"] == "svm":
                return SVC(C=own["C"], kernel=own["kernel"], gamma=own.get("kernel.rbf.gamma", "scale"))
            if params["classifier"] == "dtree":
                depth = own.get("max_depth.some.value")
                return DecisionTreeClassifier(
                    criterion=own["criterion"], max_depth=depth, min_samples_split=own["min_samples_split"]
                )
            return GaussianNB()

        def objective(trial: Any) -> float:
            return 1 - float(cross_val_score(build(trial.params), X, y, cv=3).mean())

        best = lt.minimize(objective, space, trials=25, seed=0)
        assert best.value < 0.05

    def test_models_as_values_with_parameters_of_their_own_in_one_search(self) -> None:
        X, y = load_iris(return_X_y=True)
        pipe = Pipeline([("clf", SVC())])
        svm = lt.Option(
            lt.Named("svm", SVC()),
            {"clf__C": lt.Float(1e-2, 1e2, log=True), "clf__kernel": lt.Choice("linear", "rbf")},
        )
        tree = lt.Option(lt.Named("tree", DecisionTreeClassifier(random_state=0)), {"clf__max_depth": lt.Int(1, 8)})
        space = {"clf": lt.Choice(svm, tree, lt.Named("bayes", GaussianNB()))}
        for search in (
            BayesSearchCV(pipe, space, n_iter=10, cv=3, random_state=0),
            RandomizedSearchCV(pipe, space, n_iter=10, cv=3, random_state=0),
        ):
            params = search.fit(X, y).cv_results_["params"]
            assert all(("clf__C" in one) == isinstance(one["clf"], SVC) for one in params)
            assert all(("clf__max_depth" in one) == isinstance(one["clf"], DecisionTreeClassifier) for one in params)
            assert search.best_score_ > 0.95 and len(search.study_) == 10

    def test_distributions_of_hyperopt_by_name(self) -> None:
        X, y = load_iris(return_X_y=True)
        space = {
            "C": lt.Float(np.exp(-5), np.exp(5), log=True),  # hp.loguniform("C", -5, 5)
            "gamma": lt.Float(1e-4, 1e2, log=True, prior=lt.LogNormal(-2, 1)),  # hp.lognormal("gamma", -2, 1)
            "coef0": lt.Float(-3, 3, prior=lt.Normal(0, 1)),  # hp.normal("coef0", 0, 1)
            "degree": lt.Int(2, 5),  # scope.int(hp.quniform("degree", 2, 5, 1))
            "tol": lt.Choice(1e-3, 1e-2),  # hp.choice("tol", [1e-3, 1e-2])
        }
        method = lt.Bayes(lt.Parzen(), lt.EI())  # algo=tpe.suggest
        search = BayesSearchCV(SVC(kernel="poly"), space, n_iter=14, cv=3, random_state=0, method=method).fit(X, y)
        assert search.best_score_ > 0.9
