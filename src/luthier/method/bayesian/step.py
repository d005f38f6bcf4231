"""The step of a model-based method: all that a proposal follows from but the search, by stage.

A step takes what is known, counts pruned trials and crashes as losses and models the outcome constraints
(`learn_constraints`), makes one loss of several objectives (`scalarize`), fits the models (`fit_model`), conditions
them on pending trials (`fantasize`) and binds an acquisition function to them (`incumbent`, `bind_criterion`). The
method then searches for the point with the largest value of that criterion; an explanation reads the step instead.

Sources: Knowles (2006), ParEGO, IEEE Transactions on Evolutionary Computation 10, for several objectives; Gardner,
Kusner, Xu, Weinberger and Cunningham (2014), Bayesian optimization with inequality constraints, ICML, for constraints;
Ginsbourger, Le Riche and Carraro (2010), Kriging is well-suited to parallelize optimization, section 4, for pending
trials.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np

from luthier._typing import Floats
from luthier.acquisition import Acquisition, AcquisitionContext, Bindable, Criterion, Feasible, bind_acquisition
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer, EvaluatedPoints
from luthier.method.bayesian.constraints import constraint_models, impute_failures
from luthier.method.bayesian.separation import KnownPoints, SeparatedPoints, Separation
from luthier.method.bayesian.user_prior import PriorDensity
from luthier.method.protocol import Method
from luthier.numeric import augmented_chebyshev, standard_scaling
from luthier.problem import Problem
from luthier.surrogate import (
    Conditionable,
    GPPosterior,
    IsMixture,
    Posterior,
    SourceMean,
    SupportsScalarization,
    Surrogate,
    supports,
)

_MOST_PREDICTED, _PREDICTED_OF_MORE = 5_000, 2_000
"""Of more losses than this, only the lowest ones are looked at for the lowest mean: at 50,000 all of them took 9 s."""
_PART = 256
"""So many means are predicted at once."""

PendingStrategy = Literal["believed", "best", "median", "worst", "ignored"]
"""The loss that a pending trial is taken to have: see `fantasize`."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedModel:
    """A surrogate, and what it made of the data.

    Args:
        surrogate: the settings.
        key: the randomness of the fit.
        posterior: a `Posterior`, or a `Ratio`; pending trials are not in it.
    """

    surrogate: Surrogate
    key: Key
    posterior: Any


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Everything that one proposal follows from but the search.

    Args:
        data: what is known, crashes counted (`learn_constraints`); pending trials include those of the same batch.
        models: the models that make the proposal, at least one.
        constraints: models of the outcome constraints and of crashes.
        criteria: what is to be largest, by name; several of a portfolio, one a member.
        scalarized: the data with the one loss that the models were fitted to.
        candidates: (c, d) points that are to be tried before any search; c is 0 but for densities that are drawn from.
        key: the randomness of the search.
        note: what is written down about the proposal (see `luthier.method.notes`).
        density: a user's prior of where the optimum is, if there is one.
        separation: the points that are all but equal to one that was tried; None: these may be proposed.
        search: for the largest value of the criterion, in place of the method's own search; None: that one.
    """

    data: Data
    scalarized: Data
    models: tuple[FittedModel, ...]
    constraints: tuple[Posterior, ...]
    criteria: tuple[tuple[str, Criterion], ...]
    candidates: Floats
    key: Key
    note: Mapping[str, Any]
    density: PriorDensity | None = None
    separation: Separation | None = None
    search: AcquisitionOptimizer | None = None

    @property
    def start(self) -> Floats:
        """The points (b, d) where the search begins, the best first; after the best one the mode of a user's prior."""
        best = self.scalarized.x[self.scalarized.best_first()]
        return best if self.density is None else np.concatenate([best[:1], self.density.mode(), best[1:]])

    def known(self, evaluated: KnownPoints) -> KnownPoints:
        """Give the points that the search leaves out: those evaluated, and those that are all but equal to a trial."""
        return evaluated if self.separation is None else SeparatedPoints(evaluated, self.separation)


@runtime_checkable
class ModelBased(Method, Protocol):
    """A method whose proposals follow from models of the losses."""

    def step(self, problem: Problem, data: Data, key: Key, place: int, memo: Memo, shared: Memo | None = None) -> Step:
        """Give everything that a proposal follows from but the search; pure in (settings, problem, data, key, place).

        Args:
            problem: what is optimized.
            data: what is known; at least one loss, and one column. Earlier proposals of the batch are among the pending
                configurations.
            key: the randomness of the first trial of the batch.
            place: of the proposal in its batch.
            memo: skips work that was done before.
            shared: skips what the steps of one batch have in common; None for a step alone.
        """
        ...

    def surrogates(self) -> tuple[Surrogate, ...]:
        """Give the models to ask what to expect of the objective, each as likely to be right as the others.

        There may be none: a method's models may be tuned for choosing, and not for prediction.
        """
        ...


# --- what is known ------------------------------------------------------------------------------------


