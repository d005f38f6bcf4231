"""Random search: independent draws, without replacement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from luthier._hints import translating_settings
from luthier.errors import SpaceExhausted
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.batch import Candidate, ProposalBatch, candidates
from luthier.method.notes import RestPlace, read, written
from luthier.method.sequence import last_place, study_key, tag
from luthier.problem import Problem
from luthier.proposal import Proposal
from luthier.space import Space

_KEPT = 8  # blocks that are remembered
_BLOCK = 64
_AGAIN = (8, 64, 512)
"""The number of further points that are drawn, time after time, while all drawn so far are known."""


@translating_settings
@dataclass(frozen=True)
class Random:
    """Draw configurations independently from the priors, conditioned on the constraints, none of them twice.

    When half of a finite space has been tried, or some 600 draws bring nothing new, the space is listed, and the rest
    of it tried in a random order (uniform, whatever the weights are), each configuration once. Cost: one draw from the
    space; once O(size of the space) for the list.

    Source: Bergstra and Bengio (2012), Random search for hyper-parameter optimization.

    Example:
        >>> Random()
        Random()
    """

    def suggest(self, problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
        """Propose `count` configurations, fewer where fewer are left. See `luthier.method.protocol.Method`."""
        space = problem.space
        batch = ProposalBatch(history, count, repeat=problem.noisy)
        if problem.noisy or not _is_listed(space, history):
            for candidate in _draws(space, history, key, count, memo):
                batch.offer(candidate.config, candidate.identity, {})
            if not batch.proposals:
                _draw_again(space, key, batch)
        if not batch.proposals:
            _take_rest(space, history, memo, batch)
        if not batch.proposals:
            raise SpaceExhausted(_exhausted(space))
        return tuple(batch.proposals)


def _is_listed(space: Space, history: History) -> bool:
    """Tell whether to take the list of all configurations at once: much of it was tried, or it is in use already."""
    if space.size is None:
        return False
    if 2 * history.distinct >= space.size:
        return True
    last = read(RestPlace, history.trial(len(history) - 1).note) if len(history) else None
    return last is not None and last.rest == tag(b"rest", space)


def _draws(space: Space, history: History, key: Key, count: int, memo: Memo) -> Sequence[Candidate]:
    """Draw `count` points.

    With the key that the study has for its next trial, the draws are taken from one long stream of independent draws,
    by the number of that trial, and made 64 at a time (64 points cost little more than one). With any other key they
    are draws of that key.
    """
    root, number = study_key(history), len(history)
    if key != root.of_trial(number):
        return _drawn(space, key.fold("random"), count)
    found: list[Candidate] = []
    blocks = memo.get(("random", space.digest, root.words), lambda: Memo(_KEPT))
    for block in range(number // _BLOCK, (number + count - 1) // _BLOCK + 1):
        found += blocks.get(block, lambda b=block: _drawn(space, root.fold("random", b), _BLOCK))  # type: ignore[misc]
    return found[number % _BLOCK : number % _BLOCK + count]


def _drawn(space: Space, key: Key, count: int) -> tuple[Candidate, ...]:
    return candidates(space, range(count), space.decode(space.sample(key, count)))


def _draw_again(space: Space, key: Key, batch: ProposalBatch) -> None:
    """Draw until a configuration is new, at most three times."""
    for turn, more in enumerate(_AGAIN):
        for candidate in _drawn(space, key.fold("random again", turn), batch.count + more):
            if batch.full:
                return
            batch.offer(candidate.config, candidate.identity, {})
        if batch.proposals:
            return


def _take_rest(space: Space, history: History, memo: Memo, batch: ProposalBatch) -> None:
    """Go on in the shuffled list of all configurations, after the place in the newest note of it."""
    if space.size is None:
        return
    name = tag(b"rest", space)
    key = study_key(history).fold("rest")
    rest = memo.get(("rest", space.digest, key), lambda: _shuffled(space, key))
    batch.offer_forgotten(space, lambda note: True)
    last = last_place(history, RestPlace, name)
    for place in range(0 if last is None else last.place + 1, len(rest)):
        if batch.full:
            return
        batch.offer(rest[place].config, rest[place].identity, written(RestPlace(name, place)))


def _shuffled(space: Space, key: Key) -> tuple[Candidate, ...]:
    listed = tuple(space.configurations())
    return candidates(space, range(len(listed)), [listed[place] for place in key.permutation(len(listed)).tolist()])


def _exhausted(space: Space) -> str:
    if space.size is None:
        why = (
            "the constraints leave only few. Loosen them" if space.constraints else "there are only few. Widen a range"
        )
        return f"no draw brought a configuration that was not tried before: {why}, or end the study here"
    return "every configuration of the space that keeps the constraints has been tried or is being tried"
