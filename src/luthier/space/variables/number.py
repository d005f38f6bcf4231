"""Variables that are numbers: `Float` and `Int`."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from luthier._typing import Floats
from luthier.errors import InvalidConfig, InvalidSpace
from luthier.space.expression import Coded
from luthier.space.variables.base import Levelled
from luthier.space.variables.column import Codes
from luthier.space.variables.distribution import (
    Beta,
    DistributionScale,
    LogNormal,
    Normal,
    Prior,
    check_prior,
    place_quantile,
    quantile,
)
from luthier.space.variables.rounding import LinearRounding, LogRounding

MOST_LEVELS = 2**50
MOST_LOG = 10**12


@dataclass(frozen=True)
class Number(Levelled):
    """A number between two bounds, both included; on a linear or log scale, continuous or in steps.

    On a log scale in steps, the place of a value in [0, 1] is that of its logarithm, and a value owns the places nearer
    to it than to its neighbours (halfway between the values, not between the logarithms): `levels` is 0 then.
    """

    low: Any
    high: Any
    _: KW_ONLY
    log: bool = False
    step: Any = None
    prior: Prior | None = None

    column = "number"

    def __post_init__(self) -> None:
        self._check_bounds()
        self._check_step()
        if self.log and self.low <= 0:
            raise InvalidSpace(f"a log scale needs a lower bound above 0, not {self.low!r}")
        self._check_levels()
        if self.prior is not None:
            if not isinstance(self.prior, Normal | LogNormal | Beta):
                raise InvalidSpace(f"a prior is Normal, LogNormal or Beta, not {self.prior!r}")
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
        if self.log:
            return DistributionScale(math.log(low), math.log(high) - math.log(low), True)
        return DistributionScale(low, high - low, False)

    def level(self, values: Floats) -> Codes:
        """Give the level nearest to each of (n,) values of a number in steps."""
        return self._near(values).astype(np.int64)

    def _near(self, values: Floats) -> Floats:
        steps = np.rint((values - float(self.low)) / float(self.step or 1))
        found: Floats = np.minimum(np.maximum(steps, 0.0), self._steps - 1.0)
        return found

    def place(self, values: Floats) -> Floats:
        """Turn (n,) values into places in [0, 1]."""
        if self.levels:
            return (self.level(values) + 0.5) / self.levels
        found: Floats = np.minimum(np.maximum(self.scale.place(values), 0.0), 1.0)
        return found

    def value(self, places: Floats) -> Floats:
        """Turn places (n,) in [0, 1], NaN where inactive, into values, rounded and on the step."""
        if not self._steps:
            return self._rounder.many(self.scale.value(places))
        if self.levels:
            return self.number(np.minimum(np.floor(places * self.levels), self.levels - 1.0))
        return self.number(self._near(self.scale.value(places)))

    @abstractmethod
    def number(self, levels: Floats | Codes) -> Floats:
        """Turn levels (any shape; NaN stays) into values."""

    def rounded(self, values: Floats) -> Floats:
        """Round (n,) values of a continuous number and keep them in the range."""
        return self._rounder.many(values)

    @property
    def round_one(self) -> Callable[[float], float]:
        """Give the function that does as `rounded` for one value."""
        return self._rounder.one

    @cached_property
    def _rounder(self) -> LinearRounding | LogRounding:
        kind = LogRounding if self.log else LinearRounding
        return kind(float(self.low), float(self.high))

    # --- what a variable can do -----------------------------------------------------------------------

    def encode(self, values: Sequence[Any]) -> Floats:
        if self.levels:
            return super().encode(values)
        found = np.array(values, dtype=np.float64)
        if len(found) and not (found.min() >= self.low and found.max() <= self.high):
            wrong = next(value for value in values if not self.low <= value <= self.high)
            raise InvalidConfig(f"cannot encode {wrong!r}: it is not {self.domain()}")
        return self.place(found)[:, None]

    def decode(self, block: Floats) -> list[Any]:
        if self.levels:
            return super().decode(block)
        if not self._steps:
            return self.value(block[:, 0]).tolist()  # type: ignore[no-any-return]
        pick = self.pick
        return [pick(code) for code in self.level(self.scale.value(block[:, 0])).tolist()]

    def snap(self, block: Floats) -> Floats:
        if self.levels:
            return super().snap(block)
        if not self._steps:
            return np.minimum(np.maximum(block, 0.0), 1.0)
        near = self._near(self.scale.value(block))  # NaN stays NaN
        return self.scale.place(self.number(near))

    def warp(self, block: Floats) -> Floats:
        return block if self.prior is None else quantile(self.prior, self.scale, block)

    def unwarp(self, block: Floats) -> Floats:
        """Undo `warp`."""
        return block if self.prior is None else place_quantile(self.prior, self.scale, block)

    def read(self, block: Floats) -> Any:
        return self.value(block[:, 0])

    def level_values(self, codes: Codes) -> Floats | Coded:
        return np.where(codes < 0, np.nan, self.number(codes))

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


def _prior_table(prior: Prior) -> dict[str, Any]:
    if isinstance(prior, Beta):
        return {"beta": [prior.a, prior.b]}
    return {"lognormal" if isinstance(prior, LogNormal) else "normal": [prior.mean, prior.std]}


@dataclass(frozen=True)
class Float(Number):
    """A real number from `low` to `high`.

    Args:
        low: the smallest value.
        high: the largest value.
        log: search on a log scale; `low` must be above 0.
        step: only `low`, `low` + `step`, … up to `high`.
        prior: where good values are expected: `Normal`, `LogNormal` or `Beta`, truncated to the range.
        default: the value where none is given; the middle of the scale otherwise.
        when: the variable is active only where this expression holds.

    Raises:
        InvalidSpace: the range is empty or not finite, or another setting makes no sense.

    Example:
        >>> Float(1e-3, 1e3, log=True)
        Float(0.001, 1000.0, log=True)
    """

    kind = "float"
    _types = (int, float)
    _noun = "a number"

    def _bound(self, name: str, value: Any) -> float:
        item = value.item() if isinstance(value, np.generic) else value
        if isinstance(item, bool) or not isinstance(item, int | float) or not math.isfinite(item):
            raise InvalidSpace(f"{name} of a Float is a finite number, not {value!r}")
        return float(item)

    @cached_property
    def _steps(self) -> int:
        if self.step is None:
            if not math.isfinite(self.high - self.low):
                raise InvalidSpace(f"the range from {self.low!r} to {self.high!r} is wider than the largest double")
            return 0
        steps: float = (self.high - self.low) / self.step
        if steps > 1e11:
            raise InvalidSpace(f"the step {self.step!r} is too small for the range: leave it out")
        return math.floor(steps * (1 + 1e-12) + 1e-9) + 1

    @cached_property
    def _linear(self) -> LinearRounding:
        return LinearRounding(self.low, self.high)

    @property
    def pick(self) -> Callable[[int], float]:
        low, step, one = self.low, self.step, self._linear.one
        return lambda level: one(low + level * step)

    def number(self, levels: Floats | Codes) -> Floats:
        return self._linear.many(self.low + levels * self.step)

    def index(self, value: Any) -> int:
        level = min(max(round((value - self.low) / self.step), 0), self._steps - 1)
        return level if self.pick(level) == value else -1

    def plain(self, value: Any) -> Any:
        if type(value) is not float:
            item = value.item() if isinstance(value, np.generic) else value
            if isinstance(item, bool) or not isinstance(item, int | float):
                return value
            value = float(item)
        if not self.low <= value <= self.high:
            return value
        if self._steps:
            level = min(max(round((value - self.low) / self.step), 0), self._steps - 1)
            near = self.pick(level)
            return near if abs(near - value) <= 1e-9 * self.step else value
        return value

    @property
    def canonical(self) -> Callable[[float], float]:
        """Give the function from a value to the one that decoding its place gives: rounded, or on the step."""
        return self.plain if self._steps else self._rounder.one

    @property
    def start(self) -> float:
        value: float = super().start
        return self.canonical(value)

    def __repr__(self) -> str:
        return _repr(self)


@dataclass(frozen=True)
class Int(Number):
    """A whole number from `low` to `high`.

    Args:
        low: the smallest value.
        high: the largest value.
        log: search on a log scale; `low` must be at least 1.
        step: only `low`, `low` + `step`, … up to `high`; 1 by default.
        prior: where good values are expected: `Normal`, `LogNormal` or `Beta`, truncated to the range.
        default: the value where none is given; the middle of the scale otherwise.
        when: the variable is active only where this expression holds.

    Raises:
        InvalidSpace: the range is empty, a bound is no whole number, or another setting makes no sense.

    Example:
        >>> Int(2, 5, when="kernel == 'poly'")
        Int(2, 5, when="kernel == 'poly'")
    """

    kind = "int"
    _types = (int,)
    _noun = "a whole number"

    def _bound(self, name: str, value: Any) -> int:
        item = value.item() if isinstance(value, np.generic) else value
        if isinstance(item, bool) or not isinstance(item, int):
            hint = ": use a Float for others" if isinstance(item, float) else ""
            raise InvalidSpace(f"{name} of an Int is a whole number, not {value!r}{hint}")
        if abs(item) >= 2**63:
            raise InvalidSpace(f"{name} of an Int has at most 64 bits, not {value!r:.30}")
        return item

    @cached_property
    def _range(self) -> range:
        return range(self.low, self.high + 1, self.step or 1)

    @cached_property
    def _steps(self) -> int:
        return len(self._range) if self.high - self.low < 2**62 else 2**62

    @property
    def pick(self) -> Callable[[int], int]:
        return self._range.__getitem__

    def number(self, levels: Floats | Codes) -> Floats:
        return float(self.low) + levels.astype(np.float64, copy=False) * float(self.step or 1)

    def index(self, value: Any) -> int:
        return (value - self.low) // (self.step or 1) if type(value) is int and value in self._range else -1

    def plain(self, value: Any) -> Any:
        if type(value) is int:
            return value
        item = value.item() if isinstance(value, np.generic) else value
        if isinstance(item, bool) or not isinstance(item, int | float) or item != item or math.isinf(item):
            return value
        return int(item) if item == int(item) else value

    def __repr__(self) -> str:
        return _repr(self)


def _repr(number: Number) -> str:
    parts = [repr(number.low), repr(number.high)]
    parts += ["log=True"] if number.log else []
    parts += [
        f"{name}={value!r}"
        for name in ("step", "prior", "default", "when")
        if (value := getattr(number, name)) is not None
    ]
    return f"{type(number).__name__}({', '.join(parts)})"
