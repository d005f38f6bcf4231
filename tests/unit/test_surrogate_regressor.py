"""scikit-learn's regressors as surrogates: against scikit-learn itself, and what a study's file may not do."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.linear_model import ARDRegression, BayesianRidge
from sklearn.pipeline import make_pipeline

import luthier as lt
from luthier.errors import InvalidSetting, MissingDependency
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.spec import from_plain, to_plain
from luthier.surrogate import Embedding
from luthier.surrogate.sklearn.regressor import Regressor
from luthier.testing.surrogates import data_of, sampled

KERNEL = ConstantKernel(2.0, (1e-2, 1e2)) * Matern(length_scale=0.7, nu=2.5) + WhiteKernel(0.01)
CALLED = []


class Reckless(RegressorMixin, BaseEstimator):
    """A third party's regressor, with a fixed prediction."""

    def __init__(self, fail="never", shape="good"):
        CALLED.append("built")
        self.fail = fail
        self.shape = shape

    def fit(self, X, y):
        if self.fail == "always" or (self.fail == "sometimes" and len(y) == 12):
            raise ValueError("it was not to be")
        return self

    def predict(self, X, return_std=False):
        return np.full(len(X), 7.0), np.full(len(X), np.nan)


class Innocent:
    def __init__(self):
        CALLED.append("innocent")


class Innocuous(BaseEstimator):
    """An estimator, and no regressor."""

    def __init__(self):
        CALLED.append("innocuous")


@pytest.fixture(autouse=True)
def _nothing_called():
    CALLED.clear()


@pytest.mark.parametrize(
    "estimator",
    [
        BayesianRidge(),
        BayesianRidge(alpha_1=1e-3, compute_score=True),
        ARDRegression(max_iter=30),
        GaussianProcessRegressor(),
        GaussianProcessRegressor(KERNEL, normalize_y=True, random_state=3),
    ],
    ids=repr,
)
def test_it_predicts_as_scikit_learn_does(estimator):
    data, x = sampled(30), sampled(9, 1).x
    surrogate = Regressor(estimator, scaling="given")
    mean, variance = surrogate.fit(data, Key.of(0), Memo()).moments(x)
    embedding = Embedding.of(data.columns)
    expected = estimator.fit(embedding.embed(data.x), data.loss).predict(embedding.embed(x), return_std=True)
    assert mean == pytest.approx(expected[0])
    assert np.sqrt(variance) == pytest.approx(np.maximum(expected[1], np.sqrt(1e-6 * data.loss.var())), rel=1e-6)


def test_a_random_state_that_is_not_set_follows_from_the_key():
    kernel = Matern()
    surrogate = Regressor(GaussianProcessRegressor(kernel, n_restarts_optimizer=2))
    data = sampled(15)
    model = surrogate.fit(data, Key.of(4), Memo()).model
    assert model.random_state == Key.of(4).fold("random_state").seed()
    assert surrogate.params["n_restarts_optimizer"] == 2


def test_an_object_is_kept_as_its_recipe():
    surrogate = Regressor(GaussianProcessRegressor(KERNEL, alpha=1e-6))
    assert surrogate.estimator == "sklearn.gaussian_process:GaussianProcessRegressor"
    assert surrogate.params["alpha"] == 1e-6
    assert surrogate.params["kernel"]["class"] == "sklearn.gaussian_process.kernels:Sum"
    again = from_plain(to_plain(surrogate))
    assert again == surrogate
    data, x = sampled(12), sampled(4, 1).x
    one, two = (each.fit(data, Key.of(0), Memo()).moments(x) for each in (surrogate, again))
    assert (one.mean == two.mean).all() and (one.variance == two.variance).all()
    assert Regressor("sklearn.linear_model:BayesianRidge", {"alpha_1": 1e-6}) == Regressor(
        "sklearn.linear_model:BayesianRidge", {"alpha_1": 1e-6}
    )
    assert Regressor(BayesianRidge(alpha_1=np.float64(0.5))).params == {"alpha_1": 0.5}


