"""Calibration of the models: values against their predictions without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from luthier import codec
from luthier._typing import Floats
from luthier.analysis.predict import default_models, intervals_of, lack_of_data, place_of, predict
from luthier.analysis.predictive_distribution import LeftOut, one_objective, predictive_distribution
from luthier.analysis.results import Interval
from luthier.data import Data
from luthier.errors import NoResult
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Method
from luthier.problem import Problem
from luthier.render import ResultForm

_LEVELS = (0.5, 0.9)
_QUANTILES = (0.5, 0.05, 0.95)
_BEGIN = 8
_REFITS = 24
_DOUBT = 0.025  # two-sided, of each of the two coverages: 5 % in all


class Coverage(NamedTuple):
    """The share of intervals of one level that held the value that was left out.

    Args:
        level: the share that should, in (0, 1).
        held: the number that did.
        of: the number of intervals.
        low: the smallest coverage that these counts are compatible with (Clopper and Pearson 1934, at 97.5 %).
        high: the largest.
    """

    level: float
    held: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share that held."""
        return self.held / self.of


@dataclass(frozen=True, slots=True)
class Calibration(ResultForm):
    """The reliability of the models' intervals, judged by values that the models had not seen.

    Args:
        objective: the objective's name.
        numbers: of the trials that were predicted, (k,).
        residuals: how far each value is above its prediction without it, in standard deviations, (k,); standard normal
            where the models are right.
        coverages: of the 50 % and of the 90 % intervals.
        verdict: ``narrow``, ``wide``, ``tails`` (the 50 % intervals hold, and yet too much lies far out) or ``fits``.
        by: the model, in words.
        how: ``left out``: each value by a model of all the others; ``ahead``: by one of the trials before it.
        measured: the values, (k,).
        predicted: medians and 90 % intervals of them, (k,).
    """

    objective: str
    numbers: tuple[int, ...]
    residuals: tuple[float, ...]
    coverages: tuple[Coverage, ...]
    verdict: Literal["narrow", "wide", "tails", "fits"]
    by: str
    how: Literal["left out", "ahead"] = "left out"
    measured: tuple[float, ...] = ()
    predicted: tuple[Interval, ...] = ()

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        shown = self.coverages[-1]
        wrong = [one for one in self.coverages if not one.low <= one.level <= one.high]
        if self.verdict != "fits" and shown not in wrong:
            shown = wrong[-1]
        said = {
            "narrow": "intervals are too narrow",
            "wide": "intervals are too wide",
            "tails": "the middle fits, and too many values lie far out",
            "fits": f"intervals hold as they should, as far as {shown.of} results can tell",
        }[self.verdict]
        return (
            f"{self.objective}: {said}: {shown.share:.0%} of the {shown.level:.0%} intervals hold ({shown.held} of "
            f"{shown.of}; compatible with {shown.low:.0%} to {shown.high:.0%})"
        )

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        rows = [
            (f"{one.level:.0%} intervals", f"{one.held} of {one.of} hold, {one.low:.0%} to {one.high:.0%}")
            for one in self.coverages
        ]
        far = sorted(zip(self.residuals, self.numbers, strict=True), key=lambda pair: -abs(pair[0]))[:3]
        rows.append(("farthest", ", ".join(f"trial {number} ({residual:+.1f})" for residual, number in far)))
        return [*rows, ("model", self.by)]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form = {
            "verdict": self.verdict,
            "text": self.heading(),
            "coverages": [one._asdict() for one in self.coverages],
            "how": self.how,
            "numbers": list(self.numbers),
            "residuals": list(self.residuals),
            "measured": list(self.measured),
            "predicted": [one._asdict() for one in self.predicted],
            "model": self.by,
        }
        plain: dict[str, Any] = codec.to_plain(form)
        return plain


def calibrate(
    problem: Problem, data: Data, numbers: Sequence[int], method: Method, objective: str | None, key: Key, memo: Memo
) -> Calibration:
    """Judge the models by what each value is when it is left out.

    Args:
        problem, data, method, key, memo: see `predict`.
        numbers: the trials of the rows of the data.
        objective: which; None where there is but one.

    Raises:
        InvalidSetting: there is no such objective, or none is named of several.
        NoResult: see `predict`.
    """
    alone, data = _one(problem, data, objective)
    predictions = predict(alone, data, method, key, memo)
    by = predictions.by
    found = predictions.distributions[0].left_out(_QUANTILES)
    if not len(found.residuals):
        spare = predictive_distribution(default_models(len(data)), data, key, memo)
        if spare is None:
            raise NoResult(lack_of_data(alone, data))
        found = spare.left_out(_QUANTILES)
        by = f"a default GP, as {by} has no leave-one-out predictions"
    return _judged(alone, data, numbers, found, by, "left out")


