"""Ask and tell: the part of a study that gives out trials and records their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self, overload

from luthier._runtime.fingerprint import fingerprint
from luthier.errors import (
    InvalidResult,
    InvalidSetting,
    LeaseLost,
    LuthierError,
    SpaceExhausted,
    TrialFinished,
)
from luthier.event import Asked, Configured, Event, Freed, Retried
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Method, from_plain, to_plain
from luthier.space import Space, Variable
from luthier.store import Store, open_store
from luthier.study import decisions, open_log
from luthier.study.active_trial import ActiveTrial
from luthier.study.claims import Claims
from luthier.study.decisions import Decider
from luthier.study.editor import StudyEditor, checked_config
from luthier.study.lease_expiry import LeaseReader, free, reap
from luthier.study.lease_owner import Heartbeat, LeaseOwner, is_dead
from luthier.study.log import Decision
from luthier.study.parse_result import parse_result
from luthier.study.reader import StudyReader
from luthier.study.trial_result import TrialResult
from luthier.study.verify import Verification, verify
from luthier.trial import Outcome, Reason

DEFAULT_METHOD = "Auto"

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
    ) -> None:
        given = space if isinstance(space, Space) or space is None else Space(space)
        spec = open_log.StudySpec(name, given, open_log.parse_objectives(minimize, maximize), seed, noisy)
        if method is not None:
            to_plain(method)  # refuses what could not be read back
        self._own_store = store is None or isinstance(store, str | Path)
        self._store: Store = open_store(store)
        try:
            self._log = open_log.open_log(self._store, spec)
            self.method: Method = method if method is not None else _logged_method(self._log.history)
        except BaseException:
            if self._own_store:
                self._store.close()
            raise
        self.reader = StudyReader(self._log)
        self.editor = StudyEditor(self._log)
        self._key = Key.of(self.reader.seed)
        self._horizon = self._log.history.problem().horizon
        self._memo = Memo()
        self._owner = LeaseOwner()
        self._configured: tuple[Method, int | None, Configured] | None = None
        self._decider: Decider | None = None
        self._heartbeat = Heartbeat(self._log.renew, LEASE_S)
        self._claims = Claims(self._log, self._heartbeat)

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

    # --- asking and telling -----------------------------------------------------------------------------

    @overload
    def ask(
        self, count: None = None, *, params: Mapping[str, Any] | None = None, lease_s: float | None = None
    ) -> ActiveTrial: ...

    @overload
    def ask(
        self, count: int, *, params: Mapping[str, Any] | None = None, lease_s: float | None = None
    ) -> list[ActiveTrial]: ...

    def ask(
        self, count: int | None = None, *, params: Mapping[str, Any] | None = None, lease_s: float | None = None
    ) -> ActiveTrial | list[ActiveTrial]:
        """Get the next trial to evaluate, or with `count` up to that many at once.

        Trials whose worker was lost come first, then what was enqueued, then what the method proposes.

        Args:
            count: the number of trials; the result is a list, which is shorter where fewer are left. None: one trial.
            params: try exactly these values instead.
            lease_s: seconds within which the result must come; after that the trial is given to the next caller. By
                default the lease lasts as long as this process.

        Returns:
            An `ActiveTrial`, or a list of them.

        Raises:
            SpaceExhausted: everything was tried.
            Infeasible: no configuration keeps the constraints.
            InvalidConfig: `params` breaks a rule of the space.
        """
        if count is not None and (isinstance(count, bool) or not hasattr(count, "__index__")):
            raise InvalidSetting(f"ask for a whole number of trials, not {count!r}")
        if count is not None and count < 1:
            raise InvalidSetting(f"ask for at least 1 trial, not {count}")
        ttl_s = LEASE_S if lease_s is None else lease_s
        if not ttl_s > 0:
            raise InvalidSetting(f"a lease lasts for more than 0 seconds, not {lease_s!r}")
        decider = self._make_decider(ttl_s, owned=lease_s is None)
        if params is not None:
            live = self._begin(
                lambda history: decider.given(history, [checked_config(history.space, params)] * (count or 1)), True
            )
        else:
            live = self._ask(decider, 1 if count is None else count)
        return live if count is not None else live[0]

    def _make_decider(self, ttl_s: float = LEASE_S, owned: bool = True, limit: int | None = None) -> Decider:
        name, configured = self._owner.name, self._config()
        leases = (name if owned else "", ttl_s, limit)
        made = self._decider
        same = made is not None and (made.owner, made.ttl_s, made.limit, made.claimant) == (*leases, name)
        if made is None or not same or made.configured is not configured:
            made = Decider(self.method, configured, self._key, self._memo, *leases, name, LEASE_S)
            self._decider = made
        return made

    def _ask(self, decider: Decider, count: int) -> list[ActiveTrial]:
        """Get up to `count` trials; fewer where the limit is reached or nothing else is left."""
        live: list[ActiveTrial] = []
        try:
            while len(live) < count:
                if not self._claims.ask(decider, count - len(live), self._begin, live):
                    break
        except SpaceExhausted:
            if not live:
                raise
        except BaseException:
            for trial in live:
                self.release(trial, "what was asked for together with it failed")
            raise
        return live

    def _begin(self, decide: Decision, afresh: bool = False) -> list[ActiveTrial]:
        """Append what begins trials, and hold their leases; `afresh`: after taking in what others have appended."""
        made: Sequence[Event] = ()

        def decide_and_note(history: History) -> Sequence[Event]:
            nonlocal made
            made = decide(history)
            return made

        with self._log.lock:
            if afresh:
                self._reap(self._log.refresh())
            history = self._log.commit(decide_and_note)
            first = history.length - len(made)
            live = []
            for position, event in enumerate(made, first):
                if isinstance(event, Asked | Retried):
                    live.append(self._live(history, event.number, position))
                    if event.owner:
                        self._heartbeat.hold(event.number, position)
        return live

    def tell(
        self,
        trial: ActiveTrial | int,
        value: object = None,
        *,
        failed: str | None = None,
        duration_s: float | None = None,
    ) -> TrialResult:
        """Record the result of a trial. When this returns, the result is on disk.

        Args:
            trial: what `ask` returned, or a trial's number.
            value: a number; a mapping of objectives' names to numbers; or the numbers of several objectives, in order.
            failed: the reason why there is no value, in place of one.
            duration_s: the seconds that it took, where a method should learn from them.

        Raises:
            InvalidResult: the value is not one of these; the trial stays as it was.
            LeaseLost, TrialFinished, TrialNotFound: the result comes too late, or there is no such trial.
        """
        if failed is None:
            outcome = parse_result(self.reader.problem, value, duration_s)
        else:
            outcome = Outcome(Reason.FAILED, duration_s=duration_s, error=str(failed))
        return self.finish(trial, outcome)

    def finish(
        self, trial: ActiveTrial | int, outcome: Outcome, reports: Sequence[tuple[int, float]] = ()
    ) -> TrialResult:
        """Record the outcome of a trial, with its reason. `tell` is this for a value.

        Args:
            trial: what `ask` returned, or a trial's number.
            outcome: its outcome.
            reports: all its intermediate values as (step, value); those that were not reported yet are recorded.

        Raises:
            LeaseLost, TrialFinished, TrialNotFound: the outcome comes too late, or there is no such trial.
        """
        number, token = (trial, None) if isinstance(trial, int) else (trial.number, trial.token)
        with self._log.lock:
            self._log.refresh()
            try:
                history = self._log.commit(lambda history: decisions.tell(history, number, token, outcome, reports))
            except (LeaseLost, TrialFinished):
                self._drop(number, token)
                raise
            self._drop(number, token)
            return self._result(history, number)

    def report(self, trial: ActiveTrial | int, value: float, step: int | None = None) -> None:
        """Record an intermediate value of a running trial; steps count up from 0 where none is given.

        Raises:
            InvalidResult: the value is not a number, or the step is not a whole number from 0 on.
            LeaseLost, TrialFinished, TrialNotFound: it comes too late, or there is no such trial.
        """
        with self._log.lock:
            self._log.refresh()
            self._report(*self._place(trial), value, step)

    def release(self, trial: ActiveTrial | int, error: str = "", *, reason: Reason = Reason.INTERRUPTED) -> None:
        """Give a trial back without a result: it is run again, with its own configuration, by whoever asks next.

        Args:
            trial: what `ask` returned, or a trial's number. One that is not running any more is left as it is.
            error: what happened.
            reason: INTERRUPTED; or LOST, which is retried only a few times, for a worker that vanished.
        """
        with self._log.lock:
            self._log.refresh()
            number, token = self._place(trial)
            self._log.commit(lambda history: free(history, number, token, reason, error))
            self._drop(number, token)

    def take(self, limit: int | None) -> ActiveTrial | None:
        """Get the next trial, or None where that would be more than `limit` trials and none waits to be run again.

        Raises:
            SpaceExhausted, Infeasible: as `ask`.
        """
        live = self._ask(self._make_decider(limit=limit), 1)
        return live[0] if live else None

    def begin_run(self, horizon: int | None) -> None:
        """Prepare for a run: set the number of trials that methods plan for, and take back those of dead workers."""
        self._horizon = horizon
        self._reap(self.history)

    # --- proving ----------------------------------------------------------------------------------------

    def verify(self) -> Verification:
        """Make every proposal again from the log, and compare (law 2). Cost: that of all the proposals."""
        history = self.history
        return verify(history.begin(), history.events, self._key, (self.method,))

    # --- the end ----------------------------------------------------------------------------------------

    def close(self) -> None:
        """Give back running trials and close the store, if this study opened it. Idempotent."""
        for token, number in self._heartbeat.claimed().items():
            with suppress(LuthierError):
                self._log.commit(partial(_give_up_claim, number, token))
        for number in self._heartbeat.held():
            with suppress(LuthierError):
                self.release(number, "the study was closed")
        self._heartbeat.close()
        self._owner.retire()
        if self._own_store:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- inside -----------------------------------------------------------------------------------------

    def _config(self) -> Configured:
        """Give the event that names the present method, made anew only where that is another one."""
        made = self._configured
        if made is None or made[0] is not self.method or made[1] != self._horizon:
            event = Configured(to_plain(self.method), self._horizon, fingerprint())
            made = self._configured = (self.method, self._horizon, event)
        return made[2]

    def _reap(self, history: History) -> None:
        """Take back the trials of workers that are gone."""

        def decide(history: History) -> list[Event]:
            log = self._log
            return reap(history, LeaseReader(log.stamps, self._store.now(), cache(is_dead), log.renewed))

        if history.leased:
            self._log.commit(decide)

    def _result(self, history: History, number: int) -> TrialResult:
        return TrialResult(history.trial(number), history.space, history.problem().objectives)

    def _report(self, number: int, token: int, value: float, step: int | None) -> None:
        try:
            given = float(value)
        except (TypeError, ValueError):
            raise InvalidResult(f"a report of trial {number} is a number, not {value!r}") from None

        self._log.commit(lambda history: decisions.report(history, number, token, step, given))

    def _place(self, trial: ActiveTrial | int) -> tuple[int, int]:
        """Give a trial's number and the token of the lease that the caller means."""
        if not isinstance(trial, int):
            return trial.number, trial.token
        lease = self._log.history.trial(trial).lease
        return trial, lease.token if lease else 0

    def _drop(self, number: int, token: int | None) -> None:
        """Renew a lease no longer, unless it is another one than the caller's."""
        self._heartbeat.drop(number, token)

    def _live(self, history: History, number: int, token: int) -> ActiveTrial:
        trial = history.trial(number)
        attempt = trial.lease.attempt if trial.lease else 1
        config = history.config(number) or trial.config
        params = MappingProxyType(dict(history.space.realize(config)))
        return ActiveTrial(number, params, config, token, attempt, trial.note, self._key, self._report)


def _logged_method(history: History) -> Method:
    logged = history.configured
    method: Method = from_plain(logged[1].method if logged else DEFAULT_METHOD)
    return method


def _give_up_claim(number: int, token: int, history: History) -> list[Event]:
    """Free a claim that is still held: the study is closed while a thread of it thinks."""
    return [Freed(number, token, str(Reason.INTERRUPTED))] if history.holds(token) else []