def test_a_length_for_each_coordinate():
    space = lt.Space({"x": lt.Float(0, 1), "y": lt.Float(0, 1)})
    data = sampled(14, 0, space)
    surrogate = Regressor(GaussianProcessRegressor(Matern(length_scale=np.array([0.5, 2.0]))))
    assert from_plain(to_plain(surrogate)) == surrogate
    assert surrogate.fit(data, Key.of(0), Memo()).model.kernel_.length_scale.shape == (2,)
    wrong = Regressor(GaussianProcessRegressor(Matern(length_scale=np.ones(3))))
    with pytest.raises(InvalidSetting, match="cannot be fitted in 2 coordinates"):
        wrong.fit(data, Key.of(0), Memo())


def test_it_searches():
    space = lt.Space({"k": lt.Choice(*"abc"), "x": lt.Float(0, 1), "n": lt.Int(1, 9, when="k != 'a'")})
    method = lt.Bayes(Regressor(GaussianProcessRegressor(Matern(nu=2.5) + WhiteKernel(1e-3))), lt.LogEI())
    study = lt.Study("f", space, minimize="y", method=method, seed=0)
    study.run(lambda t: "bca".index(t["k"]) + abs(t["x"] - 0.7) + t.params.get("n", 9) / 9, trials=25)
    assert study.best.value < 0.3
    assert study.verify().ok


def test_residuals_are_those_of_regressors_that_did_not_see_a_loss():
    data = sampled(30)
    model = Regressor(BayesianRidge()).fit(data, Key.of(0), Memo())
    mean, variance = model.leave_one_out()
    seen = model.moments(data.x).mean
    assert np.mean((mean - model.y) ** 2) > np.mean((seen - model.y) ** 2)
    # The leave-one-out error of ridge regression is close to that of five folds.
    assert np.corrcoef(mean, seen)[0, 1] > 0.8
    assert (variance > 0).all()


def test_data_that_cannot_be_fitted_leave_the_mean_and_variance():
    surrogate = Regressor(Reckless(fail="sometimes"), scaling="given")
    data, x = sampled(12), sampled(3, 1).x
    mean, variance = surrogate.fit(data, Key.of(0), Memo()).moments(x)
    assert mean == pytest.approx(np.full(3, data.loss.mean()))
    assert variance == pytest.approx(np.full(3, data.loss.var()))
    data = sampled(13)  # fitted, but its deviations are no numbers
    mean, variance = surrogate.fit(data, Key.of(0), Memo()).moments(x)
    assert mean == pytest.approx(np.full(3, data.loss.mean()))
    assert variance == pytest.approx(np.full(3, data.loss.var()))


def test_an_estimator_that_always_fails_is_the_settings_fault():
    surrogate = Regressor(Reckless(fail="always"))
    with pytest.raises(InvalidSetting, match="it was not to be"):
        surrogate.fit(sampled(12), Key.of(0), Memo())
    one = data_of(sampled(12).columns, sampled(12).x[:1], np.array([2.0]))
    assert surrogate.fit(one, Key.of(0), Memo()).moments(one.x).mean == pytest.approx([0.0])


@pytest.mark.parametrize(
    ("estimator", "params", "why"),
    [
        ("BayesianRidge", {}, "does not name a class"),
        ("sklearn.linear_model:", {}, "does not name a class"),
        ("sklearn.linear_model:BayesianRidge.fit", {}, "does not name a class"),
        ("sklearn.linear_model:Nonsense", {}, "will not be called"),
        ("sklearn.nonsense:BayesianRidge", {}, "No module named"),
        ("sklearn.linear_model:Ridge", {}, "no return_std"),
        ("sklearn.linear_model:BayesianRidge", {"max_iter": -3}, "max_iter"),
        ("sklearn.linear_model:BayesianRidge", {"steps": 3}, "no parameter 'steps'"),
        ("sklearn.linear_model:BayesianRidge", {"tol": np.linalg.norm}, "cannot be written"),
        (RandomForestRegressor(), {}, "no return_std"),
        (make_pipeline(BayesianRidge()), {}, "RegressorMixin"),
        (BayesianRidge(), {"tol": 1e-3}, "with the name of a class only"),
        (BayesianRidge, {}, "RegressorMixin"),
        (None, {}, "RegressorMixin"),
        (GaussianProcessRegressor(random_state=np.random.RandomState(0)), {}, "cannot be written"),
        (GaussianProcessRegressor(optimizer=lambda *a: None), {}, "cannot be written"),
    ],
)
def test_what_is_no_such_regressor_is_refused(estimator, params, why):
    with pytest.raises(InvalidSetting, match=why):
        Regressor(estimator, params)