def is_learnable(data: Data, initial: int) -> bool:
    """Tell whether the design is over, and there is something to learn: values, and variables to choose."""
    something = len(data) > 0 or data.stopped.tell
    return bool(data.columns) and something and len(data) + len(data.failed) + len(data.stopped) >= initial


def minds_cost(problem: Problem) -> bool:
    """Tell whether improvements are divided by the declared cost; where there is a fidelity, schedulers save cost."""
    return problem.cost is not None and problem.fidelity is None


def evaluated_points(problem: Problem, data: Data) -> EvaluatedPoints:
    """Give the points that are not to be proposed again: all that were tried, and none of a noisy problem."""
    return EvaluatedPoints() if problem.noisy else EvaluatedPoints(data.x, data.failed, data.pending, data.stopped.x)


def with_pending(data: Data, points: Floats) -> Data:
    """Add points (p, d) to the pending configurations."""
    return replace(data, pending=np.concatenate([data.pending, points]))


def learn_constraints(data: Data, key: Key, memo: Memo, shared: Memo) -> tuple[Data, tuple[Posterior, ...]]:
    """Count pruned trials as losses, crashes as losses and a constraint, and model all outcome constraints.

    See `Data.with_stopped` and `constraints`.
    """

    def learn() -> tuple[Data, tuple[Posterior, ...]]:
        whole = data.with_stopped()
        known = impute_failures(whole, memo) if len(whole.failed) else whole
        return known, constraint_models(known, key, memo) if known.violations.shape[1] else ()

    known, models = shared.get("constraints", learn)
    return (known if known.pending is data.pending else replace(known, pending=data.pending)), models


# --- several objectives -------------------------------------------------------------------------------


_DRAWS = 8
"""So often weights are drawn whose best trial has values that other trials have, too."""


def scalarize(data: Data, key: Key) -> Data:
    """Give the data with one loss: of several, an augmented Chebyshev norm with weights drawn by `key`.

    Each proposal draws weights of its own, so that the proposals spread along the Pareto front.
    """
    objectives = data.losses.shape[1]
    if objectives == 1:
        return data
    _, groups, counts = np.unique(data.losses, axis=0, return_inverse=True, return_counts=True)
    tied = 1.0 - len(counts) / len(data)
    scaled = np.stack([_from_zero_to_one(column, tied) for column in data.losses.T])
    found: tuple[int, Floats] | None = None
    for turn in range(_DRAWS if tied else 1):
        stream = key.fold("weights", turn) if turn else key.fold("weights")
        weights = -np.log1p(-stream.uniform(objectives))
        losses = augmented_chebyshev(scaled, (weights + 1e-12) / (weights + 1e-12).sum())
        times = int(counts[groups.ravel()[np.argmin(losses)]])
        if found is None or times < found[0]:
            found = times, losses
        if times == 1:
            break
    assert found is not None  # there is at least one draw
    return replace(data, losses=found[1][:, None], sources=())


def _from_zero_to_one(losses: Floats, ranked: float) -> Floats:
    """Scale losses to [0, 1]; `ranked` is the weight of their ranks, of their distances the rest."""
    scaled: Floats = standard_scaling(losses)
    width = float(np.ptp(scaled))
    if not width > 0:
        return np.zeros_like(scaled)
    scaled = (scaled - scaled.min()) / width
    if ranked:
        ranks = np.unique(losses, return_inverse=True)[1].astype(np.float64)
        scaled = (1.0 - ranked) * scaled + ranked * ranks / ranks.max()
    return scaled


def ranked(data: Data) -> Data:
    """Give the data with ranks for losses where constraints are broken, for models that only compare."""
    if data.feasible.all():
        return data
    ranks = np.empty(len(data))
    ranks[data.best_first()] = np.arange(len(data))
    return replace(data, losses=ranks[:, None], sources=())


# --- models -------------------------------------------------------------------------------------------


def fit_model(surrogate: Surrogate, data: Data, scalarized: Data, key: Key, memo: Memo) -> FittedModel:
    """Fit a surrogate to `scalarized`, which is `scalarize` of the data; by each objective's own losses, if it can."""
    if data.losses.shape[1] == 1 or not isinstance(surrogate, SupportsScalarization):
        return FittedModel(surrogate, key, surrogate.fit(scalarized, key, memo))
    parts = [data.of_objective(place) for place in range(data.losses.shape[1])]
    return FittedModel(surrogate, key, surrogate.fit_scalarization(scalarized, parts, key, memo))


def source_weights(model: FittedModel) -> tuple[float, ...]:
    """Give the coefficients of results of other tasks in a model's prior mean; none where it does without."""
    posterior = model.posterior
    first = posterior.members[0] if supports(posterior, IsMixture) else posterior
    prior_mean = first.prior_mean if isinstance(first, GPPosterior) else None
    if not isinstance(prior_mean, SourceMean):
        return ()
    return tuple(round(weight, 3) for weight in prior_mean.weights.tolist())


_FANTASIES: dict[str, Callable[[Floats], float]] = {
    "best": lambda losses: float(losses.min()),
    "median": lambda losses: float(np.median(losses)),
    "worst": lambda losses: float(losses.max()),
}


