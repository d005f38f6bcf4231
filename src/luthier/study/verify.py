"""Prove a study: make every proposal of its log again, each from what was visible when it was made (law 2)."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import luthier.version
from luthier.errors import LuthierError
from luthier.event import Asked, Configured, Event
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.protocol import Method
from luthier.method.text import from_plain
from luthier.space import Space
from luthier.study.asking import propose


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A logged proposal that its method does not make again."""

    number: int
    logged: Any
    again: Any


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found.

    Args:
        proved: how many proposals were made again and are the same.
        given: how many trials were no proposals (enqueued, imported, asked for by their values).
        mismatches: the proposals that came out differently.
        foreign: how many proposals were made on another fingerprint (CPU, BLAS, numpy, version) and came out differently;
            that is reported and fails nothing.
    """

    proved: int
    given: int
    mismatches: tuple[Mismatch, ...] = ()
    foreign: int = 0
    notes: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Tell whether nothing speaks against the study."""
        return not self.mismatches

    def __str__(self) -> str:
        text = f"{self.proved} proposals proved, {self.given} given, {len(self.mismatches)} mismatches"
        return text + (f", {self.foreign} differ that were made on another machine or version" if self.foreign else "")


def fingerprint() -> dict[str, Any]:
    """Name what the bits of a proposal may depend on besides the log."""
    try:
        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[index, call-overload]
        blas_name = f"{blas['name']} {blas['version']}"
    except (KeyError, TypeError):
        blas_name = "unknown"
    return {
        "machine": platform.machine(),
        "numpy": np.__version__,
        "blas": blas_name,
        "luthier": luthier.version.VERSION,
    }


def verify(space: Space, events: Sequence[Event], key: Key, given_method: Method | None = None) -> Verification:
    """Make every proposal again.

    Args:
        space: the space at the beginning of the log.
        events: the log.
        key: the root of the study's randomness.
        given_method: replaces the logged settings, for a method that has no text form.

    Returns:
        What was proved and what came out differently. Cost: that of all the proposals.
    """
    here, memo = fingerprint(), Memo()
    proved = foreign = 0
    mismatches: list[Mismatch] = []
    asked = [event for event in events if isinstance(event, Asked)]
    for view, batch in _replay(space, events):
        first, count = batch[0].batch or (batch[0].number, 1)
        configured = view.configured
        method = given_method or from_plain(configured[1].method if configured else "Random")
        again = _again(lambda m=method, v=view, f=first, c=count: propose(v, m, key, memo, f, c))  # type: ignore[misc]
        same_machine = configured is None or configured[1].fingerprint in (None, here)
        for event in batch:
            place = event.number - first
            made = dict(again[place].config) if not isinstance(again, str) and place < len(again) else again
            if made == event.config:
                proved += 1
            elif same_machine:
                mismatches.append(Mismatch(event.number, event.config, made))
            else:
                foreign += 1
    given = sum(event.origin != "method" for event in asked)
    return Verification(proved, given, tuple(mismatches), foreign)


def _again(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except LuthierError as error:
        return f"{type(error).__name__}: {error}"


def _replay(space: Space, events: Sequence[Event]) -> Iterator[tuple[History, list[Asked]]]:
    """Pair each batch of proposals with the history it was made from, folding the log once."""
    made: dict[tuple[int, int], list[Asked]] = {}
    for event in events:
        if isinstance(event, Asked) and event.origin == "method":
            first = event.batch[0] if event.batch else event.number
            made.setdefault((event.seen, first), []).append(event)
    pending = sorted(made)
    view = History(space)
    for seen, first in pending:
        view = view.extend(events[view.length : seen])
        yield view, made[seen, first]


def configured(method_text: Any, horizon: int | None) -> Configured:
    """Make the event that names the present method."""
    return Configured(method_text, horizon, fingerprint())
