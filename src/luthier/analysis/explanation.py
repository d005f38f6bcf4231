"""Why a trial was made, and what was expected of it: from the log as it was when the trial was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats
from luthier.analysis.predict import Predictions, predict
from luthier.analysis.predictive_distribution import ENCODED, encoded_distances
from luthier.analysis.results import Explanation, Neighbour, Prediction, Purpose, Rated
from luthier.data import Data
from luthier.errors import LuthierError, NoResult
from luthier.event import Asked
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Method, ModelBased, feasible_rows, from_plain, impute_failures, rate_again, to_plain
from luthier.numeric import dominates
from luthier.problem import Problem
from luthier.trial import Trial

LIKELY = 0.3811
"""The probability Φ(z) of an improvement at which both partial derivatives of the expected improvement, -Φ(z) by the
mean and φ(z) by the standard deviation, are of one size: z = -0.3026."""

_NEAREST = 3

_WHY = {
    "design": "one of the first trials, which fill the space before the models begin",
    "rest": "one of the last configurations of a small space",
    "feasible": "no trial had kept the outcome constraints, so it looks for where they hold",
}


@dataclass(frozen=True, slots=True, eq=False)
class TrialContext:
    """A trial and what was known when it was asked for.

    Args:
        trial: the trial, as it stands now.
        view: the history as it was.
        problem: as it was.
        method: of the study then.
        data: what a method that models saw, crashes included; else values alone.
        point: (1, d) the trial's configuration.
        first: the number of the first trial of the batch.
        count: how many the batch was to have.
        batch: (b, d) the proposals of the batch, in order.
    """

    trial: Trial
    view: History
    problem: Problem
    method: Method
    data: Data
    point: Floats
    first: int
    count: int
    batch: Floats

    @property
    def row(self) -> int:
        """The place of the trial in its batch."""
        return self.trial.number - self.first

    @property
    def proposed(self) -> bool:
        """Tell whether the method proposed it."""
        return self.trial.origin == "method"


class _Sense(NamedTuple):
    """What a trial was for, in a sentence; and how likely an improvement was."""

    purpose: Purpose
    why: str
    improvement: float | None = None


def explain(history: History, number: int, known: Method, key: Key, memo: Memo, level: float) -> Explanation:
    """Explain a trial.

    Args:
        history: everything that is known now.
        number: the trial.
        known: the present method, for such as cannot be made from its text.
        key: the root of the study's randomness.
        memo: skips work that was done before.
        level: of the interval.

    Raises:
        TrialNotFound: there is no such trial.

    Cost: that of its proposal, without the search.
    """
    moment = _recall(history, number, known, memo)
    stream = key.fold("trial", moment.first)
    remarks: list[str] = []
    beliefs: Predictions | None = None
    prediction = None
    try:
        fold = stream.fold("bayes", moment.row).fold("fit")
        beliefs = predict(moment.problem, moment.data, moment.method, fold, memo, moment.row)
        (prediction,) = beliefs.predict([moment.trial.config], level, observed=True)
    except NoResult as error:
        remarks.append(f"nothing was expected of it: {error}")
    sense = _make_sense(moment, beliefs, prediction)
    acquisition = None
    if moment.proposed and sense.purpose not in ("design", "rest", "unmodelled"):
        try:
            acquisition = _rate(moment, stream, memo)
        except LuthierError as error:
            remarks.append(f"the proposal could not be made again: {error}")
    crashed = len(moment.view.data(moment.problem).failed)
    if crashed and beliefs is not None:
        worst = isinstance(moment.method, ModelBased)
        remarks.append(f"{crashed} crashed before it: {'counted as the worst value' if worst else 'left out'}")
    if len(moment.data.pending):
        remarks.append(f"{len(moment.data.pending)} others were running, and had no values yet")
    outcome = moment.trial.outcome
    if outcome is not None and not moment.trial.is_done:
        remarks.append(f"it ended as {outcome.reason}")
    neighbours, unit = _nearest(moment, beliefs)
    values = dict(outcome.values) if outcome is not None and moment.trial.is_done else {}
    space = moment.problem.space
    return Explanation(
        number,
        MappingProxyType(dict(space.realize(moment.trial.config))),
        MappingProxyType({name: moment.trial.config[name] for name in space.names if name in moment.trial.config}),
        sense.purpose,
        sense.why,
        moment.trial.origin,
        type(moment.method).__name__,
        MappingProxyType(dict(moment.trial.note)),
        len(moment.view.measured()),
        prediction,
        sense.improvement,
        acquisition,
        neighbours,
        unit,
        MappingProxyType(values),
        MappingProxyType(_surprises(moment, beliefs, values)),
        tuple(remarks),
    )


def _recall(history: History, number: int, known: Method, memo: Memo) -> TrialContext:
    trial = history.trial(number)
    view = history.upto(trial.seen)
    problem = view.problem()
    method = known
    configured = view.configured
    if configured is not None and configured[1].method != to_plain(known):
        method = from_plain(configured[1].method)
    first, count = _batch(history, trial)
    together = [history.trial(n) for n in range(first, min(first + count, len(history)))]
    batch = [one.config for one in together if one.seen == trial.seen and one.origin == trial.origin]
    data = view.data(problem)
    if isinstance(method, ModelBased) and len(data):
        data = impute_failures(data, memo)
    space = problem.space
    return TrialContext(
        trial, view, problem, method, data, space.encode([trial.config]), first, count, space.encode(batch)
    )


def _batch(history: History, trial: Trial) -> tuple[int, int]:
    """Give the number of the first trial that was asked for together with this one, and how many were."""
    events = history.events
    for position in range(trial.seen, len(events)):
        event = events[position]
        if isinstance(event, Asked) and event.number == trial.number:
            return event.batch or (trial.number, 1)
    return trial.number, 1


def _make_sense(moment: TrialContext, beliefs: Predictions | None, prediction: Prediction | None) -> _Sense:
    note = moment.trial.note.get("by")
    if not moment.proposed:
        how = {"enqueued": "enqueued by somebody", "imported": "measured elsewhere"}
        return _Sense("given", f"no proposal: {how.get(moment.trial.origin, 'its values were asked for')}")
    if note in ("design", "rest"):
        return _Sense(note, _WHY[note])
    if not isinstance(moment.method, ModelBased):
        return _Sense("unmodelled", f"{type(moment.method).__name__} asks no model, so nothing was expected of it")
    lawful = np.flatnonzero(feasible_rows(moment.data))
    if beliefs is None or prediction is None:
        return _Sense("explore", "as all values were equal, only what is not known was of interest")
    if not len(lawful):
        return _Sense("feasible", _WHY["feasible"])
    if len(beliefs.outlooks) > 1:
        return _weigh_several(moment, beliefs, lawful)
    return _weigh(moment, beliefs, prediction, lawful)


def _weigh(moment: TrialContext, beliefs: Predictions, prediction: Prediction, lawful: NDArray[np.int64]) -> _Sense:
    (objective,), (outlook,) = moment.problem.objectives, beliefs.outlooks
    losses = moment.data.loss[lawful]
    if moment.problem.noisy or moment.data.noise is not None:
        losses = outlook.quantiles(moment.data.x[lawful], (0.5,))[0]
    best = float(losses.min())
    chance = float(outlook.below(moment.point, np.array([best]))[0])
    known = f"the best known then, {objective.value(best):.6g}"
    if chance >= LIKELY:
        return _Sense(
            "exploit", f"{prediction.value:.6g} was expected, with a chance of {chance:.0%} to beat {known}", chance
        )
    hope = prediction.high if objective.maximize else prediction.low
    why = f"a chance of {chance:.0%} to beat {known}, as little is known there: it could be {hope:.6g}"
    return _Sense("explore", why, chance)


def _weigh_several(moment: TrialContext, beliefs: Predictions, lawful: NDArray[np.int64]) -> _Sense:
    medians = np.array([outlook.quantiles(moment.point, (0.5,))[0, 0] for outlook in beliefs.outlooks])
    if dominates(moment.data.losses[lawful], medians[None, :]).any():
        return _Sense("explore", "a trial was expected to be better in every objective, but little is known there")
    return _Sense("exploit", "no trial was expected to be as good in every objective")


def _rate(moment: TrialContext, stream: Key, memo: Memo) -> Rated | None:
    ratings = rate_again(
        moment.method, moment.problem, moment.view, stream, moment.count, memo, moment.batch, moment.row
    )
    if not ratings:
        return None
    arm, nominees = moment.trial.note.get("arm"), moment.trial.note.get("nominees")
    place = list(nominees).index(arm) if isinstance(nominees, Mapping) and arm in nominees else 0
    rating = ratings[min(place, len(ratings) - 1)]
    named = arm or moment.trial.note.get("acquisition") or f"criterion of {type(moment.method).__name__}"
    return Rated(str(named), rating.value, rating.above)


def _nearest(moment: TrialContext, beliefs: Predictions | None) -> tuple[tuple[Neighbour, ...], str]:
    numbers = moment.view.measured()
    if not numbers or not moment.data.columns:
        return (), ENCODED
    tried = moment.data.x[: len(numbers)]  # what comes after them crashed
    if beliefs is None:
        distances, unit = encoded_distances(moment.data, moment.point, tried), ENCODED
    else:
        distances, unit = beliefs.outlooks[0].distances(moment.point, tried)
    nearest = np.argsort(distances[0], kind="stable")[:_NEAREST].tolist()
    found = []
    for row in nearest:
        outcome = moment.view.trial(numbers[row]).outcome
        values = dict(outcome.values) if outcome else {}
        found.append(Neighbour(numbers[row], float(distances[0, row]), MappingProxyType(values)))
    return tuple(found), unit


def _surprises(moment: TrialContext, beliefs: Predictions | None, values: Mapping[str, float]) -> dict[str, float]:
    if beliefs is None or not values:
        return {}
    found = {}
    for objective, outlook in zip(moment.problem.objectives, beliefs.outlooks, strict=True):
        loss = np.array([objective.loss(values[objective.name])])
        above = float(outlook.surprise(moment.point, loss)[0])
        found[objective.name] = -above if objective.maximize else above
    return found
