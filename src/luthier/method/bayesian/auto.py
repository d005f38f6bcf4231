"""The default method: a committee of Gaussian processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luthier._hints import translating_settings
from luthier.acquisition import (
    Acquisition,
    AcquisitionContext,
    Bindable,
    Criterion,
    Feasible,
    FunctionCriterion,
    IntegratedCriterion,
    PerSecond,
    PlateauPenalty,
    PriorWeighted,
    ValueScale,
)
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.batch import ProposalBatch
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer
from luthier.method.bayesian.density_ratio import LOG_RATIO, best_candidates, choose_by_ratio
from luthier.method.bayesian.evidence import (
    find_evidence,
    find_unlearnt,
    penalize_edges,
    resolution,
    wide_numbers,
)
from luthier.method.bayesian.front import (
    MOST_OBJECTIVES,
    choose_model,
    choose_search,
    fit_objectives,
    front_first,
    near_front,
)
from luthier.method.bayesian.initial_design import design, rest_of_space
from luthier.method.bayesian.plateau import find_plateaus, widest_gap
from luthier.method.bayesian.roles import (
    COMMITTEE,
    COMMITTEE_MODELS,
    DENSITIES,
    DRAWING,
    EXPLORING_MODELS,
    HOPING,
    INFORMING,
    LEARNING_MODELS,
    MOST_AVERAGED,
    SHORT_SCALE_MODELS,
    SPREADING,
    Roles,
    acquisition_of,
    is_second_turn,
)
from luthier.method.bayesian.search_state import is_bound_by_time, is_stagnant
from luthier.method.bayesian.separation import separate
from luthier.method.bayesian.step import (
    FittedModel,
    Step,
    bind_criterion,
    bind_improvement,
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
from luthier.setting_types import check_setting_types, settings_repr
from luthier.surrogate import GP, Posterior, Surrogate

_TINY = 1e-300
_NEAR_FRONT = 0.5
"""The share of the proposals for several objectives that stay near the trials of the front (docs/decisions/0034)."""
_EDGES = 1.5
"""Where all trials tie, a point at the end of a number that does not matter must promise e^1.5 times as much."""
_FRONT_EDGES, _LEAST_IDLE = 3.0, 0.5
"""Of several objectives it must promise e^3 times as much, and at the end of any other number e^1.5 times."""

_SHARED = 8
"""The number of fits that the steps of one batch keep: the committee, the models that stand alone, the constraints."""


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What a proposal by models of one loss follows from.

    Args:
        problem: what is optimized.
        data: the results, and the trials that are pending.
        seen: the data with that one loss.
        constraints: models of the outcome constraints.
        stream: the randomness of this proposal.
        memo: keeps what was fitted before.
    """

    problem: Problem
    data: Data
    seen: Data
    constraints: tuple[Posterior, ...]
    stream: Key
    memo: Memo

    def fit(self, models: Sequence[GP], key: Key) -> tuple[FittedModel, ...]:
        """Fit models to the loss."""
        return tuple(
            fit_model(model, self.data, self.seen, key.fold("fit", place), self.memo)
            for place, model in enumerate(models)
        )


