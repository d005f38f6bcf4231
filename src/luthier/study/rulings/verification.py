"""Rulings of a log made again from what was visible (law 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from msgspec.structs import replace

from luthier.errors import LuthierError
from luthier.event import Asked, Configured, Event, Paused, Promoted, Pruned, Resumed
from luthier.history import History
from luthier.method import from_plain, to_plain
from luthier.problem import Problem
from luthier.stop import Rule, scheduler_of
from luthier.study.rulings.trial_reports import event_of
from luthier.trial import Ruling

Difference: TypeAlias = tuple[int, Any, Any]
"""The number of a trial, what is logged of it, and what came out when it was made again."""

_RULINGS = (Pruned, Paused, Promoted, Resumed)


def verify_rulings(begin: History, events: Sequence[Event], known: Rule | None) -> tuple[int, list[Difference]]:
    """Make every ruling and promotion again.

    Args:
        begin: a history of nothing.
        events: the log.
        known: the rule that is at hand as an object; others are built from their text.

    Returns:
        How many came out the same, and those that did not.
    """
    proved = 0
    wrong: list[Difference] = []
    view = begin
    for event in sorted((event for event in events if isinstance(event, _RULINGS)), key=lambda event: event.seen):
        view = view.extend(events[view.length : event.seen])
        rule = ruled(view, known)
        try:
            again = _again(event, view.problem(), view, rule)
        except LuthierError as error:
            again = f"{type(error).__name__}: {error}"
        if again == event:
            proved += 1
        else:
            wrong.append((event.number, event, again))
    return proved, wrong + _wrong_shares(view.extend(events[view.length :]).problem(), events, known)


def _wrong_shares(problem: Problem, events: Sequence[Event], known: Rule | None) -> list[Difference]:
    """Give the new trials that were to spend something else than their scheduler says."""
    wrong: list[Difference] = []
    place, rule = 0, known
    for event in events:
        if isinstance(event, Configured):
            rule = _named(event.stop, known)
        elif isinstance(event, Asked) and event.origin != "imported":
            scheduler = scheduler_of(rule) if event.until is not None else None
            if scheduler is not None and (until := scheduler.first(problem, place)) != event.until:
                wrong.append((event.number, event.until, until))
            place += 1
    return wrong


def ruled(view: History, known: Rule | None) -> Rule | None:
    """Give the rule that a history names last; `known` is the one that is at hand as an object."""
    return _named(view.configured[1].stop if view.configured else None, known)


def _named(text: Any, known: Rule | None) -> Rule | None:
    """Give the rule of a text, as the object that is at hand where it is that one."""
    if text is None or (known is not None and to_plain(known) == text):
        return None if text is None else known
    rule: Rule = from_plain(text)
    return rule


def _again(event: Pruned | Paused | Promoted | Resumed, problem: Problem, view: History, rule: Rule | None) -> Any:
    """Make the event of a ruling again."""
    if not isinstance(event, Resumed):
        if rule is None:
            return None
        return event_of(rule.decide(problem, view, event.number), event.number, event.token, event.seen)
    trial = view.trial(event.number)
    if trial.ruling is Ruling.PROMOTE:
        return replace(event, until=trial.until or 0)
    scheduler = scheduler_of(rule)
    found = None if scheduler is None else scheduler.promotion(problem, view)
    return None if found is None else replace(event, number=found.number, until=found.until)
