"""A study to ask and tell: glue between a problem, a method and a store. `luthier.run` adds the loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from luthier._runtime.fingerprint import fingerprint
from luthier.errors import InvalidResult, InvalidSetting, LeaseLost, LuthierError, SpaceExhausted, TrialFinished
from luthier.event import Asked, Configured, Event, Retried
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Method, from_plain, to_plain
from luthier.space import Space
from luthier.store import Store, open_store
from luthier.study import decisions, open_log
from luthier.study.active_trial import ActiveTrial
from luthier.study.decisions import Decider
from luthier.study.heartbeat import Heartbeat
from luthier.study.insight import StudyInsight
from luthier.study.lease_owner import LeaseOwner, is_dead
from luthier.study.log import Decision
from luthier.study.parse_result import parse_result
from luthier.study.trial_result import TrialResult
from luthier.study.verify import Verification, verify
from luthier.trial import Outcome, Reason

DEFAULT_METHOD = "Auto"

LEASE_S = 120.0
"""How long the lease of a worker that cannot be asked after (on another machine) lasts without a sign of life."""


class BaseStudy(StudyInsight):
    """A study: a log of trials, and a method that reads it.

    Args:
        name: the study's name; the same name in the same store is the same study, which is taken up where it was.
        space: a `Space`, or a mapping of names to variables. May be left out where the store has the study.
        minimize: the name of what is to be made small (or several names).
        maximize: the name of what is to be made large (or several names).
        method: makes the proposals; by default `luthier.Auto`, or what the stored study used last.
        store: a path, a URL, or a store; None keeps the study in memory.
        seed: of all randomness, from 0 to 2**64 - 1; drawn anew, and stored, where it is None.
        noisy: whether the same configuration may give different values; only then may one be tried again.

    Raises:
        InvalidSpace, InvalidSetting: what is asked for makes no sense.
        StudyMismatch: the store has a study of this name that is another one; see `change` to alter its space.
        StoreError: the store cannot be used.
    """

    def __init__(
        self,
        name: str,
        space: Space | Mapping[str, Any] | None = None,
        *,
        minimize: str | Sequence[str] = (),
        maximize: str | Sequence[str] = (),
        method: Method | None = None,
        store: str | Path | Store | None = None,
        seed: int | None = None,
        noisy: bool = False,
    ) -> None:
        given = space if isinstance(space, Space) or space is None else Space(space)
        wish = open_log.StudySpec(name, given, open_log.parse_objectives(minimize, maximize), seed, noisy)
        if method is not None:
            to_plain(method)  # raises where it is none
        self._own_store = store is None or isinstance(store, str | Path)
        self._store: Store = open_store(store)
        try:
            super().__init__(open_log.open_log(self._store, wish))
            history = self._ledger.history
            self.method: Method = method if method is not None else _logged_method(history)
        except BaseException:
            if self._own_store:
                self._store.close()
            raise
        self._key = Key.of(self.seed)
        self._horizon = history.problem().horizon
        self._memo = Memo()
        self._owner = LeaseOwner()
        self._configured: tuple[Method, int | None, Configured] | None = None
        self._heartbeat = Heartbeat(self._ledger, LEASE_S)

    # --- asking and telling -----------------------------------------------------------------------------

    def ask(
        self, count: int | None = None, *, params: Mapping[str, Any] | None = None, lease_s: float | None = None
    ) -> Any:
        """Get the next trial to evaluate, or with `count` up to that many at once.

        Trials whose worker was lost come first, then what was enqueued, then what the method proposes.

        Args:
            count: how many; a list comes back, which is shorter where fewer are left. None: one trial, no list.
            params: try exactly these values instead.
            lease_s: the seconds within which the trial must be told of; then it is given to somebody else. By default
                the lease holds for as long as this process lives.

        Returns:
            A `ActiveTrial`, or a list of them.

        Raises:
            SpaceExhausted: everything was tried.
            Infeasible: nothing keeps the constraints.
            InvalidConfig: `params` breaks a rule of the space.
        """
        if count is not None and count < 1:
            raise InvalidSetting(f"ask for at least 1 trial, not {count}")
        ttl_s = LEASE_S if lease_s is None else lease_s
        if not ttl_s > 0:
            raise InvalidSetting(f"a lease lasts for more than 0 seconds, not {lease_s!r}")
        asker = self._asker(ttl_s, owned=lease_s is None)
        if params is not None:
            config = self._plain(params)
            live = self._begin(lambda history: asker.given(history, [config] * (count or 1)))
        else:
            live = self._ask(asker, 1 if count is None else count)
        return live if count is not None else live[0]

    def _asker(self, ttl_s: float = LEASE_S, owned: bool = True, limit: int | None = None) -> Decider:
        owner = self._owner.name if owned else ""
        return Decider(self.method, self._config(), self._key, self._memo, owner, ttl_s, limit)

    def _ask(self, asker: Decider, count: int) -> list[ActiveTrial]:
        """Get up to `count` trials; fewer where the asker's limit is reached or nothing else is left."""
        live: list[ActiveTrial] = []
        with self._ledger.lock:
            self._reap(self._ledger.refresh())
            try:
                while len(live) < count:
                    wanted = count - len(live)
                    before = self._ledger.history.length
                    live += self._begin(lambda history, n=wanted: asker.ask(history, n))  # type: ignore[misc]
                    if self._ledger.history.length == before:
                        break
            except SpaceExhausted:
                if not live:
                    raise
            except BaseException:
                for trial in live:
                    self.release(trial, "what was asked for together with it failed")
                raise
        return live

    def _begin(self, decide: Decision) -> list[ActiveTrial]:
        """Append what begins trials, and hold their leases."""
        made: list[Event] = []

        def decide_and_note(history: History) -> list[Event]:
            made[:] = decide(history)
            return made

        with self._ledger.lock:
            history = self._ledger.commit(decide_and_note)
            first = history.length - len(made)
            live = [
                self._live(history, event.number, first + place)
                for place, event in enumerate(made)
                if isinstance(event, Asked | Retried)
            ]
        for trial in live:
            lease = history.trial(trial.number).lease
            if lease is not None and lease.owner:
                self._heartbeat.hold(trial.number, trial.token)
        return live

    def tell(
        self,
        trial: ActiveTrial | int,
        value: object = None,
        *,
        failed: str | None = None,
        duration_s: float | None = None,
    ) -> TrialResult:
        """Write down what came of a trial. When this returns, the result is on disk.

        Args:
            trial: what `ask` returned, or a trial's number.
            value: a number; a mapping of objectives' names to numbers; or the numbers of several objectives, in order.
            failed: instead of a value, why there is none.
            duration_s: the seconds it took, where a method should learn from them.

        Raises:
            InvalidResult: the value is none; the trial stays as it was.
            LeaseLost, TrialFinished, TrialNotFound: the result comes too late, or for a trial that is not there.
        """
        if failed is None:
            outcome = parse_result(self.problem, value, duration_s)
        else:
            outcome = Outcome(Reason.FAILED, duration_s=duration_s, error=str(failed))
        return self.finish(trial, outcome)

    def finish(
        self, trial: ActiveTrial | int, outcome: Outcome, reports: Sequence[tuple[int, float]] = ()
    ) -> TrialResult:
        """Write down the outcome of a trial, with its reason. `tell` is this for a value.

        Args:
            trial: what `ask` returned, or a trial's number.
            outcome: what came of it.
            reports: all its intermediate values as (step, value); those that were not reported yet are written down.

        Raises:
            LeaseLost, TrialFinished, TrialNotFound: the outcome comes too late, or for a trial that is not there.
        """
        number, token = (trial, None) if isinstance(trial, int) else (trial.number, trial.token)
        with self._ledger.lock:
            self._ledger.refresh()
            try:
                history = self._ledger.commit(lambda history: decisions.tell(history, number, token, outcome, reports))
            except (LeaseLost, TrialFinished):
                self._drop(number, token)
                raise
            self._drop(number, token)
            return self._result(history, number)

    def report(self, trial: ActiveTrial | int, value: float, step: int | None = None) -> None:
        """Write down an intermediate value of a running trial.

        Raises:
            InvalidResult: the value is no number, or the step no whole number from 0 on.
            LeaseLost, TrialFinished, TrialNotFound: it comes too late, or for a trial that is not there.
        """
        with self._ledger.lock:
            self._ledger.refresh()
            self._report(*self._place(trial), value, step)

    def release(self, trial: ActiveTrial | int, error: str = "", *, reason: Reason = Reason.INTERRUPTED) -> None:
        """Give a trial back without a result: it is run again, with its own configuration, by whoever asks next.

        Args:
            trial: what `ask` returned, or a trial's number. One that is not running any more is left as it is.
            error: what happened.
            reason: INTERRUPTED; or LOST, which is retried only a few times, for a worker that vanished.
        """
        with self._ledger.lock:
            self._ledger.refresh()
            number, token = self._place(trial)
            self._ledger.commit(lambda history: decisions.free(history, number, token, reason, error))
            self._drop(number, token)

    # --- proving ----------------------------------------------------------------------------------------

    def verify(self) -> Verification:
        """Make every proposal again and compare (law 2). Cost: that of all the proposals."""
        with self._ledger.lock:
            history = self.history
        return verify(history.begin(), history.events, self._key, (self.method,))

    # --- the end ----------------------------------------------------------------------------------------

    def close(self) -> None:
        """Give back running trials and close the store, if this study opened it. Idempotent."""
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
            gone = decisions.abandoned(history, self._ledger.stamps, self._store.now(), is_dead)
            return [event for number, token in gone for event in decisions.free(history, number, token, Reason.LOST)]

        if history.running:
            self._ledger.commit(decide, heed_renewals=True)

    def _report(self, number: int, token: int, value: float, step: int | None) -> None:
        try:
            given = float(value)
        except (TypeError, ValueError):
            raise InvalidResult(f"a report of trial {number} is a number, not {value!r}") from None

        def decide(history: History) -> list[Event]:
            reports = history.trial(number).reports
            at = step if step is not None else reports[-1].step + 1 if reports else 0
            return decisions.report(history, number, token, at, given)

        self._ledger.commit(decide)

    def _place(self, trial: ActiveTrial | int) -> tuple[int, int]:
        """Give a trial's number and the token of the lease that the caller means."""
        if not isinstance(trial, int):
            return trial.number, trial.token
        lease = self._ledger.history.trial(trial).lease
        return trial, lease.token if lease else 0

    def _drop(self, number: int, token: int | None) -> None:
        """Renew a lease no longer, unless it is another one than the caller's."""
        if token is None or self._heartbeat.held().get(number) == token:
            self._heartbeat.drop(number)

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
