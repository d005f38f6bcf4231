"""Laws 1 to 6, and whatever may happen to a study, for every surrogate with every acquisition that it goes with.

A new surrogate or acquisition function is one line in a table.
"""

from __future__ import annotations

import warnings

import pytest

from luthier import event as events
from luthier.acquisition.analytic import EI, PI, UCB, LogEI
from luthier.acquisition.hedge import Hedge
from luthier.acquisition.knowledge_gradient import KnowledgeGradient
from luthier.acquisition.mace import MACE
from luthier.acquisition.max_value_entropy import MaxValueEntropy
from luthier.acquisition.noisy_ei import NoisyEI
from luthier.acquisition.protocol import CriterionEnsemble as Several
from luthier.acquisition.qei import QEI
from luthier.acquisition.scheduled_ucb import ScheduledUCB
from luthier.acquisition.thompson import Thompson
from luthier.acquisition.weighting.cost import PerSecond
from luthier.errors import InvalidSetting, SpaceExhausted
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Bayes
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer
from luthier.method.bayesian.bayes import check_compatibility
from luthier.method.spec import from_plain, to_plain
from luthier.space import Choice, Constant, Float, Int, Space
from luthier.surrogate.gp.model import GP
from luthier.surrogate.parzen.estimator import Parzen
from luthier.surrogate.protocol import Posterior, Ratio
from luthier.surrogate.sklearn.regressor import Regressor
from luthier.surrogate.stacked import Ensemble
from luthier.surrogate.trees.boosting import Boosted
from luthier.surrogate.trees.forest import Forest
from luthier.testing.methods import SPACES, Drive, assert_valid, finite_configs, finite_space, loss_of, replay
from luthier.trial import Reason

pytestmark = pytest.mark.slow

BRIEF = AcquisitionOptimizer(scattered=40, nearby=20, parents=3, rounds=1, climbers=2, tries=5)

SURROGATES = {
    "gp": GP(steps=4, growth=1.5),
    "gp-rbf-rank": GP(kernel="rbf", scaling="rank", steps=4, growth=1.5),
    "gp-marginal": GP(samples=2, growth=2.0),
    "gp-warped": GP(warp=True, scaling="evidence", steps=3, growth=2.0),
    "forest": Forest(trees=4),
    "boosted": Boosted(models=2, rounds=3),
    "boosted-quantile": Boosted(spread="quantile", rounds=2),
    "regressor": Regressor("sklearn.linear_model:BayesianRidge"),
    "ensemble": Ensemble((Forest(trees=3), GP(steps=3, growth=1.5)), least=4),
    "ensemble-gp": Ensemble((GP(steps=3, growth=1.5), GP(kernel="rbf", steps=3, growth=1.5)), least=4),
    "parzen": Parzen(),
}
ACQUISITIONS = {
    "log-ei": LogEI(),
    "ei": EI(),
    "pi": PI(0.01),
    "ucb": UCB(),
    "thompson": Thompson(),
    "max-value-entropy": MaxValueEntropy(minima=4),
    "knowledge-gradient": KnowledgeGradient(points=8),
    "q-ei": QEI(samples=16),
    "noisy-ei": NoisyEI(draws=4),
    "scheduled-ucb": ScheduledUCB(),
    "per-second": PerSecond(LogEI()),
    "pareto": MACE((LogEI(), PI(), UCB())),
    "hedge": Hedge((EI(), PerSecond(UCB(1.0)), Thompson())),
}
CLOSELY = {("gp", name) for name in ACQUISITIONS} - {("gp", "ei"), ("gp", "pi"), ("gp", "ucb")}
CLOSELY |= {(name, "log-ei") for name in SURROGATES.keys() - {"boosted-quantile", "regressor", "ensemble-gp"}}
"""The pairs that go through everything; the others through the laws. EI, PI and UCB with a Gaussian process are in
`test_bayes_laws` too."""
QUICK = ("gp", "forest", "ensemble", "parzen")
"""The surrogates whose pairs in `CLOSELY` are tested before every commit; the rest are by `make test`."""


def goes(surrogate, acquisition) -> bool:
    try:
        check_compatibility(surrogate, acquisition)
    except InvalidSetting:
        return False
    return True


def pairs(close: bool) -> list:
    """List the methods of all pairs, those of `CLOSELY` or the others."""
    return [
        pytest.param(
            Bayes(SURROGATES[s], ACQUISITIONS[a], initial=3, search=BRIEF),
            id=f"{s}-{a}",
            marks=() if close and s in QUICK else pytest.mark.slow,
        )
        for s in SURROGATES
        for a in ACQUISITIONS
        if goes(SURROGATES[s], ACQUISITIONS[a]) and ((s, a) in CLOSELY) is close
    ]


each_pair = pytest.mark.parametrize("method", pairs(close=True))
each_other_pair = pytest.mark.parametrize("method", pairs(close=False))