def calibrate_ahead(
    problem: Problem, data: Data, numbers: Sequence[int], method: Method, objective: str | None, key: Key, memo: Memo
) -> Calibration:
    """Judge the models by what they predict of trials that came later.

    The models are fitted to the first trials, at up to 24 times, and each predicts the trials up to the next time.

    Args:
        problem, data, numbers, method, objective, key, memo: see `calibrate`.

    Raises:
        InvalidSetting: see `calibrate`.
        NoResult: there are fewer than 9 trials with values, or the first 8 are equal.

    Source: Dawid (1984), Statistical theory: the prequential approach.
    """
    alone, data = _one(problem, data, objective)
    if len(data) <= _BEGIN:
        raise NoResult(f"to predict later trials needs at least {_BEGIN + 1} trials with values; there are {len(data)}")
    starts = np.unique(np.linspace(_BEGIN, len(data), min(_REFITS, len(data) - _BEGIN) + 1).astype(np.int64))
    parts: list[LeftOut] = []
    by = ""
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        rows = np.arange(start, end)
        predictions = predict(alone, _first(data, start), method, key, memo)
        (distribution,) = predictions.distributions
        x = data.x[rows]
        quantiles = distribution.quantiles(x, _QUANTILES, observed=True)
        parts.append(LeftOut(distribution.surprise(x, data.loss[rows]), rows, quantiles))
        by = predictions.by
    found = LeftOut(
        np.concatenate([part.residuals for part in parts]),
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.quantiles for part in parts], axis=1),
    )
    return _judged(alone, data, numbers, found, by, "ahead")


def _one(problem: Problem, data: Data, objective: str | None) -> tuple[Problem, Data]:
    """Give the problem and the data of one objective, without outcome constraints."""
    place = place_of(problem, objective)
    alone = replace(problem, objectives=(problem.objectives[place],))
    return alone, replace(one_objective(data, place), violations=np.empty((len(data), 0)))


def _first(data: Data, count: int) -> Data:
    """Give the first finished trials alone."""
    noise = None if data.noise is None else data.noise[:count]
    return Data(
        data.columns,
        data.x[:count],
        data.losses[:count],
        data.violations[:count],
        noise,
        data.costs[:count],
        data.failed[:0],
        data.pending[:0],
    )


def _judged(
    problem: Problem,
    data: Data,
    numbers: Sequence[int],
    found: LeftOut,
    by: str,
    how: Literal["left out", "ahead"],
) -> Calibration:
    (goal,) = problem.objectives
    sign = -1.0 if goal.maximize else 1.0
    coverages = tuple(_coverage(np.abs(found.residuals), level) for level in _LEVELS)
    return Calibration(
        goal.name,
        tuple(numbers[row] for row in found.rows.tolist()),
        tuple((sign * found.residuals).tolist()),
        coverages,
        _verdict(*coverages),
        by,
        how,
        tuple(goal.value(loss) for loss in data.loss[found.rows].tolist()),
        tuple(intervals_of(found.quantiles, goal)),
    )


def _coverage(far: Floats, level: float) -> Coverage:
    from scipy.special import betaincinv, ndtri

    n, held = len(far), int((far <= ndtri(0.5 + 0.5 * level)).sum())
    low = float(betaincinv(held, n - held + 1, _DOUBT / 2)) if held else 0.0
    high = float(betaincinv(held + 1, n - held, 1.0 - _DOUBT / 2)) if held < n else 1.0
    return Coverage(level, held, n, low, high)


def _verdict(half: Coverage, most: Coverage) -> Literal["narrow", "wide", "tails", "fits"]:
    if most.high < most.level:
        return "tails" if half.share >= half.level else "narrow"
    if half.high < half.level:
        return "narrow"
    return "wide" if half.low > half.level or most.low > most.level else "fits"
