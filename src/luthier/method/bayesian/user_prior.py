"""User priors of where the optimum is, and their densities."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier import codec
from luthier._hints import suggest, translating_settings
from luthier._typing import Floats
from luthier.errors import InvalidResult, InvalidSetting, InvalidSpace
from luthier.key import Key
from luthier.scalar import short, to_dict, to_float, to_text
from luthier.setting_types import check_setting_types
from luthier.space import (
    Beta,
    LogNormal,
    Normal,
    Number,
    Options,
    Space,
    Variable,
    log_density,
    log_density_slope,
    quantile,
)

_FLOOR = math.log(1e-12)
"""Added to a density, as a logarithm relative to the uniform one: no prior rules anything out for ever."""
_GRID = np.linspace(0.0, 1.0, 1025)
"""The places at which the mode of a continuous marginal is sought."""


@translating_settings
@dataclass(frozen=True)
class Prior:
    """State where you believe the optimum to be, by a distribution for each variable that you have a belief about.

    After n results the acquisition function is weighted by the prior's density to the power strength / n (πBO): it
    guides the beginning, and a wrong prior is overcome. In the design every second trial is drawn from it, beginning
    with its mode. Variables are independent; an inactive variable, or one without a belief, contributes nothing.

    Args:
        beliefs: by variable. For a Float or Int `Normal`, `LogNormal` or `Beta`, truncated at the bounds; for a Choice,
            Ordinal or Bool weights of the options, above 0; options without a weight share equally what the others
            leave of 1.
        strength: β, above 0: the number of results that about outweigh the prior.

    Raises:
        InvalidSetting: a setting is invalid; or, before the first trial, a belief does not fit the space.

    Source: Hvarfner, Stoll, Souza, Lindauer, Hutter and Nardi (2022), πBO: Augmenting acquisition functions with user
    beliefs for Bayesian optimization.

    Example:
        >>> Prior({"x": Normal(3, 1), "kernel": {"rbf": 0.7, "poly": 0.3}}, strength=5).strength
        5
    """

    beliefs: Mapping[str, Any]
    strength: float = 10.0

    def __post_init__(self) -> None:
        check_setting_types(self)
        wanted = 'Prior: give a belief by variable, such as {"x": Normal(3, 1)}'
        beliefs = to_dict(self.beliefs, wanted, InvalidSetting)
        if not beliefs or not all(isinstance(name, str) for name in beliefs):
            raise InvalidSetting(f"{wanted}, not {short(self.beliefs)}")
        if not 0.0 < self.strength < math.inf:
            raise InvalidSetting(f"Prior(strength={self.strength!r}): give a finite number above 0")
        checked = {str.__str__(name): _checked(name, belief) for name, belief in beliefs.items()}
        object.__setattr__(self, "beliefs", checked)

    def __hash__(self) -> int:
        return hash((frozenset(self.beliefs.items()), self.strength))

    def on(self, space: Space) -> PriorDensity:
        """Give the density of the prior on a space.

        Raises:
            InvalidSetting: a belief is about something that is not a variable, or does not fit its variable.
        """
        marginals: dict[int, Marginal] = {}
        first = {column.name: place for place, column in reversed(list(enumerate(space.columns)))}
        for name, belief in self.beliefs.items():
            if name not in space.names:
                raise InvalidSetting(f"Prior: there is no variable {name!r} in the space{suggest(name, space.names)}")
            variable = space.variables[name]
            marginals[first.get(name, -1)] = _marginal(name, variable, belief)
        return PriorDensity(space, marginals)


@dataclass(frozen=True, slots=True)
class Marginal:
    """The marginal distribution of a prior in one column.

    Args:
        log_density: maps places in [0, 1] to the logarithm of the density relative to the uniform one.
        slope: maps places to the derivative of `log_density`; 0 where places are levels.
        quantile: maps uniform numbers in [0, 1) to places with this distribution.
    """

    log_density: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    quantile: Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class PriorDensity:
    """The density of a user's prior on a space.

    Args:
        space: the space.
        marginals: by column.
    """

    space: Space
    marginals: Mapping[int, Marginal]

    def log_density(self, x: Floats) -> Floats:
        """Give the logarithm of the density at `x` (q, d), relative to the uniform one; shape (q,)."""
        total = np.zeros(len(x))
        for place, marginal in self.marginals.items():
            column = x[:, place]
            known = np.logaddexp(marginal.log_density(np.where(np.isnan(column), 0.5, column)), _FLOOR)
            total += np.where(np.isnan(column), 0.0, known)
        return total

    def log_density_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give `log_density` (q,) and its gradient (q, d); with a floor f, ``∂ log(e^l + f) = e^l ∂l / (e^l + f)``."""
        gradient = np.zeros(x.shape)
        for place, marginal in self.marginals.items():
            active = ~np.isnan(x[:, place])
            column = x[active, place]
            log = marginal.log_density(column)
            gradient[active, place] = np.exp(log - np.logaddexp(log, _FLOOR)) * marginal.slope(column)
        return self.log_density(x), gradient

    def draw(self, key: Key, count: int) -> Floats:
        """Draw `count` points and give the feasible ones; where there is no belief, from the space's own priors."""
        uniforms = key.uniform((count, self.space.dimensions))
        points = self.space.warp(uniforms)
        for place, marginal in self.marginals.items():
            points[:, place] = marginal.quantile(uniforms[:, place])
        return self._feasible(points)

    def mode(self) -> Floats:
        """Give the mode, (1, d), variables without a belief at their defaults; (0, d) if it is infeasible."""
        defaults = self.space.defaults()
        found = np.full((1, self.space.dimensions), np.nan) if defaults is None else self.space.encode([defaults])
        found = np.where(np.isnan(found), 0.5, found)
        for place, marginal in self.marginals.items():
            levels = self.space.columns[place].levels
            places = (np.arange(levels) + 0.5) / levels if 0 < levels < len(_GRID) else _GRID
            found[0, place] = places[np.argmax(marginal.log_density(places))]
        return self._feasible(found)

    def _feasible(self, points: Floats) -> Floats:
        settled = self.space.settle(points)
        return settled[self.space.feasible(settled)]


