"""Forecast of convergence: the gain of the next trials, beside the noise of one measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier import codec
from luthier._typing import Floats
from luthier.analysis.interval_estimate import IntervalEstimate
from luthier.analysis.predictive_distribution import Component
from luthier.analysis.single_objective import SingleObjective, noise_variance
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.render import ResultForm
from luthier.scalar import short, to_whole
from luthier.surrogate import SupportsCovariance

MOST_TRIALS = 200
"""The largest number of further trials."""
_DRAWS = 64
_SPREAD = 256
_NEAR = 64
_STEPS = (0.2, 0.05, 0.01)
_LIKELY = 0.5
_LEAST = 1e-12
_KEPT = ((0.0, 0.45, 0.6, 0.75, 0.9, 0.95, 1.0), (0.0, 0.0, 0.05, 0.2, 0.6, 1.0, 1.5))
"""Of what drawn functions promise, so much was found: quantiles; see benchmarks/results/forecast-2026-11.md.

Objectives are flatter near their best values, and have more levels and steps, than functions drawn from their models.
"""


@dataclass(frozen=True, slots=True)
class Forecast(ResultForm):
    """The improvement that further trials may bring, as the model expects it.

    Args:
        objective: the objective's name.
        maximize: whether it is maximized.
        trials: (t,) numbers of further trials, ascending from 1; the last is the one that was asked for.
        gain: (t,) how much better the best then is than the best now: the mean, and the interval; at least 0, in the
            objective's units.
        chance: the probability that the best becomes better by more than `noise`, in [0, 1].
        noise: the standard deviation of one measurement at the best configuration, in the objective's units; 0 where
            the model sees none.
        best: the best value now: measured, or predicted where measurements are noisy.
        number: the trial that has it.
        finished: the number of trials that were learned from.
        level: the probability of each interval, in (0, 1).
        by: the model, in words.
    """

    objective: str
    maximize: bool
    trials: tuple[int, ...]
    gain: tuple[IntervalEstimate, ...]
    chance: float
    noise: float
    best: float
    number: int
    finished: int
    level: float
    by: str

    @property
    def expected(self) -> IntervalEstimate:
        """The gain of all the trials that were asked for."""
        return self.gain[-1]

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        return (
            f"{self.objective} = {self.best:.6g} now; the next {self.trials[-1]} trials may better it by "
            f"{self.expected} ({self.level:.0%} interval)"
        )

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        every = max(1, len(self.trials) // 5)
        shown = sorted({*range(every - 1, len(self.trials), every), len(self.trials) - 1})
        rows = [(f"{self.trials[i]} more", str(self.gain[i])) for i in shown]
        rows.append(("noise", f"{self.noise:.4g} standard deviation of one measurement"))
        rows.append(("chance", f"{self.chance:.0%} to become better by more than the noise"))
        return [*rows, ("model", f"{self.by}, from {self.finished} trials")]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form = {
            "objective": self.objective,
            "best": self.best,
            "number": self.number,
            "trials": list(self.trials),
            "gain": [one._asdict() for one in self.gain],
            "chance": self.chance,
            "noise": self.noise,
            "finished": self.finished,
            "level": self.level,
            "model": self.by,
        }
        plain: dict[str, Any] = codec.to_plain(form)
        return plain


def forecast_gain(of: SingleObjective, trials: int, level: float, key: Key, memo: Memo) -> Forecast:
    """Draw functions from the model and search each of them by expected improvement; see `luthier.Study.forecast`.

    A function is drawn at 256 points of the space and some hundred near the best trials. From the same posterior the
    search takes the point of the largest expected improvement, sees the drawn value there, with noise, and goes on from
    what it has learned. The gain is that of the true value of the point that it would recommend, times a share that is
    drawn from those that were found on benchmarks.

    Raises:
        InvalidSetting: `trials` is out of range.
        NoResult: no trial kept the outcome constraints.

    Source: Jones, Schonlau and Welch (1998), eq. 15, for the search; Gonzalez, Osborne and Lawrence (2016), GLASSES,
    for looking ahead by the model's own functions.
    """
    count = to_whole(trials)
    if count is None or not 1 <= count <= MOST_TRIALS:
        raise InvalidSetting(f"forecast({short(trials)}): give a number of further trials from 1 to {MOST_TRIALS}")
    row = of.best_row
    points = _candidates(of, row, key.fold("points"))
    distribution, by = of.having(SupportsCovariance, key, memo)
    gains = np.concatenate(
        [
            _search(one, points, count, max(1, round(_DRAWS * one.weight)), key.fold("search", number))
            for number, one in enumerate(distribution.components)
        ]
    )
    gains *= _kept(len(gains), key.fold("kept"))[:, None]
    low, high = np.quantile(gains, (0.5 - 0.5 * level, 0.5 + 0.5 * level), axis=0)
    noise = of.noise(of.data.x[row : row + 1])
    value = float(of.medians(of.data.x[row : row + 1])[0]) if of.problem.noisy else float(of.data.loss[row])
    return Forecast(
        of.goal.name,
        of.goal.maximize,
        tuple(range(1, count + 1)),
        tuple(map(IntervalEstimate, gains.mean(axis=0).tolist(), low.tolist(), high.tolist())),
        float((gains[:, -1] > max(noise, _LEAST)).mean()),
        noise,
        of.goal.value(value),
        of.numbers[row],
        len(of.data),
        level,
        by,
    )


def _kept(draws: int, key: Key) -> Floats:
    """Draw for each function the share of its gain that is found in truth, stratified; (draws,)."""
    strata = (key.fold("order").permutation(draws) + key.fold("place").uniform(draws)) / draws
    return np.interp(strata, *_KEPT)


def _candidates(of: SingleObjective, row: int, key: Key) -> Floats:
    """Give points (q, d), the best trial's first, that probably keep the outcome constraints."""
    space, best = of.problem.space, of.data.x[of.data.best_first()[:3]]
    near = [
        space.neighbours(point, key.fold("near", place, step), _NEAR // len(best), scale)
        for place, point in enumerate(best)
        for step, scale in enumerate(_STEPS)
    ]
    points = np.concatenate([space.sample(key.fold("spread"), _SPREAD), *near])
    points = points[of.predictions.chances(points) >= _LIKELY]
    return np.concatenate([of.data.x[row : row + 1], points])


def _search(one: Component, points: Floats, trials: int, draws: int, key: Key) -> Floats:
    """Give the gain after each number of trials on each drawn function, in the units of the losses; (draws, trials)."""
    from scipy.special import ndtr

    assert isinstance(one.posterior, SupportsCovariance)  # see `SingleObjective.having`
    mean = one.posterior.moments(points).mean
    joint = one.posterior.cross_covariance(points, points)
    joint = 0.5 * (joint + joint.T)
    values, vectors = np.linalg.eigh(joint)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    functions = mean + key.fold("functions").normal((draws, len(points))) @ root.T
    noise = noise_variance(one.posterior)
    errors = np.sqrt(noise) * key.fold("noise").normal((draws, trials))
    each = np.arange(draws)
    means, variances = np.repeat(mean[None], draws, axis=0), np.repeat(np.diag(joint)[None].copy(), draws, axis=0)
    learned = np.empty((draws, trials, len(points)))
    seen = np.zeros((draws, len(points)), dtype=bool)
    seen[:, 0] = True
    gains = np.empty((draws, trials))
    start = one.unscaling.to_losses(functions[:, 0])
    for step in range(trials):
        best = np.where(seen, means, np.inf).min(axis=1, keepdims=True)
        std = np.sqrt(np.maximum(variances, _LEAST))
        z = (best - means) / std
        improvement = std * (z * ndtr(z) + np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi))
        pick = np.where(seen & (noise <= _LEAST), -np.inf, improvement).argmax(axis=1)
        column = joint[pick] - np.einsum("stq,st->sq", learned[:, :step], learned[each, :step, pick])
        scale = np.sqrt(np.maximum(column[each, pick], 0.0) + noise + _LEAST)
        learned[:, step] = column / scale[:, None]
        surprise = (functions[each, pick] + errors[:, step] - means[each, pick]) / scale
        means = means + learned[:, step] * surprise[:, None]
        variances = variances - learned[:, step] ** 2
        seen[each, pick] = True
        chosen = np.where(seen, means, np.inf).argmin(axis=1)
        gains[:, step] = start - one.unscaling.to_losses(functions[each, chosen])
    found: Floats = np.maximum(np.maximum.accumulate(gains, axis=1), 0.0)
    return found
