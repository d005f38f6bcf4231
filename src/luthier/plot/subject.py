"""Subject of a picture: a study's name, its trials as a table, and what each says beneath the pointer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.analysis import TrialTable, trial_table
from luthier.errors import InvalidSetting, NoResult
from luthier.plot.labels import shortened, trial_hover
from luthier.plot.picture import Hover
from luthier.study import StudyReader, TrialResult

_NAME = 40


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A study as pictures see it.

    Args:
        name: of the study.
        table: its trials that count.
        reader: gives everything else.
        acquires: whether its next proposal is made by an acquisition function, as far as that is known.
    """

    name: str
    table: TrialTable
    reader: StudyReader
    acquires: bool = True

    @classmethod
    def of(cls, reader: StudyReader, acquires: bool = True) -> Subject:
        """Read a study. Cost O(trials)."""
        return cls(reader.name, trial_table(reader.history), reader, acquires)

    def goal(self, objective: str | None) -> str:
        """Give the name of the objective that is meant, by default the first. Raises InvalidSetting."""
        return self.table.of(objective)[0].name

    def title(self, what: str) -> str:
        """Write the title of a picture: ``digits: optimization history``."""
        return f"{shortened(self.name, _NAME)}: {what}"

    def hover(self, rows: Iterable[int]) -> Hover:
        """Describe the trials in these rows of the table."""
        space, goals = self.table.problem.space, self.table.problem.objectives
        trials = self.table.trials
        return tuple(trial_hover(TrialResult(trials[row], space, goals)) for row in rows)

    def rows_of(self, numbers: Iterable[int]) -> list[int]:
        """Give the rows of the table in which these trials stand."""
        places = {number: row for row, number in enumerate(self.table.numbers.tolist())}
        return [places[number] for number in numbers]

    def check_begun(self) -> None:
        """Refuse a study of which nothing can be drawn.

        Raises:
            NoResult: it has no trials.
        """
        if not len(self.table):
            forgotten = f" that count: its {self.table.forgotten} are forgotten" if self.table.forgotten else " yet"
            raise NoResult(f"study {self.name!r} has no trials{forgotten}: there is nothing to draw")

    @property
    def notes(self) -> tuple[str, ...]:
        """What every picture of this study must say."""
        count = self.table.forgotten
        return (f"{count} forgotten trial{'s are' if count > 1 else ' is'} left out",) if count else ()


def names_apart(subjects: Sequence[Subject]) -> tuple[str, ...]:
    """Give the names of studies, numbered where they are alike."""
    names = [shortened(one.name, _NAME) for one in subjects]
    return tuple(
        f"{name} ({names[: place + 1].count(name)})" if names.count(name) > 1 else name
        for place, name in enumerate(names)
    )


def subjects_of(others: Sequence[Any]) -> tuple[Subject, ...]:
    """Read the studies to compare with: open ones, or readers."""
    readers = [one if isinstance(one, StudyReader) else getattr(one, "reader", None) for one in others]
    for one, reader in zip(others, readers, strict=True):
        if not isinstance(reader, StudyReader):
            raise InvalidSetting(f"{one!r} is no study to compare with: give studies, or readers of them")
    return tuple(Subject.of(reader) for reader in readers if isinstance(reader, StudyReader))
