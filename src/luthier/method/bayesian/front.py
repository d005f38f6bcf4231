"""Models of several objectives, one each, and what a point would add to the front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from luthier._typing import Floats, Integers
from luthier.acquisition import Criterion, LogDirectionalEHVI, LogEHVI, NearnessPenalty, bind_hypervolume
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer
from luthier.method.bayesian.step import FittedModel, fantasize, fit_model, scalarize
from luthier.numeric import greedy_volume, non_dominated, sorted_rows
from luthier.surrogate import GP, Posterior

MOST_OBJECTIVES = 6
"""With more objectives almost no trial dominates another one: losses are scalarised."""
_LATER = 1e-3
"""The weight of the scalarised loss: the search begins at the trials of the front, in the order of that loss."""
_ALIKE = 1e-3
"""Losses are alike if they differ by less than this share of the range of all."""
_REACH, _MOST_CENTRES = 0.1, 50
"""Half the width of the boxes around members of the front, as a share of each range, and of how many members."""
_GOLDEN = 0.5 * (5.0**0.5 - 1.0)
"""Multiples of it, modulo 1, are spread evenly: so the proposals of the linear scale are, whatever their share."""
_RISE = 2.0
"""Where half of the trials tie, every model of the standard scale has the linear one instead, and every search is of
the few candidates."""
_FEWEST_TIED = 0.2
"""Smooth fronts have ties, too, of two or three trials; where no more than this share tie, searches are thorough."""
_FEW_CANDIDATES = AcquisitionOptimizer(scattered=16, nearby=16, rounds=0, ascents=0)
_BOUND = 2.0
"""What k trials have in common as the lowest value is likely to be a bound: to fall below it counts 1/k² as much."""


@dataclass(frozen=True, slots=True, eq=False)
class FrontModels:
    """One surrogate, fitted to each objective.

    Args:
        data: what is known, pending trials included.
        fitted: one for each objective; pending trials are not in them.
        posteriors: the same, conditioned on pending trials.
    """

    data: Data
    fitted: tuple[FittedModel, ...]
    posteriors: tuple[Posterior, ...]

    def acquisition(self, key: Key) -> LogEHVI | LogDirectionalEHVI:
        """Give the expected improvement of the front of feasible and pending trials; of all while none is feasible.

        Args:
            key: draws directions, where there are more than three objectives.
        """
        feasible = self.data.feasible
        rows = np.flatnonzero(feasible) if feasible.any() else np.arange(len(self.data))
        points = np.concatenate([self.data.x[rows], self.data.pending])
        sharing = np.append(_sharing(self.data.losses)[rows], np.ones(len(self.data.pending), np.int64))
        return bind_hypervolume(self.posteriors, points, _beyond(self.data.losses), key, sharing)


def _beyond(losses: Floats) -> Floats:
    """Give the logarithms of how far each objective may fall, by how many trials nearly share its lowest value."""
    least = losses.min(axis=0)
    shared = (losses <= least + _ALIKE * np.ptp(losses, axis=0)).sum(axis=0)
    found: Floats = -_BOUND * np.log(shared)
    return found


def _sharing(losses: Floats) -> Integers:
    """Count for each row of losses (n, m) those that are equal, itself included; (n,). Cost O(n log n)."""
    _, groups, counts = np.unique(losses, axis=0, return_inverse=True, return_counts=True)
    found: Integers = counts[groups.ravel()]
    return found


def fit_objectives(model: GP, data: Data, key: Key, memo: Memo) -> FrontModels:
    """Fit a surrogate to the losses of each objective, taken as independent."""
    fitted, posteriors = [], []
    for place in range(data.losses.shape[1]):
        alone = data.of_objective(place)
        one = fit_model(model, alone, alone, key.fold("objective", place), memo)
        fitted.append(one)
        posteriors.append(fantasize(one.posterior, alone, data.pending, "believed"))
    return FrontModels(data, tuple(fitted), tuple(posteriors))


def choose_model(smooth: Sequence[GP], rough: Sequence[GP], begun: int, tied: float) -> GP:
    """Take smooth and rough models alternately, of each kind that on the standard scale every second time.

    The others take turns. They find fronts that lie in a small part of the losses' ranges; but on their scales the
    volume is not that of the losses, and where the ends of a front are easily reached they go nowhere else. The more
    trials tie, as they do where one objective is a size, the more often the scale is the linear one in place of the
    standard one, which compresses the large end of what spans orders of magnitude: always, if half of them do.

    Args:
        smooth, rough: models of one scale each; there may be no rough ones.
        begun: the number of results and pending trials.
        tied: the share of the trials whose values another one has.
    """
    models, turn = rough if begun % 2 and rough else smooth, begun // 2
    plain = [model for model in models if model.scaling == "standard"]
    if not plain or turn % 2:
        return models[turn // 2 % len(models)]
    return replace(plain[0], scaling="linear") if (turn * _GOLDEN) % 1.0 < _RISE * tied else plain[0]


def choose_search(begun: int, tied: float) -> AcquisitionOptimizer | None:
    """Take the best of a few candidates where trials tie; None: search for the very best, as anywhere else.

    Among plateaus smooth models are wrong, and a thorough search finds where they are most so, such as the corners of
    the space. The best of a few candidates is where they promise much, and is spread as random points are.

    Args:
        begun: the number of results and pending trials.
        tied: the share of the trials whose values another one has.
    """
    few = tied > _FEWEST_TIED and (begun * _GOLDEN) % 1.0 < _RISE * tied
    return _FEW_CANDIDATES if few else None


def front_first(data: Data, key: Key) -> Data:
    """Give the data with a loss that is least at the trials of the front, in an order drawn by `key`."""
    scalarized = scalarize(data, key)
    behind = np.where(non_dominated(data.losses), 0.0, 1.0)
    return replace(scalarized, losses=behind[:, None] + _LATER * scalarized.losses)


def near_front(criterion: Criterion, data: Data, numbers: Integers, key: Key) -> Criterion:
    """Have a search stay near the trials of the front, in all these numbers at once.

    Models know least at the ends of ranges, and where many trials are on the front already, what is uncertain promises
    more volume than what is a little better: proposals then go to the ends of numbers that only have to be right.

    Args:
        criterion: on a logarithmic scale.
        data: n trials of several objectives.
        numbers: the columns of the numbers that are meant, in all of which a point is near one trial.
        key: draws members of the front, where there are more than 50.
    """
    rows = np.flatnonzero(data.feasible) if data.feasible.any() else np.arange(len(data))
    members = rows[non_dominated(data.losses[rows])]
    if not len(numbers) or not len(members):
        return criterion
    if len(members) > _MOST_CENTRES:
        members = members[np.sort(key.fold("centres").permutation(len(members))[:_MOST_CENTRES])]
    return NearnessPenalty(criterion, data.x[members], numbers, _REACH)


# --- densities of good trials -------------------------------------------------------------------------

_PICKED = 25
"""So many trials, the first ones, are put in order with care; the others follow by the sum of their losses."""
_MOST_VOLUMES = 3
_WORST = 1.1
"""The reference point, where losses are scaled from 0 to 1."""


def ranked_by_fronts(data: Data) -> Data:
    """Give the data with the place of each trial as its loss: by front, and within a front by the volume that it adds.

    The trials of a front are picked one by one, each the one that adds most to the hypervolume of those picked before;
    those that break outcome constraints come last, those that break them least first. Of more than three objectives the
    crowding distance takes the place of the volume, which would take a second a proposal.

    Args:
        data: n losses of several objectives.

    Cost O(n log n + m n f) for the first fronts, of f trials in all, and up to 25 f volumes.

    Source: Ozaki, Tanigaki, Watanabe, Nomura and Onishi (2022), Multiobjective tree-structured Parzen estimator, JAIR
    73, section 4; the greedy selection is that of Guerreiro, Fonseca and Paquete (2016). Their weights of the good
    trials by volume are left out.
    """
    feasible = np.flatnonzero(data.feasible)
    losses = data.losses[feasible]
    if losses.shape[1] > _MOST_VOLUMES:
        order = feasible[sorted_rows(losses, np.zeros(len(losses)))].tolist()
    else:
        order = [feasible[row] for row in _by_volume(losses)] if len(feasible) else []
    rest = np.setdiff1d(np.arange(len(data)), feasible)
    broken = np.nan_to_num(np.maximum(data.violations[rest], 0.0)).sum(axis=1)
    order += rest[np.argsort(broken, kind="stable")].tolist()
    places = np.empty(len(data))
    places[order] = np.arange(len(data))
    return replace(data, losses=places[:, None], sources=())


def _by_volume(losses: Floats) -> list[int]:
    """Order rows by front, and the rows of each front by what they add to the volume of those before."""
    low = losses.min(axis=0)
    width = np.ptp(losses, axis=0)
    scaled = (losses - low) / np.where(width > 0, width, 1.0)
    reference = np.full(losses.shape[1], _WORST)
    left, order = np.arange(len(losses)), list[int]()
    while len(left) and len(order) < _PICKED:
        on_front = non_dominated(scaled[left])
        rows = left[on_front].tolist()
        picked = greedy_volume(scaled, rows, reference, _PICKED - len(order))
        order += [*picked, *(row for row in rows if row not in picked)]
        left = left[~on_front]
    return [*order, *left[np.argsort(scaled[left].sum(axis=1), kind="stable")].tolist()]
