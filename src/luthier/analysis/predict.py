"""Predictions at configurations, and the expected best one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from luthier._typing import Floats
from luthier.acquisition import Feasible, FunctionCriterion, ValueScale
from luthier.analysis.outliers import discount_outliers
from luthier.analysis.predictive_distribution import (
    FEWEST,
    PredictiveDistribution,
    one_objective,
    predictive_distribution,
    read_models,
    why_unreadable,
)
from luthier.analysis.results import ExpectedBest, Interval, Prediction
from luthier.data import Data
from luthier.errors import InvalidSetting, NoResult
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import (
    AcquisitionOptimizer,
    EvaluatedPoints,
    Method,
    ModelBased,
    Step,
    constraint_models,
    impute_failures,
)
from luthier.problem import Objective, Problem
from luthier.scalar import short, to_float
from luthier.space import Space
from luthier.surrogate import GP, Posterior, Surrogate
from luthier.trial import Config

_SAMPLES = 8
_FEW = 200  # values, up to which it costs seconds to draw hyperparameters
_WIDEST = 1e307  # span of values, beyond which intervals around them are no numbers any more
_LIKELY = 0.5  # the least probability of success at which a configuration that was not tried is recommended

Distributions = tuple[PredictiveDistribution, ...]
"""One predictive distribution an objective."""


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """The predictive distributions of all objectives at one moment.

    Args:
        problem: what is optimized.
        data: what is known.
        distributions: one an objective.
        constraints: models of the outcome constraints and of crashes.
        by: the models, in words.
        luck: the share of trials that do not crash, where crashes come by chance.
    """

    problem: Problem
    data: Data
    distributions: Distributions
    constraints: tuple[Posterior, ...]
    by: str
    luck: float = 1.0

    def predict(self, configs: Sequence[Config], level: float, observed: bool) -> tuple[Prediction, ...]:
        """Predict at configurations that the space can hold."""
        space = self.problem.space
        if not configs:
            return ()
        x = space.encode(configs)
        tails = (0.5, 0.5 - 0.5 * level, 0.5 + 0.5 * level)
        found = {
            objective.name: intervals_of(distribution.quantiles(x, tails, observed), objective)
            for objective, distribution in zip(self.problem.objectives, self.distributions, strict=True)
        }
        chances = self.chances(x)
        return tuple(
            Prediction(
                dict(space.realize(config)),
                _ordered(config, space),
                {name: intervals[row] for name, intervals in found.items()},
                level,
                self.luck * float(chances[row]),
                self.by,
            )
            for row, config in enumerate(configs)
        )

    def chances(self, x: Floats) -> Floats:
        """Give the probability of no crash, bad luck aside, and of constraints that hold at `x` (q, d); shape (q,)."""
        if not self.constraints:
            return np.ones(len(x))
        return np.exp(Feasible(None, ValueScale.LOG, self.constraints).value(x))


def predict(problem: Problem, data: Data, method: Method, key: Key, memo: Memo, *, robust: bool = False) -> Predictions:
    """Fit the method's own models to each objective; a default Gaussian process where it has none that can be read.

    Args:
        problem: what is optimized.
        data: what is known.
        method: of the study.
        key, memo: see `Surrogate.fit`.
        robust: whether outliers count less for a default Gaussian process (see `discount_outliers`).

    Raises:
        NoResult: too little is known to predict anything; the message says what is missing.
    """
    for goal, losses in zip(problem.objectives, data.losses.T, strict=True):
        check_span(goal.name, losses)
    own = method.surrogates() if isinstance(method, ModelBased) else ()

    def read(alone: Data) -> PredictiveDistribution | None:
        return predictive_distribution(own, alone, key, memo)

    found, by = _distributions(problem, data, method, own, read, key, memo, robust)
    known = impute_failures(data, memo)
    return Predictions(problem, data, found, constraint_models(known, key, memo), by, _luck(data, len(known.failed)))


def known_results(history: History, problem: Problem) -> tuple[Data, tuple[int, ...]]:
    """Give the trials that a prediction learns from, and their numbers, ascending.

    They are those that have values. In a race over instances few trials have all cases: the others count with what
    their cases tell of the mean over all of them, as they do for the method.

    Args:
        history: what is known.
        problem: that of the history.
    """
    data, numbers = history.data(problem), history.measured()
    if problem.instances is None or not data.stopped.tell:
        return data, numbers
    every = np.array([*numbers, *data.stopped.numbers.tolist()], dtype=np.int64)
    whole, order = data.with_stopped(), np.argsort(every, kind="stable")
    rows = {name: getattr(whole, name)[order] for name in ("x", "losses", "violations", "costs")}
    share = None if whole.share is None else whole.share[order]
    noise = None if whole.noise is None else whole.noise[order]
    return replace(whole, **rows, share=share, noise=noise), tuple(every[order].tolist())


def check_span(name: str, losses: Floats) -> None:
    """Refuse losses of which no model can be read in their own units.

    Raises:
        NoResult: the span of the losses is larger than the largest number.
    """
    if len(losses) and not float(losses.max()) - float(losses.min()) < _WIDEST:
        raise NoResult(f"the values of {name} lie too far apart for a model: their span is no number")


def predict_by_step(problem: Problem, step: Step, method: Method, key: Key, memo: Memo) -> Predictions:
    """Read the models of a proposal; fit a default Gaussian process in their place where they cannot be read.

    Args:
        problem: what is optimized.
        step: of the proposal.
        method: made it.
        key: the randomness of the default one.
        memo: see `Surrogate.fit`.

    Raises:
        NoResult: see `predict`.
    """

    def read(alone: Data) -> PredictiveDistribution | None:
        if any(why_unreadable(model.surrogate) for model in step.models):
            return None
        if len(problem.objectives) == 1:
            return read_models(step.models, alone, memo)
        fitted = [replace(one, posterior=one.surrogate.fit(alone, one.key, memo)) for one in step.models]
        return read_models(fitted, alone, memo)

    own, data = [model.surrogate for model in step.models], step.data
    found, by = _distributions(problem, data, method, own, read, key, memo)
    return Predictions(problem, data, found, step.constraints, by, _luck(data, len(data.failed)))


def _distributions(
    problem: Problem,
    data: Data,
    method: Method,
    own: Sequence[Surrogate],
    read: Callable[[Data], PredictiveDistribution | None],
    key: Key,
    memo: Memo,
    robust: bool = False,
) -> tuple[Distributions, str]:
    """Predict by the method's own models, read for one objective at a time, or else by default ones; in words which."""
    name, by = type(method).__name__, f"{_counted(own)} of {type(method).__name__}"
    found = _of_all(problem, data, read) if own else None
    if found is None:
        default = default_models(len(data))

        def read_default(alone: Data) -> PredictiveDistribution | None:
            known = discount_outliers(alone, problem.noisy, key, memo) if robust else alone
            return predictive_distribution(default, known, key, memo)

        found = _of_all(problem, data, read_default)
        why = ""
        if own:
            unreadable = next(filter(None, map(why_unreadable, own)), "")
            why = f", as {unreadable or f'the scale of {_counted(own)} cannot be undone for these values'}"
        elif not isinstance(method, ModelBased):
            why = f", as {name} asks no model"
        by = f"a default GP{why}{_discounted(data, found or ())}"
    if found is None:
        raise NoResult(lack_of_data(problem, data))
    return found, by


