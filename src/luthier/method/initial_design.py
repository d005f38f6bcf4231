"""The first trials of a study, when there is nothing to learn from: the defaults, then points that fill the space."""

from __future__ import annotations

from luthier.errors import SpaceExhausted
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.batch import ProposalBatch
from luthier.method.quasi import Quasi
from luthier.problem import Problem
from luthier.proposal import Proposal

NOTE = {"by": "design"}


def initial_design(problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
    """Propose the defaults of the space (its middle, where none are given) at first, and Sobol' points after that.

    Raises:
        SpaceExhausted, Infeasible: as `Quasi` does.
    """
    batch = ProposalBatch(history, count, repeat=problem.noisy)
    defaults = problem.space.defaults() if not len(history) else None
    if defaults is not None:
        batch.offer(defaults, problem.space.identity(defaults), {**NOTE, "defaults": True})
    if batch.full:
        return tuple(batch.proposals)
    try:
        rest = Quasi().suggest(problem, history, key, count - len(batch.proposals), memo)
    except SpaceExhausted:
        if not batch.proposals:
            raise
        rest = ()
    for proposal in rest:
        batch.offer(proposal.config, problem.space.identity(proposal.config), {**proposal.note, **NOTE})
    return tuple(batch.proposals)
