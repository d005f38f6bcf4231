"""Verification of a study: its proposals and rulings made again from what was visible (law 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from luthier._runtime.fingerprint import fingerprint
from luthier.errors import LuthierError
from luthier.event import Asked, Event
from luthier.history import History, TrialOrder
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Method, from_plain, to_plain
from luthier.stop import Rule, scheduler_of
from luthier.study.decisions import propose, with_first_units
from luthier.study.rulings import ruled, verify_rulings


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A logged proposal that its method does not make again."""

    number: int
    logged: Any
    again: Any


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of `verify`.

    Args:
        proved: how many proposals were made again and are the same.
        given: how many trials were not proposed (enqueued, imported, asked for by their values).
        mismatches: the proposals that came out differently.
        foreign: how many proposals were made on another fingerprint (CPU, BLAS, numpy, version) and came out
            differently; that is reported and fails nothing.
        notes: remarks.
        rulings: how many rulings of rules, promotions included, were made again and are the same.
    """

    proved: int
    given: int
    mismatches: tuple[Mismatch, ...] = ()
    foreign: int = 0
    notes: tuple[str, ...] = field(default=())
    rulings: int = 0

    @property
    def ok(self) -> bool:
        """Tell whether there are no mismatches."""
        return not self.mismatches

    def __str__(self) -> str:
        text = f"{self.proved} proposals proved, {self.given} given, {len(self.mismatches)} mismatches"
        text += f", {self.rulings} rulings proved" if self.rulings else ""
        return text + (f", {self.foreign} differ that were made on another machine or version" if self.foreign else "")


def verify(
    begin: History, events: Sequence[Event], key: Key, known: Sequence[Method] = (), rule: Rule | None = None
) -> Verification:
    """Make every proposal, and every ruling of a rule, again.

    Args:
        begin: a history of nothing.
        events: the log.
        key: the root of the study's randomness.
        known: methods that are at hand as objects; others are built from their text.
        rule: the rule that is at hand as an object; others are built from their text.

    Returns:
        What was proved and what came out differently. Cost: that of all the proposals.
    """
    here, memo = fingerprint(), Memo()
    proved = foreign = 0
    mismatches: list[Mismatch] = []
    asked = [event for event in events if isinstance(event, Asked)]
    texts = [(to_plain(method), method) for method in known]
    for view, batch in _replay(begin, events):
        event = batch[0]
        number = event.first if event.claim is None else event.claim
        count = event.batch[1] if event.batch else 1
        configured = view.configured
        text = configured[1].method if configured else None
        method = next((method for plain, method in texts if plain == text), None)

        def make(
            view: History = view,
            method: Method | None = method,
            text: Any = text,
            drawn: tuple[int, int, int] = (number, count, event.again),
        ) -> Any:
            problem = with_first_units(view.problem(), view, scheduler_of(ruled(view, rule)))
            return propose(problem, view, method or from_plain(text), key, memo, *drawn)

        again = _again(make)
        same_machine = configured is None or configured[1].fingerprint in (None, here)
        for event in batch:
            place = event.place
            made = dict(again[place].config) if not isinstance(again, str) and place < len(again) else again
            if made == event.config:
                proved += 1
            elif same_machine:
                mismatches.append(Mismatch(event.number, event.config, made))
            else:
                foreign += 1
    given = sum(event.origin != "method" for event in asked)
    rulings, differing = verify_rulings(begin, events, rule)
    wrong = [Mismatch(*one) for one in differing]
    return Verification(proved, given, (*mismatches, *wrong), foreign, rulings=rulings)


def _again(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except LuthierError as error:
        return f"{type(error).__name__}: {error}"


def _replay(begin: History, events: Sequence[Event]) -> Iterator[tuple[History, list[Asked]]]:
    """Pair each batch of proposals with the history it was made from, folding the log once."""
    made: dict[tuple[int, int, int], list[Asked]] = {}
    orders: dict[int, TrialOrder] = {}
    for event in events:
        if isinstance(event, Asked) and event.origin == "method":
            made.setdefault((event.seen, event.first, event.again), []).append(event)
    view = begin
    for batch in sorted(made):
        view = view.extend(events[view.length : batch[0]])
        window = made[batch][0].window
        if window is None:
            yield view, made[batch]
        else:
            yield orders.setdefault(window, TrialOrder(window)).at(view), made[batch]
