"""Points, results and spaces that a person puts into a study."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from luthier.errors import InvalidConfig, InvalidResult, InvalidSetting, StudyMismatch
from luthier.event import Enqueued, Event
from luthier.history import History
from luthier.problem import Problem
from luthier.scalar import short
from luthier.space import Space, Variable
from luthier.store import Store
from luthier.study import decisions
from luthier.study.edits import annotated, changed, count_held, preferred
from luthier.study.known_results import check_ticket, checked_config, known_result, list_of, table_rows
from luthier.study.leases import reap_leases
from luthier.study.log import StudyLog, read_log
from luthier.study.reader import StudyReader
from luthier.study.retraction import OneTrial, TrialSelection, forget, has_failed, reopen
from luthier.study.transfer import HasReader, lessons, names_by_name, other_study, transferred
from luthier.study.trial_result import TrialResult
from luthier.study.workers import Order, direct

if TYPE_CHECKING:
    import pandas


class StudyEditor:
    """A study into which points, results and changes are put by hand. It needs no method, and holds no leases.

    Args:
        log: the study's log.
    """

    def __init__(self, log: StudyLog) -> None:
        self._log = log
        self.reader = StudyReader(log)

    @classmethod
    def open(cls, store: Store, name: str) -> Self:
        """Open a stored study; raises StudyNotFound. Cost O(events)."""
        return cls(read_log(store, name))

    def enqueue(self, params: Mapping[str, Any], ticket: str | None = None) -> str:
        """Have a configuration tried next; variables that `params` lacks take their defaults.

        Args:
            params: values by name.
            ticket: a text that makes the request idempotent: a second configuration under the same ticket is ignored.
                By default the configuration itself, so that none is enqueued twice.

        Returns:
            The ticket.

        Raises:
            InvalidConfig: the space cannot hold the values.
        """
        check_ticket(ticket)
        if ticket == "":
            raise InvalidSetting("ticket='': give a text that is not empty, or leave the ticket out")
        (name,) = self.enqueue_many([params], [ticket])
        return name

    def enqueue_many(
        self, params: Sequence[Mapping[str, Any]], tickets: Sequence[str | None] | None = None
    ) -> tuple[str, ...]:
        """Have configurations tried next, in their order: all of them in one transaction, or none.

        Args:
            params: (n,) values by name, as in `enqueue`; also a pandas DataFrame with the variables among its columns.
            tickets: (n,) as in `enqueue`; None: the configurations themselves.

        Returns:
            (n,) the tickets.

        Raises:
            InvalidConfig: the space cannot hold some values; nothing is enqueued.
            InvalidSetting: the sequences have different lengths, or a ticket is no text.

        Cost O(n), and one append.
        """
        rows = list_of(table_rows(self.reader.space, params))
        given = [None] * len(rows) if tickets is None else list_of(tickets)
        if len(given) != len(rows):
            raise InvalidSetting("enqueue_many: params and tickets have different lengths")
        for ticket in given:
            check_ticket(ticket)
        names: list[str] = []

        def decide(history: History) -> list[Event]:
            names.clear()
            events: dict[str, Event] = {}
            for one, ticket in zip(rows, given, strict=True):
                config = checked_config(history.space, one, fill=True)
                names.append(ticket or f"config:{history.space.identity(config)}")
                if not history.ticketed(names[-1]):
                    events.setdefault(names[-1], Enqueued(dict(config), names[-1]))
            return list(events.values())

        with self._log.lock:
            self._log.refresh()
            self._log.commit(decide)
        return tuple(names)

    def add(
        self, params: Mapping[str, Any], value: object, *, duration_s: float | None = None, ticket: str | None = None
    ) -> TrialResult:
        """Record a result that is known from elsewhere; methods learn from it as from any other trial.

        Args:
            params: values by name.
            value: as in `tell`.
            duration_s: the seconds that it took, where a method should learn from them.
            ticket: a text that makes the call idempotent: a second result under the same ticket is ignored. By default
                the configuration and the values, so that a script may be run again; a noisy study, in which the same
                may well be measured twice, takes everything.

        Raises:
            InvalidConfig, InvalidResult: the space cannot hold the values, or the value is not a result.
        """
        (result,) = self.add_many([params], [value], durations_s=[duration_s], tickets=[ticket])
        return result

    def add_many(
        self,
        params: Sequence[Mapping[str, Any]] | pandas.DataFrame,
        values: Collection[object],
        *,
        durations_s: Collection[float | None] | None = None,
        tickets: Collection[str | None] | None = None,
    ) -> list[TrialResult]:
        """Record results that are known from elsewhere in one transaction: all of them, or none.

        Args:
            params: (n,) values by name; also a pandas DataFrame with the variables among its columns.
            values: (n,) each as in `tell`; also a column of a DataFrame.
            durations_s: (n,) the seconds that they took, where a method should learn from them; None: unknown.
            tickets: (n,) as in `add`; None: the default ones.

        Returns:
            (n,) results in the same order; what was recorded before is given as it stands in the study.

        Raises:
            InvalidConfig, InvalidResult: the space cannot hold some values, or a value is not a result; nothing is
                recorded, and the message says which one it is.
            InvalidSetting: the sequences have different lengths.

        Cost O(n), and one append.
        """
        rows, results = list_of(table_rows(self.reader.space, params)), list_of(values)
        durations = None if durations_s is None else list_of(durations_s)
        texts = None if tickets is None else list_of(tickets)
        if len({len(column) for column in (rows, results, durations, texts) if column is not None}) > 1:
            raise InvalidSetting("add_many: params, values, durations_s and tickets have different lengths")
        return self._commit(lambda problem: self._parse_many(problem, rows, results, durations, texts))

    def _parse_many(
        self,
        problem: Problem,
        params: Sequence[Mapping[str, Any]],
        values: Sequence[object],
        durations_s: Sequence[float | None] | None,
        tickets: Sequence[str | None] | None,
    ) -> list[decisions.KnownResult]:
        """Check results against the space as it is now, and make them plain."""
        results = []
        for place, (one, value) in enumerate(zip(params, values, strict=True)):
            duration_s = durations_s[place] if durations_s is not None else None
            try:
                ticket = tickets[place] if tickets is not None else None
                results.append(known_result(problem, one, value, duration_s, ticket))
            except (InvalidConfig, InvalidResult) as error:
                if len(params) == 1:
                    raise
                raise type(error)(f"result [{place}], counted from 0: {error}") from error
        return results

    def _commit(self, parse: Callable[[Problem], list[decisions.KnownResult]]) -> list[TrialResult]:
        """Append results in one transaction; gives their trials.

        Args:
            parse: makes the results of the problem as it is at the append: another process may have changed the space.
        """
        before = 0
        results: list[decisions.KnownResult] = []

        def decide(history: History) -> list[Event]:
            nonlocal before, results
            before, results = len(history), parse(history.problem())
            return decisions.add_many(history, results)

        with self._log.lock:
            self._log.refresh()
            history = self._log.commit(decide)
            problem = history.problem()
            found = []
            for result in results:
                known = history.ticket(result.ticket) if result.ticket else None
                number = before if known is None else known
                before += number == before  # the trials that were added follow each other
                found.append(TrialResult(history.trial(number), problem.space, problem.objectives))
            return found

    def retry(self, which: TrialSelection | None = None) -> tuple[int, ...]:
        """Have trials that ended run again, with their own configurations, by whoever asks next.

        Each of them keeps its number, and has no outcome until its next attempt ends; what the first one came to stays
        in the log. Trials that are run again cost nothing of a budget of trials.

        Args:
            which: a trial or its number, several, or a function of a trial; None: all that failed (not those that were
                pruned).

        Returns:
            The numbers of the trials that wait to be run again.

        Raises:
            TrialNotFound: there is no such trial; nothing is changed.
            InvalidSetting: a trial is running, or the present space cannot hold its configuration; nothing is changed.

        Example:
            >>> import luthier as lt
            >>> study = lt.Study("doc", {"x": lt.Float(-5, 5)}, minimize="y", seed=0)
            >>> trial = study.ask()
            >>> _ = study.tell(trial, failed="ImportError: no module named tool")
            >>> study.retry()
            (0,)
            >>> study.ask().attempt
            2
        """
        return self._retract(lambda history: reopen(history, has_failed if which is None else which))

    def forget(self, which: TrialSelection) -> tuple[int, ...]:
        """Have trials count for nothing: they stay in the log, but teach nothing, and none is the best.

        Their configurations may be proposed again. `retry` brings a trial back.

        Args:
            which: a trial or its number, several, or a function of a trial.

        Returns:
            The numbers of the trials that are meant, those that were forgotten before included.

        Raises:
            TrialNotFound: there is no such trial; nothing is changed.
            InvalidSetting: a trial is running; nothing is changed.

        Example:
            >>> import luthier as lt
            >>> study = lt.Study("doc", {"x": lt.Float(-5, 5)}, minimize="y", seed=0)
            >>> _ = study.add({"x": 1.0}, 2.0), study.add({"x": 2.0}, -1e9)
            >>> study.forget(lambda trial: trial.value < -1e6)
            (1,)
            >>> study.best.value
            2.0
        """
        return self._retract(lambda history: forget(history, which))

    def _retract(self, retraction: Callable[[History], tuple[list[Event], tuple[int, ...]]]) -> tuple[int, ...]:
        numbers: tuple[int, ...] = ()

        def decide(history: History) -> list[Event]:
            nonlocal numbers
            events, numbers = retraction(history)
            return events

        with self._log.lock:
            self._log.refresh()
            self._log.commit(decide)
        return numbers

    def learn_from(
        self,
        other: StudyReader | HasReader,
        *,
        names: Mapping[str, str] | None = None,
        fill: Mapping[str, Any] | None = None,
        ignore: Sequence[str] = (),
    ) -> int:
        """Add the finished trials of another study that this study's space can hold, each of them once.

        Variables that the other study lacks take their declared defaults; see also `fill`. Trials with a value outside
        this space, or that break its constraints, are left out, and the log of the process (`logging`) says why.

        Args:
            other: a study with the objectives of this one.
            names: what variables of the other study are called here: ``{"lr": "learning_rate"}``.
            fill: the values that variables of this study, which the other one lacks, had there.
            ignore: variables of the other study that this one lacks, whatever values they had.

        Returns:
            The number of trials that were learnt.

        Raises:
            StudyMismatch: the other study lacks an objective or a variable of this one, has a variable that this one
                lacks, or minimises what this one maximises; or none of its trials can be held; or it is this study
                itself. Nothing is added.
        """
        given = other_study("learn_from", other, names, fill, ignore)
        if given.reader.history.digest == self._log.history.digest:
            raise StudyMismatch(f"study {given.reader.name!r} is this study itself, or a copy with nothing new")
        return len(self._commit(lambda problem: lessons(given, problem)))

    def transfer_from(
        self,
        other: StudyReader | HasReader,
        *,
        names: Mapping[str, str] | None = None,
        fill: Mapping[str, Any] | None = None,
        ignore: Sequence[str] = (),
        objectives: Mapping[str, str] | None = None,
    ) -> int:
        """Learn from another study whose objective is another one: the same program on other data, say.

        Its results are no trials of this study: they are a source of knowledge. The first trials begin with its best
        configurations, and the Gaussian processes of `Auto` and `Bayes` expect this objective to be like that one, as
        far as this study's own results bear it out. The results stand in the log of this study, at most 200 of them;
        called again, the method records what the other study has by then in place of them, if that has changed.

        Args:
            other: a study with some of the variables and objectives of this one. It may be open, or a `StudyReader`.
            names, fill, ignore: see `learn_from`; variables of this study that the other one lacks need no value.
            objectives: what objectives of the other study are called here: ``{"error": "loss"}``.

        Returns:
            The number of results that are recorded.

        Raises:
            StudyMismatch: the two have no variable or no objective in common, one maximises what the other minimises,
                the other study has a variable that this one lacks; or this study can hold fewer than 4 of its results.
                Nothing is recorded.
        """
        given = other_study("transfer_from", other, names, fill, ignore)
        called = names_by_name("objectives", objectives)
        recorded = 0

        def decide(history: History) -> list[Event]:
            nonlocal recorded
            made = transferred(given, called, history)
            recorded = len(made.configs)
            return [] if made in history.sources else [made]

        self._append(decide)
        return recorded

    def annotate(self, notes: str | None = None, tags: Iterable[str] | None = None) -> None:
        """Give the study notes and tags, in place of those that it has; `luthier list` shows them.

        Args:
            notes: a text of any length; "" takes it away, None leaves it as it is.
            tags: short texts, each once; () takes them away, None leaves them as they are.

        Raises:
            InvalidSetting: they are no texts.

        Example:
            >>> import luthier as lt
            >>> study = lt.Study("doc", {"x": lt.Float(-5, 5)}, minimize="y", seed=0)
            >>> study.annotate("with the new data", tags=["paper", "gpu"])
            >>> study.notes, study.tags
            ('with the new data', ('paper', 'gpu'))
        """
        kept = tuple(tags) if isinstance(tags, Iterator) else tags  # it may be decided more than once
        self._append(lambda history: annotated(history, notes, kept))

    def prefer(self, better: OneTrial, worse: OneTrial) -> None:
        """Note that a person prefers one trial to another, values of all objectives considered.

        Answers may contradict each other; `preferred` learns from them which trial of the front is liked best.

        Args:
            better, worse: trials with values, or their numbers.

        Raises:
            InvalidSetting: the study has one objective; or it is the same trial, or one without values.
            TrialNotFound: there is no such trial.
        """
        self._append(lambda history: preferred(history, better, worse))

    def direct(self, order: Order) -> bool:
        """Give an order to all who run the study, wherever they are; they read it within seconds.

        Returns:
            Whether it changes anything: what is paused cannot be paused again.

        Raises:
            InvalidSetting: it is no order.

        Example:
            >>> import luthier as lt
            >>> from luthier.study import Order, StudyEditor
            >>> store = lt.store.Memory()
            >>> study = lt.Study("doc", {"x": lt.Float(-5, 5)}, minimize="y", store=store)
            >>> editor = StudyEditor.open(store, "doc")
            >>> editor.direct(Order.PAUSE), editor.direct(Order.PAUSE), editor.direct(Order.GO_ON)
            (True, False, True)
        """
        if not isinstance(order, str) or order not in tuple(Order):
            raise InvalidSetting(f"order={short(order)}: give one of {', '.join(map(repr, map(str, Order)))}")
        return bool(self._append(lambda history: direct(history, Order(order))))

    def reap(self) -> tuple[int, ...]:
        """Take back the trials of workers that are gone, without waiting for a run to do so; gives their numbers."""
        with self._log.lock:
            before = set(self._log.refresh().running)
            return tuple(sorted(before - set(reap_leases(self._log, self._log.history).running)))

    def _append(self, decide: Callable[[History], list[Event]]) -> int:
        """Append what is decided on top of everything that is known; gives the number of events."""
        made = 0

        def counted(history: History) -> list[Event]:
            nonlocal made
            events = decide(history)
            made = len(events)
            return events

        with self._log.lock:
            self._log.refresh()
            self._log.commit(counted)
        return made

    def change(self, space: Space | Mapping[str, Variable]) -> int:
        """Go on in another space: add or remove variables, add choices, widen or narrow ranges.

        It is given whole: ``study.change(study.space.replace({"rate": lt.Float(0, 1, default=0.1)}))`` adds one.
        A variable that is added needs a default. Trials that the new space cannot hold stay in the log, and methods
        no longer learn from them; a warning in the log `luthier.study` says so where it can hold none at all.

        Returns:
            How many of the trials so far the new space can hold.

        Raises:
            StudyMismatch: the history has no meaning in the new space; the message says why. Nothing is changed.
        """
        new, name = space if isinstance(space, Space) else Space(space), self.reader.name
        with self._log.lock:
            self._log.refresh().knowing(new)
            return count_held(self._log.commit(lambda history: changed(history, new, name)), name)
