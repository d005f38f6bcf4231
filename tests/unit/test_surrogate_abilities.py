"""Abilities of posteriors, and what is said of a surrogate or an acquisition function that does not declare them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import luthier as lt
from luthier.acquisition import ValueScale, check_acquisition
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.surrogate import (
    ABILITIES,
    Conditionable,
    Differentiable,
    IsMixture,
    Joint,
    Posterior,
    Ratio,
    SupportsLeaveOneOut,
    check_surrogate,
    supports,
)
from luthier.surrogate.mixture import MixturePosterior, mixture_abilities
from luthier.testing.surrogates import sampled

SURROGATES = [
    lt.GP(),
    lt.GP(samples=2),
    lt.Forest(trees=3),
    lt.Boosted(),
    lt.Boosted(spread="quantile"),
    lt.Parzen(),
    lt.Ensemble((lt.GP(), lt.Forest())),
    lt.Regressor("sklearn.linear_model:BayesianRidge"),
]
ACQUISITIONS = [
    lt.EI(),
    lt.LogEI(),
    lt.PI(),
    lt.UCB(),
    lt.ScheduledUCB(),
    lt.QEI(),
    lt.NoisyEI(),
    lt.KnowledgeGradient(),
    lt.MaxValueEntropy(),
    lt.Thompson(),
    lt.PerSecond(lt.UCB()),
    lt.MACE((lt.EI(), lt.PI())),
]


@pytest.mark.parametrize("surrogate", SURROGATES, ids=repr)
def test_every_surrogate_declares_its_abilities(surrogate) -> None:
    check_surrogate(surrogate)


@pytest.mark.parametrize("acquisition", ACQUISITIONS, ids=repr)
def test_every_acquisition_function_declares_its_traits(acquisition) -> None:
    check_acquisition(acquisition)
    assert isinstance(acquisition.scale, ValueScale)


class Plain:
    """A posterior of its own, which declares nothing."""

    best = 0.0

    def moments(self, x):
        raise NotImplementedError

    def moments_grad(self, x):
        raise NotImplementedError


def test_the_abilities_of_a_posterior_are_its_methods() -> None:
    assert supports(Plain(), Posterior) and supports(Plain(), Differentiable)
    assert not any(supports(Plain(), ability) for ability in ABILITIES if ability not in (Posterior, Differentiable))


def test_the_abilities_of_a_mixture_are_those_of_all_members() -> None:
    given = mixture_abilities([(Posterior, Joint, Differentiable), (Posterior, Joint, SupportsLeaveOneOut)])
    assert given == (Posterior, IsMixture, Joint)
    mixture = MixturePosterior([Plain(), Plain()], np.array([0.5, 0.5]), given)
    assert [ability for ability in ABILITIES if supports(mixture, ability)] == [Posterior, Joint, IsMixture]
    ensemble = lt.Ensemble((lt.GP(steps=2), lt.Forest(trees=2)))
    model = ensemble.fit(sampled(7), Key.of(0), Memo())
    assert not supports(model, Conditionable) and not supports(model, Differentiable)
    assert supports(model.members[0], Conditionable)


@dataclass(frozen=True)
class Model:
    abilities: object = (Posterior,)

    def fit(self, data, key, memo):
        raise NotImplementedError


class Undeclared:
    def fit(self, data, key, memo):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("surrogate", "why"),
    [
        (lt.GP, r"GP is a class: give an instance of it, such as GP\(\)"),
        (3, "3 is not a surrogate"),
        (lt.EI(), "not a surrogate"),
        (Undeclared(), "Undeclared: a surrogate declares the abilities"),
        (Model([Posterior]), r"Model.abilities is \[.*declare a tuple of some of Posterior, Differentiable"),
        (Model((int,)), "declare a tuple of some of"),
        (Model((Joint,)), "declare Posterior or Ratio among them"),
    ],
    ids=["class", "number", "acquisition", "undeclared", "list", "unknown ability", "no prediction"],
)
def test_what_is_no_surrogate_is_refused_with_the_reason(surrogate, why) -> None:
    with pytest.raises(InvalidSetting, match=why):
        lt.Bayes(surrogate)


@dataclass(frozen=True)
class Function:
    scale: object = ValueScale.LOG
    requires: object = (Posterior, Ratio)
    handles_pending: object = False

    def score(self, mean, std, best):
        raise NotImplementedError


class Silent:
    scale = ValueScale.LOG
    requires = (Posterior,)

    def score(self, mean, std, best):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("acquisition", "why"),
    [
        (lt.LogEI, r"LogEI is a class: give an instance of it, such as LogEI\(\)"),
        ("EI", "'EI' is not an acquisition function"),
        (lt.GP(), "not an acquisition function"),
        (Silent(), "Silent: an acquisition function declares scale, requires, handles_pending; add handles_pending"),
        (Function(scale="log10"), "Function.scale is 'log10': declare one of 'positive', 'log', 'signed'"),
        (Function(requires=()), r"Function.requires is \(\): declare a tuple of one or more of Posterior"),
        (Function(requires=(int,)), "declare a tuple of one or more of"),
        (Function(requires=Posterior), "declare a tuple of one or more of"),
        (Function(handles_pending=3), "Function.handles_pending is 3: declare True or False"),
        (Function(handles_pending=None), "add handles_pending"),
    ],
)
def test_what_is_no_acquisition_function_is_refused_with_the_reason(acquisition, why) -> None:
    with pytest.raises(InvalidSetting, match=why):
        lt.Bayes(lt.GP(), acquisition)
    with pytest.raises(InvalidSetting):
        lt.PerSecond(acquisition)


def test_a_scale_may_be_given_as_text() -> None:
    lt.Bayes(lt.GP(), Function(scale="log"))
