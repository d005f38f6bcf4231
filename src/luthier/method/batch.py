"""A batch of proposals, none of which is done, pending or proposed twice (law 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from luthier._typing import Floats
from luthier.history import History
from luthier.method.notes import Note, Repeated, read, written
from luthier.proposal import Proposal
from luthier.space import Space
from luthier.trial import Config


@dataclass(frozen=True, slots=True)
class Candidate:
    """A feasible configuration at a place of a sequence, with its identity."""

    index: int
    config: Config
    identity: str


def candidates(space: Space, places: Iterable[int], configs: Iterable[Config]) -> tuple[Candidate, ...]:
    """Give configurations with their places and identities."""
    return tuple(
        Candidate(place, config, space.identity(config)) for place, config in zip(places, configs, strict=True)
    )


@dataclass(slots=True)
class ProposalBatch:
    """Collect up to `count` proposals, none of which is known to the history or collected before.

    Args:
        history: the trials that are done or pending.
        count: the number of proposals that are wanted, at least 1.
        repeat: whether a configuration may be proposed again (noisy problems).
    """

    history: History
    count: int
    repeat: bool = False
    proposals: list[Proposal] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    @property
    def full(self) -> bool:
        """Tell whether there are `count` proposals."""
        return len(self.proposals) >= self.count

    def offer(self, config: Config, identity: str, note: Mapping[str, Any]) -> bool:
        """Collect a configuration if it is new; tell whether it was."""
        if not self.repeat:
            if identity in self._seen or self.history.has(identity):
                return False
            self._seen.add(identity)
        self.proposals.append(Proposal(config, dict(note)))
        return True

    def offer_forgotten(self, space: Space, is_place: Callable[[Mapping[str, Any]], bool], *parts: Note) -> None:
        """Collect configurations of forgotten trials that were not tried since, the earliest first.

        Args:
            space: the space.
            is_place: tells by the note of a trial whether it had a place that is to be tried.
            parts: of the notes of these proposals.

        Cost O(1) where nothing was forgotten.
        """
        for number in sorted(self.history.forgotten):
            config = self.history.config(number)
            if self.full or config is None or not is_place(_first_note(self.history, number)):
                continue
            identity = space.identity(config)
            if not self.history.has(identity):  # also of a noisy problem
                self.offer(config, identity, written(*parts, Repeated(number)))

    def offer_first(self, space: Space, points: Floats, note: Mapping[str, Any]) -> Floats | None:
        """Collect the first of `points` (q, d) that is new; give it as (1, d), or None where none is."""
        for row in range(len(points)):
            config = space.decode(points[row : row + 1])[0]
            if self.offer(config, space.identity(config), note):
                return points[row : row + 1]
        return None


def has_defaults(note: Mapping[str, Any]) -> bool:
    """Tell by its note whether a proposal is the space's default configuration."""
    return note.get("defaults") is True


def _first_note(history: History, number: int) -> Mapping[str, Any]:
    """Give the note of a trial, or of the trial whose place it took, if it did."""
    note = history.trial(number).note
    while (repeated := read(Repeated, note)) is not None:
        note = history.trial(repeated.again).note
    return note


def add_note(proposals: Sequence[Proposal], *parts: Note) -> tuple[Proposal, ...]:
    """Add parts to the notes of proposals."""
    more = written(*parts)
    return tuple(replace(proposal, note={**proposal.note, **more}) for proposal in proposals)
