"""Entries of the studies of a store: objectives, trials, best values, notes and tags."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from luthier._hints import translating
from luthier.problem import Objective
from luthier.store import Store, open_store
from luthier.study import summary
from luthier.study.log import read_log
from luthier.study.reader import StudyReader


@dataclass(frozen=True, slots=True)
class StudyEntry:
    """What a store has under one name; see `studies`.

    Args:
        name: the study's name.
        objectives: what is optimized, and how.
        variables: the names of the variables.
        counts: the number of trials by the reason why they ended, or by their state.
        best: the best value; None where there is none, or several objectives.
        begun: when the study was made, UTC.
        latest: when something was last recorded.
        tags: what people tagged it with.
        notes: what people wrote of it.
    """

    name: str
    objectives: tuple[Objective, ...]
    variables: tuple[str, ...]
    counts: dict[str, int]
    best: float | None
    begun: datetime
    latest: datetime
    tags: tuple[str, ...] = ()
    notes: str = ""

    @property
    def trials(self) -> int:
        """The number of trials."""
        return sum(self.counts.values())

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON, the times in ISO 8601."""
        return {
            "name": self.name,
            "objectives": [{"name": goal.name, "maximize": goal.maximize} for goal in self.objectives],
            "variables": list(self.variables),
            "trials": self.trials,
            "counts": self.counts,
            "best": self.best,
            "begun": self.begun.isoformat(),
            "latest": self.latest.isoformat(),
            "tags": list(self.tags),
            "notes": self.notes,
        }

    def __str__(self) -> str:
        goals = ", ".join(f"{'maximize' if goal.maximize else 'minimize'} {goal.name}" for goal in self.objectives)
        best = "" if self.best is None else f", best {self.best:.6g}"
        tags = "".join(f" #{tag}" for tag in self.tags)
        return f"{self.name}: {goals}, {summary.counts(self.counts)}{best}{tags}"


@translating({})
def studies(store: str | Path | Store) -> tuple[StudyEntry, ...]:
    """List the studies of a store, in order of name. Nothing is written.

    Args:
        store: a path or a URL, which must exist; or a store.

    Returns:
        What each study optimizes, its variables, how many trials it has, its best value, and when it was worked on.

    Raises:
        StoreError: there is no such store, or it cannot be read.

    Cost O(events of all studies).

    Example:
        >>> import luthier as lt
        >>> store = lt.store.Memory()
        >>> _ = lt.Study("doc", {"x": lt.Float(-5, 5)}, minimize="y", store=store).add({"x": 1.0}, 2.0)
        >>> [print(entry) for entry in lt.studies(store)]
        doc: minimize y, 1 trial: 1 done, best 2
        [None]
    """
    opened = open_store(store, must_exist=True)
    try:
        return tuple(_entry(StudyReader(read_log(opened, name))) for name in sorted(opened.names()))
    finally:
        if opened is not store:
            opened.close()


def _entry(study: StudyReader) -> StudyEntry:
    problem = study.problem
    leaders = study.leaders if len(problem.objectives) == 1 else ()
    begun, latest = study.span
    best = leaders[0].value if leaders else None
    return StudyEntry(
        study.name, problem.objectives, problem.space.names, study.counts, best, begun, latest, study.tags, study.notes
    )
