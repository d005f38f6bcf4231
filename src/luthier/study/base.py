"""A study to ask and tell: glue between a problem, a method and a store. `luthier.run` adds the loop."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from luthier import version
from luthier.errors import InvalidConfig, InvalidResult, InvalidSetting, LuthierError, StudyMismatch, StudyNotFound
from luthier.event import Asked, Changed, Created, Enqueued, Event, Retried, Told
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.protocol import Method
from luthier.method.text import from_plain, to_plain
from luthier.problem import Objective, Problem
from luthier.space import Space, compare
from luthier.store import Memory, Store, open_store
from luthier.study import asking, reading
from luthier.study.heartbeat import Heartbeat
from luthier.study.judge import judge
from luthier.study.ledger import Ledger
from luthier.study.live import LiveTrial
from luthier.study.owner import is_dead, owner
from luthier.study.result import Result
from luthier.study.verify import Verification, configured, verify
from luthier.trial import Config, Outcome, Reason

DEFAULT_METHOD = "Random"

LEASE_S = 120.0
"""How long the lease of a worker that cannot be asked after (on another machine) lasts without a sign of life."""


class BaseStudy:
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
        if not isinstance(name, str) or not name.strip():
            raise InvalidSetting(f"a study needs a name, a text that is not empty; not {name!r}")
        self.name = name
        self._own_store = not isinstance(store, Memory) and (store is None or isinstance(store, str | Path))
        self._store: Store = open_store(store)
        given = space if isinstance(space, Space) or space is None else Space(space)
        objectives = _objectives(minimize, maximize)
        if seed is not None:
            Key.of(seed)
        self._memo = Memo()
        self._ledger = self._open(given, objectives, seed, noisy)
        created = self._ledger.history.created
        assert created is not None  # _open sees to it
        self._key = Key.of(created.seed)
        self._given_method = method
        self._horizon = created.horizon
        self.method: Method = method if method is not None else self._logged_method()
        self._heartbeat = Heartbeat(self._ledger, LEASE_S)

    # --- opening --------------------------------------------------------------------------------------

    def _open(self, space: Space | None, objectives: tuple[Objective, ...], seed: int | None, noisy: bool) -> Ledger:
        try:
            records = self._store.read(self.name, 0)
        except StudyNotFound:
            records = ()
        if not records:
            return self._create(space, objectives, seed, noisy)
        first = records[0].event
        if not isinstance(first, Created):
            raise StudyMismatch(f"what the store has as {self.name!r} does not begin as a study")
        changes = [record.event for record in records if isinstance(record.event, Changed)]
        now = changes[-1].space if changes else first.space
        if space is not None and space.to_plain() != now:
            why = compare(Space.from_plain(now), space) or ("the variables or constraints differ",)
            raise StudyMismatch(
                f"study {self.name!r} in the store searches another space: {'; '.join(why)}. "
                "Open it without a space and call study.change(space), or give the new study a name of its own"
            )
        _check_same(self.name, first, objectives, seed)
        # A space that was given may have what text cannot hold: predicates and objects.
        begin = space if space is not None and not changes else Space.from_plain(first.space)
        ledger = Ledger(self._store, self.name, begin)
        ledger.stamps = [record.at for record in records]
        ledger.history = ledger.history.extend([record.event for record in records])
        return ledger

    def _create(self, space: Space | None, objectives: tuple[Objective, ...], seed: int | None, noisy: bool) -> Ledger:
        if space is None:
            raise StudyNotFound(f"the store has no study {self.name!r}; to begin one, give a space and an objective")
        Problem(space, objectives, noisy)
        created = Created(
            self.name,
            space.to_plain(),
            tuple((objective.name, objective.maximize) for objective in objectives),
            secrets.randbits(63) if seed is None else seed,
            noisy,
            version=version.VERSION,
        )
        ledger = Ledger(self._store, self.name, space)

        def decide(history: History) -> list[Event]:
            return [] if history.length else [created]

        with suppress(StudyNotFound):
            ledger.refresh()
        ledger.commit(decide)
        first = ledger.history.created
        if first is not created and first is not None:  # somebody else was faster: it must be the same study
            if first.space != created.space:
                raise StudyMismatch(f"another process has just begun a study {self.name!r} with another space")
            _check_same(self.name, first, objectives, seed)
        return ledger

    def _logged_method(self) -> Method:
        logged = self._ledger.history.configured
        method: Method = from_plain(logged[1].method if logged else DEFAULT_METHOD)
        return method

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
            A `LiveTrial`, or a list of them.

        Raises:
            SpaceExhausted: everything was tried.
            Infeasible: nothing keeps the constraints.
            InvalidConfig: `params` breaks a rule of the space.
        """
        if count is not None and count < 1:
            raise InvalidSetting(f"ask for at least 1 trial, not {count}")
        configs = () if params is None else (self._plain(params),)
        live = self._ask(1 if count is None else count, configs, lease_s)
        return live if count is not None else live[0]

    def _ask(self, count: int, configs: Sequence[Config], lease_s: float | None) -> list[LiveTrial]:
        ledger = self._ledger
        holder, ttl_s = (owner(), LEASE_S) if lease_s is None else ("", lease_s)
        asker = asking.Asker(self.method, self._key, self._memo, holder, ttl_s)
        with ledger.lock:
            ledger.refresh()
            self._configure()
            self._reap()
            before: list[int] = []

            def decide(history: History) -> list[Event]:
                before[:] = [history.length]
                return asker.ask(history, count, configs)

            history = ledger.commit(decide)
            live = [
                self._live(history, event.number, before[0] + place)
                for place, event in enumerate(history.event(i) for i in range(before[0], history.length))
                if isinstance(event, Asked | Retried)
            ]
        if lease_s is None:
            for trial in live:
                self._heartbeat.hold(trial.number, trial.token)
        return live

    def tell(
        self,
        trial: LiveTrial | int,
        value: object = None,
        *,
        failed: str | None = None,
        duration_s: float | None = None,
    ) -> Result:
        """Write down what came of a trial. When this returns, the result is on disk.

        Args:
            trial: what `ask` returned, or a trial's number.
            value: a number; a mapping of objectives' names to numbers; or, of several objectives, their numbers in order.
            failed: instead of a value, why there is none.
            duration_s: the seconds it took, where a method should learn from them.

        Raises:
            InvalidResult: the value is none; the trial stays as it was.
            LeaseLost, TrialFinished, TrialNotFound: the result comes too late, or for a trial that is not there.
        """
        if failed is None:
            outcome = judge(self.problem, value, duration_s)
        else:
            outcome = Outcome(Reason.FAILED, duration_s=duration_s, error=str(failed))
        return self.finish(trial, outcome)

    def finish(self, trial: LiveTrial | int, outcome: Outcome) -> Result:
        """Write down the outcome of a trial, with its reason. `tell` is this for a value."""
        number, token = (trial, None) if isinstance(trial, int) else (trial.number, trial.token)
        self._ledger.refresh()
        history = self._ledger.commit(lambda history: asking.tell(history, number, token, outcome))
        self._heartbeat.drop(number)
        return self._result(history, number)

    def report(self, trial: LiveTrial | int, value: float, step: int | None = None) -> None:
        """Write down an intermediate value of a running trial. Raises LeaseLost, TrialFinished, InvalidResult."""
        history = self._ledger.refresh()
        number = trial if isinstance(trial, int) else trial.number
        lease = history.trial(number).lease
        token = trial.token if not isinstance(trial, int) else lease.token if lease else 0
        self._report(number, token, value, step)

    def release(self, trial: LiveTrial | int, error: str = "") -> None:
        """Give a trial back without a result: it is run again, with its own configuration, by whoever asks next."""
        history = self._ledger.refresh()
        number = trial if isinstance(trial, int) else trial.number
        lease = history.trial(number).lease
        token = trial.token if not isinstance(trial, int) else lease.token if lease else 0
        self._ledger.commit(lambda history: asking.free(history, number, token, Reason.INTERRUPTED, error))
        self._heartbeat.drop(number)

    def enqueue(self, params: Mapping[str, Any], ticket: str | None = None) -> str:
        """Have a configuration tried next; what is left out of `params` takes its default.

        Args:
            params: values by name.
            ticket: a text that makes the request idempotent: what was enqueued under it once is not enqueued again.
                By default the configuration itself, so that no configuration is enqueued twice.

        Returns:
            The ticket.
        """
        config = self._plain(params, fill=True)
        name = ticket if ticket is not None else f"config:{self.space.identity(config)}"
        self._ledger.refresh()
        self._ledger.commit(lambda history: [] if history.ticketed(name) else [Enqueued(dict(config), name)])
        return name

    def add(self, params: Mapping[str, Any], value: object, *, duration_s: float | None = None) -> Result:
        """Take in a result that is known from elsewhere; methods learn from it as from any other trial."""
        config = self._plain(params)
        outcome = judge(self.problem, value, duration_s)
        number: list[int] = []

        def decide(history: History) -> list[Event]:
            number[:] = [len(history)]
            asked = Asked(number[0], dict(config), history.length, "imported")
            told = Told(
                number[0], history.length, str(outcome.reason), dict(outcome.values), dict(outcome.violations),
                outcome.duration_s, outcome.error, dict(outcome.extra),
            )  # fmt: skip
            return [asked, told]

        self._ledger.refresh()
        return self._result(self._ledger.commit(decide), number[0])

    def learn_from(self, other: BaseStudy) -> int:
        """Take in the finished trials of another study that this study's space can hold; returns how many."""
        taken = 0
        for trial in other.trials:
            if not trial.is_done:
                continue
            with suppress(InvalidConfig, InvalidResult):
                self.add(trial.params, dict(trial.values), duration_s=trial.duration_s)
                taken += 1
        return taken

    def change(self, space: Space | Mapping[str, Any]) -> None:
        """Go on in another space: variables added (with a default) or removed, choices added, ranges widened or narrowed.

        Trials that the new space cannot hold stay in the log and are no longer learnt from.

        Raises:
            StudyMismatch: the history has no meaning in the new space; the message says why. Nothing is changed.
        """
        new = space if isinstance(space, Space) else Space(space)
        self._ledger.refresh()

        def decide(history: History) -> list[Event]:
            why = compare(history.space, new)
            if why:
                raise StudyMismatch(f"study {self.name!r} cannot change to this space: {'; '.join(why)}")
            return [] if new.to_plain() == history.space.to_plain() else [Changed(new.to_plain())]

        self._ledger.commit(decide)

    # --- reading ----------------------------------------------------------------------------------------

    @property
    def history(self) -> History:
        """Everything that is known now, what other processes did included."""
        return self._ledger.refresh()

    @property
    def problem(self) -> Problem:
        """What is optimized."""
        return self._ledger.history.problem()

    @property
    def space(self) -> Space:
        """The space that is searched."""
        return self._ledger.history.space

    @property
    def seed(self) -> int:
        """The seed of all the study's randomness."""
        created = self._ledger.history.created
        return created.seed if created else 0

    @property
    def trials(self) -> tuple[Result, ...]:
        """All trials in order of number."""
        history = self.history
        objectives = history.problem().objectives
        return tuple(Result(trial, history.space, objectives) for trial in history.trials)

    @property
    def best(self) -> Result:
        """The trial with the best value so far. Raises NoResult where there is none, or there are several objectives."""
        return reading.best(self.trials, self.problem)

    @property
    def best_params(self) -> Mapping[str, Any]:
        """The values of the best trial."""
        return MappingProxyType(dict(self.best.params))

    @property
    def best_value(self) -> float:
        """The best value so far."""
        return self.best.value

    @property
    def front(self) -> tuple[Result, ...]:
        """The trials that no other is better than in every objective."""
        return reading.front(self.trials, self.problem)

    def to_frame(self) -> Any:
        """Give the trials as a pandas DataFrame (needs pandas)."""
        return reading.to_frame(self.trials, self.problem)

    def verify(self) -> Verification:
        """Make every proposal again and compare (law 2). Cost: that of all the proposals."""
        history = self.history
        begin = self._ledger.history.upto(1).space
        return verify(begin, history.events, self._key, None)

    def elapsed_s(self) -> float:
        """Give the seconds during which at least one trial ran, over all processes and restarts."""
        with self._ledger.lock:
            return reading.busy_s(self.history, self._ledger.stamps)

    # --- the end ----------------------------------------------------------------------------------------

    def close(self) -> None:
        """Give back running trials and close the store, if this study opened it. Idempotent."""
        for number in self._heartbeat.held():
            with suppress(LuthierError):
                self.release(number, "the study was closed")
        self._heartbeat.close()
        if self._own_store:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.history)

    def __repr__(self) -> str:
        return reading.describe(self.name, self.trials, self.problem)

    def _repr_html_(self) -> str:
        return reading.describe_html(self.name, self.trials, self.problem)

    # --- inside -----------------------------------------------------------------------------------------

    def _configure(self) -> None:
        """Write down the method wherever it is not the one that was used last."""
        event = configured(to_plain(self.method), self._horizon)

        def decide(history: History) -> list[Event]:
            logged = history.configured
            return [] if logged is not None and logged[1] == event else [event]

        self._ledger.commit(decide)

    def _reap(self) -> None:
        """Take back the trials of workers that are gone."""
        history = self._ledger.history
        if not history.running:
            return
        gone = asking.abandoned(history, self._ledger.stamps, self._store.now(), is_dead)
        for number, token in gone:
            self._ledger.commit(lambda h, n=number, t=token: asking.free(h, n, t, Reason.LOST))  # type: ignore[misc]

    def _report(self, number: int, token: int, value: float, step: int | None) -> None:
        def decide(history: History) -> list[Event]:
            at = step if step is not None else len(history.trial(number).reports)
            return asking.report(history, number, token, at, float(value))

        self._ledger.commit(decide)

    def _plain(self, params: Mapping[str, Any], fill: bool = False) -> Config:
        space = self.space
        config: Config = space.plain(params)
        if fill:
            config = space.complete(config)
        space.check(config)
        return config

    def _live(self, history: History, number: int, token: int) -> LiveTrial:
        trial = history.trial(number)
        attempt = trial.lease.attempt if trial.lease else 1
        params = MappingProxyType(dict(history.space.realize(trial.config)))
        seed = self._key.fold("objective", number).seed()
        return LiveTrial(number, params, trial.config, token, attempt, seed, trial.note, self._report)

    def _result(self, history: History, number: int) -> Result:
        return Result(history.trial(number), history.space, history.problem().objectives)


def _objectives(minimize: str | Sequence[str], maximize: str | Sequence[str]) -> tuple[Objective, ...]:
    small = (minimize,) if isinstance(minimize, str) else tuple(minimize)
    large = (maximize,) if isinstance(maximize, str) else tuple(maximize)
    for name in (*small, *large):
        if not isinstance(name, str) or not name:
            raise InvalidSetting(f"name what is optimized: minimize='loss' or maximize='accuracy', not {name!r}")
    return (*(Objective(name) for name in small), *(Objective(name, True) for name in large))


def _check_same(name: str, first: Created, objectives: Iterable[Objective], seed: int | None) -> None:
    asked = tuple((objective.name, objective.maximize) for objective in objectives)
    if asked and asked != tuple(map(tuple, first.objectives)):
        was = ", ".join(f"{'maximize' if maximize else 'minimize'}={title!r}" for title, maximize in first.objectives)
        raise StudyMismatch(f"study {name!r} in the store has {was}; give a new study a name of its own")
    if seed is not None and seed != first.seed:
        raise StudyMismatch(
            f"study {name!r} in the store has seed {first.seed}, not {seed}; leave the seed out to go on"
        )
