"""Acquisition functions around others: per second, prior-weighted, scheduled, portfolio, ensemble."""

from __future__ import annotations

import math
from dataclasses import replace

import mpmath
import numpy as np
import pytest

from luthier.acquisition.analytic import EI, PI, UCB, LogEI
from luthier.acquisition.criterion import FunctionCriterion, bind_acquisition
from luthier.acquisition.hedge import Hedge
from luthier.acquisition.mace import MACE, MACECriterion, MACEMember
from luthier.acquisition.protocol import AcquisitionContext, Bindable, CriterionEnsemble, Portfolio
from luthier.acquisition.scheduled_ucb import ScheduledUCB
from luthier.acquisition.thompson import Thompson
from luthier.acquisition.weighting.cost import PerSecond, Zero
from luthier.acquisition.weighting.prior_weighted import PriorWeighted, weight_by_prior
from luthier.acquisition.weighting.weighted import Weighted
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Bayes
from luthier.method.spec import from_plain, to_plain
from luthier.space import Column
from luthier.surrogate.gp.model import GP
from luthier.surrogate.parzen.estimator import Parzen
from luthier.surrogate.protocol import Posterior, Ratio
from luthier.surrogate.trees.forest import Forest

COLUMN = Column("x", "number", 0, 0, 1, False)
GRID = np.linspace(0, 1, 201)[:, None]


class Formula:
    """A criterion: a formula."""

    def __init__(self, formula) -> None:
        self.formula = formula

    def value(self, x):
        return self.formula(x[:, 0])


class Tilt:
    """A prior density: log π(x) = 2 x."""

    def log_density(self, x):
        return 2.0 * x[:, 0]


def on_grid(acquisition, posterior, at):
    """Give the values of an acquisition function, bound to a posterior, on the grid."""
    return bind_acquisition(acquisition, posterior, at).value(GRID)


def context(n=12, costs=None, seed=0, pending=0, columns=(COLUMN,)) -> AcquisitionContext:
    d = len(columns)
    rng = np.random.default_rng(seed)
    x = rng.random((n, d))
    losses = np.sin(6 * x[:, :1]) + x[:, :1]
    costs = np.full(n, np.nan) if costs is None else costs(x[:, 0])
    empty = np.empty((0, d))
    data = Data(columns, x, losses, np.empty((n, 0)), None, costs, empty, rng.random((pending, d)))
    return AcquisitionContext(data, 0.0, rng.random((100, d)), empty, Key.of(seed), Memo())


def model(at: AcquisitionContext):
    return GP().fit(at.data, Key.of(0), Memo())


# --- weights ------------------------------------------------------------------------------------------


def test_a_weight_multiplies_or_its_logarithm_is_added() -> None:
    x = np.array([[0.5], [2.0]])
    inner, weight = Formula(lambda x: 3.0 * x), FunctionCriterion(lambda x: -x[:, 0])
    np.testing.assert_allclose(Weighted(inner, "positive", weight).value(x), 3 * x[:, 0] * np.exp(-x[:, 0]))
    np.testing.assert_allclose(Weighted(inner, "log", weight).value(x), 2 * x[:, 0])
    heavy = Weighted(inner, "positive", FunctionCriterion(lambda x: np.full(len(x), 1e5))).value(x)
    assert np.isfinite(heavy).all() and heavy[1] > heavy[0]


@pytest.mark.parametrize("hope", [-1e6, -800.0, -31.0, -30.0, -29.0, -3.0, 0.0, 5.0, 700.0, 1e6])
def test_what_is_hoped_for_against_mpmath(hope) -> None:
    value = Weighted(Formula(lambda x: x), "signed", Zero(), best=1.0, unit=2.0).value
    with mpmath.workdps(500):
        exact = float(mpmath.log(mpmath.log1p(mpmath.exp(mpmath.mpf(hope))))) if abs(hope) < 1e3 else None
    found = value(np.array([[2.0 * hope - 1.0]]))[0]
    expected = exact if exact is not None else (hope if hope < 0 else math.log(hope))
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_without_a_weight_the_order_of_signed_values_is_kept() -> None:
    at = context()
    plain = bind_acquisition(UCB(), model(at), at).value(GRID)
    same = bind_acquisition(PriorWeighted(UCB(), Tilt(), 0.0), model(at), at).value(GRID)
    assert np.array_equal(np.argsort(plain, kind="stable"), np.argsort(same, kind="stable"))


