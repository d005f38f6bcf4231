"""Ask and tell: the part of a study that gives out trials and records their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeAlias, overload

from luthier.errors import InvalidResult, LeaseLost, LuthierError, StoreError, TrialFinished
from luthier.event import Asked, Configured, Event, Resumed, Retried
from luthier.history import History, SerialOrder, TrialOrder
from luthier.instances import Instances
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Method
from luthier.problem import Fidelity, Problem
from luthier.scalar import short, to_text
from luthier.space import Space, Variable
from luthier.stop import Rule, scheduler_of
from luthier.store import Store, open_store
from luthier.study import open_log
from luthier.study.active_trial import ActiveTrial, begun_trial, lease_of, place_of
from luthier.study.decisions import Configuration, Decider, RunLimits
from luthier.study.editor import StudyEditor
from luthier.study.known_results import checked_config
from luthier.study.leases import (
    AlreadyAnswered,
    Claims,
    begun_anew,
    check_release,
    checked_count,
    checked_request,
    free,
    give_up_claim,
    once,
    reap_leases,
    seconds_of_lease,
)
from luthier.study.log import Decide
from luthier.study.reader import StudyReader
from luthier.study.returned_values import checked_reports, no_value, parse_result
from luthier.study.rulings import TrialReports, attribute, tell
from luthier.study.trial_result import TrialResult
from luthier.study.verify import Verification, verify
from luthier.study.workers import Direction, Heartbeat, LeaseOwner
from luthier.trial import Outcome, Reason, Reportable, check_noted_cost, plain_attributes

Given: TypeAlias = Mapping[str, Any] | None
"""The values of variables that a caller insists on; None where there are none."""
LEASE_S = 120.0
"""How long a lease lasts without a sign of life, where it cannot be seen whether its process lives."""


class AskTell:
    """A study that gives out trials and takes their results, without a loop.

    Args:
        name: the study's name in the store.
        space: a `Space`, or a mapping of names to variables; None: as it is stored.
        minimize: the names of the objectives that are minimized.
        maximize: the names of those that are maximized.
        method: makes the proposals; None: what the stored study used last, or else `luthier.Auto`.
        store: a path, a URL, or a store; None keeps the study in memory.
        seed: of all randomness, from 0 to 2**64 - 1; None: as it is stored, or drawn anew.
        noisy: whether the same configuration may give different values.
        constraints: limits of numbers that the objective returns by name; None: as they are stored.
        fidelity: what a full evaluation spends; None: as it is stored.
        cost: the name of what a trial costs, which the objective returns, or ``seconds``; None: as it is stored.
        stop: decides of running trials at their reports; None: the rule that the stored study used last, if any.
        instances: what a configuration is to be good on; None: as they are stored.

    Raises:
        InvalidSpace, InvalidSetting, StudyMismatch, StudyNotFound, StoreError: see `luthier.Study`.
    """

    def __init__(
        self,
        name: str,
        space: Space | Mapping[str, Variable] | None = None,
        *,
        minimize: str | Sequence[str] = (),
        maximize: str | Sequence[str] = (),
        method: Method | None = None,
        store: str | Path | Store | None = None,
        seed: int | None = None,
        noisy: bool = False,
        constraints: Mapping[str, str] | None = None,
        fidelity: Fidelity | Sequence[Fidelity] | None = None,
        stop: Rule | None = None,
        cost: str | None = None,
        instances: Instances | None = None,
    ) -> None:
        goals, limits = (minimize, maximize), (constraints, cost, instances)
        spec = open_log.study_spec(name, space, goals, seed, noisy, fidelity, *limits)
        open_log.check_given(method)
        self._own_store = store is None or isinstance(store, str | Path)
        # A file is made for a new study only: not for a misspelt name, and not where it is not said what to optimize.
        is_new = spec.space is not None and bool(spec.objectives)
        try:
            self._store: Store = open_store(store, must_exist=self._own_store and not is_new)
        except StoreError:
            if spec.space is not None:
                Problem(spec.space, spec.objectives)
            raise
        try:
            self._log = open_log.open_log(self._store, spec)
            self.method, rule = open_log.chosen(self._log.history, method, stop)
        except BaseException:
            self._close_own()
            raise
        self.reader = StudyReader(self._log)
        self.editor = StudyEditor(self._log)
        self._key = Key(
            Key.of(self.reader.seed).words
        )  # an object of its own: it marks the trials that are asked for here
        problem = self._log.history.problem()
        self._fidelity, self._configuration = problem.fidelity, Configuration(problem)
        self._memo = Memo()
        self._owner = LeaseOwner()
        self._decider: tuple[tuple[object, ...], Decider] | None = None
        self._order: TrialOrder | SerialOrder | None = None
        self._heartbeat = Heartbeat(self._log.renew, LEASE_S)
        self._claims = Claims(self._log, self._heartbeat)
        self._reports = TrialReports(self._log, rule)

    @property
    def rule(self) -> Rule | None:
        """The rule that decides of running trials at their reports; another one, or None, may be set at any time."""
        return self._reports.rule

    @rule.setter
    def rule(self, rule: Rule | None) -> None:
        open_log.check_rule(rule, self._log.history.problem())
        self._reports.rule = rule

    @property
    def key(self) -> Key:
        """The root of the study's randomness."""
        return self._key

    @property
    def memo(self) -> Memo:
        """The cache of this process."""
        return self._memo

    @property
    def history(self) -> History:
        """Everything that is known now, the work of other processes included."""
        return self.reader.history

    @overload
    def ask(
        self, count: None = None, *, params: Given = None, lease_s: float | None = None, ticket: str | None = None
    ) -> ActiveTrial: ...

    @overload
    def ask(
        self, count: int, *, params: Given = None, lease_s: float | None = None, ticket: str | None = None
    ) -> list[ActiveTrial]: ...

    def ask(
        self, count: int | None = None, *, params: Given = None, lease_s: float | None = None, ticket: str | None = None
    ) -> ActiveTrial | list[ActiveTrial]:
        """Get the next trial to evaluate, or with `count` up to that many at once.

        Trials whose worker was lost come first, then what was enqueued, then what the method proposes.

        Args:
            count: the number of trials; the result is a list, which is shorter where fewer are left. None: one trial.
            params: try exactly these values instead; those that it lacks are the defaults.
            lease_s: seconds within which the result must come; after that the trial is given to the next caller. By
                default the lease lasts as long as this process.
            ticket: a text that makes the call idempotent: a second one under the same ticket gives what the first gave,
                and begins it anew where the caller was lost meanwhile, and nobody else was given it.

        Returns:
            An `ActiveTrial`, or a list of them.

        Raises:
            SpaceExhausted: everything was tried.
            Infeasible: no configuration keeps the constraints.
            InvalidConfig: `params` breaks a rule of the space.
        """
        count, request = checked_count(count), "" if ticket is None else checked_request(ticket)
        ttl_s = LEASE_S if lease_s is None else seconds_of_lease(lease_s)
        decider, size = self._make_decider(ttl_s, owned=lease_s is None), 1 if count is None else count
        try:
            if params is None:
                live = self._ask(decider, size, request)
            else:
                live = self._begin(once(request, partial(_given, decider, params, size), ()), afresh=True)
        except AlreadyAnswered:
            self._begin(lambda history: begun_anew(history, request, decider.again), afresh=True)
            history = self.history
            live = [self._begun(history, *answer) for answer in history.answers(request)]
        return live if count is not None else live[0]

    def _make_decider(self, ttl_s: float = LEASE_S, owned: bool = True, limits: RunLimits | None = None) -> Decider:
        trials, cost, evaluations = limits or (None, None, None)
        order = None if limits is None else self._order  # that of a run
        which = (self._config(), self._owner.name, owned, ttl_s, limits, order)
        if self._decider is None or self._decider[0] != which:
            how, name, scheduler = (self.method, which[0], self._key, self._memo), which[1], scheduler_of(self.rule)
            holder, ways = name if owned else "", (scheduler, order, cost, evaluations)
            made = Decider(*how, holder, ttl_s, trials, name, LEASE_S, *ways)
            self._decider = (which, made)
        return self._decider[1]

    def _ask(self, decider: Decider, count: int, request: str = "") -> list[ActiveTrial]:
        """Get up to `count` trials; fewer where the limit is reached or nothing else is left."""
        return self._claims.gather(decider, count, self._begin, self.release, request)

    def _begin(self, decide: Decide, afresh: bool = False) -> list[ActiveTrial]:
        """Append what begins trials, and hold their leases; `afresh`: after taking in what others have appended."""
        made: Sequence[Event] = ()

        def decide_and_note(history: History) -> Sequence[Event]:
            nonlocal made
            made = decide(history)
            return made

        with self._log.lock:
            if afresh:
                reap_leases(self._log, self._log.refresh())
            history = self._log.commit(decide_and_note)
            first = history.length - len(made)
            live: list[ActiveTrial] = []
            for position, event in enumerate(made, first):
                if isinstance(event, (Asked, Retried, Resumed)):
                    live.append(self._begun(history, event.number, position))
                    if event.owner:
                        self._heartbeat.hold(event.number, position)
        return live

    def _begun(self, history: History, number: int, token: int) -> ActiveTrial:
        ways = (self._report, self._attribute, self._reports.asking, self._fidelity, self._reports.case_ways)
        return begun_trial(history, number, token, self.reader.name, self._key, ways)

    def tell(
        self,
        trial: ActiveTrial | int,
        value: object = None,
        *,
        failed: str | None = None,
        pruned: str | None = None,
        duration_s: float | None = None,
    ) -> TrialResult:
        """Record the result of a trial. When this returns, the result is on disk.

        Args:
            trial: what `ask` returned, or a trial's number.
            value: a number; a mapping of objectives' names to numbers; or the numbers of several objectives, in order.
                In a study with instances it is the mean of what was reported, and need not be given.
            failed: the reason why there is no value, in place of one.
            pruned: the reason why the trial was not worth finishing, in place of a value.
            duration_s: the seconds that it took, where a method should learn from them.

        Raises:
            InvalidResult: the value is not one of these; the trial stays as it was.
            LeaseLost, TrialFinished, TrialNotFound: the result comes too late, or there is no such trial.
        """
        if failed is not None or pruned is not None:
            return self.finish(trial, no_value(failed, pruned, duration_s))
        if value is None:
            value = self._reports.value_of(self._lease(trial)[0])
        return self.finish(trial, parse_result(self.reader.problem, value, duration_s))

    def finish(
        self,
        trial: ActiveTrial | int,
        outcome: Outcome,
        reports: Sequence[tuple[int, Reportable]] = (),
        attributes: Mapping[str, Any] | None = None,
        stopped: bool | None = None,
    ) -> TrialResult:
        """Record the outcome of a trial, with its reason. `tell` is this for a value.

        Where the study's rule has paused or ended the trial, and it has stopped because of that, it is paused or ends
        as pruned, whatever its value so far.

        Args:
            trial: what `ask` returned, or a trial's number.
            outcome: its outcome.
            reports: all its intermediate values as (step, value); those that were not reported yet are recorded.
            attributes: all that was noted of it by name (see `set`); likewise.
            stopped: whether it stopped as it was told to; None: if `should_stop` has said so here.

        Raises:
            LeaseLost, TrialFinished, TrialNotFound: the outcome comes too late, or there is no such trial.
        """
        if not isinstance(outcome, Outcome):
            raise InvalidResult(f"an outcome is a luthier.trial.Outcome, not {short(outcome)}; tell() takes a value")
        reports = () if type(reports) is tuple and not reports else checked_reports(reports, self.reader.problem)
        with self._log.lock:
            self._log.refresh()
            number, token = place_of(trial, self.reader.name, self._key, self._log.history)
            try:
                noted = None if attributes is None else plain_attributes(attributes, {})
                if noted:
                    check_noted_cost(self._log.history.problem().cost, noted)
                if self._reports.decides:
                    history = self._reports.finish(number, token, outcome, reports, noted, stopped, self._config())
                else:
                    history = self._log.commit(lambda now: tell(now, number, token, outcome, reports, noted))
            except (LeaseLost, TrialFinished):
                self._heartbeat.drop(number, token)
                raise
            self._heartbeat.drop(number, token)
            return self._result(history, number)

    def report(self, trial: ActiveTrial | int, value: Reportable, step: int | None = None) -> None:
        """Record an intermediate value of a running trial; steps count up from 0 where none is given.

        Raises:
            InvalidResult: it is no number, or not one for each objective; or the step is not a whole number from 0 on.
            LeaseLost, TrialFinished, TrialNotFound: it comes too late, or there is no such trial.
        """
        with self._log.lock:
            self._log.refresh()
            self._report(*self._lease(trial), value, step)

    def should_stop(self, trial: ActiveTrial | int) -> bool:
        """Tell whether the study's rule has ended or paused a running trial; see `ActiveTrial.should_stop`.

        Raises:
            TrialNotFound: there is no such trial.
        """
        with self._log.lock:
            return self._reports.should_stop(*self._lease(trial))

    def set(self, trial: ActiveTrial | int, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Note something of a running trial, by name: ``study.set(trial, epoch=3)``; see `RunningTrial.set`.

        Raises:
            InvalidResult: a name is no text, a value is no plain data, or a cost is negative.
            LeaseLost, TrialFinished, TrialNotFound: it comes too late, or there is no such trial.
        """
        with self._log.lock:
            self._log.refresh()
            self._attribute(*self._lease(trial), plain_attributes(values, more))

    def release(self, trial: ActiveTrial | int, error: str = "", *, reason: Reason = Reason.INTERRUPTED) -> None:
        """Give a trial back without a result: it is run again, with its own configuration, by whoever asks next.

        Args:
            trial: what `ask` returned, or a trial's number. One that is not running any more is left as it is.
            error: what happened.
            reason: INTERRUPTED; or LOST, which is retried only a few times, for a worker that vanished.
        """
        check_release(error, reason)
        with self._log.lock:
            self._log.refresh()
            number, token = self._lease(trial)
            self._log.commit(lambda history: free(history, number, token, reason, to_text(error)))
            self._heartbeat.drop(number, token)

    def take(self, limit: int | None, cost: float | None = None, evaluations: int | None = None) -> ActiveTrial | None:
        """Get the next trial, or None where that would be more than `limit` trials and none waits to be run again.

        None, too, once what is spent and what the running trials are expected to cost reach `cost`, or `evaluations`.

        Raises:
            SpaceExhausted, Infeasible: as `ask`.
        """
        live = self._ask(self._make_decider(limits=(limit, cost, evaluations)), 1)
        return live[0] if live else None

    def begin_run(
        self, horizon: int | None, order: TrialOrder | SerialOrder | None = None, cost: float | None = None
    ) -> None:
        """Prepare for a run, and take back the trials of dead workers.

        Args:
            horizon: the number of trials that methods plan for.
            order: that of a deterministic run; None: proposals see what is known.
            cost: what the study may cost in all, for methods that plan for it.
        """
        self._configuration.plan(horizon, cost)
        self._order = order
        reap_leases(self._log, self.history)

    def note_end(self, decide: Decide) -> None:
        """Write down that a rule ended a run."""
        self._log.commit(decide)

    def direction(self) -> Direction:
        """Give the orders of people that concern a run which begins now."""
        return Direction(self._log, lambda: self._owner.name)

    @property
    def settled(self) -> History | None:
        """The history from which the next trial is proposed; None while a deterministic run waits for an outcome."""
        history, order = self.history, self._order
        if order is None:
            return history
        return order.at(history) if order.is_complete(history) else None

    def verify(self) -> Verification:
        """Make every proposal again from the log, and compare (law 2). Cost: that of all the proposals."""
        history = self.history
        return verify(history.begin(), history.events, self._key, (self.method,), self._reports.rule)

    def close(self) -> None:
        """Give back running trials and close the store, if this study opened it. Idempotent."""
        for token, number in self._heartbeat.claimed().items():
            with suppress(LuthierError):
                self._log.commit(partial(give_up_claim, number, token))
        for number in self._heartbeat.held():
            with suppress(LuthierError):
                self.release(number, "the study was closed")
        self._heartbeat.close()
        self._owner.retire()
        self._log.close()
        self._close_own()

    def _close_own(self) -> None:
        if self._own_store:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _config(self) -> Configured:
        """Give the event that names the present method."""
        return self._configuration.event(self.method, self._reports.rule)

    def _result(self, history: History, number: int) -> TrialResult:
        problem = history.problem()
        return TrialResult(history.trial(number), problem.space, problem.objectives)

    def _report(self, number: int, token: int, value: Reportable, step: int | None) -> None:
        self._reports.report(number, token, value, step, None if self._reports.rule is None else self._config())

    def _attribute(self, number: int, token: int, values: Mapping[str, Any]) -> None:
        self._log.commit(lambda history: attribute(history, number, token, values))

    def _lease(self, trial: ActiveTrial | int) -> tuple[int, int]:
        return lease_of(trial, self.reader.name, self._key, self._log.history)


def _given(decider: Decider, params: Mapping[str, Any], count: int, history: History) -> Sequence[Event]:
    return decider.given(history, [checked_config(history.space, params, fill=True)] * count)
