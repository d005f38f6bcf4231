"""scikit-learn's estimator checks of the search classes."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from luthier.sklearn import BayesSearchCV, GridSearchCV, HalvingGridSearchCV, HalvingRandomSearchCV, RandomizedSearchCV

pytestmark = pytest.mark.slow


def searches() -> list[Any]:
    """Every class over a classifier and a regressor."""
    found: list[Any] = []
    for estimator, name in ((LogisticRegression(), "C"), (Ridge(), "alpha")):
        grid, common = {name: [0.1, 1.0]}, {"cv": 2, "error_score": "raise"}
        halving = {**common, "min_resources": "smallest", "random_state": 0}
        found += [
            GridSearchCV(estimator, grid, **common),
            RandomizedSearchCV(estimator, grid, n_iter=2, random_state=0, **common),
            HalvingGridSearchCV(estimator, grid, **halving),
            HalvingRandomSearchCV(estimator, grid, **halving),
            BayesSearchCV(estimator, {name: (0.1, 1.0)}, n_iter=2, random_state=0, **common),
        ]
    return found


def expected(search: Any) -> dict[str, str]:
    """What scikit-learn expects of its own search classes, too (its PER_ESTIMATOR_XFAIL_CHECKS)."""
    failures = {}
    if isinstance(search.estimator, Ridge):
        failures["check_supervised_y_2d"] = "DataConversionWarning not caught"
    if "Halving" in type(search).__name__:
        failures["check_fit2d_1sample"] = "Fail during parameter check since min/max resources requires more samples"
    return failures


def checks() -> Any:
    """Give scikit-learn's parametrization, without the checks that need arrays of other libraries (torch, cupy, …)."""
    mark = parametrize_with_checks(searches(), expected_failed_checks=expected).mark
    names, cases = mark.args
    kept = [case for case in cases if "array_api" not in str(getattr(case, "values", case)[1])]
    return pytest.mark.parametrize(names, kept, **mark.kwargs)


@checks()
def test_a_search_is_an_estimator(estimator: Any, check: Any) -> None:
    check(estimator)