@pytest.mark.parametrize("wrap", [PerSecond, lambda inner: PriorWeighted(inner, Tilt(), 1.0)], ids=["cost", "prior"])
@pytest.mark.parametrize("inner", [EI(), LogEI(), PI(), UCB(), Thompson(), ScheduledUCB(), PerSecond(EI())], ids=repr)
def test_wrappers_say_what_the_inner_one_says(wrap, inner) -> None:
    outer = wrap(inner)
    assert isinstance(outer, Bindable)
    assert outer.scale == ("log" if inner.scale == "signed" else inner.scale)
    assert outer.handles_pending == inner.handles_pending
    assert set(outer.requires) >= set(inner.requires) - {Ratio}
    at = context(costs=lambda x: 1 + 10 * x)
    assert np.isfinite(bind_acquisition(outer, model(at), at).value(GRID)).all()


# --- seconds ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exponent", [1.0, 0.5])
def test_per_second_divides_by_the_expected_cost(exponent) -> None:
    """The cost is exp(a + b x): what is divided by is known in closed form, up to the unit."""
    at = context(n=40, costs=lambda x: np.exp(1.0 + 3.0 * x))
    posterior = model(at)
    plain, per = bind_acquisition(LogEI(), posterior, at), bind_acquisition(PerSecond(LogEI(), exponent), posterior, at)
    gap = plain.value(GRID) - per.value(GRID)
    np.testing.assert_allclose(gap - gap.mean(), exponent * 3.0 * (GRID[:, 0] - 0.5), atol=0.03)
    ei, per = bind_acquisition(EI(), posterior, at), bind_acquisition(PerSecond(EI(), exponent), posterior, at)
    np.testing.assert_allclose(per.value(GRID), ei.value(GRID) * np.exp(-gap), rtol=1e-9)


