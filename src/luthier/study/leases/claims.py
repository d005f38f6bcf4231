"""Asking while others write: by compare-and-set as long as that is cheap, else by claims."""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from luthier.errors import LuthierError, SpaceExhausted
from luthier.event import Event, Freed
from luthier.history import History
from luthier.method import Sequential
from luthier.study.active_trial import ActiveTrial
from luthier.study.decisions import Claim, Decider
from luthier.study.leases.ask_request import AlreadyAnswered, once
from luthier.study.log import Decide, StudyLog
from luthier.study.workers import Heartbeat
from luthier.trial import Reason


class Begin(Protocol):
    """Append what begins trials, hold their leases, and give the trials."""

    def __call__(self, decide: Decide, afresh: bool = False) -> list[ActiveTrial]:
        """Append what `decide` wants; `afresh`: after taking in what others have appended."""
        ...


QUIET = 8
"""After this many claims in a row that nothing was appended beside, a method thinks without a claim again."""

DEAR_S = 0.02
"""Thinking that takes longer is put under a claim once others get in between."""

SPOILT = 3
"""So is any that takes longer than an append, after this many proposals for one trial that came too late."""

_clock = time.perf_counter


class Claims:
    """The asking of one open study.

    A method that thinks without a claim does so in vain where others append meanwhile. That costs nothing as long as
    they don't, and little where thinking is quicker than appending. Otherwise the study claims numbers first (one more
    append), gives up the lock and thinks of what it had read by then: however long that takes, and whatever is
    appended meanwhile, its proposals stand, but for configurations that others asked for. A study with one worker
    never claims.

    Args:
        log: the study's log.
        heartbeat: keeps claims alive.
    """

    def __init__(self, log: StudyLog, heartbeat: Heartbeat) -> None:
        self._log = log
        self._heartbeat = heartbeat
        self._conflicts = log.conflicts  # those that were seen
        self._quiet = QUIET  # claims in a row that were not needed
        self._spoilt = False  # whether proposals came too late time after time
        self._thoughts_s: deque[float] = deque(maxlen=3)  # what the latest proposals took

    def gather(
        self,
        decider: Decider,
        count: int,
        begin: Begin,
        give_back: Callable[[ActiveTrial, str], None],
        request: str = "",
    ) -> list[ActiveTrial]:
        """Begin up to `count` trials, in as many appends as it takes; fewer where nothing else is left.

        Args:
            decider, count, begin: see `ask`.
            give_back: is called with the trials, and why, where one that was asked for together with them failed.
            request: the ticket of the call; empty for none.

        Raises:
            AlreadyAnswered: there was such a call before.
            SpaceExhausted, Infeasible: as `Method.suggest` does.
        """
        live: list[ActiveTrial] = []
        if request:
            begin = _begin_once(begin, request, live)
        try:
            while len(live) < count and self.ask(decider, count - len(live), begin, live):
                pass
        except AlreadyAnswered:
            raise
        except SpaceExhausted:
            if not live:
                raise
        except BaseException:
            for trial in live:
                give_back(trial, "what was asked for together with it failed")
            raise
        return live

    def ask(self, decider: Decider, count: int, begin: Begin, live: list[ActiveTrial]) -> bool:
        """Begin up to `count` trials: waiting ones, or enqueued ones, or proposals.

        Args:
            decider: decides.
            count: how many are wanted.
            begin: begins them.
            live: takes the trials, also those that began before an error.

        Returns:
            Whether anything was appended.

        Raises:
            SpaceExhausted, Infeasible: as `Method.suggest` does.
        """
        claims: list[Claim] = []
        done, tries = False, 0

        def decide(history: History) -> list[Event]:
            nonlocal done, tries
            claims.clear()
            events = decider.begin(history, count)
            if events is None:
                events = self._decide(decider, history, count, claims, tries)
                tries += 1
            done = bool(events)
            return events

        live += begin(decide, True)
        while claims:
            live += self._think(decider, claims, begin)
        return done

    def _decide(self, decider: Decider, history: History, count: int, claims: list[Claim], tries: int) -> list[Event]:
        """Propose, or claim; `claims` then has the claim."""
        if self._are_wanted(decider, tries):
            events, claim = decider.claim(history, count)
            claims.append(claim)
            return events
        start = _clock()
        events = decider.propose(history, count)
        self._thoughts_s.append(_clock() - start)
        if self._log.lock.wanted:  # another thread had to wait for this thought
            self._quiet = 0
        return events

    def _are_wanted(self, decider: Decider, tries: int) -> bool:
        """Tell whether to claim: others get in between, time after time or while the method thinks for long."""
        if decider.order is not None:  # whatever is appended meanwhile, the same is proposed
            return False
        if self._log.conflicts != self._conflicts:
            self._conflicts, self._quiet = self._log.conflicts, 0
        if self._quiet >= QUIET:
            self._spoilt = False
            return False
        self._spoilt = self._spoilt or tries >= SPOILT
        thought_s = min(self._thoughts_s, default=0.0)  # a pause of the thread is not taken for thinking
        return (
            thought_s > self._log.append_s
            and (self._spoilt or thought_s > DEAR_S)
            and not _is_sequential(decider.method)
        )

    def _think(self, decider: Decider, claims: list[Claim], begin: Begin) -> list[ActiveTrial]:
        """Make the proposals for a claim, and begin their trials; `claims` then has the next claim, if there is one."""
        claim = claims.pop()

        def settle(history: History) -> list[Event]:
            claims.clear()
            if history.length > claim.token + 1:
                self._quiet = 0
            events, again = decider.settle(history, claim, proposals)
            if again is not None:
                claims.append(again)
            return events

        self._heartbeat.hold_claim(claim.number, claim.token)
        try:
            start = _clock()
            proposals = decider.think(claim)
            self._thoughts_s.append(_clock() - start)
            self._quiet += 1
            return begin(settle)
        except BaseException:
            with suppress(LuthierError):
                self._log.commit(lambda history: decider.give_up(history, claim))
            raise
        finally:
            self._heartbeat.drop_claim(claim.token)


def _begin_once(begin: Begin, request: str, live: list[ActiveTrial]) -> Begin:
    """Begin trials under the ticket of a request, unless it was answered before; `live`: those begun for it so far."""

    def begin_once(decide: Decide, afresh: bool = False) -> list[ActiveTrial]:
        return begin(once(request, decide, live), afresh)

    return begin_once


def _is_sequential(part: object) -> bool:
    """Tell whether a method, or a part of it, must propose for the newest history."""
    if isinstance(part, Sequential):
        return part.is_sequential
    if isinstance(part, tuple | list):
        return any(map(_is_sequential, part))
    return dataclasses.is_dataclass(part) and any(
        _is_sequential(getattr(part, field.name)) for field in dataclasses.fields(part)
    )


def give_up_claim(number: int, token: int, history: History) -> list[Event]:
    """Free a claim that is still held: the study is closed while a thread of it thinks."""
    return [Freed(number, token, str(Reason.INTERRUPTED))] if history.holds(token) else []