def _discounted(data: Data, distributions: Distributions) -> str:
    """Say how many values count less than the others; nothing where all count alike."""
    known = 0.0 if data.noise is None else data.noise
    count = sum(int((one.data.noise > known).sum()) for one in distributions if one.data.noise is not None)
    values = (
        "1 value that is far from what the others say counts"
        if count == 1
        else f"{count} values that are far from what the others say count"
    )
    return f"; {values} less" if count else ""


def _luck(data: Data, failed: int) -> float:
    """Estimate the share of trials that do not crash, from how many crashed by chance (Laplace's rule)."""
    return (len(data) + 1) / (len(data) + failed + 1)


def expected_best(predictions: Predictions, history: History, level: float, anywhere: bool, key: Key) -> ExpectedBest:
    """Find the configuration with the best median.

    Args:
        predictions: of one objective, fitted to the values of `history`.
        history: everything that is known.
        level: of the interval.
        anywhere: whether to look at the whole space, and not at what was tried alone.
        key: of the search.

    Raises:
        InvalidSetting: there are several objectives.
        NoResult: no trial kept the outcome constraints.
    """
    problem, data = predictions.problem, predictions.data
    if len(problem.objectives) > 1:
        raise InvalidSetting(
            "of several objectives no one configuration is best: study.predict([trial.params for trial in study.front])"
        )
    (objective,), (distribution,) = problem.objectives, predictions.distributions
    _, numbers = known_results(history, problem)
    rows = np.flatnonzero(data.feasible)
    if not len(rows):
        raise NoResult(f"none of the {len(data)} trials with values kept the outcome constraints")
    medians = distribution.quantiles(data.x[rows], (0.5,))[0]
    row = int(rows[np.argmin(medians)])
    luckiest = int(rows[np.argmin(data.loss[rows])])
    point, config = data.x[row], history.config(numbers[row]) or {}
    elsewhere = _search(predictions, data.x[rows[np.argsort(medians, kind="stable")]], key) if anywhere else None
    if elsewhere is not None and distribution.quantiles(elsewhere, (0.5,))[0, 0] < medians.min():
        point, config = elsewhere[0], problem.space.decode(elsewhere)[0]
    same = np.flatnonzero(((data.x == point) | (np.isnan(data.x) & np.isnan(point))).all(axis=1))
    (prediction,) = predictions.predict([config], level, observed=False)
    return ExpectedBest(
        prediction,
        numbers[int(same[0])] if len(same) else None,
        tuple(objective.value(loss) for loss in data.loss[same].tolist()),
        numbers[luckiest],
        objective.value(float(data.loss[luckiest])),
        objective.value(float(distribution.quantiles(data.x[luckiest : luckiest + 1], (0.5,))[0, 0])),
        objective.name,
    )


