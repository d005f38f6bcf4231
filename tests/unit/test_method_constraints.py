"""What crashes teach: a bad loss and a broken constraint where they can be predicted, nothing where they cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import luthier as lt
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.bayesian.constraints import constraint_models, impute_failures
from luthier.space import Float, Space
from luthier.surrogate import GP
from luthier.surrogate.gp.kernel import DetailedKernel

SPACE = Space({"a": Float(0, 1), "b": Float(0, 1)})


def crashing(crashes, seed=0) -> Data:
    """60 trials; the loss is a; `crashes` tells of points (60, 2) which crash."""
    x = SPACE.sample(Key.of(seed), 60)
    failed = crashes(x)
    done = x[~failed]
    nothing = np.full(len(done), np.nan)
    return Data(
        columns=SPACE.columns,
        x=done,
        losses=done[:, :1],
        violations=np.empty((len(done), 0)),
        noise=None,
        costs=nothing,
        failed=x[failed],
        pending=x[:0],
    )


def above(x):
    return x[:, 1] > 0.8


def test_crashes_of_a_region_are_bad_losses_and_a_broken_constraint() -> None:
    data = crashing(above)
    seen = impute_failures(data, Memo())
    n, k = len(data.x), len(data.failed)
    assert (n, k) == (len(seen) - k, int(above(seen.x).sum()))
    assert len(seen.failed) == 0
    np.testing.assert_array_equal(seen.violations[:, 0], np.repeat([-1.0, 1.0], [n, k]))
    assert np.median(seen.losses[n:]) > 0.9 * data.losses.max()


def test_crashes_by_chance_teach_nothing() -> None:
    """Of 20 patterns of chance at most 3 look as if they had a reason; of 20 regions all but one are found."""
    chance = [
        crashing(lambda x, seed=seed: np.random.default_rng(seed).random(len(x)) < 0.2, seed) for seed in range(20)
    ]
    regions = [crashing(above, seed) for seed in range(20)]
    assert sum(impute_failures(data, Memo()) is data for data in chance) >= 17
    assert sum(impute_failures(data, Memo()) is data for data in regions) <= 1


def test_a_first_crash_may_be_one_of_a_region() -> None:
    """Nothing speaks for chance yet."""
    data = crashing(above)
    few = Data(
        columns=data.columns,
        x=data.x[:3],
        losses=data.losses[:3],
        violations=data.violations[:3],
        noise=None,
        costs=data.costs[:3],
        failed=data.failed[:2],
        pending=data.pending,
    )
    assert len(impute_failures(few, Memo())) == 5


def test_without_crashes_nothing_changes() -> None:
    data = crashing(lambda x: np.zeros(len(x), dtype=bool))
    assert impute_failures(data, Memo()) is data


def test_predictions_give_the_share_that_succeeds_where_crashes_come_by_chance() -> None:
    study = lt.Study("luck", SPACE, minimize="y", method=lt.Random(), seed=0)
    rng = np.random.default_rng(3)
    for _ in range(40):
        trial = study.ask()
        if rng.random() < 0.25:
            study.tell(trial, failed="out of luck")
        else:
            study.tell(trial, {"y": trial["a"]})
    failed = sum(not trial.values for trial in study.trials)
    (found,) = study.predict([{"a": 0.5, "b": 0.5}])
    assert found.chance == pytest.approx((41 - failed) / 41)


def test_a_crash_among_equal_losses_has_their_loss_to_the_bit() -> None:
    for loss in (2.0, 0.1, 1 / 3, -0.7, 1e-300, 3e17):
        study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", seed=0, method=lt.Bayes(initial=2))
        study.tell(study.ask(), failed="no")
        for x in (0.1, 0.2, 0.3, 0.4):
            study.add({"x": x}, loss)
        imputed = impute_failures(study.history.data(study.problem), Memo())
        assert imputed.losses.ravel().tolist() == [loss] * 5


@pytest.mark.parametrize("method", [lt.Auto(), lt.Bayes()], ids=["auto", "bayes"])
def test_what_crashed_by_chance_is_not_proposed_again(method) -> None:
    study = lt.Study("again", {"n": lt.Int(0, 24)}, minimize="y", method=method, seed=0)
    rng, asked = np.random.default_rng(3), []
    for _ in range(20):
        trial = study.ask()
        asked.append(trial["n"])
        if rng.random() < 0.4:
            study.tell(trial, failed="out of luck")
        else:
            study.tell(trial, {"y": (trial["n"] - 12) ** 2})
    assert len(set(asked)) == 20
    assert 12 in asked


def limited(violation) -> Data:
    """60 trials, half of them near one place, and one outcome constraint."""
    x = SPACE.sample(Key.of(1), 60)
    x[30:] = 0.4 + 0.02 * (x[30:] - 0.5)
    violations = np.asarray(violation(x), dtype=np.float64)[:, None]
    nothing = np.full(len(x), np.nan)
    return Data(SPACE.columns, x, x[:, :1], violations, None, nothing, x[:0], x[:0])


def rippled(x):
    return x.sum(axis=1) - 0.8 + 0.02 * np.sin(120 * x[:, 0]) * np.sin(120 * x[:, 1])


def test_a_violation_has_detail_where_it_shows_it() -> None:
    data = limited(rippled)
    (model,) = constraint_models(data, Key.of(0), Memo())
    assert isinstance(model.kernel, DetailedKernel)
    assert ((model.moments(data.x).mean > 0) == (data.violations[:, 0] > 0)).all()


def test_a_constraint_that_says_yes_or_no_has_none() -> None:
    """Its model is the usual one, to the same bits."""
    data = limited(lambda x: np.where(rippled(x) > 0, 1.0, -1.0))
    (model,) = constraint_models(data, Key.of(0), Memo())
    labels = replace(data, losses=np.arcsinh(data.violations), violations=data.violations[:, :0])
    usual = GP(scaling="given").fit(labels, Key.of(0), Memo())
    assert model.moments(data.x).mean.tobytes() == usual.moments(data.x).mean.tobytes()
