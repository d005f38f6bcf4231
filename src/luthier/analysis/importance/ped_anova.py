"""PED-ANOVA: the divergence between the values of the best trials and those of all."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.analysis.interval_estimate import IntervalEstimate
from luthier.analysis.latent_sampling import Block
from luthier.data import Data
from luthier.key import Key

BEST = 0.1
"""The share of the trials that are the best."""
CELLS = 50
"""The number of cells that the range of a number is divided into."""

_DRAWS = 200
_LEAST_WIDTH = 0.5 / 1.64  # so that the kernel of an observation lies within its own cell with 90 %
_TINY = 1e-12


class ValueCounts(NamedTuple):
    """The trials by the values of one variable.

    Args:
        counts: (s, cells) of s samples of the trials.
        ordered: whether the cells are places of a range, so that neighbours are alike.
    """

    counts: Floats
    ordered: bool


def best_rows(losses: Floats, share: float = BEST) -> Bools:
    """Tell which of n losses are the best ones: at most that of rank ``share · n``, rounded up; (n,)."""
    place = math.ceil(share * len(losses)) - 1
    best: Bools = losses <= np.partition(losses, place)[place]
    return best


def densities(of: ValueCounts) -> Floats:
    """Estimate the probability of each cell, (s, cells), from the counts of each sample.

    A Parzen estimator: of a range by normal kernels, truncated to it and integrated over the cells, the width by
    Scott's rule; of options by counting; and in each case one more observation that is spread over all cells.

    Source: Watanabe, Bansal and Hutter (2023), PED-ANOVA: efficiently quantifying hyperparameter importance in
    arbitrary subspaces, section 4; Scott (1992), Multivariate density estimation, for the width.
    """
    counts, cells = of.counts, of.counts.shape[1]
    number = counts.sum(axis=1)
    if not of.ordered:
        spread = 1.0 / ((counts > 0).sum(axis=1) + 1.0)[:, None]  # of each observation, over all options
        observed = (counts + number[:, None] * spread) / (1.0 + cells * spread)
        return np.asarray((observed + 1.0 / cells) / (number[:, None] + 1.0))
    at = np.arange(cells, dtype=np.float64)
    width = np.maximum(_scott(counts, at), _LEAST_WIDTH)
    prior = _truncated(np.array([0.5 * (cells - 1)]), np.array([[float(cells)]]), cells)[0, 0]
    density: Floats = (_smoothed(counts, width) + prior) / (number[:, None] + 1.0)
    return density


def _smoothed(counts: Floats, width: Floats) -> Floats:
    """Give the sum of the kernels of all observations, (s, cells).

    An observation lies in the middle of a cell, so its kernel depends on how far a cell is from its own one alone.
    """
    from scipy.special import ndtr

    cells = counts.shape[1]
    below = ndtr((np.arange(1 - cells, cells + 1) - 0.5) / width[:, None])  # by the edge's distance, (s, 2 cells)
    own = np.arange(cells)
    share = counts / (below[:, 2 * cells - 1 - own] - below[:, cells - 1 - own])
    apart = np.diff(below, axis=1)[:, own[None, :] - own[:, None] + cells - 1]  # (s, observations, cells)
    return np.asarray(np.einsum("so,soc->sc", share, apart))


def _scott(counts: Floats, at: Floats) -> Floats:
    """Give the width of the kernels of each sample, (s,)."""
    number = counts.sum(axis=1)
    mean = counts @ at / number
    spread = np.sqrt((counts * (at - mean[:, None]) ** 2).sum(axis=1) / np.maximum(1.0, number - 1.0))
    below = np.cumsum(counts, axis=1)
    quarter = (below < (number // 4)[:, None]).sum(axis=1)
    three = np.minimum((below <= (number * 3 // 4)[:, None]).sum(axis=1), len(at) - 1)
    last = len(at) - 1 - np.argmax(counts[:, ::-1] > 0, axis=1)
    first = np.argmax(counts > 0, axis=1)
    middle = at[np.clip(three, first, last)] - at[np.clip(quarter, first, last)]
    width: Floats = 1.059 * np.minimum(middle / 1.34, spread) * number**-0.2
    return width


def _truncated(centres: Floats, width: Floats, cells: int) -> Floats:
    """Give the probability of each cell by each normal kernel, truncated to the range: (s, centres, cells)."""
    from scipy.special import ndtr

    edges = np.arange(cells + 1) - 0.5
    below = ndtr((edges - centres[:, None]) / width[:, :, None])
    kernels: Floats = np.diff(below, axis=2) / (below[:, :, -1:] - below[:, :, :1])
    return kernels


def pearson_divergence(top: Floats, base: Floats) -> Floats:
    """Give the mean of ``(top / base - 1)²`` by the density `base`; (s,) of densities (s, cells).

    Source: Watanabe, Bansal and Hutter (2023), theorem 1.
    """
    divergence: Floats = (base * ((top + _TINY) / (base + _TINY) - 1.0) ** 2).sum(axis=1)
    return divergence


def variance_share(divergence: Floats, best: Floats) -> Floats:
    """Turn divergences into the share of the variance of "is among the best" that the variable explains alone.

    With q the share of the best, the event has the variance ``q (1 - q)``, and the probability of it given the value
    has the variance ``q² D``. Estimated densities may make that larger than 1, which is cut off.
    """
    share: Floats = np.minimum(best * divergence / np.maximum(1.0 - best, _TINY), 1.0)
    return share


def ped_anova_score(data: Data, best: Bools, block: Block, key: Key, level: float) -> IntervalEstimate:
    """QuadraticScore one variable among the trials in which it is active.

    The score is that of the trials less the mean of what it is when the best are drawn at random, and the interval
    that of the bootstrap, or that of chance where it is wider.

    Args:
        data: n trials.
        best: (n,) the best of them.
        block: the variable.
        key: of the samples.
        level: of the interval, in (0, 1).

    Cost O(n + cells²) for each of 400 samples.
    """
    from scipy.special import ndtri

    rows = np.flatnonzero(~np.isnan(data.x[:, block.begin]))
    top = best[rows]
    count, chosen = len(rows), int(top.sum())
    if chosen < 2 or chosen == count:
        return IntervalEstimate(0.0, 0.0, 0.0)
    cell, cells, ordered = _cells(data.x[rows, block.begin], block)

    def shares(picked: Integers, among: Integers) -> Floats:
        """Give the shares of samples: the cells of the best (s, chosen) and of all (s, count)."""
        one = densities(ValueCounts(_counted(picked, cells), ordered))
        return variance_share(pearson_divergence(one, densities(ValueCounts(_counted(among, cells), ordered))), q)

    q = np.array(chosen / count)
    found = float(shares(cell[top][None], cell[None])[0])
    chance = np.stack([key.fold("chance", i).permutation(count)[:chosen] for i in range(_DRAWS)])
    by_chance = shares(cell[chance], cell[None])
    drawn = key.fold("bootstrap").integers(chosen, (_DRAWS, chosen))
    drawn_rest = key.fold("bootstrap rest").integers(count - chosen, (_DRAWS, count - chosen))
    sample = cell[top][drawn]
    bootstrap = shares(sample, np.concatenate([sample, cell[~top][drawn_rest]], axis=1))
    far = float(ndtri(0.5 + 0.5 * level)) * float(bootstrap.std())
    value = found - float(by_chance.mean())
    chance_far = float(np.quantile(by_chance, 0.5 + 0.5 * level)) - float(by_chance.mean())
    return IntervalEstimate(max(value, 0.0), value - max(far, chance_far), max(value, 0.0) + far)


def _cells(places: Floats, block: Block) -> tuple[Integers, int, bool]:
    """Give the cell of each place, the number of cells, and whether they are places of a range."""
    steps = len(block.grid) if block.counted else CELLS
    cell = np.minimum((places * steps).astype(np.int64), steps - 1)
    return cell, steps, block.ordered


def _counted(cell: Integers, cells: int) -> Floats:
    """Count the cells (s, n) of each sample; (s, cells)."""
    samples = len(cell)
    flat = (np.arange(samples)[:, None] * cells + cell).ravel()
    return np.bincount(flat, minlength=samples * cells).reshape(samples, cells).astype(np.float64)
