"""Points, results and spaces that a person puts into a study."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

from luthier import codec
from luthier.errors import InvalidConfig, InvalidResult, StudyMismatch
from luthier.event import Asked, Changed, Enqueued, Event
from luthier.history import History
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
        space = self.reader.space
        config = checked_config(space, params, fill=True)
        name = ticket if ticket is not None else f"config:{space.identity(config)}"
        self._log.refresh()
        self._log.commit(lambda history: [] if history.ticketed(name) else [Enqueued(dict(config), name)])
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
        problem = self.reader.problem
        config = checked_config(problem.space, params)
        outcome = parse_result(problem, value, duration_s)
        if ticket is None and not problem.noisy:
            ticket = f"add:{problem.space.identity(config)}:{codec.dumps(dict(outcome.values)).decode()}"
        name = ticket or ""

        def decide(history: History) -> list[Event]:
            if name and history.ticketed(name):
                return []
            number, token = len(history), history.length
            asked = Asked(number, dict(config), token, "imported", ticket=name)
            return [asked, decisions.told(number, token, outcome)]

        with self._log.lock:
            self._log.refresh()
            history = self._log.commit(decide)
            known = history.ticket(name) if name else None
            number = len(history) - 1 if known is None else known
            return TrialResult(history.trial(number), history.space, history.problem().objectives)

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
        taken = 0
        for trial in other.trials:
            outcome = trial.trial.outcome
            if outcome is not None and trial.is_done:
                ticket = f"learnt:{other.name}:{other.seed}:{trial.number}"
                known = {**trial.values, **trial.extra, "violations": dict(outcome.violations)}
                with suppress(InvalidConfig, InvalidResult):
                    self.add(trial.params, known, duration_s=trial.duration_s, ticket=ticket)
                    taken += 1
        return taken

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
