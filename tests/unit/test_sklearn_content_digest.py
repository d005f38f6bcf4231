"""Digests and descriptions of values by their content."""

from __future__ import annotations

import functools
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from scipy import stats
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from luthier.sklearn.content_digest import describe, digest

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
        "from luthier.sklearn.content_digest import digest\n"
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
    assert describe(digest) == "luthier.sklearn.content_digest.digest"
    assert describe(object()).startswith("object #")
    assert describe(np.arange(1000)).startswith("ndarray #")
