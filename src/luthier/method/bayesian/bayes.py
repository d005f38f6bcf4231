"""Bayesian optimization: a surrogate learns from every result, an acquisition function says where to look next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from luthier._typing import Floats
from luthier.acquisition import (
    Acquisition,
    AcquisitionContext,
    Bindable,
    FunctionCriterion,
    LogEI,
    Portfolio,
    weight_by_prior,
)
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.batch import ProposalBatch
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer, EvaluatedPoints
from luthier.method.bayesian.compatibility import check_compatibility
from luthier.method.bayesian.imputation import impute_failures
from luthier.method.bayesian.outcomes import (
    best_first,
    bound_criterion,
    constraint_models,
    fit_scalarized,
    incumbent,
    ranked,
    scalarize,
)
from luthier.method.bayesian.pending import check_pending_strategy, fantasize
from luthier.method.bayesian.portfolio import select_member
from luthier.method.bayesian.user_prior import Prior, PriorDensity, prior_design
from luthier.method.initial_design import initial_design
from luthier.method.random import Random
from luthier.problem import Problem
from luthier.proposal import Proposal
from luthier.space import Space
from luthier.surrogate import GP, Parzen, Posterior, Ratio, Surrogate

_DRAWS = 32
"""How many candidates are drawn from the density of the good ones, of which the best ratio wins."""
_SCATTERED = 300
"""How many points of the whole space an acquisition gets for extremes and integrals."""


@dataclass(frozen=True)
class Bayes:
    """Propose where an acquisition function of a surrogate model is largest.

    The first trials are a design (the space's defaults, then Sobol' points).
    Crashed trials teach where trials crash (see `luthier.method.bayesian.imputation`).
    Of several objectives each proposal weighs a random mixture (see `outcomes`); where trials report
    violations of outcome constraints, the acquisition is weighed by the probability that the constraints hold.

    Args:
        surrogate: the model: `GP()`, `Forest()`, `Parzen()`, …
        acquisition: what is worth trying: `LogEI()`, `EI()`, `PI()`, `UCB()`, … A Parzen ratio orders points as EI
            does, so it goes with `EI` and `LogEI` only. Also several: a portfolio (`Hedge`) or an ensemble (`Pareto`).
        initial: trials of the design; None: one more than there are variables, from 4 to 10 (of `Parzen`: 10).
        search: how the acquisition is maximised.
        pending: what the model is told of running trials: ``believed``, ``best``, ``median``, ``worst`` or ``ignored``
            (see `luthier.method.bayesian.pending`).
        prior: where you believe the optimum to be. The density of a Parzen ratio's good points is multiplied by it
            (Souza et al. 2021, Bayesian optimization with a prior for the optimum, eq. 4).

    Raises:
        InvalidSetting: a pair that has no meaning, an `initial` below 1, or an unknown `pending`.

    Source: Jones, Schonlau and Welch (1998), Efficient global optimization of expensive black-box functions.

    Example:
        >>> Bayes(surrogate=GP(scaling="half rank"), acquisition=LogEI()).initial is None
        True
    """

    surrogate: Surrogate = field(default_factory=GP)
    acquisition: Acquisition | Bindable | Portfolio = field(default_factory=LogEI)
    initial: int | None = None
    search: AcquisitionOptimizer = field(default_factory=AcquisitionOptimizer)
    pending: str = "believed"
    prior: Prior | None = None

    def __post_init__(self) -> None:
        if self.initial is not None and self.initial < 1:
            raise InvalidSetting(f"Bayes(initial={self.initial!r}): the design has at least 1 trial")
        check_pending_strategy(self.pending)
        check_compatibility(self.surrogate, self.acquisition)

    def suggest(self, problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
        """Propose `count` configurations. See `luthier.method.protocol.Method`."""
        data = history.data(problem)
        belief = self.prior.on(problem.space) if self.prior else None
        if not learnable(data, self._initial(data)):
            if belief is not None:
                return prior_design(belief, problem, history, key, count, memo)
            return initial_design(problem, history, key, count, memo)
        data = impute_failures(data, memo)
        batch = ProposalBatch(history, count, repeat=problem.noisy)
        known = EvaluatedPoints() if problem.noisy else EvaluatedPoints(data.x, data.failed, data.pending)
        bounds = constraint_models(data, key, memo)
        note = {"by": type(self.surrogate).__name__, "acquisition": type(self.acquisition).__name__}
        pending = data.pending
        while not batch.full:
            stream = key.fold("bayes", len(batch.proposals))
            told = replace(data, pending=pending)
            points, why = self._choose(problem, history, told, bounds, belief, known, stream, memo)
            taken = take_first_new(problem, batch, points, {**note, **why})
            if taken is None:
                break
            known.add(taken)
            pending = np.concatenate([pending, taken])
        if not batch.proposals:  # no candidate was new: a small space, nearly used up
            return add_note(Random().suggest(problem, history, key, count, memo), {"by": "rest"})
        return tuple(batch.proposals)

    def surrogates(self, data: Data | None, problem: Problem, place: int = 0) -> tuple[Surrogate, ...]:
        """See `luthier.method.protocol.ModelBased`."""
        return (self.surrogate,)

    def _initial(self, data: Data) -> int:
        if self.initial is not None:
            return self.initial
        if isinstance(self.surrogate, Parzen):
            return 10
        variables = sum(column.place == 0 for column in data.columns)
        return min(max(variables + 1, 4), 10)

    def _choose(
        self,
        problem: Problem,
        history: History,
        told: Data,
        bounds: tuple[Posterior, ...],
        belief: PriorDensity | None,
        known: EvaluatedPoints,
        key: Key,
        memo: Memo,
    ) -> tuple[Floats, Mapping[str, Any]]:
        """Give candidates, the best first, shape (r, d); and what is to be noted of how they were chosen."""
        space, data = problem.space, scalarize(told, key)

        def fit(seen: Data) -> Any:
            return self.surrogate.fit(seen, key.fold("fit"), memo)

        model: Any = fit_scalarized(self.surrogate, told, data, key.fold("fit"), memo)
        if Ratio in self.surrogate.abilities:
            ratio = fit(ranked(data)) if bounds else model
            return self._choose_by_ratio(space, ratio, belief, data, known, key), {}
        best = _best(data, belief)
        scattered = self._scattered(space, key)

        def points(acquisition: Acquisition | Bindable) -> Floats:
            own = acquisition.handles_pending
            believed = model if own else fantasize(model, data, data.pending, self.pending, fit)
            lowest = incumbent(believed, data, problem.noisy)
            pending = data.pending if own else data.pending[:0]
            situation = AcquisitionContext(data, lowest, scattered, pending, key.fold("acquisition"), memo)
            return self.search.maximise(
                space, bound_criterion(acquisition, believed, bounds, situation), best, known, key
            )

        acquisition = self.acquisition
        if belief is not None and self.prior is not None:
            acquisition = weight_by_prior(acquisition, belief, self.prior.strength)
        if not isinstance(acquisition, Portfolio):
            return points(acquisition), {}
        nominated = [points(member) for member in acquisition.acquisitions]
        if not all(map(len, nominated)):
            return nominated[0], {}
        names = [repr(member) for member in cast(Portfolio, self.acquisition).acquisitions]
        arm, note = select_member(acquisition, names, nominated, history, space, model, data, key)
        return nominated[arm], note

    def _choose_by_ratio(
        self, space: Space, model: Ratio, belief: PriorDensity | None, data: Data, known: EvaluatedPoints, key: Key
    ) -> Floats:
        drawn = model.draw(key.fold("draw"), _DRAWS)
        points = space.settle(drawn, drawn)
        points = points[space.feasible(points)]
        value = model.log_ratio
        if belief is not None and self.prior is not None:
            power = self.prior.strength / len(data)
            points = np.concatenate([points, belief.draw(key.fold("belief"), _DRAWS)])

            def value(x: Floats) -> Floats:
                return model.log_ratio(x) + power * belief.log_density(x)

        points = points[known.fresh(points)]
        if len(points):
            return points[np.argsort(-value(points), kind="stable")]
        return self.search.maximise(space, FunctionCriterion(value), _best(data, belief), known, key)

    def _scattered(self, space: Space, key: Key) -> Floats:
        """Give points of the whole space to an acquisition that may want them."""
        plain = isinstance(self.acquisition, Acquisition) and self.prior is None
        return space.sample(key.fold("situation"), 1 if plain else _SCATTERED)


def _best(data: Data, belief: PriorDensity | None) -> Floats:
    """Give the points in order, the best first, and after it where the optimum is believed to be."""
    best = data.x[best_first(data)]
    return best if belief is None else np.concatenate([best[:1], belief.peak(), best[1:]])


def learnable(data: Data, initial: int) -> bool:
    """Tell whether the design is over, and there is something to learn: values, and variables to choose."""
    return bool(data.columns) and len(data) > 0 and len(data) + len(data.failed) >= initial


def take_first_new(problem: Problem, batch: ProposalBatch, points: Floats, note: Mapping[str, Any]) -> Floats | None:
    """Put the first of `points` that is new into the batch; give it as (1, d), or None where none is."""
    space = problem.space
    for row in range(len(points)):
        config = space.decode(points[row : row + 1])[0]
        if batch.offer(config, space.identity(config), dict(note)):
            return points[row : row + 1]
    return None


def add_note(proposals: Sequence[Proposal], note: Mapping[str, Any]) -> tuple[Proposal, ...]:
    """Add to the notes of proposals."""
    return tuple(replace(proposal, note={**proposal.note, **note}) for proposal in proposals)
