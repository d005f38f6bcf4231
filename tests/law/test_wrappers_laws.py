"""Laws 1 to 6 in spaces of every kind for costs, priors, portfolios and ensembles; and the part of the clock."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from check_set import examples
from luthier import event as events
from luthier.acquisition.analytic import EI, UCB, LogEI
from luthier.acquisition.hedge import Hedge
from luthier.acquisition.mace import MACE
from luthier.acquisition.scheduled_ucb import ScheduledUCB
from luthier.acquisition.weighting.cost import PerSecond
from luthier.errors import Infeasible
from luthier.event import Told
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Bayes
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer
from luthier.method.bayesian.user_prior import Prior
from luthier.method.spec import from_plain, to_plain
from luthier.run import Study
from luthier.space import Beta
from luthier.space.variables.base import Options
from luthier.space.variables.number import Number
from luthier.surrogate.gp.model import GP
from luthier.surrogate.parzen.estimator import Parzen
from luthier.testing.methods import Drive, assert_valid, replay, tuning_space
from strategies import spaces

pytestmark = pytest.mark.slow

BRIEF = AcquisitionOptimizer(scattered=40, nearby=20, parents=3, rounds=1, climbers=2, tries=5)
FAST = GP(steps=4, growth=1.5)
ACQUISITIONS = {
    "per-second": PerSecond(LogEI()),
    "per-second-ucb": PerSecond(UCB(), 0.5),
    "scheduled": ScheduledUCB(),
    "hedge": Hedge((PerSecond(EI()), UCB())),
    "pareto": MACE((LogEI(), PerSecond(UCB()))),
}
TRIALS = 9

feasible = settings(
    max_examples=examples(15),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def prior_about(space) -> Prior | None:
    """Give a prior of every variable that can have one."""
    priors = {}
    for name, variable in space.variables.items():
        if isinstance(variable, Number):
            priors[name] = Beta(2, 3)
        elif isinstance(variable, Options):
            priors[name] = tuple((option, 1.0 + place) for place, option in enumerate(variable.options))
    return Prior(priors, 3.0) if priors else None


def method_on(space, name, with_prior) -> Bayes:
    prior = prior_about(space) if with_prior else None
    if name == "parzen":
        return Bayes(Parzen(), EI(), initial=3, search=BRIEF, prior=prior)
    return Bayes(FAST, ACQUISITIONS[name], initial=3, search=BRIEF, prior=prior)


names = st.sampled_from([*ACQUISITIONS, "parzen"])


@feasible
@given(spaces(), names, st.booleans(), st.integers(0, 3))
def test_feasible_replayed_and_the_same_without_a_cache(space, name, with_prior, seed) -> None:
    """Laws 2 to 6: workers of random speed, batches, crashes."""
    method = method_on(space, name, with_prior)
    drive, bare = (Drive(space, method, seed=seed, memo=memo) for memo in (Memo(), Memo(0)))
    try:
        drive.scatter(TRIALS, Key.of(seed + 20))
    except Infeasible:
        return
    assert_valid(drive)
    replay(drive)
    bare.scatter(TRIALS, Key.of(seed + 20))
    assert [events.encode(event) for event in bare.history.events] == [events.encode(e) for e in drive.history.events]


@feasible
@given(spaces(), names, st.booleans(), st.integers(0, 3), st.integers(1, 40))
def test_resumed(space, name, with_prior, seed, cut) -> None:
    """Law 1: killed after any event, read again from text with the method from its text, the trials are the same."""
    method = method_on(space, name, with_prior)
    drive = Drive(space, method, seed=seed)
    try:
        whole = list(drive.run(TRIALS))
    except Infeasible:
        return
    again = from_plain(to_plain(method))
    assert again == method
    resumed = drive.resumed(1 + cut % drive.history.length, again)
    for number in resumed.history.running:
        resumed.tell(number)
    assert resumed.run(TRIALS) == whole


def with_durations(drive: Drive, *durations: float | None) -> Drive:
    """Give a study of the same trials that took other times."""
    again = drive.resumed(1)
    told = iter(durations * 100)
    for event in drive.history.events[1:]:
        if isinstance(event, Told):
            event = Told(event.number, event.token, event.reason, event.values, duration_s=next(told))
        again.history = again.history.apply(event)
    return again


def test_durations_count_as_they_are_logged_and_for_nothing_else() -> None:
    """The proposal is another where the log has other durations, and the inner acquisition's where it has none."""
    method = Bayes(FAST, PerSecond(LogEI()), initial=3, search=BRIEF)
    drive = Drive(tuning_space(), method)
    drive.run(12)
    times = ((None,), (1.0, 90.0, 3.0), (90.0, 1.0, 1.0), (1.0, 1.0, 1.0, 500.0), (40.0, 2.0))
    untimed, *timed = [with_durations(drive, *some).propose()[0].config for some in times]
    plain = drive.resumed(drive.history.length, Bayes(FAST, LogEI(), initial=3, search=BRIEF))
    assert plain.propose()[0].config == untimed
    assert len({repr(sorted(config.items())) for config in [*timed, untimed]}) > 2  # they may agree by chance


@pytest.mark.parametrize("name", ["per-second", "hedge", "pareto"])
def test_a_study_that_measures_its_time_is_proved(name) -> None:
    """Law 2 by `Study.verify`: the durations are the wall clock's, of batches, crashes and parallel trials."""
    method = Bayes(FAST, ACQUISITIONS[name], initial=3, search=BRIEF)

    def objective(trial) -> float:
        if trial.number == 4:
            raise ValueError("it broke")
        return sum(i * 1e-7 for i in range(1 + 300 * trial.number)) + trial["C"]

    with Study("timed", tuning_space(), minimize="loss", method=method, seed=1) as study:
        study.run(objective, trials=12, workers=2)
        found = study.verify()
        logged = [trial.outcome.duration_s for trial in study.history.trials]
    assert found.ok and found.given == 0 and found.proved == 12, found
    assert sum(duration is not None for duration in logged) >= 11


@pytest.mark.parametrize("with_prior", [False, True])
@pytest.mark.parametrize("name", ["per-second-ucb", "hedge", "pareto", "scheduled", "parzen"])
def test_outcome_constraints_and_several_objectives(name, with_prior) -> None:
    """Feasibility weights every criterion, failures and pending trials beside it."""
    space = tuning_space()

    def objective(trial):
        if trial.number == 5:
            raise ValueError("it broke")
        size = trial["C"] + (trial.params.get("gamma") or 0.0)
        return {"loss": size, "error": 1.0 / size, "violations": {"load": trial["C"] - 10.0}}

    with Study("bound", space, minimize=["loss", "error"], method=method_on(space, name, with_prior), seed=2) as study:
        study.run(objective, trials=9)
        for trial in study.ask(3)[:2]:
            study.tell(trial, {"loss": 1.0, "error": 1.0, "violations": {"load": -1.0}})
        found = study.verify()
    assert found.ok and found.given == 0 and found.proved == 12, found
