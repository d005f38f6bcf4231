"""Bayesian optimization by a surrogate model and an acquisition function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.acquisition import (
    Acquisition,
    AcquisitionContext,
    Bindable,
    Criterion,
    CriterionEnsemble,
    LogEI,
    Portfolio,
    check_acquisition,
    weight_by_cost,
    weight_by_prior,
)
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.batch import ProposalBatch
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer, EvaluatedPoints
from luthier.method.bayesian.density_ratio import Choice, best_candidates, choose_by_ratio
from luthier.method.bayesian.front import ranked_by_fronts
from luthier.method.bayesian.initial_design import design, rest_of_space
from luthier.method.bayesian.portfolio import select_member
from luthier.method.bayesian.step import (
    Step,
    bind_criterion,
    check_pending_strategy,
    evaluated_points,
    fantasize,
    fit_model,
    incumbent,
    is_learnable,
    learn_constraints,
    minds_cost,
    scalarize,
    source_weights,
    with_pending,
)
from luthier.method.bayesian.user_prior import Prior, PriorDensity
from luthier.method.notes import ModelChoice, written
from luthier.problem import Problem
from luthier.proposal import Proposal
from luthier.scalar import attribute
from luthier.setting_types import check_setting_types, settings_repr
from luthier.space import Space
from luthier.surrogate import ABILITIES, GP, Posterior, Ratio, Surrogate, check_surrogate

_SCATTERED = 300
"""The number of points of the whole space that an acquisition function gets for extremes and integrals."""
_RATIO_INITIAL = 10
"""The number of trials in the design where the surrogate is a ratio of densities."""


@translating_settings
@dataclass(frozen=True)
class Bayes:
    """Propose the point at which an acquisition function of a surrogate model is largest.

    The first trials are a design: the space's defaults, then Sobol' points. Crashes count as bad losses, and as an
    outcome constraint (see `luthier.method.bayesian.constraints`). With several objectives each proposal has a random
    scalarization of them (see `luthier.method.bayesian.step`), and a density ratio takes the first fronts for good
    (see `luthier.method.bayesian.front`); if trials report violations of outcome constraints, the acquisition function
    is weighted by the probability that the constraints hold. Where the study declares what a trial costs, the
    acquisition function is divided by the expected cost (`PerSecond`); a density ratio is not, which orders points
    and has no size.

    Args:
        surrogate: the model: `GP()`, `Forest()`, `Parzen()`, …
        acquisition: the acquisition function: `LogEI()`, `EI()`, `PI()`, `UCB()`, … A density ratio (`Parzen`) orders
            points as EI does, so it goes with `EI` and `LogEI` only. Several of them make a portfolio (`Hedge`) or an
            ensemble (`MACE`).
        initial: the number of trials in the design, at least 1; None: one more than there are variables, from 4 to 10,
            and 10 for a density ratio.
        search: the optimizer of the acquisition function.
        pending: the loss that running trials are taken to have: ``believed``, ``best``, ``median``, ``worst`` or
            ``ignored`` (see `luthier.method.bayesian.step.fantasize`).
        prior: a user's prior of where the optimum is. The density of a Parzen ratio's good points is multiplied by it
            (Souza et al. 2021, Bayesian optimization with a prior for the optimum, eq. 4).
        per_cost: whether a declared cost is minded.

    Raises:
        InvalidSetting: the surrogate and the acquisition function do not go together, `initial` is below 1, or
            `pending` is unknown.

    Source: Jones, Schonlau and Welch (1998), Efficient global optimization of expensive black-box functions.

    Example:
        >>> Bayes(surrogate=GP(scaling="half rank"), acquisition=LogEI()).initial is None
        True
    """

    surrogate: Surrogate = GP()
    acquisition: Acquisition | Bindable | Portfolio = LogEI()
    initial: int | None = None
    search: AcquisitionOptimizer = AcquisitionOptimizer()
    pending: str = "believed"
    prior: Prior | None = None
    per_cost: bool = True

    __repr__ = settings_repr

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.initial is not None and self.initial < 1:
            raise InvalidSetting(f"Bayes(initial={self.initial!r}): the design has at least 1 trial")
        check_pending_strategy(self.pending)
        check_compatibility(self.surrogate, self.acquisition)

    def suggest(self, problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
        """Propose `count` configurations. See `luthier.method.protocol.Method`."""
        data = history.data(problem)
        if not is_learnable(data, self._initial(data)):
            return design(self._density(problem), problem, data, history, key, count, memo)
        evaluated = evaluated_points(problem, data)
        batch, shared = ProposalBatch(history, count, repeat=problem.noisy), Memo(1)
        while not batch.full:
            step = self.step(problem, data, key, len(batch.proposals), memo, shared)
            points, choice = self._nominate(problem, history, step, evaluated)
            taken = batch.offer_first(problem.space, points, {**step.note, **choice})
            if taken is None or batch.full:
                break
            evaluated.add(taken)
            data = with_pending(data, taken)
        return tuple(batch.proposals) or rest_of_space(problem, history, key, count, memo)

    def step(self, problem: Problem, data: Data, key: Key, place: int, memo: Memo, shared: Memo | None = None) -> Step:
        """Give everything that a proposal follows from but the search. See `ModelBased.step`."""
        stream = key.fold("bayes", place)
        data, constraints = learn_constraints(data, key, memo, shared or Memo(1))
        by_ratio, density = Ratio in self.surrogate.abilities, self._density(problem)
        seen = ranked_by_fronts(data) if by_ratio and len(problem.objectives) > 1 else scalarize(data, stream)
        if by_ratio:
            belief = None if density is None or self.prior is None else (density, self.prior.strength)
            choice = choose_by_ratio(self.surrogate, problem.space, data, seen, constraints, belief, stream, memo)
        else:
            choice = self._by_acquisition(problem, data, seen, constraints, density, stream, memo)
        model, criteria, candidates = choice
        names = (type(self.surrogate).__name__, type(self.acquisition).__name__)
        note = written(ModelChoice(*names, sources=source_weights(model)))
        return Step(data, seen, (model,), constraints, criteria, candidates, stream, note, density)

    def surrogates(self) -> tuple[Surrogate, ...]:
        """Give the surrogate. See `ModelBased.surrogates`."""
        return (self.surrogate,)

    def _initial(self, data: Data) -> int:
        if self.initial is not None:
            return self.initial
        if Ratio in self.surrogate.abilities:  # it needs good configurations, and others
            return _RATIO_INITIAL
        variables = sum(column.place == 0 for column in data.columns)
        return min(max(variables + 1, 4), 10)

    def _density(self, problem: Problem) -> PriorDensity | None:
        return None if self.prior is None else self.prior.on(problem.space)

    def _by_acquisition(
        self,
        problem: Problem,
        data: Data,
        seen: Data,
        constraints: tuple[Posterior, ...],
        density: PriorDensity | None,
        key: Key,
        memo: Memo,
    ) -> Choice:
        """Fit the surrogate to the loss of `seen`, and bind the acquisition function, or each one of a portfolio."""
        model = fit_model(self.surrogate, data, seen, key.fold("fit"), memo)
        scattered = self._scattered(problem.space, key)

        def refit(more: Data) -> Any:
            return self.surrogate.fit(more, model.key, memo)

        def criterion(acquisition: Acquisition | Bindable) -> Criterion:
            own = acquisition.handles_pending
            posterior = model.posterior if own else fantasize(model.posterior, seen, data.pending, self.pending, refit)
            best = incumbent(posterior, seen, problem.noisy)
            pending = data.pending if own else data.pending[:0]
            context = AcquisitionContext(seen, best, scattered, pending, key.fold("acquisition"), memo)
            return bind_criterion(acquisition, posterior, constraints, context)

        per_cost = self.per_cost and minds_cost(problem)
        criteria = tuple((name, criterion(one)) for name, one in self._acquisitions(density, per_cost))
        return model, criteria, data.x[:0]

    def _acquisitions(self, density: PriorDensity | None, per_cost: bool) -> list[tuple[str, Acquisition | Bindable]]:
        """Give the acquisition function, or those of a portfolio, with names; by cost and a user's prior, if any."""
        weighted = weight_by_cost(self.acquisition) if per_cost else self.acquisition
        if density is not None and self.prior is not None:
            weighted = weight_by_prior(weighted, density, self.prior.strength)
        if isinstance(self.acquisition, Portfolio) and isinstance(weighted, Portfolio):
            return list(zip(map(repr, self.acquisition.acquisitions), weighted.acquisitions, strict=True))
        return [(type(self.acquisition).__name__, cast(Acquisition | Bindable, weighted))]

    def _nominate(
        self, problem: Problem, history: History, step: Step, evaluated: EvaluatedPoints
    ) -> tuple[Floats, Mapping[str, Any]]:
        """Give the points to propose (r, d), the best first; and what to add to the note."""
        points = step.candidates[evaluated.fresh(step.candidates)] if len(step.candidates) else step.candidates
        if len(points):
            ((_, criterion),) = step.criteria
            return best_candidates(points, criterion), {}
        nominated = [
            self.search.maximise(problem.space, criterion, step.start, evaluated, step.key)
            for _, criterion in step.criteria
        ]
        if not isinstance(self.acquisition, Portfolio) or not all(map(len, nominated)):
            return nominated[0], {}
        names = [name for name, _ in step.criteria]
        model = step.models[0].posterior
        arm, choice = select_member(
            self.acquisition, names, nominated, history, problem.space, model, step.data, step.key
        )
        return nominated[arm], written(choice)

    def _scattered(self, space: Space, key: Key) -> Floats:
        """Draw points of the whole space for an acquisition function that may use them."""
        analytic = isinstance(self.acquisition, Acquisition) and self.prior is None
        return space.sample(key.fold("situation"), 1 if analytic else _SCATTERED)


def check_compatibility(surrogate: Surrogate, acquisition: Acquisition | Bindable | CriterionEnsemble) -> None:
    """Refuse an acquisition function that does not go with the surrogate; of an ensemble, every one must.

    Raises:
        InvalidSetting: the surrogate's posterior has no ability that the acquisition function works with.
    """
    if attribute(acquisition, "acquisitions") is None is attribute(acquisition, "requires"):
        check_acquisition(acquisition)  # refuses it
    if isinstance(acquisition, CriterionEnsemble):
        for member in acquisition.acquisitions:
            check_compatibility(surrogate, member)
        return
    check_surrogate(surrogate)
    check_acquisition(acquisition)
    if any(ability in surrogate.abilities for ability in acquisition.requires):
        return
    required = " or ".join(ABILITIES[ability] for ability in acquisition.requires)
    given = "; ".join(ABILITIES[ability] for ability in surrogate.abilities)
    raise InvalidSetting(
        f"Bayes(surrogate={surrogate!r}, acquisition={acquisition!r}): the acquisition function needs {required}, and "
        f"the surrogate gives {given}. Choose another of the two (EI and LogEI go with every surrogate)"
    )