def test_an_uncertain_cost_counts_by_its_mean() -> None:
    """E[exp(N(m, v))] = exp(m + v/2): far from the data a trial is expected to cost more than their middle."""
    at = context(n=12, costs=lambda x: np.exp(np.random.default_rng(1).normal(0, 2, len(x))))
    data = replace(at.data, x=at.data.x * 0.2)
    at = at._replace(data=data)
    posterior, logs = model(at), np.log(data.costs)
    seen = replace(data, losses=(logs - np.median(logs[:8]))[:, None])
    mean, variance = GP(scaling="given").fit(seen, Key.of(0), Memo()).moments(GRID)
    gap = on_grid(LogEI(), posterior, at) - on_grid(PerSecond(LogEI()), posterior, at)
    np.testing.assert_allclose(gap, mean + variance / 2, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("known", [0, 3, 4])
def test_few_costs_change_nothing(known) -> None:
    def costs(x):
        found = np.exp(5 * x)
        found[known:] = np.nan
        return found

    at = context(costs=costs)
    posterior = model(at)
    same = np.array_equal(on_grid(EI(), posterior, at), on_grid(PerSecond(EI()), posterior, at))
    assert same == (known < 4)


@pytest.mark.parametrize("cost", [0.0, 1e-9, 1e300])
def test_costs_of_any_size(cost) -> None:
    at = context(costs=lambda x: np.where(x < 0.5, cost, 1.0))
    found = on_grid(PerSecond(LogEI()), model(at), at)
    assert np.isfinite(found).all()
    if cost < 1e-3:  # what takes less than a millisecond takes one
        least = context(costs=lambda x: np.where(x < 0.5, 1e-3, 1.0))
        np.testing.assert_array_equal(found, on_grid(PerSecond(LogEI()), model(at), least))


def test_equal_costs_change_next_to_nothing() -> None:
    at = context(n=30, costs=lambda x: np.full(len(x), 17.0))
    posterior = model(at)
    gap = on_grid(LogEI(), posterior, at) - on_grid(PerSecond(LogEI()), posterior, at)
    assert np.ptp(gap) < 0.1


# --- priors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 5, 50])
def test_a_prior_counts_for_less_with_more_losses(n) -> None:
    """Hvarfner et al. (2022), eq. 6: α(x) π(x)^(β/n)."""
    at = context(n=n)
    posterior = model(at)
    tilt = 10.0 / n * 2.0 * GRID[:, 0]
    log, ei = on_grid(LogEI(), posterior, at), on_grid(EI(), posterior, at)
    np.testing.assert_allclose(on_grid(PriorWeighted(LogEI(), Tilt(), 10.0), posterior, at), log + tilt)
    np.testing.assert_allclose(on_grid(PriorWeighted(EI(), Tilt(), 10.0), posterior, at), ei * np.exp(tilt))


def test_each_member_of_an_ensemble_is_weighted_by_the_prior() -> None:
    hedge = weight_by_prior(Hedge((EI(), UCB()), 0.3), Tilt(), 2.0)
    assert isinstance(hedge, Hedge) and hedge.eta == 0.3
    assert [type(member) for member in hedge.acquisitions] == [PriorWeighted, PriorWeighted]
    assert [member.inner for member in weight_by_prior(MACE((EI(), PerSecond(UCB()))), Tilt(), 2.0).acquisitions] == [
        EI(),
        PerSecond(UCB()),
    ]


# --- the schedule -------------------------------------------------------------------------------------


def test_the_schedule_of_a_finite_space() -> None:
    """Theorem 1 with |D| = 6, δ = 0.1 and t = 3."""
    columns = (Column("a", "category", 2, 0, 1, False), Column("b", "number", 3, 0, 1, False))
    beta = 2 * math.log(6 * 9 * math.pi**2 / 0.6)
    assert ScheduledUCB(factor=1.0).width(columns, 3) == pytest.approx(math.sqrt(beta))
    assert ScheduledUCB().width(columns, 3) == pytest.approx(math.sqrt(beta / 5))
    assert ScheduledUCB(size=5).width(columns, 3) < ScheduledUCB(size=None).width(columns, 3)


def test_the_schedule_of_a_continuous_space() -> None:
    """Theorem 2 with d = 2, a = b = r = 1, δ = 0.2 and t = 4."""
    columns = (COLUMN, Column("b", "number", 3, 0, 1, False))
    beta = 2 * math.log(16 * 2 * math.pi**2 / 0.6) + 4 * math.log(16 * 2 * math.sqrt(math.log(8 / 0.2)))
    assert ScheduledUCB(0.2, 1.0, size=None).width(columns, 4) == pytest.approx(math.sqrt(beta))
    beta = 2 * math.log(1000 * 16 * math.pi**2 / 1.2)  # the paper's experiments: theorem 1 for 1,000 points
    assert ScheduledUCB(0.2, 1.0).width(columns, 4) == pytest.approx(math.sqrt(beta))
    widths = [ScheduledUCB(size=None).width(columns, t) for t in range(1, 50)]
    assert widths == sorted(widths) and widths[0] > 0


def test_the_schedule_counts_pending_trials() -> None:
    at = context(n=6, pending=3)
    posterior = model(at)
    expected = bind_acquisition(UCB(ScheduledUCB().width((COLUMN,), 10)), posterior, at).value(GRID)
    np.testing.assert_array_equal(on_grid(ScheduledUCB(), posterior, at), expected)


# --- the portfolio ------------------------------------------------------------------------------------


def test_a_portfolio_weighs_by_gains() -> None:
    hedge = Hedge((EI(), UCB(), PI()), eta=2.0)
    assert isinstance(hedge, Portfolio)
    np.testing.assert_allclose(hedge.chances(np.zeros((0, 3))), [1 / 3] * 3)
    rewards = np.array([[1.0, 0.0, 0.5], [0.5, 0.0, 0.5]])
    expected = np.exp(2.0 * np.array([1.5, 0.0, 1.0]))
    np.testing.assert_allclose(hedge.chances(rewards), expected / expected.sum())
    assert np.isfinite(Hedge((EI(), UCB()), eta=1e9).chances(np.ones((500, 2)))).all()


@pytest.mark.parametrize("spiteful", [True, False])
def test_its_regret_is_bounded_whatever_happens(spiteful) -> None:
    """Cesa-Bianchi and Lugosi (2006), theorem 2.3, on rewards that an adversary gives to whom is chosen least."""
    hedge = Hedge((EI(), UCB(), PI(), LogEI()))
    rewards, got = np.zeros((0, 4)), 0.0
    for t in range(400):
        chances = hedge.chances(rewards)
        now = np.zeros(4)
        now[int(np.argmin(chances)) if spiteful else t // 50 % 4] = 1.0
        got += float(chances @ now)
        rewards = np.concatenate([rewards, now[None]])
    regret = rewards.sum(axis=0).max() - got
    assert regret <= 2 * math.sqrt(400 / 2 * math.log(4)) + math.sqrt(math.log(4) / 8)


# --- the Pareto front ---------------------------------------------------------------------------------


def dominated(point, others) -> bool:
    return bool(((others >= point).all(axis=1) & (others > point).any(axis=1)).any())


@pytest.mark.parametrize("dimensions", [1, 2])
def test_proposals_are_not_dominated_and_spread(dimensions) -> None:
    """Whatever the weights, no candidate among 4,000 is better in one acquisition and no worse in the others."""
    columns = tuple(Column(name, "number", 0, 0, 1, False) for name in "ab"[:dimensions])
    at = context(n=8, columns=columns)
    posterior = model(at)
    members = (LogEI(), UCB(3.0), PI())
    dense = np.random.default_rng(5).random((4000, dimensions))
    values = np.stack([bind_acquisition(member, posterior, at).value(dense) for member in members], axis=1)
    chosen = set()
    for seed in range(25):
        best = int(np.argmax(bind_acquisition(MACE(members), posterior, at._replace(key=Key.of(seed))).value(dense)))
        assert not dominated(values[best], values)
        chosen.add(best)
    assert len(chosen) >= 4


def test_two_opposed_criteria_are_traded_by_the_weights() -> None:
    """Of x and -x² every point of [0, 1] is on the front; equal weights meet where the scaled values do."""
    parts = [MACEMember(Formula(lambda x: x), False), MACEMember(Formula(lambda x: 1 - x**2), False)]
    found = [GRID[np.argmax(MACECriterion(parts, np.array([w, 1 - w])).value(GRID)), 0] for w in (0.1, 0.5, 0.9)]
    assert found == sorted(found) and found[0] < 0.3 and found[2] > 0.8
    assert found[1] == pytest.approx((math.sqrt(5) - 1) / 2, abs=0.01)


def test_scaled_parts() -> None:
    scattered = np.array([[0.0], [1.0], [3.0]])
    part = MACEMember.of(Formula(lambda x: 10 * x), "signed", scattered)
    np.testing.assert_allclose(part.value(scattered), [-0.5, 0.0, 1.0])
    assert np.isfinite(MACEMember.of(Formula(lambda x: 0 * x), "positive", scattered).value(scattered)).all()


def test_pending_points_of_an_ensemble() -> None:
    assert not MACE((LogEI(), Thompson())).handles_pending
    assert MACE((Thompson(), PerSecond(Thompson()))).handles_pending


# --- what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PerSecond(LogEI(), 0.0), "finite number above 0"),
        (lambda: PerSecond(3), "give an acquisition function"),
        (lambda: PerSecond(MACE((EI(), UCB()))), r"write MACE\(\(PerSecond"),
        (lambda: PerSecond(Hedge((EI(), UCB()))), r"write Hedge\(\(PerSecond"),
        (lambda: Hedge((EI(),)), "at least 2"),
        (lambda: Hedge(EI()), "at least 2"),
        (lambda: Hedge((EI(), EI())), "given twice"),
        (lambda: Hedge((EI(), UCB()), eta=-1), "finite number above 0"),
        (lambda: MACE((EI(), "UCB")), "give an acquisition function"),
        (lambda: MACE((EI(), MACE((UCB(), PI())))), "each of its members"),
        (lambda: ScheduledUCB(delta=1.0), "probability"),
        (lambda: ScheduledUCB(size=0), "number of configurations"),
        (lambda: ScheduledUCB(factor=math.nan), "finite number"),
        (lambda: Bayes(Parzen(), PerSecond(LogEI())), "a ratio of densities"),
        (lambda: Bayes(Parzen(), MACE((EI(), LogEI(0.1), PI()))), "PI"),
    ],
)
def test_senseless_ones_are_refused(make, message) -> None:
    with pytest.raises(InvalidSetting, match=message):
        make()


@pytest.mark.parametrize(
    "acquisition",
    [
        PerSecond(UCB(1.5), 0.5),
        ScheduledUCB(0.05, size=None),
        Hedge((EI(), PerSecond(LogEI())), 0.5),
        MACE([EI(), UCB()]),
    ],
    ids=repr,
)
def test_text_form(acquisition) -> None:
    method = Bayes(Forest(), acquisition)
    assert from_plain(to_plain(method)) == method
    assert isinstance(acquisition, CriterionEnsemble) or set(acquisition.requires) == {Posterior}