def test_senseless_settings_are_refused():
    with pytest.raises(InvalidSetting, match="scaling"):
        Regressor(BayesianRidge(), scaling="logs")
    with pytest.raises(InvalidSetting, match="largest"):
        Regressor(BayesianRidge(), largest=1)


def test_of_many_losses_it_sees_the_better_half_and_some_of_the_rest():
    data = sampled(50)
    surrogate = Regressor(BayesianRidge(), largest=10)
    model = surrogate.fit(data, Key.of(0), Memo())
    scaled, rows = surrogate.scale(data, Key.of(0), Memo())
    assert len(model.y) == len(rows) == 10 and (model.y == scaled[rows]).all()
    assert scaled.std() == pytest.approx(1.0)
    assert set(np.argsort(data.loss)[:5]) <= set(rows.tolist())
    assert (model.x == Embedding.of(data.columns).embed(data.x[rows])).all()
    assert model.leave_one_out()[0].shape == (10,)


@pytest.mark.parametrize(
    "place",
    [
        "os:system",
        "subprocess:Popen",
        "builtins:eval",
        f"{__name__}:Innocent",
        f"{__name__}:Innocuous",
        f"{__name__}:CALLED",
        "sklearn.utils:Bunch",
        "sklearn.datasets:fetch_openml",
        "sklearn.pipeline:Pipeline",
    ],
)
def test_a_file_calls_nothing_but_regressors(place):
    with pytest.raises(InvalidSetting, match="will not be called"):
        from_plain({"use": "Regressor", "estimator": place})
    assert not CALLED


def test_a_file_loads_no_modules(tmp_path, monkeypatch):
    (tmp_path / "trap_of_luthier.py").write_text("import builtins\nbuiltins.trapped = True\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InvalidSetting, match="import trap_of_luthier in the program"):
        from_plain({"use": "Regressor", "estimator": "trap_of_luthier:X"})
    assert "trap_of_luthier" not in sys.modules


def test_a_class_of_a_module_that_is_loaded_is_found_again(monkeypatch):
    module = types.ModuleType("own_regressors")
    module.Reckless = Reckless
    monkeypatch.setitem(sys.modules, "own_regressors", module)
    monkeypatch.setattr(Reckless, "__module__", "own_regressors")
    surrogate = Regressor(Reckless(shape="odd"))
    assert surrogate.estimator == "own_regressors:Reckless"
    assert from_plain(to_plain(surrogate)) == surrogate


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ({"class": "os:system", "params": {}}, "only if it is in scikit-learn"),
        ({"class": f"{__name__}:Innocuous", "params": {}}, "only if it is in scikit-learn"),
        ({"class": 3, "params": {}}, "only if it is in scikit-learn"),
        ({"class": "sklearn.utils:Bunch", "params": {}}, "will not be called"),
        ({"class": "sklearn.gaussian_process.kernels:RBF", "params": {"length": 1.0}}, "no parameter 'length'"),
        ({"class": "sklearn.pipeline:Pipeline", "params": {"steps": [], "memory": "/tmp/x"}}, "pickled objects"),
        (
            {
                "class": "sklearn.gaussian_process.kernels:Sum",
                "params": {"k1": {"class": "os:system", "params": {}}, "k2": None},
            },
            "only if it is in scikit-learn",
        ),
    ],
    ids=repr,
)
def test_parts_of_an_estimator_are_looked_at_too(part, why):
    plain = {
        "use": "Regressor",
        "estimator": "sklearn.gaussian_process:GaussianProcessRegressor",
        "params": {"kernel": part},
    }
    with pytest.raises(InvalidSetting, match=why):
        from_plain(plain)
    assert not CALLED


def test_without_scikit_learn_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    with pytest.raises(MissingDependency, match=r"pip install 'luthier\[sklearn\]'"):
        Regressor("sklearn.linear_model:BayesianRidge")
