"""Explanations of trials: the purpose of each, and its prediction from the log as it was then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from luthier._typing import Floats, Integers
from luthier.acquisition import Criterion
from luthier.analysis.predict import Predictions, predict, predict_by_step
from luthier.analysis.predictive_distribution import ENCODED, encoded_distances
from luthier.analysis.results import Explanation, Neighbour, Prediction, Purpose, Rated, percent
from luthier.data import Data
from luthier.errors import LuthierError, NoResult
from luthier.event import Asked
from luthier.history import History, proposed_from
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Method, ModelBased, Step, evaluated_points, from_plain, to_plain, with_pending
from luthier.numeric import dominates
from luthier.problem import Problem
from luthier.trial import Trial

LIKELY = 0.3811
"""The probability Φ(z) of an improvement at which both partial derivatives of the expected improvement, -Φ(z) by the
mean and φ(z) by the standard deviation, are of one size: z = -0.3026."""

_NEAREST = 3
_ELSEWHERE = 256
"""How many points of the whole space a proposal's acquisition value is compared with."""

_WHY = {
    "design": "one of the first trials, which fill the space before the models begin",
    "source": "one of the first trials: a configuration that was good for other tasks",
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
        data: what was known, crashes included where the method learns from them.
        running: how many other trials had no values yet.
        point: (1, d) the trial's configuration.
        step: what the proposal followed from, or would have, where the method has models; None where it has not.
        default_key: the randomness of a default model, where the step's models cannot be read.
        failure: why there is no step.
    """

    trial: Trial
    view: History
    problem: Problem
    method: Method
    data: Data
    running: int
    point: Floats
    step: Step | None
    default_key: Key
    failure: str = ""

    @property
    def proposed(self) -> bool:
        """Tell whether the method proposed it."""
        return self.trial.origin == "method"


class _Sense(NamedTuple):
    """The purpose of a trial, why in a sentence, and how likely an improvement was."""

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
    context = recall_trial(history, number, known, key, memo)
    remarks: list[str] = []
    predictions: Predictions | None = None
    prediction = None
    try:
        predictions = _predict(context, memo)
        (prediction,) = predictions.predict([context.trial.config], level, observed=True)
    except NoResult as error:
        remarks.append(f"nothing was expected of it: {error}")
    sense = _make_sense(context, predictions, prediction)
    acquisition = None
    if context.proposed and sense.purpose not in ("design", "rest", "unmodelled"):
        acquisition = _rated(context)
        if context.failure:
            remarks.append(f"the proposal could not be made again: {context.failure}")
    crashed = len(context.view.data(context.problem).failed)
    if crashed and predictions is not None:
        worst = isinstance(context.method, ModelBased)
        remarks.append(f"{crashed} crashed before it: {'counted as the worst value' if worst else 'left out'}")
    if context.running:
        others = "another was running, and had no value yet"
        remarks.append(
            others if context.running == 1 else f"{context.running} others were running, and had no values yet"
        )
    outcome = context.trial.outcome
    if outcome is not None and not context.trial.is_done:
        remarks.append(f"it ended as {outcome.reason}")
    neighbours, unit = _nearest(context, predictions)
    values = dict(outcome.values) if outcome is not None and context.trial.is_done else {}
    space = context.problem.space
    return Explanation(
        number,
        dict(space.realize(context.trial.config)),
        {name: context.trial.config[name] for name in space.names if name in context.trial.config},
        sense.purpose,
        sense.why,
        context.trial.origin,
        type(context.method).__name__,
        dict(context.trial.note),
        len(context.view.measured()),
        prediction,
        sense.improvement,
        acquisition,
        neighbours,
        unit,
        values,
        _surprises(context, predictions, values),
        tuple(remarks),
    )


def recall_trial(history: History, number: int, known: Method, key: Key, memo: Memo) -> TrialContext:
    """Give a trial and what was known when it was asked for; see `explain`."""
    trial = history.trial(number)
    asked = _asked(history, trial)
    view = proposed_from(history, asked)
    problem = view.problem()
    method = known
    configured = view.configured
    if configured is not None and configured[1].method != to_plain(known):
        method = from_plain(configured[1].method)
    first, place, stream = asked.first, asked.place, asked.stream(key)
    data, space = view.data(problem), problem.space
    step, failure = None, ""
    if isinstance(method, ModelBased) and len(data) and data.columns:
        together = [history.trial(n) for n in range(first, number)]
        earlier = [one.config for one in together if one.seen == trial.seen and one.origin == trial.origin]
        try:
            step = method.step(problem, with_pending(data, space.encode(earlier)), stream, place, memo)
        except LuthierError as error:
            failure = str(error)
    return TrialContext(
        trial,
        view,
        problem,
        method,
        data if step is None else step.data,
        len(data.pending),
        space.encode([trial.config]),
        step,
        stream.fold("bayes", place).fold("fit"),
        failure,
    )


def _predict(context: TrialContext, memo: Memo) -> Predictions:
    if context.step is None:
        return predict(context.problem, context.data, context.method, context.default_key, memo)
    return predict_by_step(context.problem, context.step, context.method, context.default_key, memo)


def _asked(history: History, trial: Trial) -> Asked:
    """Find the event that began a trial. Cost O(events since the proposal's history)."""
    later = history.events[trial.seen :]
    return next(event for event in later if isinstance(event, Asked) and event.number == trial.number)


def _make_sense(context: TrialContext, predictions: Predictions | None, prediction: Prediction | None) -> _Sense:
    note = context.trial.note.get("by")
    if not context.proposed:
        how = {"enqueued": "enqueued by a user", "imported": "measured elsewhere"}
        return _Sense("given", f"no proposal: {how.get(context.trial.origin, 'its values were asked for')}")
    if note in ("design", "rest"):
        return _Sense(note, _WHY["source" if context.trial.note.get("source") else note])
    if not isinstance(context.method, ModelBased):
        return _Sense("unmodelled", f"{type(context.method).__name__} asks no model, so nothing was expected of it")
    feasible = np.flatnonzero(context.data.feasible)
    if predictions is None or prediction is None:
        return _Sense("explore", "too little was known to expect anything of it")
    if not len(feasible):
        return _Sense("feasible", _WHY["feasible"])
    if len(predictions.distributions) > 1:
        return _compare_several(context, predictions, feasible)
    return _compare(context, predictions, prediction, feasible)


def _compare(context: TrialContext, predictions: Predictions, prediction: Prediction, feasible: Integers) -> _Sense:
    (objective,), (distribution,) = context.problem.objectives, predictions.distributions
    losses = context.data.loss[feasible]
    if context.problem.noisy or context.data.noise is not None:
        losses = distribution.quantiles(context.data.x[feasible], (0.5,))[0]
    best = float(losses.min())
    chance = float(distribution.below(context.point, np.array([best]))[0])
    known = f"a chance of {percent(chance)} to beat the best known then, {objective.value(best):.6g}"
    if chance >= LIKELY:
        return _Sense("exploit", f"{prediction.value:.6g} was expected, with {known}", chance)
    hope = prediction.high if objective.maximize else prediction.low
    if objective.loss(hope) < best:
        return _Sense("explore", f"{known}, as little is known there: it could be {hope:.6g}", chance)
    expected = f"{prediction.value:.6g} was expected, and {hope:.6g} at the better end of the interval"
    return _Sense("explore", f"{known}: {expected}", chance)


def _compare_several(context: TrialContext, predictions: Predictions, feasible: Integers) -> _Sense:
    medians = np.array(
        [distribution.quantiles(context.point, (0.5,))[0, 0] for distribution in predictions.distributions]
    )
    if dominates(context.data.losses[feasible], medians[None, :]).any():
        return _Sense("explore", "a trial was better in every objective than this one was expected to be")
    return _Sense("exploit", "no trial was expected to be as good in every objective")


def _rated(context: TrialContext) -> Rated | None:
    """Give what the criterion of a proposal was; of a portfolio that of the member that made it."""
    if context.step is None:
        return None
    name, criterion = criterion_of(context.step, context.trial.note)
    value = float(criterion.value(context.point)[0])
    points = context.problem.space.sample(context.step.key.fold("elsewhere"), _ELSEWHERE)
    elsewhere = criterion.value(_open_points(context, context.step, points))
    return Rated(name, value, float((elsewhere < value).mean()) if len(elsewhere) else 1.0)


def _open_points(context: TrialContext, step: Step, points: Floats) -> Floats:
    """Leave out the points that could not have been proposed: those tried before, those all but equal, and itself."""
    evaluated = evaluated_points(context.problem, step.data)
    evaluated.add(context.point)
    apart = points[step.known(evaluated).fresh(points)]
    return apart if len(apart) else points[evaluated.fresh(points)]


def criterion_of(step: Step, note: Mapping[str, Any]) -> tuple[str, Criterion]:
    """Give the criterion of a proposal, with its name; of a portfolio that of the member that made it."""
    criteria, arm = dict(step.criteria), str(note.get("arm"))
    name = arm if arm in criteria else next(iter(criteria))
    return name, criteria[name]


def _nearest(context: TrialContext, predictions: Predictions | None) -> tuple[tuple[Neighbour, ...], str]:
    numbers = context.view.measured()
    if not numbers or not context.data.columns:
        return (), ENCODED
    tried = context.data.x[: len(numbers)]  # what comes after them crashed
    if predictions is None:
        distances, unit = encoded_distances(context.data, context.point, tried), ENCODED
    else:
        distances, unit = predictions.distributions[0].distances(context.point, tried)
    nearest = np.argsort(distances[0], kind="stable")[:_NEAREST].tolist()
    found = []
    for row in nearest:
        outcome = context.view.trial(numbers[row]).outcome
        values = dict(outcome.values) if outcome else {}
        found.append(Neighbour(numbers[row], float(distances[0, row]), values))
    return tuple(found), unit


def _surprises(context: TrialContext, predictions: Predictions | None, values: Mapping[str, float]) -> dict[str, float]:
    if predictions is None or not values:
        return {}
    found = {}
    for objective, distribution in zip(context.problem.objectives, predictions.distributions, strict=True):
        loss = np.array([objective.loss(values[objective.name])])
        above = float(distribution.surprise(context.point, loss)[0])
        found[objective.name] = -above if objective.maximize else above
    return found
