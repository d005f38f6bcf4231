"""The forest against brute force, and as a model of what it is for."""

from __future__ import annotations

import numpy as np
import pytest

import luthier as lt
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.space import Column
from luthier.surrogate.protocol import Posterior
from luthier.surrogate.trees.forest import Forest
from luthier.surrogate.trees.reversion import TrainingBoxes, lengths_of

COLUMNS = (Column("a", "number", 0, 0, 1, False), Column("g", "number", 0, 0, 1, True))


def data(n: int, seed: int = 0) -> Data:
    x = np.random.default_rng(seed).random((n, 2))
    x[x[:, 0] < 0.3, 1] = np.nan
    loss = np.where(x[:, 0] < 0.3, 5.0, x[:, 0] + np.nan_to_num(x[:, 1]) ** 2)
    empty = np.empty((0, 2))
    return Data(COLUMNS, x, loss.reshape(n, 1), np.empty((n, 0)), None, np.full(n, np.nan), empty, empty)


@pytest.mark.parametrize("extra", [False, True])
@pytest.mark.parametrize("leaf", [1, 4])
def test_moments_are_those_of_the_law_of_total_variance(extra: bool, leaf: int) -> None:
    model = Forest(trees=7, extra=extra, leaf=leaf).fit(data(30), Key.of(0), Memo())
    assert isinstance(model, Posterior)
    at = data(6, 1).x
    mean, variance = model.moments(at)
    filled = np.where(np.isnan(at), -1.0, at).astype(np.float32)
    for q in range(6):
        # Draw from the mixture by hand: each tree's leaf is a component with its own mean and variance.
        parts = []
        for tree in model.trees:
            one = tree.moments(filled[q : q + 1], filled[q : q + 1] / model.lengths, model.reversion)
            parts.append((one.mean[0], one.variance[0]))
        expected = np.mean([m for m, _ in parts])
        second = np.mean([v + m * m for m, v in parts])
        assert mean[q] == pytest.approx(expected)
        assert variance[q] == pytest.approx(second - expected**2)


def test_leaf_moments_are_those_of_the_data_in_them() -> None:
    given = data(25)
    model = Forest(trees=3, extra=True, leaf=5).fit(given, Key.of(0), Memo())
    filled = np.where(np.isnan(given.x), -1.0, given.x).astype(np.float32)
    for tree in model.trees:
        leaves = tree.structure.apply(filled)
        for leaf in set(leaves):
            inside = model.y[leaves == leaf]
            assert len(inside) >= 5
            assert tree.mean[leaf] == pytest.approx(inside.mean())
            assert tree.variance[leaf] == pytest.approx(max(inside.var(), 1e-6))


def test_it_is_pure_and_tells_active_from_inactive() -> None:
    given, at = data(60), data(40, 2)
    one, two = (Forest().fit(given, Key.of(3), Memo()).moments(at.x) for _ in range(2))
    assert (one.mean == two.mean).all() and (one.variance == two.variance).all()
    inactive = np.isnan(at.x[:, 1])
    assert one.mean[inactive].min() > one.mean[~inactive].max()


@pytest.mark.slow
def test_it_searches() -> None:
    space = lt.Space({"k": lt.Choice(*"abcdef"), "x": lt.Float(0, 1), "n": lt.Int(1, 9, when="k != 'a'")})
    study = lt.Study("f", space, minimize="y", method=lt.Bayes(lt.Forest(), lt.EI()), seed=0)
    study.run(lambda t: "bcdefa".index(t["k"]) + abs(t["x"] - 0.7) + t.params.get("n", 9) / 9, trials=40)
    assert study.best.value < 0.35
    assert study.verify().ok


@pytest.mark.parametrize(
    "setting", [{"trees": 1}, {"leaf": 0}, {"share": 0.0}, {"floor": 1.5}, {"scaling": "logs"}, {"length": 0.0}]
)
def test_senseless_settings_are_refused(setting) -> None:
    with pytest.raises(InvalidSetting, match="Forest"):
        Forest(**setting)


def on_a_line(places: list[float], losses: list[float]) -> Data:
    n, empty = len(places), np.empty((0, 1))
    x, loss = np.array(places).reshape(n, 1), np.array(losses).reshape(n, 1)
    return Data(COLUMNS[:1], x, loss, np.empty((n, 0)), None, np.full(n, np.nan), empty, empty)


def test_a_gap_whose_ends_are_equal_is_not_certain() -> None:
    given = on_a_line([0.0, 0.1, 0.11, 0.12, 0.5, 0.9], [1.0, 0.2, 0.1, 0.2, 1.0, 1.0])
    for extra in (False, True):
        model = Forest(extra=extra).fit(given, Key.of(0), Memo())
        gap, datum = model.moments(np.array([[0.7], [0.9]]))[1]
        assert gap > 0.95 * model.y.var()
        assert datum < (0.5, 1e-3)[extra]  # a tree that has not seen a datum does not believe its leaf there


def test_a_leaf_reverts_with_the_square_of_the_distance_over_the_length() -> None:
    given = on_a_line([0.2, 0.4], [0.0, 1.0])
    model = Forest(trees=2, extra=True, length=0.5).fit(given, Key.of(0), Memo())
    at = np.array([[0.45], [1.0]], dtype=np.float32)  # 0.05 and 0.6 from the nearest datum's box
    mean, variance, _ = model.trees[0].moments(at, at / model.lengths, model.reversion)
    left = np.array([(0.05 / 0.5) ** 2, 1.0])
    apart = model.y[1] - model.y.mean()
    floor = model.forest.floor * model.y.var()
    assert mean == pytest.approx(model.y.mean() + (1 - left) * apart, abs=1e-5)
    assert variance == pytest.approx((1 - left) * floor + left * (model.y.var() + (1 - left) * apart**2), abs=1e-5)


def test_another_level_of_a_category_is_as_far_as_can_be() -> None:
    columns = (Column("k", "category", 4, 0, 1, False),)
    lengths = lengths_of(columns, 0.1)
    boxes = TrainingBoxes.around(np.array([[0.375]], np.float32) / lengths, np.zeros(1, int), 1)
    distance = boxes.distance(np.array([[0.375], [0.625]], np.float32) / lengths, np.zeros(2, int))
    assert distance[0, 0] == 0.0
    assert distance[1, 0] > 1.0
