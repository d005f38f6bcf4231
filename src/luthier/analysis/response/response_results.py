"""Predicted response to one or two variables, and the acquisition over them, as results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from luthier import codec
from luthier.analysis.interval_estimate import VariableAxis
from luthier.render import ResultForm, short
from luthier.trial import Config


class ResponsePoint(NamedTuple):
    """A trial in the picture of a response.

    Args:
        number: of the trial.
        at: the values of the variables of the axes, in plain form; None where a variable was inactive.
        value: the measured value of the objective; NaN where the trial has none.
    """

    number: int
    at: tuple[Any, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Dependence(ResultForm):
    """The partial dependence of an objective on one variable, in the objective's units.

    Args:
        objective: the objective's name.
        maximize: whether it is maximized.
        axis: the variable and its values (g,).
        mean: (g,) the predicted objective, averaged over the other variables' values.
        low: (g,) the lower ends of the intervals of that average: how well the model knows it.
        high: (g,) the upper ends.
        lines: (k, g) the predicted medians for k configurations with all other variables fixed (individual conditional
            expectations): that of the best trial first, then of trials spread over the values.
        numbers: (k,) the trials whose configurations these are.
        points: the trials with values.
        best: the variable's value in the best trial, in plain form; None where it was inactive.
        active: the share of the space in which the variable is active; the curve is that within this part.
        level: the probability of each interval, in (0, 1).
        by: the model, in words.
    """

    objective: str
    maximize: bool
    axis: VariableAxis
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    lines: tuple[tuple[float, ...], ...]
    numbers: tuple[int, ...]
    points: tuple[ResponsePoint, ...]
    best: Any
    active: float
    level: float
    by: str

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        pick = max if self.maximize else min
        place = self.mean.index(pick(self.mean))
        return f"{self.objective} by {self.axis.name}: best on average at {self.axis.labels[place]}"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        every = max(1, len(self.mean) // 10)
        rows = [
            (self.axis.labels[i], f"{self.mean[i]:.6g} [{self.low[i]:.6g}, {self.high[i]:.6g}]")
            for i in range(0, len(self.mean), every)
        ]
        return [*rows, ("model", self.by)]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form = {
            "objective": self.objective,
            "axis": self.axis.to_dict(),
            "mean": list(self.mean),
            "low": list(self.low),
            "high": list(self.high),
            "lines": [list(line) for line in self.lines],
            "numbers": list(self.numbers),
            "best": self.best,
            "active": self.active,
            "level": self.level,
            "model": self.by,
        }
        plain: dict[str, Any] = codec.to_plain(form)
        return plain


@dataclass(frozen=True, slots=True)
class DependenceSurface(ResultForm):
    """The partial dependence of an objective on two variables, in the objective's units.

    Args:
        objective: the objective's name.
        maximize: whether it is maximized.
        axes: the two variables and their values (g,) and (h,).
        mean: (g, h) the predicted objective, averaged over the other variables' values; NaN where the two variables are
            not active together.
        low: (g, h) the lower ends of the intervals of that average.
        high: (g, h) the upper ends.
        points: the trials with values.
        best: both variables' values in the best trial, in plain form; None where inactive.
        level: the probability of each interval, in (0, 1).
        by: the model, in words.
    """

    objective: str
    maximize: bool
    axes: tuple[VariableAxis, VariableAxis]
    mean: tuple[tuple[float, ...], ...]
    low: tuple[tuple[float, ...], ...]
    high: tuple[tuple[float, ...], ...]
    points: tuple[ResponsePoint, ...]
    best: tuple[Any, Any]
    level: float
    by: str

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        known = [(m, i, j) for i, row in enumerate(self.mean) for j, m in enumerate(row) if m == m]
        _, i, j = (max if self.maximize else min)(known)
        first, second = self.axes
        where = f"{first.name} = {first.labels[i]}, {second.name} = {second.labels[j]}"
        return f"{self.objective} by {first.name} and {second.name}: best on average at {where}"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        first, second = self.axes
        rows = []
        for i in range(0, len(self.mean), max(1, len(self.mean) // 8)):
            every = max(1, len(self.mean[i]) // 8)
            cells = [f"{second.labels[j]}: {self.mean[i][j]:.4g}" for j in range(0, len(self.mean[i]), every)]
            rows.append((first.labels[i], ", ".join(cells)))
        return [*rows, ("model", self.by)]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form = {
            "objective": self.objective,
            "axes": [axis.to_dict() for axis in self.axes],
            "mean": [list(row) for row in self.mean],
            "low": [list(row) for row in self.low],
            "high": [list(row) for row in self.high],
            "best": list(self.best),
            "level": self.level,
            "model": self.by,
        }
        plain: dict[str, Any] = codec.to_plain(form)
        return plain


@dataclass(frozen=True, slots=True)
class AcquisitionSurface(ResultForm):
    """The acquisition function of one moment over one or two variables, the others fixed.

    Args:
        number: the trial that was proposed then; None for the moment now.
        acquisition: the name of the acquisition function.
        axes: one or two variables and their values (g,) and (h,).
        values: (g, h) acquisition values, h = 1 for one variable; larger is better, on a scale of the model's own; NaN
            where no configuration is.
        config: the configuration at which the other variables are fixed, in plain form: that of the proposal, or of the
            best trial for the moment now.
        points: the trials that had values then.
    """

    number: int | None
    acquisition: str
    axes: tuple[VariableAxis, ...]
    values: tuple[tuple[float, ...], ...]
    config: Config
    points: tuple[ResponsePoint, ...]

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        known = [(v, i, j) for i, row in enumerate(self.values) for j, v in enumerate(row) if v == v]
        _, *place = max(known)
        at = ", ".join(f"{axis.name} = {axis.labels[i]}" for axis, i in zip(self.axes, place, strict=False))
        when = "now" if self.number is None else f"when trial {self.number} was proposed"
        return f"{self.acquisition} {when}: highest at {at}"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        every = max(1, len(self.values) // 10)
        rows = [
            (self.axes[0].labels[i], ", ".join(f"{v:.4g}" for v in self.values[i][:: max(1, len(self.values[i]) // 8)]))
            for i in range(0, len(self.values), every)
        ]
        names = {axis.name for axis in self.axes}
        return rows + [(name, f"fixed at {short(value)}") for name, value in self.config.items() if name not in names]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form = {
            "number": self.number,
            "acquisition": self.acquisition,
            "axes": [axis.to_dict() for axis in self.axes],
            "values": [list(row) for row in self.values],
            "params": self.config,
        }
        plain: dict[str, Any] = codec.to_plain(form)
        return plain
