"""The settings of skopt, and results in its form."""

from __future__ import annotations

import pickle
import sys
import types
import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import BayesianRidge
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

import luthier as lt
from luthier.errors import InvalidSetting, InvalidSpace
from luthier.sklearn import BayesSearchCV
from luthier.sklearn.spaces import check_settings, skopt_method

X, Y = load_iris(return_X_y=True)
TREE = DecisionTreeClassifier(random_state=0)
SPACE = {"max_depth": (1, 30), "min_samples_leaf": (1, 30)}
HEDGE = lt.Hedge((lt.EI(), lt.UCB(1.96), lt.PI()))


def search(settings: dict[str, Any] | None = None, **more: Any) -> Any:
    return BayesSearchCV(TREE, SPACE, settings, **{"n_iter": 8, "cv": 3, "random_state": 0, "refit": False, **more})


@pytest.mark.parametrize(
    ("settings", "method"),
    [
        ({}, lt.Auto(per_second=False)),
        ({"base_estimator": "gp"}, lt.Bayes(lt.GP(), HEDGE)),
        ({"base_estimator": "GBRT"}, lt.Bayes(lt.Boosted(), HEDGE)),
        ({"base_estimator": "ET"}, lt.Bayes(lt.Forest(extra=True), HEDGE)),
        ({"base_estimator": BayesianRidge()}, lt.Bayes(lt.Regressor(BayesianRidge()), HEDGE)),
        ({"base_estimator": GaussianProcessRegressor()}, lt.Bayes(lt.GP(), HEDGE)),
        (
            {"acq_func": "gp_hedge", "acq_func_kwargs": {"eta": 2.0}},
            lt.Bayes(lt.GP(), lt.Hedge(HEDGE.acquisitions, 2.0)),
        ),
        ({"acq_func": "EIps"}, lt.Bayes(lt.GP(), lt.PerSecond(lt.EI()))),
        ({"acq_func": "PIps", "acq_func_kwargs": {"xi": 0.1}}, lt.Bayes(lt.GP(), lt.PerSecond(lt.PI(margin=0.1)))),
        ({"acq_func": "MES"}, lt.Bayes(lt.GP(), lt.MaxValueEntropy())),
        ({"acq_func": "LCB", "n_initial_points": 0}, lt.Bayes(lt.GP(), lt.UCB(1.96), initial=1)),
        ({"avoid_duplicates": False, "n_jobs": 2, "model_queue_size": 1}, lt.Auto(per_second=False)),
        ({"base_estimator": "dummy"}, lt.Random()),
    ],
)
def test_settings_mean_what_they_mean_in_skopt(settings: dict[str, Any], method: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert skopt_method(settings) == method


def test_what_has_no_equal_here_is_replaced_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="knowledge gradient"):
        assert skopt_method({"acq_func": "PVRS"}) == lt.Bayes(lt.GP(), lt.KnowledgeGradient())
    with pytest.warns(UserWarning, match="without the settings"):
        assert skopt_method({"base_estimator": RandomForestRegressor(7)}) == lt.Bayes(lt.Forest(), HEDGE)
    with pytest.warns(UserWarning, match="Halton"):
        check_settings({"initial_point_generator": "hammersly"})


