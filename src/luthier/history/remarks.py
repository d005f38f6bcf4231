"""Remarks on a whole study: notes, tags, orders to its workers, the end of a run."""

from __future__ import annotations

from luthier.event import Annotated, Directed, RunEnded


class Remarks:
    """The latest remarks of each kind. Mutable, and part of one log's state."""

    __slots__ = ("direction", "ended", "notes", "paused_workers", "tags")

    def __init__(self) -> None:
        self.notes, self.tags = "", tuple[str, ...]()  # as they were written last
        self.direction: tuple[int, Directed] | None = None  # position and event of the latest order to all workers
        self.paused_workers: dict[str, Directed] = {}  # the holders of leases that are to pause, by name
        self.ended: RunEnded | None = None  # how a rule ended the latest run that one ended

    def copy(self) -> Remarks:
        """Give an independent copy."""
        twin = Remarks()
        twin.notes, twin.tags, twin.direction, twin.ended = self.notes, self.tags, self.direction, self.ended
        twin.paused_workers = self.paused_workers.copy()
        return twin

    def add(self, event: Annotated | Directed | RunEnded, position: int) -> None:
        """Take in the event at a position of the log."""
        if isinstance(event, Annotated):
            self.notes = self.notes if event.notes is None else event.notes
            self.tags = self.tags if event.tags is None else event.tags
        elif isinstance(event, RunEnded):
            self.ended = event
        elif event.worker:
            self.paused_workers[event.worker] = event
        else:
            self.direction = (position, event)
            if event.order == "go on":
                self.paused_workers.clear()
