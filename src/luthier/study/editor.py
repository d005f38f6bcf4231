"""Points, results and spaces that a person puts into a study."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

from luthier import codec
from luthier.errors import InvalidConfig, InvalidResult, InvalidSetting, StudyMismatch
from luthier.event import Changed, Enqueued, Event
from luthier.history import History
from luthier.problem import Problem
from luthier.space import Space, Variable, compare
from luthier.store import Store
from luthier.study import decisions
from luthier.study.log import StudyLog
from luthier.study.open_log import read_log
from luthier.study.parse_result import parse_result
from luthier.study.reader import StudyReader
from luthier.study.trial_result import TrialResult
from luthier.trial import Config


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
        name = ""

        def decide(history: History) -> list[Event]:
            nonlocal name
            config = checked_config(history.space, params, fill=True)
            name = ticket if ticket is not None else f"config:{history.space.identity(config)}"
            return [] if history.ticketed(name) else [Enqueued(dict(config), name)]

        with self._log.lock:
            self._log.refresh()
            self._log.commit(decide)
        return name

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
        params: Sequence[Mapping[str, Any]],
        values: Sequence[object],
        *,
        durations_s: Sequence[float | None] | None = None,
        tickets: Sequence[str | None] | None = None,
    ) -> list[TrialResult]:
        """Record results that are known from elsewhere in one transaction: all of them, or none.

        Args:
            params: (n,) values by name.
            values: (n,) each as in `tell`.
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
        given = (params, values, durations_s, tickets)
        if len({len(column) for column in given if column is not None}) > 1:
            raise InvalidSetting("add_many: params, values, durations_s and tickets have different lengths")
        return self._commit(lambda problem: self._parse_many(problem, params, values, durations_s, tickets))

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
                results.append(_known(problem, one, value, duration_s, tickets[place] if tickets is not None else None))
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

    def learn_from(self, other: StudyReader) -> int:
        """Add the finished trials of another study that this study's space can hold, each of them once.

        Returns:
            Their number.

        Raises:
            StudyMismatch: the other study lacks an objective of this one.
        """
        here, there = ({objective.name for objective in study.problem.objectives} for study in (self.reader, other))
        if not here <= there:
            raise StudyMismatch(
                f"study {other.name!r} measures {sorted(there)}, and {self.reader.name!r} wants {sorted(here)}: "
                "to learn from it, add its trials one by one with study.add(params, value)"
            )
        trials = other.trials
        return len(self._commit(lambda problem: self._learnt(problem, other, trials)))

    def _learnt(
        self, problem: Problem, other: StudyReader, trials: Sequence[TrialResult]
    ) -> list[decisions.KnownResult]:
        """Give the results of another study that this problem can hold."""
        results = []
        for trial in trials:
            outcome = trial.trial.outcome
            if outcome is not None and trial.is_done:
                ticket = f"learnt:{other.name}:{other.seed}:{trial.number}"
                value = {**trial.values, **trial.extra, "violations": dict(outcome.violations)}
                with suppress(InvalidConfig, InvalidResult):
                    results.append(_known(problem, trial.params, value, trial.duration_s, ticket))
        return results

    def change(self, space: Space | Mapping[str, Variable]) -> None:
        """Go on in another space: add or remove variables, add choices, widen or narrow ranges.

        A variable that is added needs a default. Trials that the new space cannot hold stay in the log, and methods
        no longer learn from them.

        Raises:
            StudyMismatch: the history has no meaning in the new space; the message says why. Nothing is changed.
        """
        new = space if isinstance(space, Space) else Space(space)

        def decide(history: History) -> list[Event]:
            why = compare(history.space, new)
            if why:
                raise StudyMismatch(f"study {self.reader.name!r} cannot change to this space: {'; '.join(why)}")
            return [] if new.to_plain() == history.space.to_plain() else [Changed(new.to_plain())]

        with self._log.lock:
            self._log.refresh().knowing(new)
            self._log.commit(decide)


def _known(
    problem: Problem, params: Mapping[str, Any], value: object, duration_s: float | None, ticket: str | None
) -> decisions.KnownResult:
    """Check a result that is known from elsewhere; raises InvalidConfig or InvalidResult."""
    config = checked_config(problem.space, params)
    outcome = parse_result(problem, value, duration_s)
    if ticket is None and not problem.noisy:
        ticket = f"add:{problem.space.identity(config)}:{codec.dumps(dict(outcome.values)).decode()}"
    return decisions.KnownResult(config, outcome, ticket or "")


def checked_config(space: Space, params: Mapping[str, Any], fill: bool = False) -> Config:
    """Give the plain form of values that a person wrote; with `fill`, missing ones are the defaults.

    Raises:
        InvalidConfig: the space cannot hold them.
    """
    config: Config = space.plain(params)
    if fill:
        config = space.complete(config)
    space.check(config)
    return config
