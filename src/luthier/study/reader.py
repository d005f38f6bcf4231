"""Read-only view of a study: its problem, history, trials, fronts, reports and leases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from luthier.errors import StudyNotFound
from luthier.event import Event
from luthier.history import History
from luthier.problem import Problem
from luthier.space import Space
from luthier.store import Store, open_store
from luthier.study import summary
from luthier.study.elapsed import elapsed_s
from luthier.study.log import StudyLog
from luthier.study.open_log import read_log
from luthier.study.trial_result import TrialResult
from luthier.trial import Lease, Report, Trial

if TYPE_CHECKING:
    import pandas


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
    def history(self) -> History:
        """Everything that is known now, the work of other processes included."""
        return self._log.refresh()

    @property
    def events(self) -> Sequence[Event]:
        """The log, in order."""
        return self.history.events

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
        with self._log.lock:
            return self._results([self.history.trial(number)])[0]

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
    def best_params(self) -> Mapping[str, Any]:
        """The values of the best trial's variables."""
        return MappingProxyType(dict(self.best.params))

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
    def reports(self) -> Mapping[int, tuple[Report, ...]]:
        """The intermediate values, by the number of their trial."""
        return MappingProxyType({trial.number: trial.reports for trial in self.history.trials if trial.reports})

    @property
    def leases(self) -> Mapping[int, Lease]:
        """The leases of the running trials, by the number of the trial. Cost O(running trials)."""
        with self._log.lock:
            history = self.history
            held = {number: history.trial(number).lease for number in history.running}
        return MappingProxyType({number: lease for number, lease in held.items() if lease is not None})

    # --- its forms --------------------------------------------------------------------------------------

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of trials by the reason why they ended, or by their state where they have not ended."""
        return MappingProxyType(summary.count_reasons(self.trials))

    def summary(self) -> str:
        """Write the number of trials of each kind: ``60 trials: 58 done, 2 failed``."""
        return summary.counts(self.trials)

    def rows(self) -> list[dict[str, Any]]:
        """Give one mapping per trial: number, state, reason, objectives, variables, duration_s, origin and error."""
        with self._log.lock:
            return summary.rows(self.trials, self.problem)

    def to_frame(self) -> pandas.DataFrame:
        """Give the trials as a pandas DataFrame (needs pandas)."""
        return summary.to_frame(self.rows())

    def best_to_dict(self) -> Any:
        """Give the best trial as plain values for JSON; of several objectives a list, the front.

        Raises:
            NoResult: see `best`.
        """
        with self._log.lock:
            if len(self.problem.objectives) > 1:
                return [summary.best_form(self.name, len(self), trial) for trial in self.front]
            return summary.best_form(self.name, len(self), self.best)

    def to_dict(self) -> dict[str, Any]:
        """Give everything that is known of the study's trials as plain values for JSON. Cost O(trials)."""
        with self._log.lock:
            trials = self.trials
            return {
                "study": self.name,
                "seed": self.seed,
                "objectives": [{"name": goal.name, "maximize": goal.maximize} for goal in self.problem.objectives],
                "space": self.space.to_plain(),
                "trials": [trial.to_dict() for trial in trials],
            }

    def __len__(self) -> int:
        return len(self.history)

    def __bool__(self) -> bool:
        return True  # also without trials

    def __repr__(self) -> str:
        return summary.describe(self.name, *self._summary())

    def _repr_html_(self) -> str:
        return summary.describe_html(self.name, *self._summary())

    def _summary(self) -> tuple[tuple[TrialResult, ...], tuple[TrialResult, ...], Problem]:
        with self._log.lock:
            history = self.history
            return self._results(history.trials), self._results(summary.leaders(history)), history.problem()

    # --- the end ----------------------------------------------------------------------------------------

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
