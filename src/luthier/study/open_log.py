"""The log of a study: found in its store, or begun there, and checked against what the caller expects."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from luthier import version
from luthier.errors import InvalidSetting, StudyMismatch, StudyNotFound
from luthier.event import Changed, Created, Event, Record
from luthier.history import History
from luthier.key import Key
from luthier.problem import Objective, Problem
from luthier.space import Space, compare
from luthier.store import Store
from luthier.study.log import StudyLog


@dataclass(frozen=True, slots=True)
class StudySpec:
    """The study that a caller wants to open; what is left out is as it stands in the store.

    Raises:
        InvalidSetting: the name is empty, or the seed is not a whole number from 0 to 2**64 - 1.
    """

    name: str
    space: Space | None
    objectives: tuple[Objective, ...]
    seed: int | None
    noisy: bool

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise InvalidSetting(f"a study needs a name, a text that is not empty; not {self.name!r}")
        if self.seed is not None:
            Key.of(self.seed)

    def check(self, first: Created) -> None:
        """Raise StudyMismatch where the stored study differs."""
        asked = tuple((objective.name, objective.maximize) for objective in self.objectives)
        if asked and asked != tuple(map(tuple, first.objectives)):
            was = ", ".join(
                f"{'maximize' if maximize else 'minimize'}={title!r}" for title, maximize in first.objectives
            )
            raise StudyMismatch(f"study {self.name!r} in the store has {was}; give a new study a name of its own")
        if self.seed is not None and self.seed != first.seed:
            raise StudyMismatch(
                f"study {self.name!r} in the store has seed {first.seed}, not {self.seed}; leave the seed out to go on"
            )
        if self.noisy and not first.noisy:
            raise StudyMismatch(
                f"study {self.name!r} in the store is not noisy and stays so; give a new study a name of its own"
            )


def parse_objectives(minimize: str | Sequence[str], maximize: str | Sequence[str]) -> tuple[Objective, ...]:
    """Read the names of what is minimized, and of what is maximized."""
    small = (minimize,) if isinstance(minimize, str) and minimize else tuple(minimize)
    large = (maximize,) if isinstance(maximize, str) and maximize else tuple(maximize)
    for name in (*small, *large):
        if not isinstance(name, str) or not name:
            raise InvalidSetting(f"name what is optimized: minimize='loss' or maximize='accuracy', not {name!r}")
    return (*(Objective(name) for name in small), *(Objective(name, True) for name in large))


def open_log(store: Store, spec: StudySpec) -> StudyLog:
    """Open the log of a study, all that is stored of it read; begin it where the store does not have it.

    Raises:
        StudyMismatch: the store has another study of this name.
        StudyNotFound: the store has no such study, and `spec` has no space to begin one.
        InvalidSetting: there is nothing to optimize.
    """
    try:
        records = store.read(spec.name, 0)
    except StudyNotFound:
        records = ()
    if not records:
        return _create(store, spec)
    first, changes = _spaces(spec.name, records)
    if spec.space is not None:
        _check_space(spec.name, spec.space, changes[-1].space if changes else first.space)
    spec.check(first)
    # A space that was given may have what text cannot hold: predicates and objects.
    begin = spec.space if spec.space is not None and not changes else Space.from_plain(first.space)
    log = StudyLog(store, spec.name, begin, () if spec.space is None else (spec.space,))
    log.take(records)
    return log


def read_log(store: Store, name: str) -> StudyLog:
    """Open the log of a stored study, all of it read. Nothing is written.

    Raises:
        StudyNotFound: the store has no such study.
        StudyMismatch: what it has under this name is not a study.
    """
    records = store.read(name, 0)
    if not records:
        raise StudyNotFound(f"the store has no study {name!r}")
    first, _ = _spaces(name, records)
    log = StudyLog(store, name, Space.from_plain(first.space))
    log.take(records)
    return log


def _spaces(name: str, records: Sequence[Record]) -> tuple[Created, list[Changed]]:
    """Find the events that say which spaces a study searches."""
    first = records[0].event
    if not isinstance(first, Created):
        raise StudyMismatch(f"what the store has as {name!r} does not begin as a study")
    return first, [record.event for record in records if isinstance(record.event, Changed)]


def _create(store: Store, spec: StudySpec) -> StudyLog:
    if spec.space is None:
        raise StudyNotFound(f"the store has no study {spec.name!r}; to begin one, give a space and an objective")
    Problem(spec.space, spec.objectives, spec.noisy)
    created = Created(
        spec.name,
        spec.space.to_plain(),
        tuple((objective.name, objective.maximize) for objective in spec.objectives),
        secrets.randbits(63) if spec.seed is None else spec.seed,
        spec.noisy,
        version=version.VERSION,
    )
    log = StudyLog(store, spec.name, spec.space)

    def decide(history: History) -> list[Event]:
        return [] if history.length else [created]

    with suppress(StudyNotFound):
        log.refresh()
    log.commit(decide)
    first = log.history.created
    if first is not None and first is not created:  # another process was faster: it must be the same study
        _check_space(spec.name, spec.space, first.space)
        spec.check(first)
    return log


def _check_space(name: str, given: Space, stored: object) -> None:
    if given.to_plain() != stored:
        why = compare(Space.from_plain(stored), given) or ("the variables or constraints differ",)
        raise StudyMismatch(
            f"study {name!r} in the store searches another space: {'; '.join(why)}. "
            "Open it without a space and call study.change(space), or give the new study a name of its own"
        )
