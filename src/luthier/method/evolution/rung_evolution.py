"""Differential evolution over the rungs of a fidelity: with Hyperband it is DEHB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from luthier._typing import Floats
from luthier.key import Key
from luthier.method.evolution.differential_evolution import without_gaps
from luthier.method.notes import ProposedBy, written
from luthier.method.quasi import Quasi
from luthier.method.repair import Repair
from luthier.method.rung_results import RungResults
from luthier.space import Space

_FACTOR, _CROSSOVER = 0.5, 0.5
"""Scale factor and crossover rate of Awad et al. (2021), section 4."""
_FEWEST = 4
_STRAY = 0.05
"""The probability that a category is drawn anew instead of taken from a parent."""


def propose_at_rungs(
    space: Space,
    rungs: tuple[RungResults, ...],
    rung: int,
    population: int,
    place: int,
    root: Key,
    key: Key,
    repair: Repair,
) -> bool:
    """Propose a trial that begins at a rung; tell whether anything was found.

    The population of a rung is its best trials so far. The child of one of them takes its mutation from three of the
    best ones of the highest rung that has enough, as good results at a higher fidelity are worth more, and is crossed
    with its parent. Until its rung has `population` results, points are those of a Sobol' sequence.

    Args:
        space: the space.
        rungs: what is known.
        rung: the place of the one at which the trial begins.
        population: the number of members, at least 4.
        place: the number of earlier trials.
        root: the randomness of the study's first points.
        key: that of this proposal.
        repair: takes it.

    Source: Awad, Mallik and Hutter (2021), DEHB: Evolutionary Hyperband for scalable, robust and efficient
    hyperparameter optimization, IJCAI, section 3: rand/1/bin, a population for each fidelity, parents from another one.
    Ours: promoted are the trials themselves, which go on from their checkpoints; a population is the best trials in
    place of slots; and parents come from the highest rung, not from the one below.
    """
    own = rungs[rung].points[:population]
    if len(own) < population:
        uniform = Quasi().points(space.dimensions, place, 1, root)
        points = space.settle(space.warp(uniform), uniform)
        return repair.scatter(points[space.feasible(points)], key.fold("scatter"), written(ProposedBy("design")))
    parents = next((one.points[:population] for one in reversed(rungs) if len(one) >= _FEWEST), own)
    target = own[place % len(own)]

    def draw(turn: int) -> tuple[Floats, Mapping[str, Any]]:
        return _child(space, target, parents, key.fold("turn", turn)), {}

    anchored = Repair(space, repair.batch, target)
    return anchored.propose(draw, key, written(ProposedBy("de")))


def _child(space: Space, target: Floats, parents: Floats, key: Key) -> Floats:
    dimensions = space.dimensions
    fill = space.warp(key.fold("fill").uniform((1, dimensions)))[0]
    here = without_gaps(target, fill, fill)
    first, second, third = (
        without_gaps(parents[row], here, fill) for row in key.fold("parents").permutation(len(parents))[:3].tolist()
    )
    mutant = first + _FACTOR * (second - third)
    mutant = np.where((mutant < 0.0) | (mutant > 1.0), fill, mutant)
    for place, column in enumerate(space.columns):
        if column.kind == "category" and column.levels:
            u = key.fold("category", place).uniform(2)
            mutant[place] = u[1] if u[0] < _STRAY else first[place]
    cross = key.fold("cross").uniform(dimensions) < _CROSSOVER
    cross[int(key.fold("one").integers(dimensions))] = True
    return np.where(cross, mutant, here)