@pytest.fixture(autouse=True)
def _no_warnings():
    """A model that divides by zero or overflows says so in a warning: here it is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def plane() -> Space:
    return Space({"x": Float(0, 1), "y": Float(1e-3, 1e3, log=True), "kind": Choice("a", "b")})


def by_size(config) -> float:
    """Give losses from -1e300 to 1e300, by the configuration."""
    return (loss_of(config) - 0.5) * 10.0 ** (600.0 * loss_of({"of": config}) - 300.0)


def by_turn(*losses: float):
    """Give an objective whose values are these, in turn, whatever the configuration."""
    turn = iter(range(10**9))
    return lambda config: losses[next(turn) % len(losses)]


def scattered(space: Space, method: Bayes, memo: Memo) -> Drive:
    """Run a study with workers of random speed, batches and crashes."""
    drive = Drive(space, method, seed=1, memo=memo)
    drive.scatter(9, Key.of(7))
    return drive


def prove(space: Space, method: Bayes) -> None:
    """Laws 2 to 6 of an asynchronous study: replayed, and run again without a cache."""
    drive = scattered(space, method, Memo())
    assert_valid(drive)
    replay(drive)
    for config in drive.configs:
        assert space.decode(space.encode([config])) == (config,)
    bare = scattered(space, method, Memo(0))
    assert [events.encode(event) for event in bare.history.events] == [events.encode(e) for e in drive.history.events]


@each_pair
@pytest.mark.parametrize("name", ["rich", "tuning", pytest.param("finite", marks=pytest.mark.slow)])
def test_asynchronous_studies_are_valid_and_replayed(method, name) -> None:
    prove(SPACES[name](), method)


@each_other_pair
def test_the_laws_of_every_other_pair(method) -> None:
    """Laws 1 to 6 on a space with conditions and a constraint, with losses of extreme sizes."""
    space = SPACES["tuning"]()
    prove(space, method)
    drive = Drive(space, method, seed=2, loss=by_size)
    whole = list(drive.run(7))
    resumed = drive.resumed(drive.history.length // 2 + 1, from_plain(to_plain(method)))
    for number in resumed.history.running:
        resumed.tell(number)
    assert resumed.run(7) == whole


@each_pair
def test_killed_and_resumed(method) -> None:
    """Law 1: read again from text in another process, after any event, and with the method from its text."""
    drive = Drive(SPACES["tuning"](), method, seed=2)
    whole = list(drive.run(7))
    again = from_plain(to_plain(method))
    assert again == method
    for length in range(4, drive.history.length, 4):
        resumed = drive.resumed(length, again)
        for number in resumed.history.running:
            resumed.tell(number)
        assert resumed.run(7) == whole


@each_pair
def test_a_finite_space_is_used_up(method) -> None:
    """Law 5: every configuration once, then a clear end."""
    drive = Drive(finite_space(), method)
    for config in finite_configs()[::2]:
        drive.add(config)
    assert len(drive.run(1000, count=8)) == len(finite_configs())
    assert_valid(drive)
    with pytest.raises(SpaceExhausted, match="tried"):
        drive.propose()


@each_pair
@pytest.mark.parametrize(
    "losses",
    [
        (0.0,),
        (1e300, 1e-300, 1.0, -1e300, -1e-300),
        *(pytest.param(odd, marks=pytest.mark.slow) for odd in [(1e300, -1e300), (5e-324, 0.0), (1.0, 1.0 + 2e-16)]),
    ],
    ids=repr,
)
def test_losses_of_any_size_with_pending_trials_and_crashes(method, losses) -> None:
    drive = Drive(plane(), method, loss=by_turn(*losses))
    drive.run(6)
    for number in drive.ask(3)[1:]:
        drive.tell(number, Reason.FAILED)
    drive.ask(2)
    drive.propose(2)
    assert_valid(drive)


@each_pair
def test_repeated_points_with_different_values(method) -> None:
    drive = Drive(Space({"x": Int(0, 1)}), method, noisy=True, loss=by_turn(0.0, 1.0, -3.0, 1e9, 0.5))
    for x in (0, 1, 0, 1, 1, 0):
        drive.add({"x": x})
    drive.run(10, count=2)
    for _ in range(3):
        drive.ask(2)  # with equal points pending
    assert len(drive.configs) == 16
    replay(drive)


@each_pair
def test_nearly_equal_points_with_different_values(method) -> None:
    drive = Drive(Space({"x": Float(0, 1)}), method, loss=by_turn(0.0, 1e6, -1e6))
    for place in range(10):
        drive.add({"x": round(0.5 + place * 1e-12, 12)})
    drive.run(13)
    assert_valid(drive)


@each_pair
def test_spaces_of_one_point(method) -> None:
    constant = Space({"x": Constant(1), "y": Choice("only")})
    assert len(Drive(constant, method).run(4)) == 1
    assert len(Drive(constant, method, noisy=True).run(8, count=2)) == 8
    line = Space({"a": Int(1, 30), "b": Int(1, 30)}, require=["a + b == 60"])
    assert len(Drive(line, method).run(4)) == 1


@each_pair
def test_nothing_but_crashes_and_one_value(method) -> None:
    drive = Drive(SPACES["tuning"](), method)
    for turn in range(9):
        for number in drive.ask():
            drive.tell(number, Reason.DONE if turn == 5 else Reason.FAILED)
    assert_valid(drive)


@pytest.mark.parametrize("acquisition", [a for a in ACQUISITIONS.values() if not goes(Parzen(), a)], ids=repr)
def test_a_pair_without_a_meaning_is_refused_with_the_reason(acquisition) -> None:
    with pytest.raises(InvalidSetting, match="a ratio of densities"):
        Bayes(Parzen(), acquisition)


def test_every_surrogate_and_every_acquisition_has_a_pair() -> None:
    for surrogate in SURROGATES.values():
        assert goes(surrogate, LogEI())
    for acquisition in ACQUISITIONS.values():
        assert any(goes(surrogate, acquisition) for surrogate in SURROGATES.values())
        wanted = () if isinstance(acquisition, Several) else acquisition.requires
        assert set(wanted) <= {*SURROGATES["gp"].abilities, Posterior, Ratio}
