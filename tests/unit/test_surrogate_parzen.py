"""The Parzen estimator: densities integrate to one, draws follow them, and the ratio prefers what was good."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import kstest

from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.space import Column
from luthier.surrogate.parzen import density
from luthier.surrogate.parzen.estimator import Parzen
from luthier.surrogate.protocol import Ratio

REAL = Column("x", "number", 0, 0, 1, False)
FINE = Column("many", "number", 200, 0, 1, False)
FEW = Column("n", "number", 5, 0, 1, False)
KIND = Column("c", "category", 3, 0, 1, False)
SOMETIMES = Column("g", "number", 0, 0, 1, True)


def data(columns, x, loss, failed=None, pending=None) -> Data:
    n, d = x.shape
    empty = np.empty((0, d))
    return Data(
        tuple(columns), x, loss.reshape(n, 1), np.empty((n, 0)), None, np.full(n, np.nan),
        empty if failed is None else failed, empty if pending is None else pending,
    )  # fmt: skip


def points(columns, n: int, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).random((n, len(columns)))
    for j, column in enumerate(columns):
        if column.levels:
            x[:, j] = (np.floor(x[:, j] * column.levels) + 0.5) / column.levels
    return x


@pytest.mark.parametrize("n", [0, 1, 7])
@pytest.mark.parametrize("std", [0.02, 0.3])
def test_a_density_integrates_to_one(n: int, std: float) -> None:
    columns = (REAL, FEW, KIND)
    made = density.make_density(columns, points(columns, n), np.arange(1.0, n + 1), std, 1.0)
    grid = (np.arange(2000) + 0.5) / 2000
    levels = [(np.arange(k) + 0.5) / k for k in (5, 3)]
    x = np.array(list(itertools.product(grid, *levels)))
    assert np.exp(made.log_density(x)).mean() == pytest.approx(1.0, abs=1e-4)


def test_continuous_columns_together_equal_one_by_one() -> None:
    x = points((REAL, FINE), 9)
    together = density.make_density((REAL, FINE), x, np.ones(9), 0.1, 1.0)
    apart = density.make_density(
        (Column("x", "number", 0, 0, 1, True), Column("m", "number", 200, 0, 1, True)), x, np.ones(9), 0.1, 1.0
    )
    at = points((REAL, FINE), 40, 1)
    np.testing.assert_allclose(together.log_density(at), apart.log_density(at), rtol=1e-9)


def test_draws_follow_the_density() -> None:
    made = density.make_density((REAL, KIND), np.array([[0.2, 1 / 6], [0.9, 5 / 6]]), np.array([1.0, 3.0]), 0.1, 0.5)
    drawn = made.draw(Key.of(3), 4000)
    grid = np.linspace(0, 1, 4001)
    expected = sum(np.exp(made.log_density(np.column_stack([grid, np.full(4001, c)]))) for c in (1 / 6, 0.5, 5 / 6)) / 3
    below = np.concatenate([[0], np.cumsum((expected[1:] + expected[:-1]) / 2 * np.diff(grid))])
    assert kstest(drawn[:, 0], lambda x: np.interp(x, grid, below / below[-1])).pvalue > 1e-3
    share = np.array(
        [np.exp(made.log_density(np.column_stack([grid, np.full(4001, c)]))).mean() for c in (1 / 6, 5 / 6)]
    )
    frequency = [np.mean(np.floor(drawn[:, 1] * 3) == level) for level in (0, 2)]
    np.testing.assert_allclose(frequency, share / 3, atol=0.03)


def test_what_is_inactive_leaves_no_trace() -> None:
    x = np.array([[0.2, np.nan], [0.8, 0.4]])
    made = density.make_density((REAL, SOMETIMES), x, np.ones(2), 0.1, 1.0)
    alone = density.make_density((REAL,), x[:, :1], np.ones(2), 0.1, 1.0)
    at = np.array([[0.3, np.nan], [0.7, np.nan]])
    np.testing.assert_allclose(made.log_density(at), alone.log_density(at[:, :1]))
    assert np.isfinite(made.draw(Key.of(0), 50)).all()


def test_the_ratio_prefers_what_was_good() -> None:
    columns = (REAL, KIND)
    x = points(columns, 60)
    loss = (x[:, 0] - 0.3) ** 2 + (x[:, 1] > 0.4)
    model = Parzen().fit(data(columns, x, loss), Key.of(0), Memo())
    assert isinstance(model, Ratio)
    ratio = model.log_ratio(np.array([[0.3, 1 / 6], [0.3, 5 / 6], [0.9, 1 / 6]]))
    assert ratio[0] > max(ratio[1:])
    drawn = model.draw(Key.of(1), 500)
    assert np.median(np.abs(drawn[:, 0] - 0.3)) < 0.2


def test_crashed_and_pending_points_repel() -> None:
    x, loss = points((REAL,), 20), np.arange(20.0)
    at = np.array([[0.77]])
    plain = Parzen().fit(data((REAL,), x, loss), Key.of(0), Memo()).log_ratio(at)
    for name in ("failed", "pending"):
        shy = Parzen().fit(data((REAL,), x, loss, **{name: np.repeat(at, 3, 0)}), Key.of(0), Memo()).log_ratio(at)
        assert shy < plain


def test_one_trial_and_equal_losses_are_no_trouble() -> None:
    one = Parzen().fit(data((REAL,), np.array([[0.5]]), np.array([1.0])), Key.of(0), Memo())
    assert np.isfinite(one.log_ratio(np.array([[0.0], [0.5], [1.0]]))).all()
    flat = Parzen().fit(data((REAL,), points((REAL,), 30), np.zeros(30)), Key.of(0), Memo())
    assert np.isfinite(flat.log_ratio(points((REAL,), 9, 1))).all()


@pytest.mark.parametrize(
    ("setting", "value"),
    [("quantile", 0.0), ("quantile", 1.0), ("most", 0), ("bandwidth", -1.0), ("prior", 0.0), ("forgetting", -1)],
)
def test_senseless_settings_are_refused(setting: str, value: float) -> None:
    with pytest.raises(InvalidSetting, match=setting):
        Parzen(**{setting: value})


def test_kernels_are_narrower_where_all_trials_lie_close_together() -> None:
    """With spread trials nothing changes; with close ones the rest expects as little of the unknown as the good do."""
    spread, close = (data((REAL, KIND), points((REAL, KIND), 20) * scale, np.arange(20.0)) for scale in (1.0, 0.1))
    wide, narrow = (Parzen().fit(one, Key.of(0), Memo()) for one in (spread, close))
    assert wide.good.std == 1 / 3 and narrow.good.std < 0.15 and narrow.rest.std < wide.rest.std / 2
    assert wide.rest.weights[-1] == pytest.approx(1 / 19) and narrow.rest.weights[-1] > 0.15
    few = data((REAL, KIND), close.x[:9], np.arange(9.0))
    assert Parzen().fit(few, Key.of(0), Memo()).good.std == 0.5
