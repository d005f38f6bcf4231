"""Number: base class of the numerical variables, on a linear or log scale, continuous or in steps."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from luthier._typing import Floats, Integers
from luthier.errors import InvalidConfig, InvalidSpace
from luthier.scalar import short
from luthier.space.variables.base import Variable, encode_levels, level_codes, level_places, snap_to_levels
from luthier.space.variables.distribution import (
    Beta,
    Distribution,
    LogNormal,
    Normal,
    check_prior,
    place_quantile,
    quantile,
)
from luthier.space.variables.rounding import DistributionScale, LinearRounding, LogRounding

MOST_LEVELS = 2**50
MOST_LOG = 10**12
_STRAIGHT = 1e-6
"""A log scale over a range that is a smaller share of its values is straight: its logarithms cannot be told apart."""
_BISECTIONS = 53


@dataclass(frozen=True)
class Number(Variable):
    """A number between two bounds, both included; on a linear or log scale, continuous or in steps. Abstract.

    On a log scale in steps, the place of a value in [0, 1] is that of its logarithm, and a value owns the places nearer
    to it than to its neighbours (halfway between the values, not between the logarithms): `levels` is 0 then.
    """

    low: Any
    high: Any
    _: KW_ONLY
    log: bool = False
    step: Any = None
    prior: Distribution | None = None

    column = "number"

    def __post_init__(self) -> None:
        self._check_bounds()
        self._check_step()
        if not isinstance(self.log, bool | np.bool_):
            raise InvalidSpace(
                f"log is True or False, not {short(self.log)}; for fine steps towards the upper end, such as 0.9, "
                "0.99, 0.999, search the distance from it, on a log scale: x = 1 - distance"
            )
        object.__setattr__(self, "log", bool(self.log))
        if self.log and self.low <= 0:
            kind = type(self).__name__
            raise InvalidSpace(
                f"a log scale needs a lower bound above 0, not {self.low!r}: to have 0 as well, declare a Bool 'on' "
                f"and give this {kind} a range above 0 and when='on'; or search the value plus 1, and take 1 away"
            )
        self._check_levels()
        if self.prior is not None:
            if not isinstance(self.prior, Normal | LogNormal | Beta):
                raise InvalidSpace(f"a prior is Normal, LogNormal or Beta, not {short(self.prior)}")
            if isinstance(self.prior, LogNormal) and self.high <= 0:
                raise InvalidSpace(f"a LogNormal prior needs values above 0; the upper bound is {self.high!r}")
            check_prior(self.prior, self.scale)
        self._check_when()
        self._check_default()

    def _check_bounds(self) -> None:
        for name, value in (("low", self.low), ("high", self.high)):
            object.__setattr__(self, name, self._bound(name, value))
        if not self.low < self.high:
            hint = "use Constant for a single value" if self.low == self.high else "swap the bounds"
            raise InvalidSpace(f"the range from {self.low!r} to {self.high!r} is empty: {hint}")

    @abstractmethod
    def _bound(self, name: str, value: Any) -> Any: ...

    def _check_step(self) -> None:
        if self.step is None:
            return
        object.__setattr__(self, "step", self._bound("step", self.step))
        if not self.step > 0:
            raise InvalidSpace(f"step is more than 0, not {self.step!r}")
        if self.step > self.high - self.low:
            raise InvalidSpace(f"the step {self.step!r} is larger than the range from {self.low!r} to {self.high!r}")

    def _check_levels(self) -> None:
        steps = self._steps
        if steps > MOST_LEVELS or (self.log and steps and self.high > MOST_LOG):
            raise InvalidSpace(
                f"the range from {self.low!r} to {self.high!r} has too many values to tell apart in a double: "
                "use a Float, or a larger step"
            )
        if steps and self.pick(0) == self.pick(1):
            raise InvalidSpace(f"the step {self.step!r} is too small to tell {self.low!r} and its neighbour apart")

    @property
    @abstractmethod
    def _steps(self) -> int:
        """The number of values of a number in steps; 0 for a continuous one."""

    @cached_property
    def levels(self) -> int:  # type: ignore[override]
        """The number of evenly spaced values; 0 where it is continuous, or in steps on a log scale."""
        return 0 if self.log else self._steps

    @property
    def count(self) -> int | None:
        return self._steps or None

    @cached_property
    def scale(self) -> DistributionScale:
        """The way between values and [0, 1]."""
        low, high = float(self.low), float(self.high)
        if self._steps:
            high = float(self.pick(self._steps - 1))
            half = float(self.step or 1) / 2
            low, high = (low - half if not self.log or low > half else low / 2), high + half
        if self.log and high - low > low * _STRAIGHT:
            return DistributionScale(math.log(low), math.log(high) - math.log(low), True)
        return DistributionScale(low, high - low, False)

    @property
    def smallest(self) -> float:
        """The smallest value, as a double."""
        return float(self.low)

    @cached_property
    def largest(self) -> float:
        """The largest value, as a double: `high`, or the last one on the step."""
        return float(self.number(np.array([self._steps - 1]))[0]) if self._steps else float(self.high)

    @property
    def is_even(self) -> bool:
        """Whether there are levels and they are equally likely."""
        return self.levels > 0 and self.prior is None

    # --- levels and places -------------------------------------------------------------------------------

    @property
    @abstractmethod
    def pick(self) -> Callable[[int], Any]:
        """The function from levels to plain values, of a number in steps."""

    @abstractmethod
    def index(self, value: Any) -> int:
        """Return the level of a plain value of a number in steps; -1 where it is not on the step."""

    @abstractmethod
    def number(self, levels: Floats | Integers) -> Floats:
        """Return the values of levels, as doubles; any shape, NaN stays."""

    def level(self, values: Floats) -> Integers:
        """Return the level nearest to each of (n,) values of a number in steps."""
        return self._near(values).astype(np.int64)

    def _near(self, values: Floats) -> Floats:
        steps = np.rint((values - float(self.low)) / float(self.step or 1))
        found: Floats = np.minimum(np.maximum(steps, 0.0), self._steps - 1.0)
        return found

    def level_places(self, levels: Integers) -> Floats:
        """Return the places of levels (n,) of a number in steps."""
        return level_places(levels, self.levels) if self.levels else self.place(self.number(levels))

    def codes(self, block: Floats) -> Integers:
        """Return the levels (n,) of places (n, 1), -1 where NaN; only of evenly spaced levels."""
        return level_codes(block[:, 0], self.levels)

    def level_values(self, codes: Integers) -> Floats:
        """Return the column of values, as expressions take it, of levels (n,), -1 where inactive."""
        return np.where(codes < 0, np.nan, self.number(codes))

    def place(self, values: Floats) -> Floats:
        """Return the places in [0, 1] of (n,) values."""
        if self.levels:
            return level_places(self.level(values), self.levels)
        found: Floats = np.minimum(np.maximum(self.scale.place(values), 0.0), 1.0)
        return found

    def value(self, places: Floats) -> Floats:
        """Return the values of places (n,) in [0, 1], rounded and on the step; NaN where inactive."""
        if not self._steps:
            return self._rounder.many(self.scale.value(places))
        if self.levels:
            return self.number(np.minimum(np.floor(places * self.levels), self.levels - 1.0))
        return self.number(self._near(self.scale.value(places)))

    # --- the prior ---------------------------------------------------------------------------------------

    def warp(self, block: Floats) -> Floats:
        return block if self.prior is None else quantile(self.prior, self.scale, block)

    def unwarp(self, block: Floats) -> Floats:
        """Return the uniforms that `warp` turns into these places; any shape."""
        return block if self.prior is None else place_quantile(self.prior, self.scale, block)

    def quantile(self, uniforms: Floats) -> Floats:
        """Return the values of uniforms (n,) in [0, 1) by the prior, as decoding has them; non-decreasing."""
        return self.value(np.minimum(np.maximum(self.warp(uniforms), 0.0), 1.0))

    def uniform(self, values: Floats) -> Floats:
        """Return uniforms (n,) whose `quantile` is each of (n,) values."""
        return self.unwarp(self.place(values))

    @cached_property
    def edges(self) -> Floats:
        """Where in [0, 1] the quantiles of a number in steps go from one value to the next; shape (count + 1,)."""
        count = self._steps
        if self.is_even:
            return np.arange(count + 1) / count
        values = self.number(np.arange(1, count, dtype=np.int64))
        low, high = np.zeros(count - 1), np.ones(count - 1)
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            reached = self.quantile(middle) >= values
            low, high = np.where(reached, low, middle), np.where(reached, middle, high)
        return np.concatenate([[0.0], high, [1.0]])

    # --- rounding ----------------------------------------------------------------------------------------

    def rounded(self, values: Floats) -> Floats:
        """Round (n,) values of a continuous number and keep them in the range."""
        return self._rounder.many(values)

    @property
    def round_one(self) -> Callable[[float], float]:
        """The function that rounds one value as `rounded` does."""
        return self._rounder.one

    @cached_property
    def _rounder(self) -> LinearRounding | LogRounding:
        kind = LogRounding if self.scale.log else LinearRounding
        return kind(float(self.low), float(self.high))

    # --- what a variable can do -----------------------------------------------------------------------

    def encode(self, values: Sequence[Any]) -> Floats:
        if self.levels:
            return encode_levels(self, values)
        found = np.array(values, dtype=np.float64)
        if len(found) and not (found.min() >= self.low and found.max() <= self.high):
            wrong = next(value for value in values if not self.low <= value <= self.high)
            raise InvalidConfig(f"cannot encode {short(wrong)}: it is not {self.domain()}")
        return self.place(found)[:, None]

    def decode(self, block: Floats) -> list[Any]:
        if not self._steps:
            return self.value(block[:, 0]).tolist()  # type: ignore[no-any-return]
        pick = self.pick
        codes = self.codes(block) if self.levels else self.level(self.scale.value(block[:, 0]))
        return [pick(code) for code in codes.tolist()]

    def snap(self, block: Floats) -> Floats:
        if self.levels:
            return snap_to_levels(block, self.levels)
        if not self._steps:
            return np.minimum(np.maximum(block, 0.0), 1.0)
        near = self._near(self.scale.value(block))  # NaN stays NaN
        return self.scale.place(self.number(near))

    def read(self, block: Floats) -> Any:
        return self.value(block[:, 0])

    @property
    def start(self) -> Any:
        if self.default is not None:
            return self.plain(self.default)
        return self.decode(np.array([[0.5]]))[0]

    def fault(self, value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, self._types):
            return f"is not {self._noun} (it is {self.domain()})"
        if not self.low <= value <= self.high:
            return f"is not {self.domain()}"
        if self._steps and self.index(value) < 0:
            return f"is not on the step (it is {self.domain()})"
        return None

    _types: ClassVar[tuple[type, ...]] = ()
    _noun: ClassVar[str] = ""

    def domain(self) -> str:
        step = f", step {self.step!r}" if self.step is not None else ""
        return f"from {self.low!r} to {self.high!r}{step}{', log' if self.log else ''}"

    def table(self) -> dict[str, Any]:
        found: dict[str, Any] = {self.kind: [self.low, self.high]}
        if self.log:
            found["log"] = True
        if self.step is not None:
            found["step"] = self.step
        if self.prior is not None:
            found["prior"] = _prior_table(self.prior)
        if self.default is not None:
            found["default"] = self.plain(self.default)
        return found


def _prior_table(prior: Distribution) -> dict[str, Any]:
    if isinstance(prior, Beta):
        return {"beta": [prior.a, prior.b]}
    return {"lognormal" if isinstance(prior, LogNormal) else "normal": [prior.mean, prior.std]}
