"""User priors: density, draws, mode, text form, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta, lognorm, norm

from luthier import codec
from luthier.acquisition.analytic import EI, UCB, LogEI
from luthier.acquisition.hedge import Hedge
from luthier.errors import InvalidSetting
from luthier.event import Changed
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Auto, Bayes
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer
from luthier.method.bayesian.user_prior import Prior
from luthier.method.spec import from_plain, to_plain
from luthier.run import Study
from luthier.space import (
    Beta,
    Bool,
    Choice,
    Constant,
    Float,
    Int,
    LogNormal,
    Named,
    Normal,
    Ordinal,
    Permutation,
    Space,
)
from luthier.space.variables.distribution import log_density, place_quantile
from luthier.surrogate.gp.model import GP
from luthier.surrogate.parzen.estimator import Parzen
from luthier.testing.methods import Drive, assert_valid, finite_configs, finite_space, replay, tuning_space

BRIEF = AcquisitionOptimizer(scattered=60, nearby=40, rounds=1, climbers=2, tries=5)
FAST = GP(steps=4, growth=1.5)
NUMBERS = {
    "normal": (Float(-5, 10), Normal(3, 1)),
    "normal beyond the bounds": (Float(0, 1), Normal(-2, 1)),
    "normal on a log scale": (Float(1, 1e3, log=True), Normal(50, 30)),
    "log-normal": (Float(0, 20), LogNormal(1, 0.5)),
    "log-normal on a log scale": (Float(1e-3, 1e3, log=True), LogNormal(-1, 0.7)),
    "beta": (Float(0, 4), Beta(2, 5)),
    "beta on a log scale": (Float(1e-3, 1e3, log=True), Beta(0.5, 0.7)),
}


def density_of(variable, belief, u):
    """Give the density at places, by scipy.stats, untruncated."""
    value, width = variable.scale.value(u), variable.scale.width
    slope = value * width if variable.log else width
    if isinstance(belief, Beta):
        return beta(belief.a, belief.b).pdf(u)
    if isinstance(belief, LogNormal):
        return lognorm(belief.std, scale=math.exp(belief.mean)).pdf(value) * slope
    return norm(belief.mean, belief.std).pdf(value) * slope


@pytest.mark.parametrize("name", NUMBERS)
def test_densities_of_numbers(name) -> None:
    """They integrate to one, are proportional to those of scipy.stats, and slopes of the distribution function."""
    variable, belief = NUMBERS[name]
    u = np.linspace(0.05, 0.95, 19)
    found = np.exp(log_density(belief, variable.scale, u))
    ratio = found / density_of(variable, belief, u)
    np.testing.assert_allclose(ratio, ratio[9], rtol=1e-9)
    step = 1e-6
    rise = place_quantile(belief, variable.scale, u + step) - place_quantile(belief, variable.scale, u - step)
    np.testing.assert_allclose(found, rise / (2 * step), rtol=1e-4, atol=1e-7)
    whole = quad(lambda u: math.exp(log_density(belief, variable.scale, np.array([u]))[0]), 0, 1, limit=200)[0]
    assert whole == pytest.approx(1.0, abs=1e-3)


def test_beliefs_multiply_and_inactive_variables_add_nothing() -> None:
    space = tuning_space()
    belief = Prior({"C": Normal(3, 1), "kernel": {"rbf": 0.7, "poly": 0.2}, "degree": Beta(3, 1)}).on(space)
    configs = [{"kernel": "rbf", "C": 3.0, "gamma": 1.0}, {"kernel": "poly", "C": 3.0, "gamma": 1.0, "degree": 5}]
    both = belief.log_density(space.encode([*configs, {"kernel": "linear", "C": 3.0}]))
    alone = Prior({"C": Normal(3, 1)}).on(space).log_density(space.encode(configs))
    degree = math.log(3 * 0.875**2)  # Beta(3, 1) has the density 3u²; 5 is the last of four levels
    np.testing.assert_allclose(
        both - alone[0], np.log([0.7 * 3, 0.2 * 3, 0.1 * 3]) + np.array([0, degree, 0]), rtol=1e-9, atol=1e-9
    )


def test_nothing_is_ruled_out() -> None:
    belief = Prior({"x": Normal(0, 1e-3), "y": LogNormal(0, 0.1), "z": Beta(9, 9)}).on(
        Space({"x": Float(0, 100), "y": Float(-1, 5), "z": Float(0, 1)})
    )
    low = belief.log_density(np.array([[1.0, 0.0, 0.0], [0.0, 0.34, 0.5]]))
    assert low[0] == pytest.approx(3 * math.log(1e-12), rel=1e-3) and low[1] > 0


@pytest.mark.parametrize(
    ("variable", "belief"),
    [
        (Float(-5, 10), Normal(3, 1)),
        (Choice("a", "b", "c"), {"a": 0.7, "c": 0.2}),
        (Bool(), {True: 9, False: 1}),
        (Ordinal(1, 2, 4), {4: 0.5}),
        (Int(1, 9), Normal(3, 1)),
    ],
    ids=repr,
)
def test_draws_have_the_density(variable, belief) -> None:
    """The share of draws below each of some places is that of the density, within 4 standard errors."""
    space, n = Space({"v": variable}), 4000
    found = Prior({"v": belief}).on(space)
    drawn = found.draw(Key.of(1), n)[:, 0]
    levels = space.columns[0].levels
    places = (np.arange(levels) + 0.5) / levels if levels else (np.arange(2000) + 0.5) / 2000
    weights = np.exp(found.log_density(places[:, None]))
    expected = np.cumsum(weights / weights.sum())
    for place, share in zip(places, expected, strict=True):
        margin = 4 * math.sqrt(max(share * (1 - share), 1e-4) / n) + (0.02 if levels > 3 else 1e-3)
        assert abs((drawn <= place + 1e-9).mean() - share) < margin


def test_the_mode() -> None:
    space = Space(
        {"x": Float(-5, 10), "k": Choice("a", "b"), "n": Int(1, 9), "free": Float(0, 1, default=0.2)},
        require=["x < 9 or k == 'a'"],
    )
    (mode,) = space.decode(Prior({"x": Normal(3, 1), "k": {"b": 0.9}, "n": Normal(4.2, 1)}).on(space).mode())
    assert mode["x"] == pytest.approx(3, abs=0.02) and (mode["k"], mode["n"], mode["free"]) == ("b", 4, 0.2)
    assert not len(Prior({"x": Normal(9.5, 0.1), "k": {"b": 0.9}}).on(space).mode())


def test_options_are_named_as_the_user_names_them() -> None:
    space = Space({"f": Choice(Named("relu", abs), Named("id", len)), "t": Choice((1, 2), None, 3)})
    by_object = Prior({"f": {abs: 0.9, len: 0.1}, "t": {(1, 2): 0.8}}).on(space)
    by_name = Prior({"f": {"relu": 0.9, "id": 0.1}, "t": {(1, 2): 0.8}}).on(space)
    x = space.encode([{"f": "relu", "t": None}, {"f": "id", "t": (1, 2)}])
    np.testing.assert_array_equal(by_object.log_density(x), by_name.log_density(x))
    np.testing.assert_allclose(by_name.log_density(x), np.log([1.8 * 0.3, 0.2 * 2.4]))


PRIORS = [
    Prior({"C": Normal(3, 1)}),
    Prior({"kernel": {"rbf": 0.7, "poly": 0.3, "linear": 1e-3}, "gamma": LogNormal(-3, 1)}, strength=3),
    Prior({"use": {True: 0.7, False: 0.3}, "t": {(1, 2): 0.5, None: 0.4, 3: 0.1, 2.5: 1}}),
]


@pytest.mark.parametrize("prior", PRIORS, ids=repr)
def test_text_form(prior) -> None:
    method = Bayes(prior=prior)
    again = from_plain(codec.loads(codec.dumps(to_plain(method))))
    assert again == method and hash(again.prior) == hash(prior)
    assert to_plain(again) == to_plain(method)
    written = from_plain(
        {"use": "Prior", "beliefs": {"kernel": {"rbf": 0.7}, "C": {"use": "Normal", "mean": 3, "std": 1}}}
    )
    assert written == Prior({"kernel": {"rbf": 0.7}, "C": Normal(3, 1)})


@pytest.mark.parametrize(
    ("beliefs", "message"),
    [
        ({"kernl": {"rbf": 1}}, "no variable 'kernl'.*did you mean 'kernel'"),
        ({"kernel": {"rfb": 0.5}}, "kernel = 'rfb' is not one of its options.*did you mean 'rbf'"),
        ({"kernel": {"rbf": 0.7, "poly": 0.3}}, "leave nothing for 'linear'"),
        ({"kernel": Normal(0, 1)}, "'kernel' is a Choice: a belief about it is a mapping"),
        ({"C": {1.0: 0.5}}, "'C' is a Float: a belief about it is Normal"),
        ({"C": Normal(1e9, 1)}, "belief about 'C' does not fit it.*no mass between the bounds"),
        ({"order": {"a": 1}}, "'order' is a Permutation, about which no belief"),
        ({"fixed": Normal(0, 1)}, "'fixed' is a Constant, about which no belief"),
        ({"shift": LogNormal(0, 1)}, "belief about 'shift' does not fit it.*above 0"),
    ],
)
def test_beliefs_that_do_not_fit_the_space_are_refused_before_the_first_trial(beliefs, message) -> None:
    space = Space(
        {
            "kernel": Choice("rbf", "poly", "linear"),
            "C": Float(1e-3, 1e3, log=True),
            "order": Permutation(["a", "b"]),
            "fixed": Constant(1),
            "shift": Float(-2, -1),
        }
    )
    with Study("wrong", space, minimize="loss", method=Bayes(prior=Prior(beliefs))) as study:
        with pytest.raises(InvalidSetting, match=message):
            study.ask()
        assert not len(study.history)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Prior({}), "give a belief by variable"),
        (lambda: Prior(Normal(0, 1)), "give a belief by variable"),
        (lambda: Prior({"x": 3}), "the belief about 'x' is Normal"),
        (lambda: Prior({"x": {}}), "the belief about 'x' is Normal"),
        (lambda: Prior({"x": {"a": 0.0}}), "weight of x = 'a' is a finite number above 0"),
        (lambda: Prior({"x": {"a": math.inf}}), "above 0"),
        (lambda: Prior({"x": {"a": True}}), "above 0"),
        (lambda: Prior({"x": Normal(0, 1)}, strength=0), "strength"),
    ],
)
def test_senseless_settings_are_refused(make, message) -> None:
    with pytest.raises(InvalidSetting, match=message):
        make()


# --- in a method --------------------------------------------------------------------------------------

PRIOR = Prior({"C": Normal(3, 1), "kernel": {"rbf": 0.7}, "degree": Normal(3, 1)}, strength=4)
METHODS = {
    "log-ei": Bayes(FAST, LogEI(), initial=4, search=BRIEF, prior=PRIOR),
    "ucb": Bayes(FAST, UCB(), initial=4, search=BRIEF, prior=PRIOR),
    "hedge": Bayes(FAST, Hedge((EI(), UCB())), initial=4, search=BRIEF, prior=PRIOR),
    "parzen": Bayes(Parzen(), EI(), initial=4, search=BRIEF, prior=PRIOR),
    "auto": Auto(initial=4, committee=(FAST,), short_scale_models=(), search=BRIEF, prior=PRIOR),
}


@pytest.mark.parametrize("name", METHODS)
def test_valid_replayed_and_resumed(name) -> None:
    drive = Drive(tuning_space(), METHODS[name], seed=3)
    drive.scatter(9, Key.of(7))
    assert_valid(drive)
    replay(drive)
    whole = Drive(tuning_space(), METHODS[name], seed=3, memo=Memo(0))
    configs = list(whole.run(7))
    resumed = whole.resumed(9, from_plain(to_plain(METHODS[name])))
    for number in resumed.history.running:
        resumed.tell(number)
    assert resumed.run(7) == configs


def test_every_second_trial_of_the_design_is_from_the_prior() -> None:
    drive = Drive(tuning_space(), Bayes(FAST, initial=8, prior=PRIOR))
    drive.run(4)
    for number in drive.ask(4):
        drive.tell(number)
    notes = ["believed" in trial.note for trial in drive.history.trials]
    assert sorted(notes[4:]) == [False, False, True, True] and notes[:4] == [False, True, False, True]
    mode = drive.configs[1]
    assert mode["kernel"] == "rbf" and mode["C"] == pytest.approx(
        (3 + math.sqrt(13)) / 2, rel=0.02
    )  # of the density of log C
    assert_valid(drive)
    replay(drive)


@pytest.mark.parametrize("name", METHODS)
def test_a_finite_space_is_used_up(name) -> None:
    """Law 5, in batches, from the design on; and under noise everything may come again."""
    prior = Prior({"a": Normal(2, 1), "b": {"v": 0.9}, "c": {True: 0.9}})
    drive = Drive(finite_space(), replace(METHODS[name], prior=prior, initial=20))
    assert len(drive.run(1000, count=7)) == len(finite_configs())
    assert_valid(drive)
    noisy = Drive(Space({"a": Int(1, 2)}), replace(METHODS[name], prior=Prior({"a": Beta(2, 1)})), noisy=True)
    assert len(noisy.run(9, count=2)) == 9
    replay(noisy)


def test_a_space_that_loses_the_variable_stops_the_method_with_a_reason() -> None:
    drive = Drive(tuning_space(), METHODS["log-ei"])
    drive.run(5)
    drive.history = drive.history.apply(Changed(Space({"x": Float(0, 1)}).to_plain()))
    with pytest.raises(InvalidSetting, match="no variable"):
        drive.propose()


@pytest.mark.parametrize("name", ["log-ei", "hedge", "auto"])
def test_the_search_begins_at_the_mode_too(name) -> None:
    """Beside the best trial, wherever the others are."""
    begun = []

    class Noting(AcquisitionOptimizer):
        def maximise(self, space, value, best, known, key):
            begun.append(best)
            return super().maximise(space, value, best, known, key)

    drive = Drive(tuning_space(), replace(METHODS[name], search=Noting(scattered=20, nearby=20, rounds=0)))
    drive.run(6)
    assert begun
    for best in begun:
        np.testing.assert_array_equal(best[1:2], PRIOR.on(tuning_space()).mode())


@pytest.mark.parametrize("name", ["log-ei", "ucb", "parzen", "auto"])
def test_the_first_model_based_proposals_are_near_the_mode_of_the_prior(name) -> None:
    """While the losses say nothing, proposals follow the prior."""
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    prior = Prior({"x": Normal(0.8, 0.05)}, strength=50)
    search = AcquisitionOptimizer(scattered=300, nearby=100, rounds=3)
    guided = replace(METHODS[name], prior=prior, search=search)
    near = 0
    for seed in range(4):
        drive = Drive(space, guided, seed=seed)
        near += sum(abs(config["x"] - 0.8) < 0.15 for config in drive.run(8)[4:])
    assert near >= 13
