"""Evidence of ties and of ruggedness: what the losses themselves say about the objective."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luthier._typing import Floats, Integers
from luthier.acquisition import Criterion, EdgePenalty
from luthier.data import Data
from luthier.method.bayesian.step import FittedModel
from luthier.space import Column
from luthier.surrogate import GP, GPPosterior, IsMixture, Posterior, supports

_EVEN = 0.0067
"""The share of the losses' variance that is noise to every model, at which the odds of a rugged objective are even.

Objectives that are smooth tables or surrogates leave less than this, and trainings more, but for a third of each; the
odds are the share over this one, so that neither kind is treated wholly as the other."""
_EVEN_NOISY = 0.2
"""The share of noise at which half of the proposals for a rugged objective serve to learn where the optimum is.

The odds are the square of the share over this one: of a table without noise up to 8 % are taken for noise, and there
what was seen counts, not what was learnt."""
_UNLEARNT, _UNLEARNT_POWER = 0.4, 8
"""The share of the losses' order that models do not predict at which the odds of drawing are even, and how fast they
rise with it: to its eighth power. At a quarter they are 0.02, at a half 6 (docs/decisions/0049)."""
_TRIALS_PER_VARIABLE = 3
"""With fewer trials than this for each variable, models take for noise what they have not learnt yet."""
_FEW_LEVELS = 20
"""Numbers with more levels than this have ends to keep away from."""
_FEWEST = 4
"""Ties are looked for among at least so many trials."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the losses say about the objective.

    Args:
        rugged: the probability that there is noise, or detail finer than can be modelled.
        tied: the share of the better half of the trials that have the loss of another one of them.
        noisy: how far noise hides which trials are good, in [0, 1]; losses that tie have no noise.
    """

    rugged: float
    tied: float
    noisy: float = 0.0

    @property
    def doubt(self) -> float:
        """How far small differences of losses mean nothing, in [0, 1]."""
        return max(self.rugged, self.tied)


def find_evidence(posteriors: Sequence[Posterior], data: Data) -> Evidence:
    """Read the evidence from the losses, and from the noise that models of them have found.

    The noise is that of the model that needs the least of it: a scale on which the objective is smooth shows that it
    is. With few trials the probability shrinks. Cost O(n log n).

    Args:
        posteriors: models of the losses, each on a scale of its own.
        data: n trials, at least 1; of several objectives there are no models, and the vectors of losses may tie.
    """
    tied = _tied_share(data.losses)
    processes = [process for posterior in posteriors for process in _processes(posterior)]
    share = min(map(_noise_share, processes), default=0.0)
    known = min(1.0, len(data) / (_TRIALS_PER_VARIABLE * max(len(data.columns), 1))) ** 2
    hidden = share**2 / (share**2 + _EVEN_NOISY**2)
    return Evidence(known * max(share / (share + _EVEN), tied), tied, (1.0 - tied) * hidden)


def find_unlearnt(posteriors: Sequence[Posterior]) -> float:
    """Give the probability, in [0, 1], that what models expect of new trials says little of how good these will be.

    It follows from how well they predict each loss from all others: ρ is the mean over models of the rank correlation,
    at least 0. The odds are those of the share 1 - ρ² of the order that is not predicted. Cost O(n³) a model.
    """
    processes = [process for posterior in posteriors for process in _processes(posterior)]
    if not processes:
        return 0.0
    agreed = [max(_rank_correlation(process.leave_one_out()[0], process.y), 0.0) for process in processes]
    odds = ((1.0 - float(np.mean(agreed)) ** 2) / _UNLEARNT) ** _UNLEARNT_POWER
    return odds / (1.0 + odds)


def resolution(posterior: Posterior, tied: float) -> float:
    """Give the least improvement that counts, on the model's scale: half the least step of losses, times `tied`."""
    processes = _processes(posterior)
    if not tied or not processes:
        return 0.0
    steps = np.diff(np.unique(_better_half(processes[0].y)))
    return 0.5 * tied * float(steps.min()) if len(steps) else 0.0


def penalize_edges(
    criterion: Criterion, models: Sequence[FittedModel], columns: Sequence[Column], penalty: float, least: float = 0.0
) -> Criterion:
    """Lower a criterion at the ends of the numbers that seem not to matter.

    A number does not matter where the models' length-scales along it are as long as they are expected to be without any
    data, and it does where they are shorter by a factor of e; in between the penalty is in proportion.

    Args:
        criterion: on a logarithmic scale.
        models: Gaussian processes of the losses; where there are none, nothing is lowered.
        columns: of the space.
        penalty: at an end of a number that does not matter at all, in nats.
        least: the share of the penalty at an end of one that matters, in [0, 1].
    """
    longer = [
        process.log_lengths() - model.surrogate.hyperpriors.length(process.embedding.variables)
        for model in models
        if isinstance(model.surrogate, GP)
        for process in _processes(model.posterior)
    ]
    if not longer:
        return criterion
    idle = np.maximum(np.clip(1.0 + np.mean(longer, axis=0), 0.0, 1.0), least)
    wide = wide_numbers(columns)
    wide = wide[idle[wide] > 0.0]
    return EdgePenalty(criterion, wide, penalty * idle[wide]) if len(wide) else criterion


def wide_numbers(columns: Sequence[Column]) -> Integers:
    """Give the columns of the numbers that have more than a few levels."""
    wide = [j for j, one in enumerate(columns) if one.kind == "number" and not 0 < one.levels <= _FEW_LEVELS]
    return np.array(wide, dtype=np.int64)


def _processes(posterior: Posterior) -> list[GPPosterior]:
    """Give the Gaussian processes that a posterior consists of; none of another model."""
    if supports(posterior, IsMixture):
        return [process for member in posterior.members for process in _processes(member)]
    return [posterior] if isinstance(posterior, GPPosterior) else []


def _tied_share(losses: Floats) -> float:
    if losses.shape[1] == 1:
        losses = _better_half(losses[:, 0])
        return 1.0 - len(np.unique(losses)) / len(losses)
    counts = np.unique(losses, axis=0, return_counts=True)[1]
    return float(counts[counts > 1].sum()) / len(losses)


def _better_half(losses: Floats) -> Floats:
    return np.sort(losses)[: max(math.ceil(len(losses) / 2), min(_FEWEST, len(losses)))]


def _rank_correlation(one: Floats, other: Floats) -> float:
    """Give Spearman's rank correlation, 0 where all of one are equal; of equal ones the ranks are averaged."""
    a, b = (ranks - ranks.mean() for ranks in map(_ranks, (one, other)))
    size = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / size if size > 0 else 0.0


def _ranks(values: Floats) -> Floats:
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - 0.5 * counts)[group]
    return ranks


def _noise_share(process: GPPosterior) -> float:
    spread = float(np.var(process.y))
    return process.noise_variance / spread if spread > 0 else 0.0
