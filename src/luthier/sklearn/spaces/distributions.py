"""Variables from distributions of scipy.stats and from dimensions of skopt."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any

from luthier.errors import InvalidSpace
from luthier.space import Beta, Choice, Distribution, Float, Int, LogNormal, Normal, Variable

SEARCHED = 1e-4
"""Probability at each end of an unbounded distribution that is not searched."""

RECORDED = 1e-15
"""Probability at each unbounded end that is never drawn in practice."""

_FEW = 100
"""Maximal number of values of a discrete distribution that become options with weights."""


_PRIORS = {"uniform": False, "log-uniform": True}
_OF_DISTRIBUTIONS = ("uniform", "normal", "randint", "choice")
_MEANT = (*_PRIORS, "loguniform", "log", "reciprocal", "linear", "lin")
"""The words for them, and others that are answered with them."""


@dataclass(frozen=True)
class Quantile:
    """Conversion between the values of a distribution and their quantiles, in which the search takes place.

    Args:
        distribution: a frozen distribution of scipy.stats.
        whole: whether its values are integers.
    """

    distribution: Any
    whole: bool

    def value(self, place: float) -> Any:
        """Return the value at a quantile in (0, 1)."""
        found = float(self.distribution.ppf(place))
        return int(found) if self.whole else found

    def place(self, value: float) -> float:
        """Return the quantile of a value."""
        return float(self.distribution.cdf(value))


def is_distribution(value: Any) -> bool:
    """Return whether scikit-learn would draw from a value."""
    return callable(getattr(value, "rvs", None))


def is_dimension(value: Any) -> bool:
    """Return whether a value is a dimension of skopt, by its class name and attributes: skopt is never imported."""
    kind = type(value).__name__
    if kind == "Categorical":
        return hasattr(value, "categories")
    return kind in ("Real", "Integer") and hasattr(value, "low") and hasattr(value, "high")


def read_dimension(dimension: Any, options: Callable[..., Variable], default: Any) -> Variable:
    """Convert a ``Real``, ``Integer`` or ``Categorical`` of skopt.

    Args:
        dimension: the dimension.
        options: makes a variable of a list of values, and weights.
        default: the value to start from, if it is in the range.
    """
    kind = type(dimension).__name__
    if kind == "Categorical":
        prior = getattr(dimension, "prior", None)
        return options(list(dimension.categories), None if prior is None else [float(weight) for weight in prior])
    log = getattr(dimension, "prior", "uniform") == "log-uniform"
    return number(dimension.low, dimension.high, log, kind == "Integer", default)


def read_range(given: tuple[Any, ...], default: Any) -> Variable | None:
    """Convert ``(low, high)``, ``(low, high, prior)`` or ``(low, high, prior, base)`` as skopt does; else return None.

    Two integers make a range of integers; the prior is ``uniform`` or ``log-uniform``.

    Raises:
        InvalidSpace: the third value is a misspelt prior, or another word for one.
    """
    if not 2 <= len(given) <= 4 or not all(_is_number(end) for end in given[:2]):
        return None
    log = prior_of(given) if len(given) > 2 else False
    if log is None:
        return None
    whole = all(isinstance(end, Integral) for end in given[:2])
    return number(given[0], given[1], log, whole, default)


def prior_of(given: Sequence[Any]) -> bool | None:
    """Return whether the third of three or four values says that a range is logarithmic; None if it is no prior.

    Raises:
        InvalidSpace: it is a misspelt prior, or another word for one.
    """
    if len(given) < 3 or not isinstance(given[2], str) or not all(_is_number(end) for end in given[:2]):
        return None
    word = given[2].lower().replace("_", "-").replace(" ", "-")
    if given[2] in _PRIORS:
        return _PRIORS[given[2]]
    if get_close_matches(word, _MEANT, n=1, cutoff=0.75) or any(part in word for part in _OF_DISTRIBUTIONS):
        raise InvalidSpace(
            f"{tuple(given)!r:.80}: the prior of a range is 'uniform' or 'log-uniform', not {given[2]!r} "
            "(a list of values that are not a range is written in brackets)"
        )
    return None


def read_distribution(
    distribution: Any, default: Any, reach: float, options: Callable[..., Variable]
) -> tuple[Variable, Quantile | None]:
    """Convert a frozen distribution of scipy.stats.

    ``uniform``, ``loguniform``, ``randint``, ``norm``, ``truncnorm``, ``lognorm`` and ``beta`` become variables with
    exactly that prior (unbounded ones are cut off at the quantile `reach`), distributions over few integers become
    options with weights, and all others are searched by their quantiles.

    Args:
        distribution: the distribution.
        default: the value to start from, if it is in the range.
        reach: probability that is cut off at each unbounded end.
        options: makes a variable of a list of values, and weights.

    Raises:
        InvalidSpace: it can be drawn from, but has no quantiles.
    """
    if not hasattr(distribution, "ppf") or not hasattr(distribution, "support"):
        raise InvalidSpace(
            f"{distribution!r} can only be drawn from: give a distribution of scipy.stats, a list, or a variable"
        )
    low, high = (float(end) for end in distribution.support())
    name, given = _parameters(distribution)
    if hasattr(distribution, "pmf"):
        return _discrete(distribution, name, low, high, default, reach, options)
    made = _continuous(name, given, low, high, _bounds(distribution, low, high, reach), default)
    if made is not None:
        return made, None
    return Float(SEARCHED, 1 - SEARCHED), Quantile(distribution, False)


def record_distribution(distribution: Any) -> Variable:
    """Return a variable that contains every value drawn from a distribution."""
    if is_dimension(distribution):
        raise InvalidSpace(f"{distribution!r} is not a distribution of scipy.stats")
    if not hasattr(distribution, "ppf") or not hasattr(distribution, "support"):
        raise InvalidSpace(
            f"{distribution!r} can only be drawn from, so what was drawn cannot be kept in a store: "
            "give a distribution of scipy.stats, a list, or a Luthier variable"
        )
    low, high = (float(end) for end in distribution.support())
    low, high = _bounds(distribution, low, high, RECORDED)
    if hasattr(distribution, "pmf"):
        return Int(math.floor(low), math.ceil(high))
    return Float(low, high, log=_parameters(distribution)[0] in ("loguniform", "reciprocal") and low > 0)


def number(low: Any, high: Any, log: bool, whole: bool, default: Any) -> Variable:
    """Make a number, with the default if that is in the range."""
    kind: Callable[..., Variable] = Int if whole else Float
    ends = (int(low), int(high)) if whole else (float(low), float(high))
    usable = _is_number(default) and ends[0] <= default <= ends[1] and (not whole or isinstance(default, Integral))
    return kind(*ends, log=log, default=default if usable else None)


def _continuous(
    name: str, given: Mapping[str, float], low: float, high: float, bounds: tuple[float, float], default: Any
) -> Variable | None:
    loc, scale = given.get("loc", 0.0), given.get("scale", 1.0)
    if name == "uniform":
        return number(low, high, False, False, default)
    if name in ("loguniform", "reciprocal") and loc == 0:
        return number(low, high, True, False, default)
    prior: Distribution | None = None
    if name in ("norm", "truncnorm"):
        prior = Normal(loc, scale)
    elif name == "lognorm" and loc == 0:
        prior = LogNormal(math.log(scale), given["s"])
    elif name == "beta":
        prior = Beta(given["a"], given["b"])
    if prior is None:
        return None
    begin = default if _is_number(default) and bounds[0] <= default <= bounds[1] else None
    return Float(*bounds, log=name == "lognorm", prior=prior, default=begin)


def _discrete(
    distribution: Any,
    name: str,
    low: float,
    high: float,
    default: Any,
    reach: float,
    options: Callable[..., Variable],
) -> tuple[Variable, Quantile | None]:
    if name == "randint":
        return number(low, high, False, True, default), None
    first, last = _bounds(distribution, low, high, reach)
    values = range(math.floor(first), math.ceil(last) + 1)
    if len(values) <= _FEW:
        weighted = [(value, float(distribution.pmf(value))) for value in values]
        kept = [(value, weight) for value, weight in weighted if weight > 0]
        return options([value for value, _ in kept], [weight for _, weight in kept]), None
    return Float(SEARCHED, 1 - SEARCHED), Quantile(distribution, True)


def _bounds(distribution: Any, low: float, high: float, reach: float) -> tuple[float, float]:
    """Return the bounds of a distribution; infinite bounds are replaced by quantiles."""
    name = _parameters(distribution)[0]
    near_zero = name == "lognorm"  # its logarithm is unbounded
    first = low if math.isfinite(low) and not near_zero else float(distribution.ppf(reach))
    last = high if math.isfinite(high) else float(distribution.isf(reach))
    return first, last


def _parameters(distribution: Any) -> tuple[str, dict[str, float]]:
    """Return the name of a distribution, and its parameters by name."""
    family = getattr(distribution, "dist", None)
    if family is None:
        return "", {}
    names = [name.strip() for name in (family.shapes or "").split(",") if name.strip()] + ["loc", "scale"]
    return str(family.name), {**dict(zip(names, distribution.args, strict=False)), **distribution.kwds}


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def weighted_choice(options: tuple[Any, ...], weights: list[float] | None, default: Any) -> Variable:
    """Make a choice with weights, without the options of weight 0."""
    if weights is not None:
        kept = [place for place, weight in enumerate(weights) if weight > 0]
        options, weights = tuple(options[place] for place in kept), [weights[place] for place in kept]
    return Choice(*options, weights=weights, default=default)
