"""Roster of a study: who runs it, which trials, and how many end in a minute."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.event import Told
from luthier.history import History
from luthier.study.workers.direction import Order

SPANS_S = (60.0, 600.0, 3600.0)
"""The seconds over which it is counted how many trials ended."""


@dataclass(frozen=True, slots=True)
class HeldTrial:
    """A running trial of a worker.

    Args:
        number: of the trial.
        attempt: 1 for its first run.
        since_s: seconds since this attempt began.
        sign_s: seconds since the worker's last sign of life for it: a report, or a renewal of the lease.
    """

    number: int
    attempt: int
    since_s: float
    sign_s: float

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return {"number": self.number, "attempt": self.attempt, "since_s": self.since_s, "sign_s": self.sign_s}


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that runs trials of a study, or pauses.

    Args:
        name: the holder of its leases: ``host/pid/start/mark``; empty for trials that were asked for with a time limit.
        alive: whether the process exists; None where that cannot be seen from here.
        held: its running trials.
        ended: how many trials it ended in the last ten minutes.
        failures: how many failures in a row made it pause; 0 where it does not.
    """

    name: str
    alive: bool | None
    held: tuple[HeldTrial, ...]
    ended: int
    failures: int

    @property
    def place(self) -> str:
        """The machine and the process, for people."""
        host, _, rest = self.name.partition("/")
        machine = host.rsplit("-", 2)[0] if host.count("-") >= 2 else host
        return f"{machine} {rest.partition('/')[0]}" if rest else "elsewhere"

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return {
            "name": self.name,
            "place": self.place,
            "alive": self.alive,
            "trials": [trial.to_dict() for trial in self.held],
            "ended_in_10_min": self.ended,
            "paused_after_failures": self.failures,
        }


@dataclass(frozen=True, slots=True)
class Roster:
    """Who runs a study.

    Args:
        study: its name.
        order: the present order to all.
        trials: how many the study was asked for, imported ones left out.
        horizon: how many it is to have; None where nobody said.
        waiting: how many trials wait to be run again.
        queued: how many configurations are enqueued.
        ended: how many trials ended within each of `SPANS_S`.
        age_s: seconds since the study was made.
        workers: those that hold a trial, paused, or ended a trial within ten minutes.
    """

    study: str
    order: Order
    trials: int
    horizon: int | None
    waiting: int
    queued: int
    ended: tuple[int, ...]
    age_s: float
    workers: tuple[Worker, ...]

    @property
    def per_minute(self) -> float:
        """How many trials ended in a minute, over the last ten, or since the study was made."""
        return self.ended[1] / (min(SPANS_S[1], max(self.age_s, 1.0)) / 60.0)

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return {
            "study": self.study,
            "order": str(self.order),
            "trials": self.trials,
            "horizon": self.horizon,
            "running": sum(len(worker.held) for worker in self.workers),
            "waiting": self.waiting,
            "enqueued": self.queued,
            "ended": {f"{span:.0f} s": count for span, count in zip(SPANS_S, self.ended, strict=True)},
            "per_minute": self.per_minute,
            "workers": [worker.to_dict() for worker in self.workers],
        }


def read_roster(
    name: str,
    history: History,
    stamps: Sequence[float],
    now: float,
    renewed: Callable[[int, int], float | None],
    is_dead: Callable[[str], bool | None],
) -> Roster:
    """Read from the log who runs a study. Cost O(running trials + events of the last hour).

    Args:
        name: of the study.
        history: its log.
        stamps: when each event was appended, on the store's clock.
        now: on the store's clock.
        renewed: gives when a lease was last renewed, by number and token.
        is_dead: tells whether the holder of a lease is gone.
    """
    held: dict[str, list[HeldTrial]] = {owner: [] for owner in history.remarks.paused_workers}
    for number in history.running:
        lease = history.trial(number).lease
        if lease is not None:
            sign = max(stamps[history.alive_at(number)], renewed(number, lease.token) or 0.0)
            times = (max(0.0, now - stamps[lease.token]), max(0.0, now - sign))
            held.setdefault(lease.owner, []).append(HeldTrial(number, lease.attempt, *times))
    ended, by = _ended(history, stamps, now)
    for owner in by:
        held.setdefault(owner, [])
    workers = []
    for owner, trials in held.items():
        dead = is_dead(owner) if owner else None
        if dead and not trials:
            continue
        pause = history.remarks.paused_workers.get(owner)
        alive = None if dead is None else not dead
        workers.append(Worker(owner, alive, tuple(trials), by.get(owner, 0), pause.failures if pause else 0))
    given, configured = history.remarks.direction, history.configured
    order = Order.GO_ON if given is None else Order(given[1].order)
    horizon = configured[1].horizon if configured else None
    counts = (len(history.waiting), len(history.queue))
    age_s = max(0.0, now - stamps[0])
    workers.sort(key=lambda worker: worker.name)
    return Roster(name, order, history.asked, horizon, *counts, ended, age_s, tuple(workers))


def _ended(history: History, stamps: Sequence[float], now: float) -> tuple[tuple[int, ...], Mapping[str, int]]:
    """Count the trials that ended lately: within each span, and in ten minutes by each worker."""
    counts, by = [0] * len(SPANS_S), dict[str, int]()
    for position in range(history.length - 1, -1, -1):
        ago_s = now - stamps[position]
        if ago_s > SPANS_S[-1]:
            break
        event = history.event(position)
        if isinstance(event, Told):
            trial = history.trial(event.number)
            if trial.origin == "imported":
                continue
            for place, span in enumerate(SPANS_S):
                counts[place] += ago_s <= span
            if trial.lease is not None and trial.lease.owner and ago_s <= SPANS_S[1]:
                by[trial.lease.owner] = by.get(trial.lease.owner, 0) + 1
    return tuple(counts), by
