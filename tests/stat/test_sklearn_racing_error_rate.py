"""Error rate of racing on simulated scores: how often the candidate that all folds would choose is stopped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from luthier.sklearn import Racing
from luthier.sklearn.racing import Race
from luthier.sklearn.racing.sequential_test import WEIGHT, SequentialTest, levels

Floats = NDArray[np.float64]


def scores_of(value: float) -> dict[str, Any]:
    return {"test_scores": value, "fit_time": 0.0, "score_time": 0.0, "n_test_samples": 1, "fit_error": None}


def raced(table: Floats, settings: Racing, batch: int = 1000) -> NDArray[np.int64]:
    """Race over scores by candidate and fold, and give how many folds each candidate was given."""
    race, ran = Race(settings), np.zeros(len(table), dtype=int)
    for begin in range(0, len(table), batch):
        some = table[begin : begin + batch]
        rounds = race.rounds([{}] * len(some), table.shape[1])
        pairs = next(rounds, None)
        while pairs is not None:
            for candidate, _ in pairs:
                ran[begin + candidate] += 1
            try:
                pairs = rounds.send({(c, f): scores_of(float(some[c, f])) for c, f in pairs})
            except StopIteration:
                pairs = None
    return ran


def made_up(rng: np.random.Generator, candidates: int, folds: int, gap: float, spread: float) -> Floats:
    """Scores with an effect of the candidate, one of the fold, and noise whose size differs between candidates."""
    effect = gap * rng.standard_normal((candidates, 1))
    size = np.exp(spread * rng.standard_normal((candidates, 1)))
    return effect + 2 * rng.standard_normal(folds) + size * rng.standard_normal((candidates, folds))


def errors(settings: Racing, races: int, batch: int = 1000, **kind: Any) -> tuple[float, float]:
    """Give the share of races that lose by more than the margin, and the share of folds run."""
    rng = np.random.default_rng(1)
    lost, run = [], []
    for _ in range(races):
        table = made_up(rng, **kind)
        ran = raced(table, settings, batch)
        means = table.mean(axis=1)
        chosen = int(np.argmax(np.where(ran == table.shape[1], means, -np.inf)))
        margin = settings.margin * table[chosen].std(ddof=1) / np.sqrt(table.shape[1])
        lost.append(means.max() > means[chosen] + margin + 1e-12)
        run.append(ran.sum() / table.size)
    return float(np.mean(lost)), float(np.mean(run))


@pytest.mark.parametrize("folds", [5, 10, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("margin", [0.0, 0.5])
@pytest.mark.parametrize("gap", [0.0, 0.5, 2.0])
def test_the_error_rate_is_kept(folds: int, margin: float, gap: float) -> None:
    """All candidates equal is the hardest: then the best of all folds is the luckiest of the others."""
    races = 60
    rate, run = errors(Racing(margin=margin), races, candidates=25, folds=folds, gap=gap, spread=0.0)
    assert rate <= 0.05 + 2.33 * np.sqrt(0.05 * 0.95 / races)
    assert run < 1


@pytest.mark.parametrize("batch", [1, 1000])
def test_the_error_rate_is_kept_where_some_candidates_are_noisier(batch: int) -> None:
    """The prior of the variance is then wrong for each of them, by a factor of three and more."""
    races = 80
    rate, _ = errors(Racing(), races, batch, candidates=25, folds=10, gap=0.5, spread=0.5)
    assert rate <= 0.05 + 2.33 * np.sqrt(0.05 * 0.95 / races)


def test_a_race_saves_what_a_clear_difference_allows() -> None:
    rate, run = errors(Racing(), 20, candidates=40, folds=10, gap=10.0, spread=0.0)
    assert rate == 0 and run < 0.35


@pytest.mark.parametrize(("folds", "first"), [(5, 1), (10, 1), (10, 3), (20, 2)])
def test_looks_err_together_as_often_as_they_may(folds: int, first: int) -> None:
    """Whatever the two means over all folds: for a candidate that is just as good as the leader there.

    Differences of equal correlation between all pairs of folds are made to have the mean zero over all folds; their
    variances are those that the prior expects.
    """
    rng = np.random.default_rng(2)
    error, draws = 0.1, 3000
    looks = levels(folds, first, error)
    assert len(looks) == folds - first and sum(looks) > error
    wrong = 0
    for _ in range(draws):
        d = rng.standard_normal(folds) * np.sqrt(WEIGHT / rng.chisquare(WEIGHT))
        d += 5 * rng.standard_normal()
        leader = rng.standard_normal(folds)
        test = SequentialTest(leader, leader, np.ones(1), 1.0, 0.0)
        scores, order = leader + d - d.mean(), rng.permutation(folds).tolist()
        wrong += any(test.is_beaten(scores, order[: first + look], level) for look, level in enumerate(looks))
    assert abs(wrong / draws - error) < 3 * np.sqrt(error * (1 - error) / draws)


@pytest.mark.parametrize("constant", [0.0, 0.5])
def test_candidates_that_are_the_same_everywhere_do_not_spoil_the_variance(constant: float) -> None:
    """Models that say the same of every sample score the same on all folds: they say nothing of differences."""
    rng = np.random.default_rng(4)
    lost = 0
    for _ in range(60):
        table = np.full((24, 10), constant)
        table[rng.permutation(24)[:8]] += 0.3 + 0.4 * rng.standard_normal((8, 10))
        ran = raced(table, Racing(margin=0.0), 1)
        means = table.mean(axis=1)
        lost += means[ran == 10].max() < means.max() - 1e-12
    assert lost <= 60 * 0.05 + 2.33 * np.sqrt(60 * 0.05 * 0.95)