def default_models(values: int) -> tuple[GP, ...]:
    """Give the model that predicts where a method has none of its own for it, from so many values.

    It averages over its hyperparameters while there are few values to tell them by: of ten values of each of four
    functions of three variables 83 to 91 % of its 90 % intervals held (five seeds), and 72 to 77 % of those of the
    most probable hyperparameters (six); of 25 values 89 to 100 % and 84 to 100 %. Its scale is affine but for the
    worst values, so noise is averaged out where it is best.
    """
    return (GP(samples=_SAMPLES if values <= _FEW else 0),)


def check_level(level: float) -> None:
    """Raise InvalidSetting where `level` is no probability that an interval can have."""
    given = to_float(level)
    if given is None or not 0.0 < given < 1.0:
        raise InvalidSetting(f"level={short(level)}: give a probability between 0 and 1, as 0.9, for the intervals")


def _of_all(
    problem: Problem, data: Data, read: Callable[[Data], PredictiveDistribution | None]
) -> Distributions | None:
    """Give the distribution of each objective; None where one of them cannot be read."""
    found: list[PredictiveDistribution] = []
    for place in range(len(problem.objectives)):
        distribution = read(one_objective(data, place))
        if distribution is None:
            return None
        found.append(distribution)
    return tuple(found)


def lack_of_data(problem: Problem, data: Data) -> str:
    """Say why nothing can be predicted."""
    if not data.columns:
        return "the space has no variables to choose: there is nothing to predict"
    if len(data) < FEWEST:
        failed = f", and {len(data.failed)} that crashed" if len(data.failed) else ""
        return f"a prediction needs at least {FEWEST} trials with values; there are {len(data)}{failed}"
    same = [o.name for o, column in zip(problem.objectives, data.losses.T, strict=True) if np.ptp(column) == 0]
    what = (
        f"all {len(data)} values of {', '.join(same)} are equal" if same else "the values are too close to one another"
    )
    return f"{what}: they do not tell how much the objective varies"


def _counted(surrogates: Sequence[Surrogate]) -> str:
    names = [type(surrogate).__name__ for surrogate in surrogates]
    if len(names) == 1:
        return names[0]
    return " and ".join(f"{names.count(name)} {name}" for name in dict.fromkeys(names))


def _ordered(config: Config, space: Space) -> dict[str, object]:
    return {name: config[name] for name in space.names if name in config}


def intervals_of(losses: Floats, objective: Objective) -> list[Interval]:
    """Turn quantiles of the loss (3, q), the median first, into intervals of the value."""
    median, low, high = (0.0 - losses[[0, 2, 1]] if objective.maximize else losses).tolist()
    return [Interval(*one) for one in zip(median, low, high, strict=True)]


def _search(predictions: Predictions, best: Floats, key: Key) -> Floats | None:
    """Give the point (1, d) of the whole space with the lowest median where success is likely."""
    (distribution,) = predictions.distributions

    def value(x: Floats) -> Floats:
        return np.where(predictions.chances(x) >= _LIKELY, -distribution.quantiles(x, (0.5,))[0], -np.inf)

    found = AcquisitionOptimizer().maximise(
        predictions.problem.space, FunctionCriterion(value), best, EvaluatedPoints(), key
    )[:1]
    return found if len(found) and np.isfinite(value(found)[0]) else None


def place_of(problem: Problem, objective: str | None) -> int:
    """Find the objective of a name; the only one where none is named. Raises InvalidSetting."""
    names = [one.name for one in problem.objectives]
    if objective is None and len(names) == 1:
        return 0
    if not isinstance(objective, str) or objective not in names:
        raise InvalidSetting(f"objective={short(objective)}: choose one of {', '.join(map(repr, names))}")
    return names.index(objective)
