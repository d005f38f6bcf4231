"""What a person puts into a study: points to try, results that are known, another space."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from luthier import codec
from luthier.errors import InvalidConfig, InvalidResult, StudyMismatch
from luthier.event import Asked, Changed, Enqueued, Event
from luthier.history import History
from luthier.space import Space, compare
from luthier.study import decisions
from luthier.study.parse_result import parse_result
from luthier.study.reader import StudyReader
from luthier.study.trial_result import TrialResult
from luthier.trial import Config


class StudyIntake(StudyReader):
    """A study that takes in points, results and changes, and can be read."""

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

    def add(
        self, params: Mapping[str, Any], value: object, *, duration_s: float | None = None, ticket: str | None = None
    ) -> TrialResult:
        """Take in a result that is known from elsewhere; methods learn from it as from any other trial.

        Args:
            params: values by name.
            value: as in `tell`.
            duration_s: the seconds it took, where a method should learn from them.
            ticket: a text that makes the call idempotent: what was added under it once is not added again. By
                default the configuration and the values, so that a script may be run again; a noisy study, in which
                the same may well be measured twice, takes in everything.

        Raises:
            InvalidConfig, InvalidResult: the space cannot hold the values, or there is no result.
        """
        config = self._plain(params)
        outcome = parse_result(self.problem, value, duration_s)
        if ticket is None and not self.problem.noisy:
            ticket = f"add:{self.space.identity(config)}:{codec.dumps(dict(outcome.values)).decode()}"
        name = ticket or ""

        def decide(history: History) -> list[Event]:
            if name and history.ticketed(name):
                return []
            number, token = len(history), history.length
            asked = Asked(number, dict(config), token, "imported", ticket=name)
            return [asked, decisions.told(number, token, outcome)]

        with self._ledger.lock:
            self._ledger.refresh()
            history = self._ledger.commit(decide)
            number = history.ticket(name) if name else None
            return self._result(history, len(history) - 1 if number is None else number)

    def learn_from(self, other: StudyReader) -> int:
        """Take in the finished trials of another study that this study's space can hold, each of them once.

        Returns:
            How many there are.

        Raises:
            StudyMismatch: the other study measures something else.
        """
        here, there = ({objective.name for objective in study.problem.objectives} for study in (self, other))
        if not here <= there:
            raise StudyMismatch(
                f"study {other.name!r} measures {sorted(there)}, and {self.name!r} wants {sorted(here)}: "
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

    def change(self, space: Space | Mapping[str, Any]) -> None:
        """Go on in another space: add or remove variables, add choices, widen or narrow ranges.

        A variable that is added needs a default.

        Trials that the new space cannot hold stay in the log and are no longer learnt from.

        Raises:
            StudyMismatch: the history has no meaning in the new space; the message says why. Nothing is changed.
        """
        new = space if isinstance(space, Space) else Space(space)

        def decide(history: History) -> list[Event]:
            why = compare(history.space, new)
            if why:
                raise StudyMismatch(f"study {self.name!r} cannot change to this space: {'; '.join(why)}")
            return [] if new.to_plain() == history.space.to_plain() else [Changed(new.to_plain())]

        with self._ledger.lock:
            self._ledger.refresh().knowing(new)
            self._ledger.commit(decide)

    def _plain(self, params: Mapping[str, Any], fill: bool = False) -> Config:
        space = self.space
        config: Config = space.plain(params)
        if fill:
            config = space.complete(config)
        space.check(config)
        return config

    def _result(self, history: History, number: int) -> TrialResult:
        return TrialResult(history.trial(number), history.space, history.problem().objectives)