def check_pending_strategy(strategy: str) -> None:
    """Raise InvalidSetting where there is no such strategy."""
    if strategy not in get_args(PendingStrategy):
        known = ", ".join(map(repr, get_args(PendingStrategy)))
        raise InvalidSetting(f"Bayes(pending={strategy!r}): choose one of {known}")


def fantasize(
    model: Posterior, data: Data, pending: Floats, strategy: str, refit: Callable[[Data], Posterior] | None = None
) -> Posterior:
    """Condition a posterior on pending points, so that it does not propose the same again.

    Args:
        model: fitted to `data`.
        data: n losses.
        pending: (p, d); p may be 0.
        strategy: the loss that they are taken to have: ``believed``, the model's mean (the kriging believer); ``best``,
            ``median`` or ``worst``, that of the losses so far (constant liars; the best one spreads a batch most);
            ``ignored``, none.
        refit: fits the model to other data, for one that cannot be conditioned; None: such a model is left as it is.
    """
    if not len(pending) or strategy == "ignored":
        return model
    if supports(model, Conditionable):
        if strategy == "believed":
            return model.condition(pending)
        means = _means(model, data.x)
        return model.condition(pending, np.full(len(pending), _FANTASIES[strategy](means)))
    if refit is None:
        return model
    if strategy == "believed":
        losses = _predicted_losses(model, data, pending)
    else:
        losses = np.full(len(pending), _FANTASIES[strategy](data.loss))
    unknown = np.full((len(pending), data.violations.shape[1]), np.nan)
    return refit(
        replace(
            data,
            x=np.concatenate([data.x, pending]),
            losses=np.concatenate([data.losses[:, :1], losses[:, None]]),
            violations=np.concatenate([data.violations, unknown]),
            noise=None if data.noise is None else np.append(data.noise, np.zeros(len(pending))),
            costs=np.append(data.costs, np.full(len(pending), np.nan)),
            pending=data.pending[:0],
        )
    )


def _predicted_losses(model: Posterior, data: Data, pending: Floats) -> Floats:
    """Turn the model's means, on a scale of its own, into losses: by where they lie among its means at the data."""
    means = np.sort(model.moments(data.x).mean)
    predicted: Floats = np.interp(model.moments(pending).mean, means, np.sort(data.loss))
    return predicted


# --- the criterion ------------------------------------------------------------------------------------


def incumbent(model: Posterior, data: Data, noisy: bool) -> float:
    """Give the lowest loss on the model's scale: the one that was seen, or of noisy ones the lowest predicted mean.

    Of more than 5,000 losses the mean is predicted where the 2,000 lowest were measured. Cost: that of so many means.

    Source: Picheny, Wagner and Ginsbourger (2013), A benchmark of kriging-based infill criteria for noisy
    optimization, section 3.1 (plug-in).
    """
    return _lowest_mean(model, data.x, data.loss) if noisy or data.noise is not None else model.best


def _lowest_mean(model: Posterior, x: Floats, losses: Floats) -> float:
    """Give the lowest mean at points (n, d) whose losses (n,) are known."""
    if len(x) > _MOST_PREDICTED:
        x = x[np.sort(np.argsort(losses, kind="stable")[:_PREDICTED_OF_MORE])]
    return float(_means(model, x).min())


def _means(model: Posterior, x: Floats) -> Floats:
    """Give the means at `x`, without the variances where these would have to be computed: most of the time at many.

    Of a Gaussian process a part at a time: the correlations of all would be the largest arrays of a study, and slower.
    """
    if not isinstance(model, GPPosterior):
        return model.moments(x).mean
    if len(x) <= _PART:
        return model.mean(x)
    return np.concatenate([model.mean(x[first : first + _PART]) for first in range(0, len(x), _PART)])


def bind_criterion(
    acquisition: Acquisition | Bindable,
    model: Posterior,
    constraints: tuple[Posterior, ...],
    context: AcquisitionContext,
) -> Criterion:
    """Bind an acquisition to a posterior, and weight it by the probability that the outcome constraints hold.

    See `bind_improvement`.
    """
    inner = bind_improvement(acquisition, model, constraints, context)
    return Feasible(inner, acquisition.scale, constraints) if inner is None or constraints else inner


def bind_improvement(
    acquisition: Acquisition | Bindable,
    model: Posterior,
    constraints: tuple[Posterior, ...],
    context: AcquisitionContext,
) -> Criterion | None:
    """Bind an acquisition to a posterior, not weighted yet; None where there is no feasible row to improve on.

    Args:
        acquisition: what is worth trying.
        model: of the loss, conditioned on pending points.
        constraints: models of the violations.
        context: the best loss in it is replaced by the lowest mean of a feasible row, where there are constraints.
    """
    if not constraints:
        return bind_acquisition(acquisition, model, context)
    kept = context.data.feasible
    rows = context.data.x[kept]
    if not len(rows):
        return None
    best = _lowest_mean(model, rows, context.data.loss[kept])
    return bind_acquisition(acquisition, model, context._replace(best=best))
