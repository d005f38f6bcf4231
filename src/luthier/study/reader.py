"""Read-only view of a study: its problem, history, trials, fronts, reports and leases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from luthier._hints import translating_methods
from luthier.errors import InvalidSetting, StoreError, StudyNotFound, TrialNotFound
from luthier.event import Event, Record, Transferred
from luthier.history import History
from luthier.problem import Problem
from luthier.scalar import short, to_whole
from luthier.space import Space
from luthier.store import Memory, Store, open_store
from luthier.study import summary
from luthier.study.elapsed import TrialTimes, elapsed_s, trial_times, utc
from luthier.study.log import StudyLog, checked_name, read_log
from luthier.study.stored import copy_log
from luthier.study.trial_columns import TrialColumns, as_rows, joined
from luthier.study.trial_files import trial_folder
from luthier.study.trial_result import TrialResult
from luthier.study.workers import Roster, is_dead, read_roster
from luthier.trial import Lease, Report, Trial

if TYPE_CHECKING:
    import pandas


@translating_methods
class StudyReader:
    """A study to be read. It writes nothing, and needs neither the study's method nor its objective.

    Every property first takes in what other processes have appended meanwhile. See `open` for a stored study; the
    reader of an open one is `luthier.Study.reader`.

    Args:
        log: the study's log.
        store: is closed together with the reader; None where it is to stay open.
    """

    def __init__(self, log: StudyLog, store: Store | None = None) -> None:
        self._log = log
        self._own_store = store

    @classmethod
    def open(cls, store: str | Path | Store, name: str | None = None) -> Self:
        """Open a stored study for reading.

        Args:
            store: a path or a URL, which must exist; or a store, which stays open when the reader is closed.
            name: the study's name; may be left out where the store has one study.

        Raises:
            StoreError: there is no such store, or it cannot be read.
            StudyNotFound: the store has no study of this name; or several, and no name is given.

        Cost O(events).

        Example:
            >>> import luthier as lt
            >>> from luthier.study import StudyReader
            >>> store = lt.store.Memory()
            >>> study = lt.Study("doc", {"x": lt.Float(-5, 5)}, minimize="y", seed=0, store=store)
            >>> _ = study.add({"x": 1.0}, 2.0)
            >>> StudyReader.open(store).best.value
            2.0
        """
        opened = open_store(store, must_exist=True)
        own = opened if isinstance(store, str | Path) else None
        try:
            return cls(read_log(opened, name if name is not None else _only_name(opened)), own)
        except BaseException:
            if own is not None:
                own.close()
            raise

    # --- the study --------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The study's name."""
        return self._log.name

    @property
    def store(self) -> Store:
        """The store that has the study."""
        return self._log.store

    @property
    def lasting(self) -> bool:
        """Whether the study outlives this process: it is not kept in memory."""
        return not isinstance(self._log.store, Memory)

    def is_in(self, path: str | Path) -> bool:
        """Tell whether the study is kept in the file at a path, by whatever name or link that is called."""
        place = getattr(self._log.store, "path", None)
        try:
            return place is not None and Path(path).samefile(place)
        except OSError:  # there is no such file
            return False

    @property
    def history(self) -> History:
        """Everything that is known now, the work of other processes included."""
        return self._log.refresh()

    @property
    def events(self) -> Sequence[Event]:
        """The log, in order."""
        return self.history.events

    @property
    def stamped(self) -> tuple[Sequence[Event], Sequence[float], float]:
        """The log, when each of its events was appended, and what time it is: seconds on the store's clock."""
        with self._log.lock:
            return self.history.events, tuple(self._log.exact_stamps()), self._log.store.now()

    @property
    def records(self) -> tuple[Record, ...]:
        """The log, in order, with the time stamps of its events."""
        with self._log.lock:
            self._log.refresh()
            return self._log.store.read(self.name, 0)

    def copy(self, store: str | Path | Store | None = None, name: str | None = None) -> int:
        """Copy the study, as it is now, into another store or under another name, and open the copy (a reader gives the
        number of trials that wait to be run again in it).

        Its log is the same, event by event and with all times, so it goes on with the same proposals, and `verify`
        proves them there as well. Trials that are running here wait in the copy to be run again. Files in the folders
        of trials stay where they are.

        Args:
            store: a path or a URL, made where there is nothing; or a store. None: the store of this study.
            name: of the copy; None: that of this study.

        Raises:
            InvalidSetting: the store has a study of this name, which is not overwritten; or it cannot take a log.
            StoreError: the store cannot be used.

        Cost O(events).

        Example:
            >>> import luthier as lt
            >>> study = lt.Study("doc", {"x": lt.Float(-5, 5)}, minimize="y", seed=0)
            >>> _ = study.add({"x": 1.0}, 2.0)
            >>> study.copy(name="doc, second try").best_value
            2.0
        """
        called = checked_name(self.name if name is None else name)
        target = self._log.store if store is None else open_store(store)
        try:
            records = self.records
            return copy_log(records, self.history.begin().space, target, called)
        finally:
            if isinstance(store, str | Path):
                target.close()

    @property
    def notes(self) -> str:
        """The notes that people gave the study."""
        return self.history.remarks.notes

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that people gave the study."""
        return self.history.remarks.tags

    @property
    def sources(self) -> tuple[Transferred, ...]:
        """The results of other tasks that the study learns from; see `StudyEditor.transfer_from`."""
        return self.history.sources

    @property
    def problem(self) -> Problem:
        """The space and the objectives."""
        return self._log.history.problem()

    @property
    def space(self) -> Space:
        """The space that is searched."""
        return self._log.history.space

    @property
    def seed(self) -> int:
        """The seed of all the study's randomness."""
        created = self._log.history.created
        return created.seed if created else 0

    @property
    def method_spec(self) -> Any:
        """The text form of the latest method (see `luthier.method.from_plain`); None before the first proposal."""
        configured = self.history.configured
        return configured[1].method if configured else None

    def elapsed_s(self) -> float:
        """Give the seconds during which the study ran, over all processes and restarts (see `study.elapsed`)."""
        with self._log.lock:
            return elapsed_s(self.history, self._log.stamps, self._log.store.now())

    # --- its trials -------------------------------------------------------------------------------------

    @property
    def trials(self) -> tuple[TrialResult, ...]:
        """All trials in order of number. Cost O(trials)."""
        with self._log.lock:
            return self._results(self.history.trials)

    def trial(self, number: int) -> TrialResult:
        """Give one trial. Cost O(1). Raises TrialNotFound."""
        whole = to_whole(number)
        if whole is None:
            raise TrialNotFound(f"give the number of a trial, not {short(number)}")
        with self._log.lock:
            return self._results([self.history.trial(whole)])[0]

    @property
    def best(self) -> TrialResult:
        """The best trial so far. Cost O(1).

        Raises:
            NoResult: no trial has a value and keeps the outcome constraints.
            InvalidSetting: there are several objectives; read `front`.
        """
        with self._log.lock:
            return self._results([summary.best(self.history)])[0]

    @property
    def best_params(self) -> dict[str, Any]:
        """The values of the best trial's variables."""
        return self.best.params

    @property
    def best_value(self) -> float:
        """The best value so far."""
        return self.best.value

    @property
    def front(self) -> tuple[TrialResult, ...]:
        """The trials that no other trial dominates (at least as good everywhere, better somewhere)."""
        with self._log.lock:
            return self._results(summary.front(self.history))

    @property
    def leaders(self) -> tuple[TrialResult, ...]:
        """The best trial, or the front of several objectives; empty where no trial has a value."""
        with self._log.lock:
            return self._results(summary.leaders(self.history))

    def folder(self, number: int) -> Path:
        """Give the folder of a trial's files, beside the store; it is made where the trial first uses it.

        Raises:
            InvalidSetting: the study is kept in memory, or by a store that is no file.
        """
        return trial_folder(self._log.store, self.name, number)

    @property
    def reports(self) -> dict[int, tuple[Report, ...]]:
        """The intermediate values, by the number of their trial."""
        return {trial.number: trial.reports for trial in self.history.trials if trial.reports}

    @property
    def leases(self) -> dict[int, Lease]:
        """The leases of the running trials, by the number of the trial. Cost O(running trials)."""
        with self._log.lock:
            history = self.history
            held = {number: history.trial(number).lease for number in history.running}
        return {number: lease for number, lease in held.items() if lease is not None}

    @property
    def roster(self) -> Roster:
        """Who runs the study, which trials, and how many ended lately. Cost O(running trials + latest events)."""
        with self._log.lock:
            history, log = self.history, self._log
            return read_roster(self.name, history, log.stamps, log.store.now(), log.renewed, is_dead)

    # --- its forms --------------------------------------------------------------------------------------

    @property
    def counts(self) -> dict[str, int]:
        """The number of trials by the reason why they ended, or by their state where they have not ended."""
        return self.table.counts()

    def summary(self) -> str:
        """Write the number of trials of each kind: ``60 trials: 58 done, 2 failed``."""
        return self.table.summary()

    def rows(self, more: Mapping[str, Sequence[Any]] | None = None) -> list[dict[str, Any]]:
        """Give one mapping per trial, all with the same columns.

        These are number, state, reason, the objectives, what else was returned, violations, the variables, duration_s,
        begun and ended (times of day, UTC), attempts, worker, origin, error, reports (``[step, value, …]``) and note. A
        running trial whose process is gone is shown as waiting, which it will be when the study is next run.

        Args:
            more: further columns by name, each with a value for each trial in order of number.
        """
        return as_rows(self.columns(more))

    def columns(self, more: Mapping[str, Sequence[Any]] | None = None) -> dict[str, list[Any]]:
        """Give the columns of `rows` by name, each with a value for each trial."""
        return joined(dict(self.table), more or {})

    @property
    def table(self) -> TrialColumns:
        """The columns of `rows` as they are now, each of which is made when it is read."""
        with self._log.lock:
            history = self.history
            return TrialColumns(history, self._log.exact_stamps(), self._dead(history))

    @property
    def times(self) -> dict[int, TrialTimes]:
        """When each trial was begun and ended, how often, and by whom, by its number. Cost O(trials)."""
        with self._log.lock:
            return trial_times(self.history, self._log.exact_stamps())

    @property
    def stamps(self) -> Sequence[float]:
        """When each of the `events` was appended, on the store's clock, in seconds."""
        with self._log.lock:
            return self._log.exact_stamps()[: self.history.length]

    @property
    def span(self) -> tuple[datetime, datetime]:
        """When the study was made, and when something was last recorded; UTC."""
        with self._log.lock:
            self._log.refresh()
            stamps = self._log.exact_stamps()
            return utc(stamps[0]), utc(stamps[-1])

    def _dead(self, history: History) -> frozenset[int]:
        """Give the numbers of the running trials whose process is gone."""
        held = {number: history.trial(number).lease for number in history.running}
        return frozenset(number for number, lease in held.items() if lease is not None and is_dead(lease.owner))

    def to_frame(self, more: Mapping[str, Sequence[Any]] | None = None) -> pandas.DataFrame:
        """Give the trials as a pandas DataFrame (needs pandas), with the columns of `rows`."""
        return summary.to_frame(self.columns(more))

    def best_to_dict(self) -> Any:
        """Give the best trial as plain values for JSON; of several objectives a list, the front.

        Raises:
            NoResult: see `best`.
        """
        with self._log.lock:
            if len(self.problem.objectives) > 1:
                return [summary.best_form(self.history, self.name, trial) for trial in self.front]
            return summary.best_form(self.history, self.name, self.best)

    def why_best(self, trial: TrialResult) -> str:
        """Say in a line why a trial is the best, or on the front: ``ahead of trial 7 by 0.01``. Cost O(trials)."""
        with self._log.lock:
            return summary.why_text(summary.why_best(self.history, trial.number))

    def to_dict(self, more: Mapping[str, Sequence[Any]] | None = None) -> dict[str, Any]:
        """Give everything that is known of the study's trials as plain values for JSON. Cost O(trials).

        Args:
            more: further columns, as in `rows`; a trial has them by name under ``predicted``.
        """
        with self._log.lock:
            trials, times = self.trials, self.times
            forms = [{**trial.to_dict(), **times[trial.number].to_dict()} for trial in trials]
            if more:
                predicted = as_rows(more)
                forms = [{**form, "predicted": values} for form, values in zip(forms, predicted, strict=False)]
            return {
                "study": self.name,
                "seed": self.seed,
                "objectives": [{"name": goal.name, "maximize": goal.maximize} for goal in self.problem.objectives],
                "leaders": [trial.number for trial in self.leaders],
                "space": self.space.to_plain(),
                **({"tags": list(self.tags)} if self.tags else {}),
                **({"notes": self.notes} if self.notes else {}),
                **({"sources": summary.source_forms(self.sources)} if self.sources else {}),
                "trials": forms,
            }

    def __len__(self) -> int:
        return len(self.history)

    def __bool__(self) -> bool:
        return True  # also without trials

    def __repr__(self) -> str:
        try:
            return summary.describe(self.name, *self._summary(), self._label())
        except StoreError as error:  # closed, deleted, damaged: a repr raises nothing
            return f"Study {self.name!r}: {error}"

    def _repr_html_(self) -> str:
        return summary.describe_html(self.name, *self._summary(), self._label())

    def _label(self) -> str:
        """Write the tags and notes."""
        tags = " ".join(f"#{tag}" for tag in self.tags)
        return "\n".join(filter(None, (tags, self.notes)))

    def _summary(self) -> tuple[tuple[Trial, ...], tuple[TrialResult, ...], Problem]:
        with self._log.lock:
            history = self.history
            return history.trials, self._results(summary.leaders(history)), history.problem()

    # --- the end ----------------------------------------------------------------------------------------

    def __reduce__(self) -> NoReturn:
        raise InvalidSetting(
            f"study {self.name!r} holds an open store and cannot be copied, pickled or sent to another process: take "
            "what you need of it, such as study.trials, or open it again there by its name and its store"
        )

    def close(self) -> None:
        """Close the store, if this reader opened it. Idempotent."""
        if self._own_store is not None:
            self._own_store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- inside -----------------------------------------------------------------------------------------

    def _results(self, trials: Sequence[Trial]) -> tuple[TrialResult, ...]:
        history = self._log.history
        space, objectives = history.space, history.problem().objectives
        return tuple(TrialResult(trial, space, objectives) for trial in trials)


def _only_name(store: Store) -> str:
    names = store.names()
    if not names:
        raise StudyNotFound("the store has no studies")
    if len(names) > 1:
        raise StudyNotFound(f"the store has {len(names)} studies; choose one of {', '.join(map(repr, names))}")
    return names[0]
