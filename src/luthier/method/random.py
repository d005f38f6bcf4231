"""Random search: independent draws, without replacement."""

from __future__ import annotations

from dataclasses import dataclass

from luthier.errors import SpaceExhausted
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.cursor import last_note, study_key, tag
from luthier.method.distinct import Batch, Candidate, candidates
from luthier.problem import Problem
from luthier.proposal import Proposal
from luthier.space import Space

_AGAIN = (8, 64, 512)
"""How many more points are drawn, time after time, when all drawn so far are known."""


@dataclass(frozen=True)
class Random:
    """Draw configurations independently from the priors, uniformly over what the constraints leave, none twice.

    A finite space that is half used up, or in which some 600 draws bring nothing new, is listed, and the rest of it
    tried in a random order (uniform over the rest, whatever the weights are), each configuration once. Cost: one draw
    from the space; O(size of the space), once, for the list.

    Source: Bergstra and Bengio (2012), Random search for hyper-parameter optimization.

    Example:
        >>> Random()
        Random()
    """

    def suggest(self, problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
        """Propose `count` configurations, fewer where fewer are left. See `luthier.method.protocol.Method`."""
        space = problem.space
        if problem.noisy:
            return tuple(map(Proposal, space.decode(space.sample(key.fold("random"), count))))
        batch = Batch(history, count)
        if not self._lists(space, history):
            self._draw(space, key, batch)
        if not batch.proposals:
            self._take_rest(space, history, memo, batch)
        if not batch.proposals:
            raise SpaceExhausted(_exhausted(space))
        return tuple(batch.proposals)

    def _lists(self, space: Space, history: History) -> bool:
        """Tell whether to go by the list of all configurations at once: it is short, or in use already."""
        if space.size is None:
            return False
        if 2 * history.distinct >= space.size:
            return True
        return bool(len(history)) and history.trial(len(history) - 1).note.get("rest") == tag(b"rest", space)

    def _draw(self, space: Space, key: Key, batch: Batch) -> None:
        for round_, more in enumerate((0, *_AGAIN)):
            points = space.sample(key.fold("random", round_), batch.count + more)
            for config in space.decode(points):
                if batch.full:
                    return
                batch.offer(config, space.identity(config), {})
            if batch.proposals:
                return

    def _take_rest(self, space: Space, history: History, memo: Memo, batch: Batch) -> None:
        if space.size is None:
            return
        name = tag(b"rest", space)
        key = study_key(history).fold("rest")
        rest = memo.get(("rest", space.digest, key), lambda: _shuffled(space, key))
        note = last_note(history, "rest", name)
        for candidate in rest[0 if note is None else int(note["place"]) + 1 :]:
            if batch.full:
                return
            batch.offer(candidate.config, candidate.identity, {"rest": name, "place": candidate.index})


def _shuffled(space: Space, key: Key) -> tuple[Candidate, ...]:
    listed = tuple(space.configurations())
    return candidates(space, range(len(listed)), [listed[place] for place in key.permutation(len(listed)).tolist()])


def _exhausted(space: Space) -> str:
    if space.size is None:
        return (
            "no draw brought a configuration that was not tried before: the constraints leave only few. "
            "Loosen them, or end the study here"
        )
    return "every configuration of the space that keeps the constraints has been tried or is being tried"
