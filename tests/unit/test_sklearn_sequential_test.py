"""The sequential test: its level, the base of comparison, the prior variance; and imputed scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from luthier.sklearn import Racing
from luthier.sklearn.racing.missing_folds import cap_mean, impute_scores, weighted_scores
from luthier.sklearn.racing.sequential_test import WEIGHT, SequentialTest, levels, sequential_test

NONE = np.empty((0, 4))


def scores(value: Any, error: str | None = None) -> dict[str, Any]:
    return {"test_scores": value, "fit_time": 1.0, "score_time": 1.0, "n_test_samples": 3, "fit_error": error}


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_test_is_a_moderated_t_test(count: int) -> None:
    rng = np.random.default_rng(0)
    base, e, prior = rng.standard_normal(6), -0.3 + 0.2 * rng.standard_normal(6), 0.04
    order = [3, 1, 0, 5, 2, 4][:count]
    own = e[order].var(ddof=1) if count > 1 else 0.0
    freedom = WEIGHT + count - 1
    scale = np.sqrt((WEIGHT * prior + (count - 1) * own) / freedom * (1 / count - 1 / 6))
    p = stats.t.sf((-e[order].mean() + 0.1) / scale, freedom)  # of being better by the margin
    for level, beaten in ((p * 1.001, True), (p * 0.999, False)):
        test = SequentialTest(base, base, np.ones(1), prior, 0.1)
        assert test.is_beaten(base + e, order, level) is beaten
        # What is shared by all complete candidates is no difference, wherever the leader stands among them.
        above = SequentialTest(base + 0.05, base, np.ones(1), prior, 0.05)
        assert above.is_beaten(base + e, order, level) is beaten


def test_one_fold_decides_nothing_where_no_variance_is_known() -> None:
    lead = np.full(4, 0.5)  # such as a model that always says the same
    test = sequential_test(lead[None], 0, NONE, 0.5)
    assert test.variance == 0 and test.margin == 0
    candidate = np.array([0.1, 0.11, 0.1, 0.9])
    assert not test.is_beaten(candidate, [0], 0.1)
    assert test.is_beaten(candidate, [0, 1, 2], 0.01)  # by its own
    same = sequential_test(np.stack([lead, lead, lead]), 0, NONE, 0.5)
    assert same.variance == 0 and not same.is_beaten(lead, [0, 1], 0.3)


def test_the_base_is_of_complete_candidates_near_the_leader() -> None:
    rng = np.random.default_rng(1)
    lead = 0.9 + 0.05 * rng.standard_normal(4)
    near, far = lead + np.array([0.01, -0.02, 0.0, 0.0]), lead - 5
    partly = np.array([0.8, np.nan, np.nan, np.nan])
    failed = np.full(4, np.nan)
    test = sequential_test(np.stack([far, near, lead, partly, failed]), 2, np.stack([partly, failed]), 0.5)
    assert test.weights[[0, 3, 4]].max() < 1e-12 and test.weights[2] > test.weights[1] > 0.4
    np.testing.assert_allclose(test.base, test.weights[1] * near + test.weights[2] * lead)
    assert test.margin == pytest.approx(0.25 * lead.std(ddof=1))
    twin = sequential_test(np.stack([lead, lead.copy(), lead.copy()]), 1, NONE, 0.5)
    np.testing.assert_array_equal(twin.base, lead)


def test_the_variance_is_that_of_good_candidates() -> None:
    """Bad ones vary more; of one that is in the base, the difference is that to the rest of it."""
    rng = np.random.default_rng(2)
    lead = rng.standard_normal(2000)
    good = [lead + rng.standard_normal(2000) * 0.5 for _ in range(3)]
    bad = [lead - 50 + 9 * rng.standard_normal(2000) for _ in range(3)]
    for past in ([lead, *good], [lead, *good, *bad], [*bad, lead, *good]):
        place = len(past) - 4 if past[0] is not lead else 0
        test = sequential_test(np.stack(past), place, np.empty((0, 2000)), 0.5)
        # Of each of three the variance is 1/4 (1 + 1/2 · 1/3 · …) to the rest of four; the leader's own is 1.
        assert 0.3 < test.variance < 0.6
    inf = sequential_test(np.stack([lead, good[0], np.full(2000, -np.inf)]), 0, np.empty((0, 2000)), 0.5)
    assert np.isfinite(inf.variance) and np.isfinite(inf.base).all()


def test_more_of_the_error_is_spent_where_more_folds_are_left() -> None:
    for folds, first in ((5, 1), (10, 1), (10, 9), (40, 4)):
        looks = levels(folds, first, 0.05)
        assert len(looks) == folds - first and list(looks) == sorted(looks, reverse=True)
        assert max(looks) <= 0.05 * 1.1 and sum(looks) >= 0.05 * 0.9
    assert levels(10, 9, 0.05)[0] == pytest.approx(0.05, rel=0.1)  # one look has it all


def test_where_races_begin() -> None:
    assert [Racing().begin(folds) for folds in (2, 4, 5, 10, 19, 20, 100)] == [2, 4, 1, 1, 1, 2, 10]
    assert Racing(first=3).begin(10) == 3 and Racing(first=6).begin(6) == 6 and Racing(first=9).begin(6) == 6


@pytest.mark.parametrize("several", [False, True])
def test_imputed_scores_follow_complete_candidates_and_stay_below_the_leader(several: bool) -> None:
    def made(*values: float) -> list[dict[str, Any]]:
        return [scores({"a": value, "b": -value} if several else value) for value in values]

    def first(value: Any) -> float:
        return value["a"] if several else value

    lead, other = made(0.5, 0.7, 0.9), made(0.3, 0.9, 0.6)
    mixed = weighted_scores(lead, [(other, 0.25)])
    assert [first(one["test_scores"]) for one in mixed] == pytest.approx([0.45, 0.75, 0.825])
    assert weighted_scores(lead, [(lead, 0.3), (lead, 0.2)]) == [{"test_scores": one["test_scores"]} for one in lead]
    found = {1: made(0.7)[0]}
    filled = impute_scores(found, mixed, 3)
    assert [first(filled[fold]["test_scores"]) for fold in (0, 2)] == pytest.approx([0.4, 0.775])
    if several:
        assert filled[0]["test_scores"]["b"] == pytest.approx(-0.4)
    for most in (0.6, np.nextafter(0.625, 0), 1.0):
        capped = cap_mean(found, filled, "a" if several else None, most)
        total = float(np.mean([first({**found, **capped}[fold]["test_scores"]) for fold in range(3)]))
        assert total <= most and total == pytest.approx(min(most, 0.625))
    assert cap_mean(found, filled, "other", 1.0) == filled