def test_the_optimizer_of_the_acquisition_function() -> None:
    made: Any = skopt_method({"acq_func": "EI", "acq_optimizer": "sampling", "acq_optimizer_kwargs": {"n_points": 77}})
    assert (made.search.ascents, made.search.scattered) == (0, 77)
    made = skopt_method({"acq_optimizer": "lbfgs", "acq_optimizer_kwargs": {"n_restarts_optimizer": 9}})
    assert made.search.ascents == 9


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"acq_fun": "EI"}, "did you mean 'acq_func'"),
        ({"acq_func": "EIs"}, "did you mean"),
        ({"acq_optimizer": "nonsense"}, "'sampling'"),
        ({"acq_func_kwargs": {"xii": 0.1}}, "did you mean 'xi'"),
        ({"acq_optimizer_kwargs": {"points": 3}}, "'n_points'"),
        ({"acq_optimizer_kwargs": 3}, "a mapping"),
        ({"initial_point_generator": "sobl"}, "did you mean 'sobol'"),
        ({"n_initial_points": -1}, "a whole number"),
        ({"n_initial_points": 2.5}, "a whole number"),
        ({"space_constraint": "C < 3"}, "a function of the values"),
        ({"avoid_duplicates": "yes"}, "True or False"),
        ({"base_estimator": "XGB"}, "'GP', 'RF', 'ET', 'GBRT'"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidSetting, match=says):
        search(settings).fit(X, Y)
    with pytest.raises(InvalidSetting):
        search(settings, method=lt.Random()).fit(X, Y)


@pytest.mark.parametrize("settings", [{}, {"base_estimator": "RF"}, {"initial_point_generator": "lhs"}])
def test_a_constraint_on_the_space_is_kept(settings: dict[str, Any], tmp_path: Any) -> None:
    def small(point: list[Any]) -> bool:  # in the order of the names
        return bool(point[0] + point[1] <= 20)

    found = search({"space_constraint": small, **settings}, n_iter=12, store=tmp_path / "s.db").fit(X, Y)
    assert len(found.cv_results_["params"]) == 12
    assert all(sum(one.values()) <= 20 for one in found.cv_results_["params"])
    grown = search({"space_constraint": small, **settings}, n_iter=14, store=tmp_path / "s.db").fit(X, Y)
    assert grown.cv_results_["params"][:12] == found.cv_results_["params"]
    assert found.study_.best_value == found.best_score_
    own = search({"space_constraint": small}, method=lt.Random()).fit(X, Y)
    assert all(sum(one.values()) <= 20 for one in own.cv_results_["params"])


