"""Results, reports and attributes of trials as events. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from luthier import codec
from luthier.errors import InvalidResult, LeaseLost, TrialFinished
from luthier.event import Attributed, Event, Reported, Told
from luthier.history import History
from luthier.scalar import to_step
from luthier.trial import Outcome, Reason, Report, ReportValue, Ruling, State, Trial, check_noted_cost


def tell(
    history: History,
    number: int,
    token: int | None,
    outcome: Outcome,
    reports: Sequence[tuple[int, ReportValue]] = (),
    attributes: Mapping[str, Any] | None = None,
) -> list[Event]:
    """Decide how a result is recorded.

    Args:
        history: everything that is known.
        number: the trial.
        token: the fencing token of the caller's lease; None: that of the present lease.
        outcome: what came of it.
        reports: all intermediate results (step, value) of this attempt; those not recorded yet are now.
        attributes: what was noted of the trial; likewise.

    Returns:
        One event, after those of the reports and attributes; none where exactly this was recorded before, under the
        same token if there is one.

    Raises:
        TrialFinished: the trial has another outcome.
        LeaseLost: the trial was taken from the caller.
    """
    trial = history.trial(number)
    if trial.outcome is not None:
        same = (trial.outcome.reason, _comparable(trial.outcome)) == (outcome.reason, _comparable(outcome))
        if same and (token is None or (trial.lease is not None and trial.lease.token == token)):
            return []
        raise TrialFinished(f"trial {number} already ended as {trial.outcome.reason}; it keeps that outcome")
    token = _held(trial, token)
    if not reports and not attributes:
        return [told(number, token, outcome)]
    late = reports[len(of_attempt(trial)) :]
    for more, (step, _) in enumerate(late):
        _check_case(history, number, step, more)
    noted = _attributed(trial, token, attributes or {})
    return [*(report_event(number, token, step, value) for step, value in late), *noted, told(number, token, outcome)]


def told(number: int, token: int, outcome: Outcome) -> Told:
    """Make the event of an outcome, in which mappings are in the order in which a store gives them back."""
    return Told(
        number,
        token,
        str(outcome.reason),
        dict(outcome.values),
        codec.canonical(outcome.violations) if outcome.violations else {},
        outcome.duration_s,
        outcome.error,
        codec.canonical(outcome.extra) if outcome.extra else {},
    )


def report(
    history: History, number: int, token: int, step: int | None, value: ReportValue, counting: bool = False
) -> list[Event]:
    """Decide how an intermediate value is recorded; without a `step`, as that after the latest of this attempt.

    The first one is 0, or 1 in a study with a fidelity. Where `counting`, as a rule looks at them, steps go up.

    Raises:
        LeaseLost, TrialFinished, InvalidResult: it cannot be recorded.
    """
    trial = history.trial(number)
    if trial.outcome is not None:
        raise TrialFinished(f"trial {number} already ended as {trial.outcome.reason}: it takes no more reports")
    reports = of_attempt(trial) if step is None or counting else ()
    if step is None and history.problem().instances is not None:
        step = len(history.loss_sums(number)) + 1
    if step is None:
        step = to_step(reports[-1].step + 1) if reports else int(history.problem().fidelity is not None)
    token = _held(trial, token)
    if counting and reports and step < reports[-1].step:
        raise InvalidResult(
            f"trial {number} reports step {step} after step {reports[-1].step}: steps go up, as a rule compares trials "
            "at the same step"
        )
    _check_case(history, number, step)
    _check_alike(trial, value)
    return [report_event(number, token, step, value)]


def report_event(number: int, token: int, step: int, value: ReportValue) -> Reported:
    """Make the event of a report."""
    if isinstance(value, tuple):
        return Reported(number, token, step, value[0], value[1:])
    return Reported(number, token, step, value)


def _check_alike(trial: Trial, value: ReportValue) -> None:
    """Raise InvalidResult where an attempt reports the first objective alone, and before that several, or likewise."""
    latest = trial.reports[-1] if trial.reports else None
    if latest is None or latest.attempt != (trial.lease.attempt if trial.lease else 1):
        return
    count = len(value) if isinstance(value, tuple) else 1
    if count != len(latest.values):
        raise InvalidResult(
            f"trial {trial.number} reports {count} of the objectives after {len(latest.values)}: report the same ones "
            "at every step"
        )


def _check_case(history: History, number: int, step: int, more: int = 0) -> None:
    """Raise InvalidResult where a report is not that of a trial's next case, in a study with instances."""
    instances = history.problem().instances
    if instances is None:
        return
    due = len(history.loss_sums(number)) + 1 + more
    if due > len(instances):
        raise InvalidResult(f"trial {number} has reported all {len(instances)} cases: tell that it has ended")
    if step != due:
        raise InvalidResult(
            f"trial {number} reports case {step}, and case {due} is next: all trials have their cases in one order, "
            "that of trial.cases()"
        )


def attribute(history: History, number: int, token: int, values: Mapping[str, Any]) -> list[Event]:
    """Decide how attributes of a running trial are recorded; those that it has already are not.

    Raises:
        InvalidResult: one is the cost of the study's trials, and is no number from 0 on.
        LeaseLost, TrialFinished: they cannot be recorded.
    """
    trial = history.trial(number)
    if trial.outcome is not None:
        raise TrialFinished(f"trial {number} already ended as {trial.outcome.reason}: it takes no more attributes")
    check_noted_cost(history.problem().cost, values)
    return _attributed(trial, _held(trial, token), values)


def _attributed(trial: Trial, token: int, values: Mapping[str, Any]) -> list[Event]:
    known = trial.attributes
    news = {name: v for name, v in values.items() if name not in known or codec.dumps(known[name]) != codec.dumps(v)}
    return [Attributed(trial.number, token, codec.canonical(news))] if news else []


def _held(trial: Trial, token: int | None) -> int:
    lease = trial.lease
    if trial.state is not State.RUNNING or lease is None or (token is not None and token != lease.token):
        raise LeaseLost(
            f"trial {trial.number} was taken from this worker, whose lease had ended: its late result is refused. "
            "The trial is run again with the same configuration"
        )
    return lease.token


def of_attempt(trial: Trial) -> tuple[Report, ...]:
    """Give the reports of the present attempt."""
    attempt = trial.lease.attempt if trial.lease else 1
    return tuple(report for report in trial.reports if report.attempt == attempt)


def diverged(history: History, trial: Trial) -> Outcome | None:
    """Give the outcome of a trial that a rule has paused or stopped where its loss is not finite; None for any other.

    It follows from the reports alone, whatever the trial returns afterwards, if it lives to do so.
    """
    reports = of_attempt(trial)
    if trial.ruling not in (Ruling.PAUSE, Ruling.STOP) or not reports:
        return None
    problem, values = history.problem(), reports[-1].values
    if problem.instances is not None:
        values = values if trial.mean is None else (trial.mean,)
    if all(map(math.isfinite, values)):
        return None
    found = dict(zip((objective.name for objective in problem.objectives), values, strict=False))
    error = f"the objective reported {', '.join(f'{name} = {value}' for name, value in found.items())}"
    return Outcome(Reason.NONFINITE, found if len(found) == len(problem.objectives) else {}, error=error)


def _comparable(outcome: Outcome) -> dict[str, str]:
    return {name: "nan" if math.isnan(value) else repr(value) for name, value in outcome.values.items()}
