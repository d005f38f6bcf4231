"""Reports of running trials, the rulings on them, and the fate of trials whose run is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import msgspec

from luthier.errors import InvalidResult
from luthier.event import Configured, Event, Freed, Paused, Promoted, Pruned, Told
from luthier.history import History, outcome_cost
from luthier.instances import Case, CaseProgress, Instances
from luthier.key import Key
from luthier.scalar import to_step
from luthier.stop import CapsRunTime, Decision, Rule, scheduler_of
from luthier.study.log import StudyLog
from luthier.study.rulings.records import diverged, of_attempt, report, report_event, tell
from luthier.trial import Outcome, Reason, Reportable, ReportValue, Ruling, State, Trial, read_report

Progress: TypeAlias = Callable[[History, int], CaseProgress]
Cases: TypeAlias = Callable[[int, int], Iterator[Case]]
PAUSED = "paused"
"""The reason for which the lease of a trial ends that has spent what a scheduler gave it."""

UNFINISHED = "unfinished"
"""What stands in `Outcome.extra` for the values that a pruned trial had."""

_REPORT_EACH = "its value is their mean, so report each, as in for case in trial.cases(): trial.report(…)"
_ENDING = (Ruling.STOP, Ruling.FINISH, Ruling.PAUSE)


class TrialReports:
    """What is told of the running trials of an open study, and what its rule decides then.

    Args:
        log: the study's log.
        rule: decides of running trials; None: they all go on.
    """

    def __init__(self, log: StudyLog, rule: Rule | None) -> None:
        self._log = log
        self.rule = rule
        self.instances = log.history.problem().instances
        self._names = [objective.name for objective in log.history.problem().objectives]
        self._obeying: set[int] = set()  # tokens of trials that were told to stop, and may not have told their value

    def report(
        self, number: int, token: int, value: Reportable, step: int | None, configured: Configured | None
    ) -> None:
        """Record an intermediate value, and what the rule decides then.

        `configured` says what method and rule are, which is written down before a first decision; None without a rule.
        """
        where, whole = f" of trial {number}", scheduler_of(self.rule) is not None
        given = read_report(value, self._names, where, whole=whole)
        place = None if step is None else to_step(step, where)
        if self.instances is not None and isinstance(given, float):
            given = self.instances.counted(given)
        if self.rule is None or configured is None:
            self._log.commit(lambda history: report(history, number, token, place, given))
            return

        def decide(history: History) -> list[Event]:
            news = _news(history, configured)
            return [*news, *report(history, number, token, place, given, counting=True)]

        self._judge(self._log.commit(decide), number, token, self.rule)

    @property
    def decides(self) -> bool:
        """Whether what becomes of a trial is not just what is told of it: there is a rule, or there are instances."""
        return self.rule is not None or self.instances is not None

    @property
    def case_ways(self) -> tuple[Progress, Cases] | None:
        """How a trial learns its cases; None in a study without instances."""
        return None if self.instances is None else (self.progress, self.cases)

    def value_of(self, number: int) -> float | None:
        """Give the value of a trial of which none is told: in a study with instances the mean of its cases.

        Raises:
            InvalidResult: it has reported none of them.
        """
        if self.instances is None:
            return None
        mean = self._log.history.trial(number).mean
        if mean is None:
            raise InvalidResult(f"trial {number} has reported none of its cases: {_REPORT_EACH}")
        return mean

    @property
    def asking(self) -> Callable[[int, int], bool] | None:
        """How a trial asks whether it is to stop; None where there is no rule to ask."""
        return None if self.rule is None else self.should_stop

    def should_stop(self, number: int, token: int) -> bool:
        """Tell whether the rule has ended or paused a trial; one that asks is taken to obey."""
        trial = self._log.history.trial(number)
        ended = trial.lease is None or trial.lease.token != token or trial.ruling in _ENDING
        if ended:
            self._obeying.add(token)
        return ended

    def finish(
        self,
        number: int,
        token: int | None,
        outcome: Outcome,
        reports: Sequence[tuple[int, ReportValue]],
        noted: Mapping[str, Any] | None,
        stopped: bool | None,
        configured: Configured,
    ) -> History:
        """Record how a run of a trial ended.

        Args:
            number: of the trial.
            token: of the caller's lease; None: that of the present one.
            outcome: its outcome.
            reports: all its intermediate values.
            noted: all its attributes.
            stopped: whether its objective was told to stop, and returned because of that; None: if it has asked here.
            configured: says what method and rule are.
        """
        rule = self.rule
        if _was_told(self._log.history.trial(number), token, outcome):
            return self._log.history
        told = tell(self._log.history, number, token, outcome, reports, noted)
        late = [event for event in told if not isinstance(event, Told)]
        if late:
            self._log.commit(lambda now: _if_held(now, number, token, late))
        trial = self._log.history.trial(number)
        obeyed = token in self._obeying if stopped is None else stopped
        if self.instances is not None and outcome.reason is Reason.DONE:
            outcome = _outcome_of_cases(self._log.history, trial, self.instances, outcome, obeyed)
        if outcome.reason is Reason.DONE and not obeyed and trial.lease is not None:
            if self.instances is None and (rung := _rung_report(self._log.history, trial, outcome)):
                self._log.commit(lambda now: [*_news(now, configured), *_if_held(now, number, token, rung)])
            if rule is not None and _is_partial(self._log.history, trial):
                self._judge(self._log.history, number, trial.lease.token, rule)
        history = self._log.commit(lambda now: _ended(now, number, token, outcome, obeyed))
        self._obeying.discard(token or 0)
        return history

    def progress(self, history: History, number: int) -> CaseProgress:
        """Give where a trial stands in the order of the cases, as its next attempt begins."""
        done, rule = len(history.loss_sums(number)), scheduler_of(self.rule)
        values = tuple(report.value for report in history.trial(number).curve[:done])
        if isinstance(rule, CapsRunTime) and self.instances is not None and self.instances.cutoff_s is not None:
            return CaseProgress(values, rule.bounds(history.problem(), history, number))
        return CaseProgress(values)

    def cases(self, number: int, token: int) -> Iterator[Case]:
        """Give the cases that a running trial is to be evaluated on now, one after the other as they are reported.

        Raises:
            InvalidResult: the next case is asked for before the value of the present one is reported.
        """
        instances = self.instances
        assert instances is not None
        created = self._log.history.created
        order = instances.cases(Key.of(created.seed if created else 0))
        progress = self.progress(self._log.history, number)
        values = list(progress.values)
        while True:
            trial = self._log.history.trial(number)
            if self.should_stop(number, token) or len(values) >= (trial.until or len(order)):
                return
            case = order[len(values)]
            yield replace(case, cap_s=progress.cap_s(instances, case.step, sum(values)))
            reports = of_attempt(self._log.history.trial(number))
            if not reports or reports[-1].step != case.step:
                raise InvalidResult(f"report the value of trial {number} on {case.instance!r} before its next case")
            values.append(reports[-1].value)

    def _judge(self, history: History, number: int, token: int, rule: Rule) -> None:
        """Ask the rule, and record its ruling; of a trial that it has ended before, none."""
        trial = history.trial(number)
        if trial.outcome is not None or trial.ruling in _ENDING or not trial.reports:
            return
        decision = rule.decide(history.problem(), history, number)
        if decision.ruling is not Ruling.GO_ON:
            made = [event_of(decision, number, token, history.length)]
            self._log.commit(lambda now: _if_held(now, number, token, made))


def _news(history: History, configured: Configured) -> list[Event]:
    """Name the method and the rule, where the log does not say that they are these."""
    logged = history.configured
    return [configured] if logged is None or logged[1] != configured else []


def event_of(decision: Decision, number: int, token: int, seen: int) -> Event:
    """Write a decision down."""
    if decision.ruling is Ruling.PROMOTE:
        return Promoted(number, token, seen, decision.until or 0, decision.by)
    if decision.ruling is Ruling.PAUSE:
        return Paused(number, token, seen, decision.by)
    return Pruned(number, token, seen, decision.by, decision.ruling is Ruling.FINISH)


def _if_held(history: History, number: int, token: int | None, events: Sequence[Event]) -> Sequence[Event]:
    lease = history.trial(number).lease
    held = number in history.running and lease is not None and token in (None, lease.token)
    return events if held else []


def _outcome_of_cases(history: History, trial: Trial, instances: Instances, outcome: Outcome, obeyed: bool) -> Outcome:
    """Give the outcome of a trial whose value is the mean over its cases, whatever it was told to be.

    Raises:
        InvalidResult: it has not reported the cases that it was given.
    """
    count, due = len(history.loss_sums(trial.number)), trial.until or len(instances)
    if trial.ruling is Ruling.PROMOTE:
        due = 1
    if trial.mean is None or (count < due and not obeyed):
        raise InvalidResult(f"trial {trial.number} has reported {count} of {due} cases: {_REPORT_EACH}")
    return msgspec.structs.replace(outcome, values={history.problem().objectives[0].name: trial.mean})


def _was_told(trial: Trial, token: int | None, outcome: Outcome) -> bool:
    """Tell whether a run that a rule paused or ended was told before: what became of it is not what was told."""
    if trial.lease is None or trial.lease.token != token or outcome.reason not in (Reason.DONE, Reason.PRUNED):
        return False
    ended = trial.outcome
    if ended is None:
        return trial.state is State.PAUSED
    ruled = ended.reason is Reason.PRUNED or (ended.reason is Reason.NONFINITE and trial.ruling in _ENDING)
    return ruled and ended.extra.get(UNFINISHED, {}) == dict(outcome.values)


def _is_partial(history: History, trial: Trial) -> bool:
    """Tell whether a value that a trial returns now is one of less than the full fidelity."""
    fidelity = history.problem().fidelity
    return fidelity is not None and trial.until is not None and _spent(trial) < fidelity.high


def _is_complete(history: History, trial: Trial) -> bool:
    """Tell whether a trial has reported at the full fidelity, whatever it was told: nothing is left to promote."""
    fidelity, reported = history.problem().fidelity, of_attempt(trial)
    return fidelity is not None and bool(reported) and reported[-1].step >= fidelity.high


def _spent(trial: Trial) -> int:
    """Give the units that a trial has spent which returned without being told to stop: all that it was given."""
    reported = of_attempt(trial)
    last = reported[-1].step if reported else 0
    return last if trial.ruling is Ruling.PROMOTE else max(last, trial.until or 0)


def _rung_report(history: History, trial: Trial, outcome: Outcome) -> list[Event]:
    """Give the report of a trial that trained up to its rung and returned the value there, without reporting it."""
    values = tuple(outcome.values[one.name] for one in history.problem().objectives if one.name in outcome.values)
    if not _is_partial(history, trial) or trial.lease is None or len(values) < len(history.problem().objectives):
        return []
    reported, spent = of_attempt(trial), _spent(trial)
    if reported and reported[-1].step >= spent:
        return []
    return [report_event(trial.number, trial.lease.token, spent, values)]


def _ended(history: History, number: int, token: int | None, outcome: Outcome, stopped: bool) -> list[Event]:
    """Decide what becomes of a trial whose run is over."""
    trial = history.trial(number)
    told = tell(history, number, token, outcome)  # raises where it is not the caller's any more
    if not told or not isinstance(told[-1], Told) or outcome.reason not in (Reason.DONE, Reason.PRUNED):
        return told
    obeyed = stopped or outcome.reason is Reason.PRUNED
    if trial.ruling is Ruling.GO_ON or not (obeyed or _is_partial(history, trial)):
        return told
    extra = {**outcome.extra, UNFINISHED: dict(outcome.values)} if outcome.values else outcome.extra
    if (end := diverged(history, trial)) is not None:
        ended = msgspec.structs.replace(outcome, reason=end.reason, values=end.values, error=end.error, extra=extra)
        return tell(history, number, token, ended)
    if trial.ruling in (Ruling.PAUSE, Ruling.PROMOTE):
        if (trial.ruling is Ruling.PROMOTE and obeyed) or _is_complete(history, trial):
            return told
        cost = history.problem().cost
        spent = None if cost is None else outcome_cost(cost, outcome)
        return [Freed(number, told[-1].token, PAUSED, ran_s=outcome.duration_s, cost=spent)]
    if trial.ruling is Ruling.FINISH:
        return told
    pruned = msgspec.structs.replace(outcome, reason=Reason.PRUNED, values={}, violations={}, extra=extra)
    return tell(history, number, token, pruned)
