"""Which points are known already: the same answer as by comparing the rounded points one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from check_set import examples
from luthier.method.bayesian.acquisition_optimizer import EvaluatedPoints


def naive(known, points):
    def name(row):
        return tuple((np.round(np.where(np.isnan(row), -1.0, row), 9) + 0.0).tolist())

    names = {name(row) for some in known for row in some}
    fresh = []
    for row in points:
        fresh.append(name(row) not in names)
        names.add(name(row))
    return fresh


@given(st.integers(0, 2**32 - 1), st.integers(0, 3), st.integers(1, 4))
@settings(max_examples=examples(200), deadline=None)
def test_fresh_is_what_differs_from_all_that_is_known_and_from_earlier_rows(seed, columns, levels):
    random = np.random.default_rng(seed)

    def some(most):
        shape = (random.integers(0, most), columns)
        apart = random.integers(-1, 2, shape) * random.choice([0.0, 4e-10, 6e-10, 1e-9, 3e-9])
        points = np.round(random.random(shape) * levels) / levels + apart
        return np.where(random.random(shape) < 0.1, np.nan, points)

    first, more, later = some(20), some(5), some(5)
    known = EvaluatedPoints(first, more)
    for seen in ([first, more], [first, more, later]):
        points = some(30)
        assert known.fresh(points).tolist() == naive(seen, points)
        known.add(later)


def test_points_of_many_columns_that_were_not_tried_are_fresh_and_the_same_ones_are_not():
    points = np.random.default_rng(0).random((500, 10))
    known = EvaluatedPoints(points[:400])
    assert known.fresh(points[400:]).all()
    assert not known.fresh(points[:400]).any()
    assert known.fresh(np.concatenate([points[450:], points[450:]])).tolist() == [True] * 50 + [False] * 50
