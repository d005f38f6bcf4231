"""Open a study: find its log in the store, or begin one, and see that it is the study that is meant."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from luthier import version
from luthier.errors import InvalidSetting, StudyMismatch, StudyNotFound
from luthier.event import Changed, Created, Event
from luthier.history import History
from luthier.key import Key
from luthier.problem import Objective, Problem
from luthier.space import Space, compare
from luthier.store import Store
from luthier.study.log import StudyLog


@dataclass(frozen=True, slots=True)
class StudySpec:
    """What the caller says of the study that is to be opened; what is left out is as it is in the store.

    Raises:
        InvalidSetting: a name or a seed that is none.
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
        """Raise StudyMismatch where the stored study is another one."""
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
    """Read the names of what is to be made small, and large."""
    small = (minimize,) if isinstance(minimize, str) and minimize else tuple(minimize)
    large = (maximize,) if isinstance(maximize, str) and maximize else tuple(maximize)
    for name in (*small, *large):
        if not isinstance(name, str) or not name:
            raise InvalidSetting(f"name what is optimized: minimize='loss' or maximize='accuracy', not {name!r}")
    return (*(Objective(name) for name in small), *(Objective(name, True) for name in large))


def open_log(store: Store, wish: StudySpec) -> StudyLog:
    """Give the ledger of a study, with everything that is stored of it read.

    Raises:
        StudyMismatch: the store has a study of this name that is another one.
        StudyNotFound: it has none, and `wish` does not say what it would search.
        InvalidSetting: there is nothing to optimize.
    """
    try:
        records = store.read(wish.name, 0)
    except StudyNotFound:
        records = ()
    if not records:
        return _create(store, wish)
    first = records[0].event
    if not isinstance(first, Created):
        raise StudyMismatch(f"what the store has as {wish.name!r} does not begin as a study")
    changes = [record.event for record in records if isinstance(record.event, Changed)]
    now = changes[-1].space if changes else first.space
    if wish.space is not None:
        _check_space(wish.name, wish.space, now)
    wish.check(first)
    # A space that was given may have what text cannot hold: predicates and objects.
    begin = wish.space if wish.space is not None and not changes else Space.from_plain(first.space)
    ledger = StudyLog(store, wish.name, begin, () if wish.space is None else (wish.space,))
    ledger.take(records)
    return ledger


def _create(store: Store, wish: StudySpec) -> StudyLog:
    if wish.space is None:
        raise StudyNotFound(f"the store has no study {wish.name!r}; to begin one, give a space and an objective")
    Problem(wish.space, wish.objectives, wish.noisy)
    created = Created(
        wish.name,
        wish.space.to_plain(),
        tuple((objective.name, objective.maximize) for objective in wish.objectives),
        secrets.randbits(63) if wish.seed is None else wish.seed,
        wish.noisy,
        version=version.VERSION,
    )
    ledger = StudyLog(store, wish.name, wish.space)

    def decide(history: History) -> list[Event]:
        return [] if history.length else [created]

    with suppress(StudyNotFound):
        ledger.refresh()
    ledger.commit(decide)
    first = ledger.history.created
    if first is not None and first is not created:  # somebody else was faster: it must be the same study
        _check_space(wish.name, wish.space, first.space)
        wish.check(first)
    return ledger


def _check_space(name: str, given: Space, stored: object) -> None:
    if given.to_plain() != stored:
        why = compare(Space.from_plain(stored), given) or ("the variables or constraints differ",)
        raise StudyMismatch(
            f"study {name!r} in the store searches another space: {'; '.join(why)}. "
            "Open it without a space and call study.change(space), or give the new study a name of its own"
        )