@pytest.mark.parametrize("kind", ["random", "sobol", "halton", "hammersly", "lhs", "grid"])
@pytest.mark.filterwarnings("ignore:initial_point_generator")
def test_the_initial_points_are_of_the_generator(kind: str) -> None:
    def points(kind: str | None) -> list[Any]:
        settings = {"n_initial_points": 5, **({} if kind is None else {"initial_point_generator": kind})}
        found: list[Any] = search(settings, n_iter=6).fit(X, Y).cv_results_["params"]
        return found

    first, again, other = points(kind), points(kind), points(None)
    assert first == again and first[:5] != other[:5] and len(first) == 6
    if kind == "lhs":
        assert sorted((one["max_depth"] - 1) // 6 for one in first[:5]) == [0, 1, 2, 3, 4]


def test_the_seed_of_the_optimizer_counts_where_the_search_has_none() -> None:
    one, two = (search({"random_state": 3}, random_state=None).fit(X, Y).cv_results_["params"] for _ in range(2))
    assert one == two


def test_a_wrong_space_is_found_at_once() -> None:
    for wrong, kind in (({}, ValueError), ({"C": "1 ... 100.0"}, ValueError), (["C", (1.0, 1)], TypeError)):
        with pytest.raises(kind):
            BayesSearchCV(SVC(), wrong)
    with pytest.raises(InvalidSpace):
        BayesSearchCV(SVC(), {"C": {"low": 1}})
    with pytest.raises(ValueError):
        BayesSearchCV(SVC(), None).fit(X, Y)


# --- results -------------------------------------------------------------------------------------------------------


def test_results_without_skopt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skopt", None)
    monkeypatch.setitem(sys.modules, "skopt.space", None)
    fitted = search().fit(X, Y)
    result = fitted.optimizer_results_[0]
    assert result.space is fitted.study_.space and result.models == []
    assert isinstance(result.func_vals, np.ndarray) and result.func_vals.min() == result.fun
    assert result.x == result.x_iters[int(result.func_vals.argmin())]
    assert pickle.loads(pickle.dumps(result)).x == result.x


class Dimension:
    """Has of skopt's dimensions what its plots and stoppers use."""

    def __init__(self, *given: Any, **settings: Any) -> None:
        self.given, self.settings = given, settings
        self.name = ""

    def column(self, values: list[Any]) -> Any:
        if isinstance(self, Categorical):
            return np.array([[value == one for one in self.given[0]] for value in values], dtype=float)
        return (np.array(values, dtype=float)[:, None] - self.given[0]) / (self.given[1] - self.given[0])


class Categorical(Dimension):
    """A category."""


class Real(Dimension):
    """A number."""


class Integer(Dimension):
    """A whole number."""


class Space:
    """A list of dimensions."""

    def __init__(self, dimensions: list[Any]) -> None:
        self.dimensions = dimensions

    def transform(self, points: list[Any]) -> Any:
        columns = zip(self.dimensions, zip(*points, strict=True), strict=True)
        return np.hstack([dimension.column(list(values)) for dimension, values in columns])


@pytest.fixture
def skopt(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = types.ModuleType("skopt.space")
    module.Space, module.Real, module.Integer, module.Categorical = Space, Real, Integer, Categorical
    monkeypatch.setitem(sys.modules, "skopt", types.ModuleType("skopt"))
    monkeypatch.setitem(sys.modules, "skopt.space", module)


@pytest.mark.usefixtures("skopt")
def test_results_for_the_plots_of_skopt() -> None:
    space = {
        "C": (1e-3, 1e3, "log-uniform"),
        "degree": lt.Int(1, 8),
        "kernel": ["linear", "poly", "rbf"],
        "shrinking": lt.Bool(),
        "gamma": lt.Choice("scale", "auto"),
    }
    fitted = BayesSearchCV(SVC(), space, n_iter=7, cv=3, random_state=0, method=lt.Random()).fit(X, Y)
    result = fitted.optimizer_results_[0]
    assert [one.name for one in result.space.dimensions] == ["C", "degree", "gamma", "kernel", "shrinking"]
    kinds = [type(one).__name__ for one in result.space.dimensions]
    assert kinds == ["Real", "Integer", "Categorical", "Categorical", "Categorical"]
    assert result.space.dimensions[0].settings == {"prior": "log-uniform", "transform": "normalize"}
    assert result.space.dimensions[3].given[0] == ["linear", "poly", "rbf"]
    (model,) = result.models
    means, deviations = model.predict(result.space.transform(result.x_iters), return_std=True)
    assert means.shape == deviations.shape == (7,) and (deviations >= 0).all()
    assert np.corrcoef(means, result.func_vals)[0, 1] > 0.5


@pytest.mark.usefixtures("skopt")
def test_results_of_several_spaces_with_estimators_as_values() -> None:
    from sklearn.pipeline import Pipeline

    pipe = Pipeline([("model", SVC())])
    spaces = [({"model": [LinearSVC()], "model__C": (1e-3, 1.0)}, 1), ({"model": [SVC()], "model__C": (1e-3, 1.0)}, 2)]
    fitted = BayesSearchCV(pipe, spaces, cv=3, random_state=0).fit(X, Y)
    first, second = fitted.optimizer_results_
    assert isinstance(first.x[0], LinearSVC) and isinstance(second.x[0], SVC) and len(second.x_iters) == 2
    assert second.space.dimensions[0].given[0] == [spaces[1][0]["model"][0]]  # type: ignore[index]


@pytest.mark.usefixtures("skopt")
def test_a_space_for_which_skopt_has_no_dimensions_stays_ours() -> None:
    space = lt.Space({"max_depth": lt.Int(1, 9), "order": lt.Permutation(["a", "b", "c"])})
    from luthier.sklearn.spaces.parsed_space import ParsedSpace
    from luthier.sklearn.spaces.skopt_result import skopt_space

    assert skopt_space(ParsedSpace(space)) is None