@translating_settings
@dataclass(frozen=True)
class Auto:
    """Search by a committee of Gaussian processes, and by evidence of noise, of ties and of ruggedness.

    The first trials are a small design: the space's defaults, then Sobol' points. After them several Gaussian
    processes, each fitted to the losses on another scale, rate every candidate by its log expected improvement, and the
    candidate with the best average is proposed. So a model that its scale misleads (outliers, plateaus, a narrow
    optimum) is outvoted. Of two to six objectives each has a model, and the candidate is proposed that is expected to
    add most to the hypervolume of the front (`luthier.acquisition.hypervolume`), half of the time near it; the more
    trials tie, the more often it is the best of a few candidates only. More objectives, and outcome constraints, are
    treated as in `Bayes`.

    How much of the losses is noise to every model, and how many of the good trials tie, decides trial by trial how far
    small differences count (see `luthier.method.bayesian.evidence`): the more they are in doubt, the more proposals are
    made by models with short length-scales, some of them by hope alone, and the farther proposals keep from trials and
    from the ends of numbers that do not matter. Where noise hides which trials are good, most proposals are made by the
    knowledge gradient: what the measurement would teach about the optimum, averaged over samples of the hyperparameters
    if noise is declared. Where the nearest trials tie, a point has to be worth it, the more so the more often such
    points have only repeated a known loss. Under a fidelity, where rungs tell which trials are good, no proposal is
    made to learn: as many as the models predict badly (or noise hides) are drawn near the good trials (`Parzen`).

    Where the study declares what a trial costs, the improvement is divided by the expected cost (`PerSecond`). A study
    without a trial budget is taken to be limited by time. If its trials take very different times, the improvement is
    divided by the expected seconds of a trial, which needs more trials and less time.
    Otherwise the budget changes nothing: other designs were no better for short studies, and a search without
    short-scale models no better for the last trials (`benchmarks/results/public-2026-11.md`).

    Args:
        initial: the number of trials in the design, at least 1.
        committee: the models whose log expected improvements are averaged, at least one.
        short_scale_models: used one at a time for every second proposal; if empty, the committee makes all of them.
        exploring_models: used in place of the short-scale models while the best trials are all but the same, in
            spaces with conditional variables; if empty, the short-scale models go on.
        search: the optimizer of the acquisition function.
        prior: a user's prior of where the optimum is.
        per_second: whether improvements are divided by expected seconds, or by the declared cost; None: where a cost
            is declared, or if there is no trial budget, and the 0.9 quantile of the durations is at least 15 times the
            0.1 quantile.

    Raises:
        InvalidSetting: `initial` is below 1, or the committee is empty.
    """

    initial: int = 5
    committee: tuple[GP, ...] = COMMITTEE_MODELS
    short_scale_models: tuple[GP, ...] = SHORT_SCALE_MODELS
    exploring_models: tuple[GP, ...] = EXPLORING_MODELS
    search: AcquisitionOptimizer = AcquisitionOptimizer()
    prior: Prior | None = None
    per_second: bool | None = None

    __repr__ = settings_repr

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.initial < 1 or not self.committee:
            raise InvalidSetting("Auto(initial=…, committee=…): give at least 1 trial of the design, and 1 model")

    def suggest(self, problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
        """Propose `count` configurations. See `luthier.method.protocol.Method`."""
        data = history.data(problem)
        if not is_learnable(data, self.initial):
            return design(self._density(problem), problem, data, history, key, count, memo)
        evaluated = evaluated_points(problem, data)
        batch, shared = ProposalBatch(history, count, repeat=problem.noisy), Memo(_SHARED)
        while not batch.full:
            step = self.step(problem, data, key, len(batch.proposals), memo, shared)
            ((_, criterion),) = step.criteria
            drawn = step.candidates
            points = best_candidates(drawn[evaluated.fresh(drawn)] if len(drawn) else drawn, criterion)
            for search in (step.search, self.search):
                if search is not None and not len(points):
                    points = search.maximise(problem.space, criterion, step.start, step.known(evaluated), step.key)
            if not len(points):  # there is nothing that is apart from all trials
                points = self.search.maximise(problem.space, criterion, step.start, evaluated, step.key)
            taken = batch.offer_first(problem.space, points, step.note)
            if taken is None or batch.full:
                break
            evaluated.add(taken)
            data = with_pending(data, taken)
        return tuple(batch.proposals) or rest_of_space(problem, history, key, count, memo)

    def step(self, problem: Problem, data: Data, key: Key, place: int, memo: Memo, shared: Memo | None = None) -> Step:
        """Give everything that a proposal follows from but the search. See `ModelBased.step`."""
        shared = shared or Memo(_SHARED)
        stream = key.fold("auto", place)
        data, constraints = learn_constraints(data, key, memo, shared)
        if 1 < len(problem.objectives) <= MOST_OBJECTIVES:
            return self._front_step(problem, data, constraints, key, stream, memo)
        known = _Known(problem, data, scalarize(data, stream), constraints, stream, memo)
        several, begun = len(problem.objectives) > 1, _begun(data)

        def fitted(members: tuple[GP, ...]) -> tuple[FittedModel, ...]:
            # Of several objectives each step has a loss of its own.
            return known.fit(members, key) if several else shared.get(members, lambda: known.fit(members, key))

        committee = () if several else fitted(self.committee)
        evidence = find_evidence([model.posterior for model in committee], data)
        plateaus = find_plateaus(committee, data) if evidence.tied else None
        roles = Roles(self.committee, self.short_scale_models, self.exploring_models)
        futile = 0.0 if plateaus is None else plateaus.futile
        by, members = roles.choose(begun, evidence, is_stagnant(problem, data), futile)
        if problem.fidelity is not None and problem.instances is None:
            unlearnt = find_unlearnt([model.posterior for model in committee])
            if by == INFORMING or is_second_turn(begun, unlearnt):
                return self._drawing_step(known)
        # Where noise is declared, the best measurement may be at an end of a range, or one more of the same.
        anywhere = by == INFORMING and problem.noisy
        if anywhere and begun <= MOST_AVERAGED:
            members = LEARNING_MODELS
        models = fitted(members)
        name, criterion = self._improvement(known, by, models, evidence.tied)
        if by == INFORMING and not anywhere:
            criterion = penalize_edges(criterion, committee, data.columns, _EDGES, 1.0)
        elif by not in (INFORMING, HOPING) and evidence.tied:
            criterion = penalize_edges(criterion, committee, data.columns, _EDGES * evidence.tied)
        if by == SPREADING:
            name, criterion = "gap", widest_gap(data)
        elif plateaus is not None:
            criterion = PlateauPenalty(criterion, plateaus.penalties)
        note = written(ModelChoice(by, name, tuple(model.scaling for model in members), source_weights(models[0])))
        apart = None if anywhere else separate(data, evidence.doubt)
        criteria, density = ((name, criterion),), self._density(problem)
        return Step(data, known.seen, models, constraints, criteria, data.x[:0], stream, note, density, apart)

    def _improvement(
        self, known: _Known, role: str, models: Sequence[FittedModel], tied: float
    ) -> tuple[str, Criterion]:
        """Give the name of a role's acquisition function, and its average over models.

        The logarithms themselves are averaged, so that a model that sees no improvement at a point has a veto.
        """
        density, data, seen = self._density(known.problem), known.data, known.seen
        name, bound, scale = "", list[Criterion | None](), ValueScale.LOG
        for model in models:
            wanted = acquisition_of(role, resolution(model.posterior, tied))
            name, acquisition = self._weighted(wanted, known.problem, data, density)
            posterior = fantasize(model.posterior, seen, data.pending, "believed")
            best = incumbent(posterior, seen, noisy=True)
            context = AcquisitionContext(seen, best, data.x, data.pending[:0], known.stream, known.memo)
            bound.append(bind_improvement(acquisition, posterior, known.constraints, context))
            scale = acquisition.scale
        criterion = _averaged(bound, known.constraints, scale)
        return name, _logarithm(criterion) if role == INFORMING else criterion

    def _front_step(
        self, problem: Problem, data: Data, constraints: tuple[Posterior, ...], key: Key, stream: Key, memo: Memo
    ) -> Step:
        """Give the step of two to six objectives: what a point would add to the hypervolume of the front."""
        evidence = find_evidence((), data)
        model = choose_model(self.committee, self.short_scale_models, _begun(data), evidence.tied)
        models = fit_objectives(model, data, key.fold("fit"), memo)
        density, seen = self._density(problem), front_first(data, stream)
        name, acquisition = self._weighted(models.acquisition(stream), problem, data, density)
        context = AcquisitionContext(seen, 0.0, data.x, data.pending[:0], stream, memo)
        criterion = bind_criterion(acquisition, models.posteriors[0], constraints, context)
        note = written(ModelChoice(COMMITTEE, name, (model.scaling,), source_weights(models.fitted[0])))
        if not constraints and is_second_turn(_begun(data), _NEAR_FRONT):
            criterion = near_front(criterion, data, wide_numbers(data.columns), stream)
        if evidence.tied:
            penalty = _FRONT_EDGES * evidence.tied
            criterion = penalize_edges(criterion, models.fitted, data.columns, penalty, _LEAST_IDLE)
        apart = separate(data, evidence.doubt)
        fitted = models.fitted[:1]  # the others are alike but for their objective
        criteria, search = ((name, criterion),), choose_search(_begun(data), evidence.tied)
        return Step(data, seen, fitted, constraints, criteria, data.x[:0], stream, note, density, apart, search)

    def _drawing_step(self, known: _Known) -> Step:
        """Give the step that draws near the good trials, of which the densities of the good and the others tell."""
        density, space = self._density(known.problem), known.problem.space
        belief = None if density is None or self.prior is None else (density, self.prior.strength)
        given = (known.data, known.seen, known.constraints)
        model, criteria, drawn = choose_by_ratio(DENSITIES, space, *given, belief, known.stream, known.memo)
        note = written(ModelChoice(DRAWING, LOG_RATIO, (type(DENSITIES).__name__,)))
        return Step(known.data, known.seen, (model,), known.constraints, criteria, drawn, known.stream, note, density)

    def surrogates(self) -> tuple[Surrogate, ...]:
        """Give none: the committee is tuned for choosing, and not for prediction. See `ModelBased.surrogates`."""
        return ()

    def _density(self, problem: Problem) -> PriorDensity | None:
        return None if self.prior is None else self.prior.on(problem.space)

    def _weighted(
        self, acquisition: Acquisition | Bindable, problem: Problem, data: Data, density: PriorDensity | None
    ) -> tuple[str, Acquisition | Bindable]:
        """Give an acquisition function per cost and by the user's prior where these count, and its name."""
        name, wanted = type(acquisition).__name__, self.per_second
        if wanted is None:
            wanted = minds_cost(problem) if problem.cost is not None else is_bound_by_time(problem, data)
        if wanted:
            name, acquisition = f"{name} per {problem.cost or 'second'}", PerSecond(acquisition)
        if density is not None and self.prior is not None:
            acquisition = PriorWeighted(acquisition, density, self.prior.strength)
        return name, acquisition


def _averaged(criteria: Sequence[Criterion | None], constraints: tuple[Posterior, ...], scale: ValueScale) -> Criterion:
    """Average criteria, and weight the average by the probability that the constraints hold: that is computed once."""
    known = [criterion for criterion in criteria if criterion is not None]
    inner = IntegratedCriterion(known, np.full(len(known), 1.0 / len(known)), ValueScale.SIGNED) if known else None
    return Feasible(inner, scale, constraints) if inner is None or constraints else inner


def _logarithm(criterion: Criterion) -> Criterion:
    """Give the logarithm of a criterion that is at least 0."""
    return FunctionCriterion(lambda x: np.log(np.maximum(criterion.value(x), _TINY)))


def _begun(data: Data) -> int:
    """Count the trials in the data: finished, crashed and pending ones."""
    return len(data) + len(data.failed) + len(data.pending)
