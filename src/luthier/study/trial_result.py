"""Trials as a person sees them: values as they were written, objectives by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from luthier import codec
from luthier.errors import NoResult
from luthier.problem import Objective
from luthier.space import Space
from luthier.trial import Config, Reason, Report, State, Trial


@dataclass(frozen=True, slots=True, repr=False)
class TrialResult:
    """One trial of a study, done or not.

    Args:
        trial: the trial as it stands in the log.
        space: gives back the objects behind registered names.
        objectives: the objectives of the study.
    """

    trial: Trial
    space: Space
    objectives: tuple[Objective, ...]

    @property
    def number(self) -> int:
        """The trial's number: 0, 1, 2, … in the order of asking."""
        return self.trial.number

    @property
    def params(self) -> Mapping[str, Any]:
        """The active variables and their values, as the user wrote them."""
        return MappingProxyType(dict(self.space.realize(self.config)))

    @property
    def config(self) -> Config:
        """The same in plain form: objects by their names. Variables stand in the order of the space."""
        config = self.trial.config
        ordered = {name: config[name] for name in self.space.names if name in config}
        return MappingProxyType({**ordered, **config})

    @property
    def state(self) -> State:
        """Running, waiting to be run again, or finished."""
        return self.trial.state

    @property
    def reason(self) -> Reason | None:
        """The reason why the trial ended; None before that."""
        return self.trial.outcome.reason if self.trial.outcome else None

    @property
    def is_done(self) -> bool:
        """Tell whether the trial has a value."""
        return self.trial.is_done

    @property
    def values(self) -> Mapping[str, float]:
        """The objectives by name; empty where the trial has no values."""
        return MappingProxyType(dict(self.trial.outcome.values)) if self.trial.outcome else MappingProxyType({})

    @property
    def value(self) -> float:
        """The value of the first objective.

        Raises:
            NoResult: the trial has no value.
        """
        values = self.values
        if self.objectives[0].name not in values:
            how = f"ended as {self.reason}" if self.reason else f"is {self.state}"
            raise NoResult(f"trial {self.number} has no value: it {how}")
        return values[self.objectives[0].name]

    @property
    def duration_s(self) -> float | None:
        """Seconds that the objective ran, where known."""
        return self.trial.outcome.duration_s if self.trial.outcome else None

    @property
    def error(self) -> str:
        """The message and traceback of a failure; empty where there was none."""
        return self.trial.outcome.error if self.trial.outcome else ""

    @property
    def reports(self) -> tuple[Report, ...]:
        """The intermediate values by step; where several attempts reported one step, that of the latest."""
        return self.trial.curve

    @property
    def note(self) -> Mapping[str, Any]:
        """The method's own record of its choice."""
        return MappingProxyType(dict(self.trial.note))

    @property
    def extra(self) -> Mapping[str, Any]:
        """Everything else that the objective returned."""
        return MappingProxyType(dict(self.trial.outcome.extra)) if self.trial.outcome else MappingProxyType({})

    def to_dict(self) -> dict[str, Any]:
        """Give the trial as plain values for JSON; `luthier.codec.from_plain` gives every value back exactly."""
        outcome = self.trial.outcome
        form = {
            "number": self.number,
            "state": str(self.state),
            "reason": str(self.reason) if self.reason else None,
            "values": self.values,
            "params": self.config,
            "violations": outcome.violations if outcome else {},
            "duration_s": self.duration_s,
            "origin": self.trial.origin,
            "error": self.error,
            "reports": [[report.step, report.value] for report in self.reports],
            "extra": self.extra,
        }
        plain: dict[str, Any] = codec.to_plain(form)
        return plain

    def __getitem__(self, name: str) -> Any:
        return self.params[name]

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        params = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return f"TrialResult({self.number}, {self.reason or self.state}{': ' if values else ''}{values} at {params})"
