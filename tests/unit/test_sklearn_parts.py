"""The parts of the search classes: digests, names, progress, settings of skopt's."""

from __future__ import annotations

import functools
import io
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import luthier as lt
from luthier.acquisition.analytic import EI, PI, UCB, LogEI
from luthier.errors import InvalidSetting, InvalidSpace
from luthier.sklearn.record import study_name
from luthier.sklearn.reuse.digest import describe, digest
from luthier.sklearn.search_progress import SearchProgress, duration, score_of
from luthier.sklearn.spaces.names import check_names
from luthier.sklearn.spaces.skopt import method_of

X = np.arange(12.0).reshape(6, 2)

THINGS: list[Any] = [
    X,
    X.astype(np.float32),
    X.reshape(2, 6),
    X + 1e-12,
    X.tolist(),
    np.array(["a", None], dtype=object),
    pd.DataFrame(X, columns=["a", "b"]),
    pd.DataFrame(X, columns=["a", "c"]),
    pd.Series([1, 2]),
    pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
    pl.DataFrame({"a": [1, 2], "b": ["x", "z"]}),
    sp.csr_matrix(X),
    sp.csc_matrix(X),
    sp.csr_array(X),
    None,
    "rbf",
    1,
    1.0,
    True,
    {"a": 1},
    {"a": 2},
    SVC(),
    SVC(C=2),
    Pipeline([("scale", StandardScaler()), ("svc", SVC())]),
    len,
    digest,
    functools.partial(digest, length=3),
    stats.norm(1, 2),
    stats.norm(1, 3),
    lambda x: x,
    lambda x: x + 1,
]


def test_digests_differ_where_things_do() -> None:
    assert len({digest(thing, 32) for thing in THINGS}) == len(THINGS)


def test_digests_are_the_same_for_equal_things() -> None:
    assert digest(np.asfortranarray(X)) == digest(X)
    assert digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
    assert digest(SVC(C=1.0)) == digest(SVC())
    assert digest(pd.DataFrame({"a": [1.0, 2.0]})) == digest(pd.DataFrame({"a": [1.0, 2.0]}))


@pytest.mark.slow
def test_digests_are_the_same_in_another_process() -> None:
    program = (
        "import numpy as np, pandas as pd, scipy.sparse as sp, functools\n"
        "from scipy import stats; from sklearn.svm import SVC\n"
        "from luthier.sklearn.reuse.digest import digest\n"
        "things = [np.arange(3), pd.DataFrame({'a': ['x', 'y']}), sp.eye(3, format='csr'), SVC(C=2), stats.norm(1),\n"
        "    {'a', 'b'}, np.random.RandomState(3), functools.partial(digest, length=2), {'kernel': ['rbf', SVC()]}]\n"
        "print([digest(thing) for thing in things])\n"
    )
    texts = {
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(texts) == 1 and len(texts.pop()) > 50


def test_descriptions_have_no_addresses() -> None:
    assert describe(SVC(C=2)) == "SVC(C=2)"
    assert describe(digest) == "luthier.sklearn.reuse.digest.digest"
    assert describe(object()).startswith("object #")
    assert describe(np.arange(1000)).startswith("ndarray #")


def test_the_name_of_a_study() -> None:
    assert study_name("Grid of SVC", {"data": "1a", "folds": "2b"}) == "Grid of SVC [data=1a folds=2b]"
    assert study_name("Grid of SVC", {}) == "Grid of SVC"


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


def fold(score: Any) -> dict[str, Any]:
    return {"test_scores": score, "fit_time": 1.0, "score_time": 0.5}


def test_the_score_of_a_candidate() -> None:
    assert score_of([fold(0.5), fold(1.0)], True) == 0.75
    assert score_of([fold({"a": 1.0, "b": 3.0})], "b") == 3.0
    assert score_of([fold({"a": 1.0, "b": 3.0})], False) == 1.0
    assert np.isnan(score_of([fold(np.nan), fold(1.0)], True))
    assert score_of([], True, worst=-1.0) == -1.0


def test_progress_shows_the_best_score_and_the_time_left() -> None:
    stream = io.StringIO()
    progress = SearchProgress(True, True, 10, stream, every_s=0.0)
    progress.expect(10, known=2)
    for score in (0.5, 0.75, np.nan):
        progress.done([fold(score)])
    assert progress.line(30.0) == "5 of 10 candidates, best score 0.75, about 50 s left"
    progress.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4 and lines[1].startswith("4 of 10 candidates, best score 0.75, about")


def test_progress_is_silent_where_nothing_is_shown() -> None:
    stream = io.StringIO()
    progress = SearchProgress(False, stream=stream, every_s=0.0)
    progress.done([fold(1.0)])
    progress.close()
    assert stream.getvalue() == ""


@pytest.mark.parametrize(("seconds", "text"), [(7.2, "7 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("settings", "method"),
    [
        (None, lt.Auto(per_second=False)),
        ({"random_state": 1, "n_jobs": 2, "acq_optimizer": "sampling"}, lt.Auto(per_second=False)),
        ({"base_estimator": "RF"}, lt.Bayes(lt.Forest(), LogEI())),
        ({"base_estimator": "ET", "n_initial_points": 5}, lt.Bayes(lt.Forest(extra=True), LogEI(), 5)),
        ({"base_estimator": "GP", "acq_func": "EI", "acq_func_kwargs": {"xi": 0.01}}, lt.Bayes(lt.GP(), EI(0.01))),
        ({"acq_func": "LCB", "acq_func_kwargs": {"kappa": 3}}, lt.Bayes(lt.GP(), UCB(3.0))),
        ({"acq_func": "PI"}, lt.Bayes(lt.GP(), PI())),
        ({"base_estimator": "dummy"}, lt.Random()),
    ],
)
def test_settings_of_skopt(settings: Any, method: Any) -> None:
    assert method_of(settings) == method


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"acq_fun": "EI"}, "did you mean 'acq_func'"),
        ({"base_estimator": "SVM"}, "give 'GP'"),
        ({"acq_func": "UCB"}, "give 'EI'"),
    ],
)
def test_settings_that_skopt_does_not_have(settings: Any, text: str) -> None:
    with pytest.raises(InvalidSetting, match=text):
        method_of(settings)
