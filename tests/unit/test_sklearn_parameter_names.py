"""Parameters that an estimator does not have, and settings of skopt."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import luthier as lt
from luthier.acquisition import EI, PI, UCB
from luthier.errors import InvalidSetting, InvalidSpace
from luthier.method import AcquisitionOptimizer
from luthier.sklearn.spaces import check_names, skopt_method

HEDGE = lt.Hedge((EI(), UCB(1.96), PI()))
"""skopt's ``gp_hedge``, which is its default."""


def test_a_parameter_that_is_not_there() -> None:
    with pytest.raises(InvalidSpace, match="'gama'; did you mean 'gamma'"):
        check_names(SVC(), {"C": 1, "gama": 2})
    pipe = Pipeline([("scale", StandardScaler()), ("clf", SVC())])
    with pytest.raises(InvalidSpace, match="'clf__kernl'; did you mean 'clf__kernel'"):
        check_names(pipe, {"clf__kernl": "rbf"})
    with pytest.raises(InvalidSpace, match="'clv__C'; did you mean 'clf__C'"):
        check_names(pipe, {"clv__C": 1})
    check_names(pipe, {"clf": LogisticRegression(), "clf__l1_ratio": 0.5})
    with pytest.raises(InvalidSpace, match="'clf__gamma'"):
        check_names(pipe, {"clf": LogisticRegression(), "clf__gamma": 0.5})


def test_an_estimator_may_take_more_than_it_lists() -> None:
    class Open(SVC):
        def set_params(self, **params: Any) -> Any:
            self.extra = params
            return self

    check_names(Open(), {"anything": 1})


@pytest.mark.parametrize(
    ("settings", "method"),
    [
        (None, lt.Auto(per_second=False)),
        (
            {"random_state": 1, "n_jobs": 2, "acq_optimizer": "sampling"},
            lt.Auto(per_second=False, search=AcquisitionOptimizer(ascents=0)),
        ),
        ({"base_estimator": "RF"}, lt.Bayes(lt.Forest(), HEDGE)),
        ({"base_estimator": "ET", "n_initial_points": 5}, lt.Bayes(lt.Forest(extra=True), HEDGE, 5)),
        ({"base_estimator": "GP", "acq_func": "EI", "acq_func_kwargs": {"xi": 0.01}}, lt.Bayes(lt.GP(), EI(0.01))),
        ({"acq_func": "LCB", "acq_func_kwargs": {"kappa": 3}}, lt.Bayes(lt.GP(), UCB(3.0))),
        ({"acq_func": "PI"}, lt.Bayes(lt.GP(), PI())),
        ({"base_estimator": "dummy"}, lt.Random()),
    ],
)
def test_settings_of_skopt(settings: Any, method: Any) -> None:
    assert skopt_method(settings) == method


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"acq_fun": "EI"}, "did you mean 'acq_func'"),
        ({"base_estimator": "SVM"}, "give 'GP'"),
        ({"acq_func": "UCB"}, "did you mean 'LCB'"),
    ],
)
def test_settings_that_skopt_does_not_have(settings: Any, text: str) -> None:
    with pytest.raises(InvalidSetting, match=text):
        skopt_method(settings)