def _checked(name: object, belief: object) -> Any:
    """Check a belief; give weights as pairs, which can be hashed and written down."""
    if isinstance(belief, Normal | LogNormal | Beta):
        return belief
    if isinstance(belief, Mapping):
        belief = tuple(to_dict(belief, f"Prior: the belief about {name!r} is a mapping", InvalidSetting).items())
    pairs = tuple(belief) if isinstance(belief, tuple | list) else ()
    if not pairs or not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
        raise InvalidSetting(
            f"Prior: the belief about {name!r} is Normal, LogNormal, Beta, or a mapping of options to weights, "
            f"not {short(belief)}"
        )
    return tuple(_weight(name, option, weight) for option, weight in pairs)


def _weight(name: object, option: Any, given: object) -> tuple[Any, float]:
    """Check the weight of an option; give both in plain form (an object as it is: a space may have a name for it)."""
    option = tuple(option) if isinstance(option, list) else option
    with suppress(InvalidResult, RecursionError):
        option = codec.from_plain(codec.to_plain(option))
    try:
        hash(option)
        weight = to_float(given)
    except Exception as error:  # noqa: BLE001 - the hash of a foreign object
        raise InvalidSetting(f"Prior: the belief about {name!r} has {short(option)}: {to_text(error)}") from None
    if weight is None or not 0.0 < weight < math.inf:
        raise InvalidSetting(
            f"Prior: the weight of {name} = {short(option)} is a finite number above 0, not {short(given)}"
        )
    return option, given if type(given) is int else weight


def _marginal(name: str, variable: Variable, belief: Any) -> Marginal:
    weights = isinstance(belief, tuple)
    if isinstance(variable, Number) and not weights:
        try:
            prior = replace(variable, prior=belief, default=None, when=None).prior  # checks it
        except InvalidSpace as error:
            raise InvalidSetting(f"Prior: the belief about {name!r} does not fit it: {error}") from None
        scale = variable.scale
        return Marginal(
            lambda u: log_density(prior, scale, u),  # type: ignore[arg-type]
            lambda u: log_density_slope(prior, scale, u),  # type: ignore[arg-type]
            lambda u: quantile(prior, scale, u),  # type: ignore[arg-type]
        )
    if isinstance(variable, Options) and weights:
        return _weighted(np.array(_weights(name, variable, belief)))
    wanted = {True: "Normal, LogNormal or Beta", False: "a mapping of its options to weights"}[
        isinstance(variable, Number)
    ]
    if not isinstance(variable, Number | Options):
        raise InvalidSetting(
            f"Prior: {name!r} is a {type(variable).__name__}, about which no belief can be stated; leave it out"
        )
    raise InvalidSetting(
        f"Prior: {name!r} is a {type(variable).__name__}: a belief about it is {wanted}, not {short(belief)}"
    )


def _weights(name: str, variable: Options, pairs: tuple[tuple[Any, float], ...]) -> list[float]:
    """Give the weight of each option, summing to 1."""
    found: dict[int, float] = {}
    for option, weight in pairs:
        plain = variable.plain(option)
        why = variable.fault(plain)
        if why:
            raise InvalidSetting(f"Prior: {name} = {option!r} {why}")
        found[variable.index(plain)] = float(weight)
    missing = [place for place in range(variable.levels) if place not in found]
    total = sum(found.values())
    if missing and not total < 1.0:
        left = variable.options[missing[0]]
        raise InvalidSetting(
            f"Prior: the weights of {name!r} leave nothing for {left!r}: name every option, or let them sum to less "
            "than 1 (a belief rules nothing out)"
        )
    for place in missing:
        found[place] = (1.0 - total) / len(missing)
    whole = sum(found.values())
    return [found[place] / whole for place in range(variable.levels)]


def _weighted(weights: Floats) -> Marginal:
    levels = len(weights)
    logs, edges = np.log(weights * levels), np.cumsum(weights)

    def code(places: Floats) -> NDArray[np.int64]:
        return np.minimum(np.floor(places * levels), levels - 1).astype(np.int64)

    def place(uniforms: Floats) -> Floats:
        found = np.minimum(np.searchsorted(edges, uniforms, side="right"), levels - 1)
        return (found + 0.5) / levels

    return Marginal(lambda places: logs[code(places)], np.zeros_like, place)
