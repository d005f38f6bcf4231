"""Decisions about leases that end without an outcome: given back, or expired. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from luthier.errors import InvalidSetting
from luthier.event import Event, Freed, Told
from luthier.history import History
from luthier.scalar import short, to_float
from luthier.study.rulings import diverged, told
from luthier.trial import Reason, Ruling, State

MAX_LOST = 5
"""How many workers a trial may cost before it ends as LOST: it might be what takes them down."""


def check_release(error: object, reason: object) -> None:
    """Refuse what does not say why a trial is given back."""
    if not isinstance(error, str):
        raise InvalidSetting(f"error={short(error)}: say in a text what happened")
    if not isinstance(reason, Reason) or reason not in (Reason.INTERRUPTED, Reason.LOST):
        raise InvalidSetting(f"reason={short(reason)}: it is luthier.trial.Reason.INTERRUPTED or LOST")


def free(
    history: History, number: int, token: int, reason: Reason, error: str = "", ran_s: float | None = None
) -> list[Event]:
    """Decide how a lease ends without an outcome: the trial waits to be run again, unless it cost too many workers.

    One that a rule has stopped ends, and so does one whose loss was not finite where a rule paused it.

    Args:
        history: everything that is known.
        number: the trial.
        token: the fencing token of the lease.
        reason: LOST or INTERRUPTED.
        error: what happened.
        ran_s: seconds that the holder was known to be alive, where it renewed the lease.
    """
    trial = history.trial(number)
    if trial.state is not State.RUNNING or trial.lease is None or trial.lease.token != token:
        return []  # another process was faster
    if (end := diverged(history, trial)) is not None:
        return [told(number, token, msgspec.structs.replace(end, duration_s=ran_s))]
    if trial.ruling is Ruling.STOP:  # nobody need run it again to hear that
        return [Told(number, token, str(Reason.PRUNED), duration_s=ran_s)]
    if reason is Reason.LOST and trial.lease.lost + 1 >= MAX_LOST:
        text = f"{error or 'its worker vanished'}; that was worker {MAX_LOST} of this trial"
        return [Told(number, token, str(Reason.LOST), duration_s=ran_s, error=text)]
    return [Freed(number, token, str(reason), error, ran_s)]


@dataclass(frozen=True, slots=True)
class LeaseReader:
    """What is known of leases besides the log.

    Args:
        stamps: when each event of the log was appended, on the store's clock.
        now: on the store's clock.
        is_dead: tells whether an owner is gone; None where that cannot be known.
        renewed: gives when the lease of a number and a token was last renewed; None where it never was.
    """

    stamps: Sequence[float]
    now: float
    is_dead: Callable[[str], bool | None]
    renewed: Callable[[int, int], float | None]

    def end_s(self, owner: str, ttl_s: float | None, lease: tuple[int, int], alive_at: int) -> float | None:
        """Give the time of the last sign of life of a holder that is gone; None where it lives, for all that is known.

        Args:
            owner: of the lease; empty where no process renews it.
            ttl_s: how long it lasts without renewal.
            lease: its number and token.
            alive_at: the position of the last event that showed the holder alive.
        """
        dead = self.is_dead(owner) if owner else None
        alive = self.stamps[alive_at]
        expired = ttl_s is not None and self.now > alive + ttl_s
        if dead is False or (dead is None and not expired):
            return None
        alive = max(alive, self.renewed(*lease) or alive)
        return alive if dead or (ttl_s is not None and self.now > alive + ttl_s) else None


def reap(history: History, leases: LeaseReader) -> list[Event]:
    """Decide how trials and claimed numbers are taken back whose holders are gone. Cost O(leases)."""
    found: list[Event] = []
    for number in history.running:
        lease = history.trial(number).lease
        if lease is None:
            continue
        end = leases.end_s(lease.owner, lease.ttl_s, (number, lease.token), history.alive_at(number))
        if end is not None:
            ran_s = end - leases.stamps[lease.token]
            found += free(history, number, lease.token, Reason.LOST, ran_s=ran_s if ran_s > 0 else None)
    for token, claim in history.claims:
        if leases.end_s(claim.owner, claim.ttl_s, (claim.number, token), token) is not None:
            found.append(Freed(claim.number, token, str(Reason.LOST)))
    return found


def seconds_of_lease(given: object) -> float:
    """Check how long a lease is to last; raises InvalidSetting where that is no number of seconds."""
    seconds = to_float(given)
    if seconds is None or not seconds > 0:
        raise InvalidSetting(f"lease_s={short(given)}: a lease lasts for a number of seconds, more than 0")
    return seconds
