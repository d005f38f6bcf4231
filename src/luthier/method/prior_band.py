"""PriorBand: draws from a user's prior, around the best trial, and from the whole space, by the rung."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.batch import ProposalBatch
from luthier.method.bayesian.user_prior import Prior, PriorDensity
from luthier.method.notes import ProposedBy, written
from luthier.method.random import Random
from luthier.method.repair import Repair
from luthier.method.rung_results import RungResults, opening_rung, rung_results
from luthier.problem import Problem
from luthier.proposal import Proposal
from luthier.setting_types import check_setting_types
from luthier.space import Space

_SPREAD = 0.25
"""The standard deviation of a perturbation, as a share of the range (Mallik et al. 2023, appendix)."""
_CHANGED = 0.5
"""The probability that a variable of the best trial is perturbed."""
_DRAWS = 8


@translating_settings
@dataclass(frozen=True)
class PriorBand:
    """Draw from a prior of yours, around the best trial so far, or from the whole space; for studies with a fidelity.

    With p = 1 / (1 + η^r) at rung r, where the new trial begins, it is drawn from the whole space. The rest belongs to
    the prior until a trial is finished, and is then shared between the prior and perturbations of the best trial, by
    the density of each at the best η trials of the highest rung that has as many. So a prior that is wrong loses its
    share. The first trial is the mode of the prior. Works with any scheduler: with ``stop=lt.Hyperband()`` it is the
    method of the paper.

    Args:
        prior: where the optimum is believed to be.
        eta: η, that of the scheduler, at least 2.

    Raises:
        InvalidSetting: a setting is invalid; or, before the first trial, a belief does not fit the space.

    Cost O(trials) a proposal.

    Source: Mallik, Bergman, Hvarfner, Stoll, Janowski, Lindauer, Nardi and Hutter (2023), PriorBand: Practical
    hyperparameter optimization in the age of deep learning, NeurIPS, section 5. Ours: half of the variables are
    perturbed, as there; the density around the best one counts them at their mean.

    Example:
        >>> PriorBand(Prior({"x": {"a": 0.8, "b": 0.2}}), eta=4).eta
        4
    """

    prior: Prior
    eta: int = 3

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.eta < 2:
            raise InvalidSetting(f"PriorBand(eta={self.eta!r}): give a whole number from 2 on")

    def suggest(self, problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
        """Propose up to `count` configurations. See `luthier.method.protocol.Method`."""
        space = problem.space
        density = self.prior.on(space)
        batch = ProposalBatch(history, count, repeat=problem.noisy)
        if not len(history):
            batch.offer_first(space, density.mode(), written(ProposedBy("prior", believed=True)))
        rungs = rung_results(problem, history)
        shares = self._shares(density, rungs, opening_rung(problem, rungs))
        best = next((rung.points[0] for rung in reversed(rungs) if len(rung)), None)
        place = 0
        while not batch.full and place < count + _DRAWS:
            draw = key.fold("priorband", place)
            place += 1
            self._propose(space, density, best, shares, draw, batch)
        if not batch.proposals:
            return Random().suggest(problem, history, key, count, memo)
        return tuple(batch.proposals)

    def _shares(self, density: PriorDensity, rungs: tuple[RungResults, ...], rung: int) -> tuple[float, float]:
        """Give the probabilities of the prior and of the best trial; the rest is that of the whole space."""
        believed = 1.0 - 1.0 / (1.0 + self.eta**rung)
        known = next((one for one in reversed(rungs) if len(one) >= self.eta), None)
        if known is None or not len(rungs[-1]):
            return believed, 0.0
        points, best = known.points[: self.eta], rungs[-1].points[0]
        weights = np.arange(len(points), 0, -1.0)
        by_prior = float(weights @ np.exp(density.log_density(points)))
        by_best = float(weights @ np.exp(_log_density_around(density.space, best, points)))
        share = by_prior / (by_prior + by_best)
        return believed * share, believed * (1.0 - share)

    def _propose(
        self,
        space: Space,
        density: PriorDensity,
        best: Floats | None,
        shares: tuple[float, float],
        key: Key,
        batch: ProposalBatch,
    ) -> None:
        """Draw which of the three it is, and propose a draw of that."""
        u = float(key.fold("which").uniform(1)[0])
        kind = "prior" if u < shares[0] else "best" if u < sum(shares) and best is not None else "random"

        def draw(turn: int) -> tuple[Floats, Mapping[str, Any]]:
            again = key.fold("turn", turn)
            if kind == "prior":
                drawn = density.draw(again, _DRAWS)
                return (drawn[0] if len(drawn) else space.sample(again, 1)[0]), {}
            if kind == "best" and best is not None:
                return _perturbed(space, best, again), {}
            return space.sample(again, 1)[0], {}

        note = written(ProposedBy(kind, believed=kind == "prior"))
        Repair(space, batch, best).propose(draw, key.fold("repair"), note)


def _perturbed(space: Space, best: Floats, key: Key) -> Floats:
    """Perturb half of the variables of a point."""
    fill = space.warp(key.fold("fill").uniform((1, space.dimensions)))[0]
    here = np.where(np.isnan(best), fill, best)
    changed = key.fold("changed").uniform(space.dimensions) < _CHANGED
    stepped = here + _SPREAD * key.fold("step").normal(space.dimensions)
    stepped = np.where((stepped < 0.0) | (stepped >= 1.0), fill, stepped)
    drawn = [fill[i] if column.kind == "category" else stepped[i] for i, column in enumerate(space.columns)]
    return np.where(changed, drawn, here)


def _log_density_around(space: Space, best: Floats, points: Floats) -> Floats:
    """Give the logarithm of the density of perturbations of a point at others (n, d), relative to the uniform one."""
    total = np.zeros(len(points))
    for place, column in enumerate(space.columns):
        here, there = best[place], points[:, place]
        both = ~np.isnan(there) & ~np.isnan(here)
        if column.kind == "category" and column.levels:
            same = np.floor(there * column.levels) == np.floor(here * column.levels)
            density = _CHANGED + (1.0 - _CHANGED) * column.levels * same
        else:
            normal = np.exp(-np.square((there - here) / _SPREAD) / 2) / (_SPREAD * np.sqrt(2 * np.pi))
            density = normal
        total += np.where(both, np.log(np.maximum(density, 1e-12)), 0.0)
    return total
