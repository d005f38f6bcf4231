"""Requests for trials, and their tickets: a repeated request gets the same answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from luthier.errors import InvalidSetting
from luthier.event import Asked, Event, Resumed, Retried
from luthier.history import History
from luthier.scalar import short, to_whole
from luthier.trial import State

_MOST = 1_000_000  # trials at once: more are a slip, and would fill the memory
Decide = Callable[[History], Sequence[Event]]


class AlreadyAnswered(Exception):
    """A request was answered before, perhaps at this very moment by another process: nothing is begun."""


def checked_count(wanted: object) -> int | None:
    """Give the number of trials that are asked for; None for one that is no list.

    Raises:
        InvalidSetting: it is no such number.
    """
    count = None if wanted is None else to_whole(wanted)
    if wanted is not None and (count is None or not 1 <= count <= _MOST):
        raise InvalidSetting(f"ask for a whole number of trials, from 1 to {_MOST}, not {short(wanted)}")
    return count


def checked_request(ticket: object) -> str:
    """Give the ticket of a request, empty for none; raises InvalidSetting where it is no text, or empty."""
    if ticket is None:
        return ""
    if not isinstance(ticket, str) or not ticket:
        raise InvalidSetting(f"ticket={short(ticket)}: give a text that is not empty, or leave the ticket out")
    return str.__str__(ticket)


def once(ticket: str, decide: Decide, live: Sequence[object]) -> Decide:
    """Have what begins trials note the ticket of the request, unless that was answered before.

    Args:
        ticket: of the request; empty for none.
        decide: says what to append.
        live: the trials that were begun for this very request so far.

    Raises:
        AlreadyAnswered: the decision, where it was.
    """
    if not ticket:
        return decide

    def decide_once(history: History) -> list[Event]:
        if len(history.answers(ticket)) > len(live):
            raise AlreadyAnswered
        return [_noted(event, ticket) for event in decide(history)]

    return decide_once


def begun_anew(history: History, ticket: str, begin: Callable[[History, int], Event]) -> list[Event]:
    """Begin those trials of an answered request anew whose worker is gone, and that nobody else was given since.

    Args:
        history: everything that is known.
        ticket: of the request.
        begin: begins a waiting trial.
    """
    found = [(history.trial(number), token) for number, token in history.answers(ticket)]
    lost = [one for one, token in found if one.state is State.WAITING and one.lease and one.lease.token == token]
    return [_noted(begin(history, trial.number), ticket) for trial in lost]


def _noted(event: Event, ticket: str) -> Event:
    return msgspec.structs.replace(event, request=ticket) if isinstance(event, Asked | Retried | Resumed) else event
