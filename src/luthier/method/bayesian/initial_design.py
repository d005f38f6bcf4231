"""The initial design: the first trials, while there is nothing to learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from luthier.data import Data
from luthier.errors import SpaceExhausted
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.batch import ProposalBatch, add_note, has_defaults
from luthier.method.bayesian.source_portfolio import best_of_sources, rank_agreement
from luthier.method.bayesian.user_prior import PriorDensity
from luthier.method.notes import ProposedBy, read, written
from luthier.method.quasi import Quasi
from luthier.method.random import Random
from luthier.problem import Problem
from luthier.proposal import Proposal
from luthier.space import Space

DESIGN, REST = "design", "rest"
"""What `ProposedBy.by` says of the first trials, and of the last ones of a small space."""
_TRIES = 64
_COMPARED = 2
"""The fewest results, those of the defaults left aside, of which sources have to predict the order."""


def design(
    density: PriorDensity | None, problem: Problem, data: Data, history: History, key: Key, count: int, memo: Memo
) -> tuple[Proposal, ...]:
    """Propose the first trials: `initial_design`, or where there is a user's prior `prior_design`.

    Where there are results of other tasks (`data.sources`), some are among the best configurations of these.
    """
    if data.sources:
        return source_design(density, problem, data, history, key, count, memo)
    if density is None:
        return initial_design(problem, history, key, count, memo)
    return prior_design(density, problem, history, key, count, memo)


def initial_design(
    problem: Problem, history: History, key: Key, count: int, memo: Memo, from_defaults: bool | None = None
) -> tuple[Proposal, ...]:
    """Propose the defaults of the space (its middle, where none are given) at first, and Sobol' points after that.

    `from_defaults` says whether the defaults are still to be tried; None: before the first trial. Points of the design
    whose trials were forgotten are proposed again, before any new ones.

    Raises:
        SpaceExhausted, Infeasible: as `Quasi` does.
    """
    batch = ProposalBatch(history, count, repeat=problem.noisy)
    defaults = problem.space.defaults() if (not len(history) if from_defaults is None else from_defaults) else None
    if defaults is not None:
        batch.offer(defaults, problem.space.identity(defaults), written(ProposedBy(DESIGN, defaults=True)))
    batch.offer_forgotten(problem.space, has_defaults, ProposedBy(DESIGN, defaults=True))
    if batch.full:
        return tuple(batch.proposals)
    try:
        rest = Quasi().suggest(problem, history, key, count - len(batch.proposals), memo)
    except SpaceExhausted:
        if not batch.proposals:
            raise
        rest = ()
    for proposal in add_note(rest, ProposedBy(DESIGN)):
        batch.offer(proposal.config, problem.space.identity(proposal.config), proposal.note)
    return tuple(batch.proposals)


def prior_design(
    density: PriorDensity, problem: Problem, history: History, key: Key, count: int, memo: Memo
) -> tuple[Proposal, ...]:
    """Propose the first trials: of those with odd numbers the first is the mode of a prior, the others are drawn.

    Raises:
        SpaceExhausted, Infeasible: as `initial_design` does.
    """
    space, first = problem.space, len(history)
    odd = (first + count) // 2 - first // 2
    batch = ProposalBatch(history, odd, repeat=problem.noisy)
    mode = (
        np.empty((0, 0))
        if any(_is_by_prior(trial.note) for trial in history.trials if not trial.forgotten)
        else density.mode()
    )
    drawn = density.draw(key.fold("belief"), _TRIES) if odd else mode
    note = written(ProposedBy(DESIGN, believed=True))
    for points in (mode, drawn) if len(mode) else (drawn,):
        for config in space.decode(points) if not batch.full else ():
            if not batch.full:
                batch.offer(config, space.identity(config), note)
    return _filled(batch, problem, lambda rest: initial_design(problem, history, key, rest, memo), count)


def source_design(
    density: PriorDensity | None, problem: Problem, data: Data, history: History, key: Key, count: int, memo: Memo
) -> tuple[Proposal, ...]:
    """Propose the first trials: some as without sources, and then some by `best_of_sources`, as long as these are good.

    See `_by_sources` for how many.

    Raises:
        SpaceExhausted, Infeasible: as `initial_design` does.
    """
    space = problem.space
    wanted = _by_sources(space, data, history, count, memo)
    batch = ProposalBatch(history, wanted, repeat=problem.noisy)
    note = written(ProposedBy(DESIGN, source=True))
    tried = sum(_is_by_source(trial.note) for trial in history.trials)
    first_new = tried if problem.noisy else 0  # of a problem that is not noisy, the batch leaves out what was tried
    if wanted:
        for config in space.decode(best_of_sources(space, data.sources, tried + wanted, memo)[first_new:]):
            if not batch.full:
                batch.offer(config, space.identity(config), note)
    begun = any(has_defaults(trial.note) for trial in history.trials)

    def others(rest: int) -> tuple[Proposal, ...]:
        if density is not None:
            return prior_design(density, problem, history, key, rest, memo)
        return initial_design(problem, history, key, rest, memo, not begun)

    return _filled(batch, problem, others, count)


def _by_sources(space: Space, data: Data, history: History, count: int, memo: Memo) -> int:
    """Give how many of the next trials are to be by sources.

    The first ones are as without sources, and so cost nothing where sources mislead. Then the models of the sources
    have to predict the order of these results rather than the reverse, the defaults left aside: these are good in most
    tasks, so that any source is right about them. After the first trials by sources the best of these has to be better
    than all others. As long as that holds the next trials are by sources, until there is one more of them than of the
    others. While nothing is known (of trials asked for at once), it is one of each two.

    What it costs and gives: docs/decisions/0036-sources.md.
    """
    asked, measured = len(history), [history.trial(number).note for number in history.measured()]
    tried = sum(_is_by_source(trial.note) for trial in history.trials)
    most = min(count, max((asked + count - 2 * tried + 1) // 2, 0))
    by_source, own = (np.array(list(map(is_so, measured)), dtype=bool) for is_so in (_is_by_source, _is_own))
    if by_source.any():
        others = data.losses[~by_source].min(axis=0, initial=np.inf)
        return most if (data.losses[by_source].min(axis=0) < others).any() else 0
    if own.sum() < _COMPARED:
        return min(count, max((asked + count - _COMPARED) // 2 - tried, 0))
    agree = rank_agreement(space, data.sources, data.x[own], data.losses[own], memo) > 0
    return most if agree else 0


def _is_own(note: Mapping[str, Any]) -> bool:
    """Tell whether a trial is neither by sources nor that of the defaults."""
    return not _is_by_source(note) and not has_defaults(note)


def _filled(
    batch: ProposalBatch, problem: Problem, others: Callable[[int], tuple[Proposal, ...]], count: int
) -> tuple[Proposal, ...]:
    """Give the proposals of a batch after those others that are not among them, `count` in all."""
    remaining = count - len(batch.proposals)
    if not remaining:
        return tuple(batch.proposals)
    identity = problem.space.identity
    taken = {identity(proposal.config) for proposal in batch.proposals}
    fresh = [one for one in others(remaining) if problem.noisy or identity(one.config) not in taken]
    return (*fresh, *batch.proposals)


def rest_of_space(problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
    """Propose at random what is left of a space of which no candidate was new.

    Raises:
        SpaceExhausted, Infeasible: as `Random` does.
    """
    return add_note(Random().suggest(problem, history, key, count, memo), ProposedBy(REST))


def _is_by_prior(note: Mapping[str, Any]) -> bool:
    by = read(ProposedBy, note)
    return by is not None and by.believed


def _is_by_source(note: Mapping[str, Any]) -> bool:
    by = read(ProposedBy, note)
    return by is not None and by.source
