"""Trials as a person sees them: values as they were written, objectives by name."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from luthier import codec
from luthier.problem import Objective
from luthier.render import html_table, number, one_line
from luthier.space import Space
from luthier.trial import Parametrized, Reason, Report, State, Trial


class TrialResult(Parametrized, Struct, frozen=True):
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
    def params(self) -> dict[str, Any]:
        """The active variables and their values, as the user wrote them: a dict of the caller's own."""
        return self.space.realize(self.trial.config)

    @property
    def nested_params(self) -> dict[str, Any]:
        """The same with the variables of chosen options inside them: ``{"model": {"svm": {"C": 1.0}}}``."""
        return self.space.nest(self.params)

    @property
    def config(self) -> dict[str, Any]:
        """The same in plain form: objects by their names. Variables stand in the order of the space."""
        return self.space.structure.ordered(self.trial.config)

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
    def values(self) -> dict[str, float]:
        """The objectives by name, in their order; empty where the trial has no values.

        In a study with instances a trial that has had some of the cases has their mean.
        """
        values = self.trial.outcome.values if self.trial.outcome else {}
        if not values and self.trial.mean is not None and not (self.reason and self.reason.is_crash):
            values = {self.objectives[0].name: self.trial.mean}
        names = [objective.name for objective in self.objectives if objective.name in values]
        return {**{name: values[name] for name in names}, **values}

    @property
    def value(self) -> float:
        """The value of the first objective; NaN where the trial has none, as it failed or has not ended."""
        return self.values.get(self.objectives[0].name, math.nan)

    @property
    def violations(self) -> dict[str, float]:
        """The outcome constraints by name, at most 0 where they hold."""
        return dict(self.trial.outcome.violations) if self.trial.outcome else {}

    @property
    def forgotten(self) -> bool:
        """Tell whether the trial counts for nothing (see `luthier.trial.Trial`)."""
        return self.trial.forgotten

    @property
    def attempts(self) -> int:
        """How often the trial was begun: more than once where a worker was lost, or where it was to be run again."""
        return self.trial.lease.attempt if self.trial.lease else 1

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
    def note(self) -> dict[str, Any]:
        """The method's own record of its choice."""
        note: dict[str, Any] = codec.canonical(self.trial.note)
        return note

    @property
    def extra(self) -> dict[str, Any]:
        """Everything else that the objective returned."""
        return dict(self.trial.outcome.extra) if self.trial.outcome else {}

    @property
    def attributes(self) -> dict[str, Any]:
        """What its objective noted of it while it ran (see `luthier.RunningTrial.set`), over all attempts."""
        return dict(self.trial.attributes)

    def to_dict(self) -> dict[str, Any]:
        """Give the trial as plain values for JSON; `luthier.codec.from_plain` gives every value back exactly."""
        form = {
            "number": self.number,
            "state": str(self.state),
            "reason": str(self.reason) if self.reason else None,
            "values": self.values,
            "params": self.config,
            "violations": self.violations,
            "duration_s": self.duration_s,
            "origin": self.trial.origin,
            "error": self.error,
            "reports": [report.to_list() for report in self.reports],
            "extra": self.extra,
            "note": self.note,
            **({"attributes": self.attributes} if self.trial.attributes else {}),
            **({"forgotten": True} if self.forgotten else {}),
            **({"attempts": self.attempts} if self.attempts > 1 else {}),
            **self._earlier_reports(),
        }
        plain: dict[str, Any] = codec.to_plain(form)
        return plain

    def _earlier_reports(self) -> dict[str, Any]:
        """Give the reports of all attempts as ``[attempt, step, value, …]``, where several reported the same step."""
        every = self.trial.reports
        if len(every) == len(self.reports):
            return {}
        return {"reports_of_attempts": [[report.attempt, *report.to_list()] for report in every]}

    def _repr_html_(self) -> str:
        given = [*self.values.items(), *self.violations.items(), *self.params.items()]
        rows = [(str(name), repr(value)) for name, value in given]
        rows += [("seconds", number(self.duration_s))] if self.duration_s is not None else []
        rows += [("error", one_line(self.error, 300))] if self.error else []
        return html_table(f"trial {self.number}: {self.reason or self.state}", rows)

    def __hash__(self) -> int:
        return hash(self.number)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        params = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        how = f"{self.reason or self.state}{', forgotten' if self.forgotten else ''}"
        return f"TrialResult({self.number}, {how}{': ' if values else ''}{values} at {params})"
