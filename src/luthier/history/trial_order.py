"""Histories in the order of their trials, which do not depend on the timing of workers."""

from __future__ import annotations

from typing import Any

import msgspec

from luthier.event import Asked, Changed, Configured, Created, Event, Forgotten, Reopened, Reported, Told, Transferred
from luthier.history.history import History
from luthier.history.log_marks import IMPORTED


class TrialOrder:
    """A log as if each of its trials had ended when a fixed number of others had begun after it.

    What is proposed from such a history is the same whichever trial ended first, and however often a worker was lost:
    before trial n begins, it has the outcomes of the trials up to n - `window`, in the order of their numbers, and no
    others; what came early is left out, and those trials are pending. Imported results, and what people change, stand
    where they are in the log. Reports are those of a trial in the end, the latest of each step.

    Args:
        window: how many trials may be without an outcome while the next one is proposed; 1 is one after the other.
    """

    def __init__(self, window: int) -> None:
        self.window = window
        self.latest: tuple[tuple[Any, ...], Any] | None = None
        """What was proposed last, and from what: others may append while a method thinks, which changes nothing."""
        self._begin()

    def _begin(self) -> None:
        self._ordered: History | None = None
        self._lengths = [0]  # of the ordered log, for each length of the log
        self._passed: list[Event] = []  # what the ordered log is to be extended by
        self._withheld: dict[int, list[Event]] = {}  # by trial
        self._imported: set[int] = set()
        self._asked = 0
        self._next = 0  # the first trial whose outcome is withheld, or missing

    def is_complete(self, history: History) -> bool:
        """Tell whether all outcomes are there from which the next trial is to be proposed. Cost O(running trials)."""
        last = len(history) - self.window
        return all(number > last for number in history.running) and all(number > last for number in history.waiting)

    def at(self, history: History) -> History:
        """Give the history from which the trial after the last one of `history` is proposed. Cost O(new events)."""
        if history.length < len(self._lengths) - 1:  # another log, or an earlier moment of this one
            self._begin()
        ordered = history.begin() if self._ordered is None else self._ordered
        while len(self._lengths) <= history.length:
            event = history.event(len(self._lengths) - 1)
            if isinstance(event, Changed):  # the new space may be at hand as an object by now: fold it all anew
                ordered = history.begin().extend([*ordered.events, *self._passed, event])
                self._passed.clear()
            else:
                self._take(event)
            self._lengths.append(ordered.length + len(self._passed))
        self._ordered = ordered.extend(self._passed) if self._passed else ordered
        self._passed.clear()
        return self._ordered

    def _take(self, event: Event) -> None:
        if isinstance(event, Asked):
            seen = self._lengths[min(event.seen, len(self._lengths) - 1)]
            bare: dict[str, Any] = {"seen": seen, "owner": "", "ttl_s": None, "ticket": "", "claim": None}
            self._passed.append(msgspec.structs.replace(event, **bare))
            self._asked += 1
            if event.origin == IMPORTED:
                self._imported.add(event.number)
            self._advance()
        elif isinstance(event, Created | Configured | Transferred):
            self._passed.append(event)
        elif isinstance(event, Reported | Told | Reopened | Forgotten):
            self._take_result(event)

    def _take_result(self, event: Reported | Told | Reopened | Forgotten) -> None:
        """Take in what became of a trial, or keep it back until its turn."""
        number = event.number
        if number < self._next or number in self._imported:
            self._passed.append(event)
        else:
            kept = self._withheld.setdefault(number, [])
            if isinstance(event, Reopened):  # as if it had not ended
                kept[:] = [one for one in kept if isinstance(one, Reported)]
            else:
                kept.append(event)
        if isinstance(event, Told):
            self._advance()

    def _advance(self) -> None:
        """Let those outcomes pass whose turn has come."""
        while self._next <= self._asked - self.window:
            if self._next not in self._imported:
                kept = self._withheld.get(self._next, [])
                if not any(isinstance(one, Told) for one in kept):
                    return
                reports = {one.step: one for one in kept if isinstance(one, Reported)}
                self._passed += [report for _, report in sorted(reports.items())]
                self._passed += [one for one in kept if not isinstance(one, Reported)]
                del self._withheld[self._next]
            self._next += 1


class SerialOrder:
    """The order in which one trial after the other runs, in all processes of a study together: that of its log."""

    @staticmethod
    def is_complete(history: History) -> bool:
        """Tell whether no trial runs, and nobody thinks of one. Cost O(1)."""
        return not history.running and not history.claimed

    @staticmethod
    def at(history: History) -> History:
        """Give the history from which the next trial is proposed, or a paused one goes on."""
        return history


def proposed_from(history: History, event: Asked) -> History:
    """Give the history from which a trial of `history` was proposed. Cost O(events), once."""
    view = history.upto(event.seen)
    return view if event.window is None else TrialOrder(event.window).at(view)
