"""Ablation paths and smallest changes as results, with their forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from luthier import codec
from luthier.analysis.results import Interval
from luthier.render import ResultForm, short
from luthier.trial import Config


@dataclass(frozen=True, slots=True)
class ValueChange:
    """The change of one variable.

    Args:
        name: the variable.
        before: its value before, in plain form; None where it was inactive.
        after: its value after; None where it is inactive.
    """

    name: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.name}: {short(self.before)} → {short(self.after)}"

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return {"name": self.name, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class AblationStep:
    """One step of an ablation path.

    Args:
        changes: the variables that change: one, and those that it makes active or inactive.
        predicted: the objective after the step, as predicted.
        gain: how much better the predicted median became, in the objective's units; negative where it became worse.
        share: that gain over the gain of the whole path; 0 where the whole path gains nothing.
    """

    changes: tuple[ValueChange, ...]
    predicted: Interval
    gain: float
    share: float


@dataclass(frozen=True, slots=True)
class AblationPath(ResultForm):
    """The way from one configuration to the best one, a variable at a time, the most rewarding first.

    Args:
        objective: the objective's name.
        maximize: whether it is maximized.
        origin: where the path begins, in words: ``the defaults``, ``the middle of the space``, ``trial 0``, ``given``.
        start: the configuration there, in plain form.
        end: the configuration of the best trial.
        number: the best trial.
        predicted: the objective at the start, as predicted.
        steps: in the order of the path.
        level: the probability of each interval, in (0, 1).
        by: the model, in words.
    """

    objective: str
    maximize: bool
    origin: str
    start: Config
    end: Config
    number: int
    predicted: Interval
    steps: tuple[AblationStep, ...]
    level: float
    by: str

    @property
    def gain(self) -> float:
        """How much better the end is than the start, as predicted, in the objective's units."""
        return sum(step.gain for step in self.steps)

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        last = self.steps[-1].predicted if self.steps else self.predicted
        way = f"{self.predicted.median:.6g} → {last.median:.6g}"
        return f"{self.objective} from {self.origin} to trial {self.number}: {way} predicted, {len(self.steps)} steps"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        rows = [(self.origin, str(self.predicted))]
        for step in self.steps:
            label = ", ".join(map(str, step.changes))
            rows.append((label, f"{step.predicted}, {round(step.share, 2) + 0.0:+.0%} of the gain"))
        return [*rows, ("model", self.by)]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form = {
            "objective": self.objective,
            "origin": self.origin,
            "start": self.start,
            "end": self.end,
            "number": self.number,
            "predicted": self.predicted._asdict(),
            "gain": self.gain,
            "steps": [
                {
                    "changes": [change.to_dict() for change in step.changes],
                    "predicted": step.predicted._asdict(),
                    "gain": step.gain,
                    "share": step.share,
                }
                for step in self.steps
            ],
            "level": self.level,
            "model": self.by,
        }
        plain: dict[str, Any] = codec.to_plain(form)
        return plain


@dataclass(frozen=True, slots=True)
class SmallestChange(ResultForm):
    """The configuration with the fewest and smallest changes from a start that is as good as the best, within noise.

    Args:
        objective: the objective's name.
        maximize: whether it is maximized.
        origin: where the changes begin, in words; see `AblationPath`.
        params: the configuration, as the user writes it.
        config: the same in plain form.
        changes: the variables that differ from the start.
        kept: the variables that differ between the start and the best trial, and may stay as they were at the start.
        number: the best trial.
        predicted: the objective there, as predicted.
        best: the objective at the best trial's configuration, as predicted.
        tolerance: how much worse than the best counts as equal, in the objective's units.
        level: the probability of each interval, in (0, 1).
        by: the model, in words.
    """

    objective: str
    maximize: bool
    origin: str
    params: dict[str, Any]
    config: Config
    changes: tuple[ValueChange, ...]
    kept: tuple[ValueChange, ...]
    number: int
    predicted: Interval
    best: Interval
    tolerance: float
    level: float
    by: str

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        all_of_them = len(self.changes) + len(self.kept)
        many = f"{len(self.changes)} of {all_of_them} changes"
        return (
            f"{self.objective} = {self.predicted.median:.6g} predicted after {many} from {self.origin}; "
            f"{self.best.median:.6g} for trial {self.number}, within {self.tolerance:.3g}"
        )

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        rows = [("change", str(change)) for change in self.changes]
        rows += [("keep", f"{change.name}: {short(change.before)}") for change in self.kept]
        return [*rows, ("predicted", str(self.predicted)), ("best", str(self.best)), ("model", self.by)]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form = {
            "objective": self.objective,
            "origin": self.origin,
            "params": self.config,
            "changes": [change.to_dict() for change in self.changes],
            "kept": [change.to_dict() for change in self.kept],
            "number": self.number,
            "predicted": self.predicted._asdict(),
            "best": self.best._asdict(),
            "tolerance": self.tolerance,
            "level": self.level,
            "model": self.by,
        }
        plain: dict[str, Any] = codec.to_plain(form)
        return plain
