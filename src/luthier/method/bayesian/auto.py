"""The default method: a committee of Gaussian processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luthier._hints import translating_settings
from luthier.acquisition import (
    UCB,
    Acquisition,
    AcquisitionContext,
    AugmentedLogEI,
    Bindable,
    Criterion,
    Feasible,
    FunctionCriterion,
    IntegratedCriterion,
    KnowledgeGradient,
    LogEI,
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
    Evidence,
    find_evidence,
    find_unlearnt,
    penalize_edges,
    resolution,
    wide_numbers,
)
from luthier.method.bayesian.front import MOST_OBJECTIVES, choose_model, fit_objectives, front_first, near_front
from luthier.method.bayesian.initial_design import design, rest_of_space
from luthier.method.bayesian.plateau import find_plateaus, widest_gap
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
from luthier.surrogate import GP, Hyperpriors, Parzen, Posterior, Surrogate

# Long length-scales: most objectives are smooth, and with these they are learned from few trials.
_LONG_SCALE = Hyperpriors(log_length=0.7)
_COMMITTEE = tuple(GP(scaling=scaling, hyperpriors=_LONG_SCALE) for scaling in ("standard", "half rank", "log gap"))
# Shorter length-scales than the committee's, and noise that is expected. With long ones alone, a model takes for noise
# what it cannot explain, and the search goes round the corners of the space (Hartmann's function of six variables:
# regret 0.18 after 100 trials; with these models 0.01). Every second trial: every third, or only after a stall, was no
# better on the public suite. Where the objective is rugged they propose most trials (docs/decisions/0027).
_SHORT_SCALE_MODELS = tuple(
    GP(scaling=model.scaling, hyperpriors=Hyperpriors(log_noise=-4.5, log_noise_std=1.5)) for model in _COMMITTEE
)

# Much shorter length-scales, and a margin of improvement of a tenth of the losses' standard deviation: with these a
# branch of which only a few bad points are known is tried again (`benchmarks/results/branches-2026-11.md`).
_EXPLORING_MODELS = tuple(GP(scaling=model.scaling, hyperpriors=Hyperpriors(log_length=-3.0)) for model in _COMMITTEE)
_WORTHWHILE = 0.1

# Of a few noisy losses one cannot tell whether little noise hides a narrow optimum or much noise a wide one, and the
# most probable model is sure of one of them. So what a measurement would teach is averaged over hyperparameters, where
# noise is declared (docs/decisions/0033). With many losses samples differ little, and cost seconds.
_LEARNING_MODELS = (GP(samples=4),)
_MOST_AVERAGED = 100

# Under a fidelity a scheduler measures again what seems to be good, and a finished trial is the result, so that a
# proposal is worth what it is itself. Where noise hides which trials are good, or models do not predict what they have
# not seen, one drawn near the good ones is better than theirs, which go to ends of ranges (docs/decisions/0049).
_DRAWN = Parzen()

_TINY = 1e-300
_HOPES, _HOPE = 5, 2.0
"""Of the proposals for a rugged objective every fifth goes to the lowest bound of two standard deviations."""
_GOLDEN = 0.5 * (5.0**0.5 - 1.0)
"""Multiples of it, modulo 1, are spread evenly: so the proposals for a rugged objective are, whatever their share."""
_SILVER = 2.0**0.5 - 1.0
_BRONZE = 0.5 * (13.0**0.5 - 3.0)
"""Likewise, for those of them that serve to learn, and for those that go where there are fewest trials."""
_NEAR_FRONT = 0.5
"""The share of the proposals for several objectives that stay near the trials of the front (docs/decisions/0034)."""
_EDGES = 1.5
"""Where all trials tie, a point at the end of a number that does not matter must promise e^1.5 times as much."""
_FRONT_EDGES, _LEAST_IDLE = 3.0, 0.5
"""Of several objectives it must promise e^3 times as much, and at the end of any other number e^1.5 times."""

COMMITTEE, SHORT_SCALE, EXPLORING, RUGGED, HOPING = "committee", "short scale", "exploring", "rugged", "hoping"
INFORMING, SPREADING, DRAWING = "informing", "spreading", "drawing"
"""The roles of models, as they stand in notes (`ModelChoice.by`)."""
_SHARED = 8
"""The number of fits that the steps of one batch keep: the committee, the models that stand alone, the constraints."""

_UNEVEN = 15.0
"""The ratio of the 0.9 to the 0.1 quantile of durations from which on cost is taken into account.

It pays where costs differ much: the time to a target was 0.89 of that without it where the slowest trial takes 30 times
as long as the fastest (the quantiles then differ by a factor of about 15), and 0.79 of it at 100 times; at 10 times
`Bayes` saved nothing (`benchmarks/costs.py`, 36 pairs each)."""
_ENOUGH = 10
"""With fewer durations than this nothing is concluded from them."""
_LEAST_S = 0.1
"""Shorter durations count as this: making a proposal takes as long."""

_BEST = 3
"""The number of best trials that are compared to see whether the search stagnates."""
_FEWEST = 8
"""With fewer trials than this a search does not stagnate."""
_NEAR = 1e-2
"""Points are near each other if they differ by less than this share of the range of every variable."""
_ALIKE = 1e-3
"""Losses are alike if they differ by less than this share of the distance from the best loss to the median one."""


@translating_settings
@dataclass(frozen=True)
class Auto:
    """Search by a committee of Gaussian processes, and by evidence of noise, of ties and of ruggedness.

    The first trials are a small design: the space's defaults, then Sobol' points. After them several Gaussian
    processes, each fitted to the losses on another scale, rate every candidate by its log expected improvement, and the
    candidate with the best average is proposed. So a model that its scale misleads (outliers, plateaus, a narrow
    optimum) is outvoted. Of two to six objectives each has a model, and the candidate is proposed that is expected to
    add most to the hypervolume of the front (`luthier.acquisition.hypervolume`), half of the time near it; more
    objectives, and outcome constraints, are treated as in `Bayes`.

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
    committee: tuple[GP, ...] = _COMMITTEE
    short_scale_models: tuple[GP, ...] = _SHORT_SCALE_MODELS
    exploring_models: tuple[GP, ...] = _EXPLORING_MODELS
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
            if not len(points):
                points = self.search.maximise(problem.space, criterion, step.start, step.known(evaluated), step.key)
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
        begun, several = _begun(data), len(problem.objectives) > 1
        if several and len(problem.objectives) <= MOST_OBJECTIVES:
            return self._front_step(problem, data, constraints, key, stream, memo)
        seen = scalarize(data, stream)

        def fitted(members: tuple[GP, ...]) -> tuple[FittedModel, ...]:
            def fit() -> tuple[FittedModel, ...]:
                return tuple(
                    fit_model(model, data, seen, key.fold("fit", member), memo) for member, model in enumerate(members)
                )

            return fit() if several else shared.get(members, fit)  # of several objectives each step has its own loss

        committee = () if several else fitted(self.committee)
        evidence = find_evidence([model.posterior for model in committee], data)
        plateaus = find_plateaus(committee, data) if evidence.tied else None
        by, members = self._members_at(
            is_stagnant(problem, data), begun, evidence, 0.0 if plateaus is None else plateaus.futile
        )
        if problem.fidelity is not None and problem.instances is None:
            unlearnt = find_unlearnt([model.posterior for model in committee])
            if by == INFORMING or (begun * _SILVER) % 1.0 < unlearnt:
                return self._drawing_step(problem, data, seen, constraints, stream, memo)
        # Where noise is declared, the best measurement may be at an end of a range, or one more of the same.
        anywhere = by == INFORMING and problem.noisy
        if anywhere and begun <= _MOST_AVERAGED:
            members = _LEARNING_MODELS
        models, density = fitted(members), self._density(problem)
        name, bound, scale = "", list[Criterion | None](), ValueScale.LOG
        for model in models:
            margin = resolution(model.posterior, evidence.tied)
            name, acquisition = self._acquisition(by, problem, data, density, margin)
            posterior = fantasize(model.posterior, seen, data.pending, "believed")
            context = AcquisitionContext(
                seen, incumbent(posterior, seen, noisy=True), data.x, data.pending[:0], stream, memo
            )
            bound.append(bind_improvement(acquisition, posterior, constraints, context))
            scale = acquisition.scale
        # The logarithms themselves are averaged, so that a model that sees no improvement at a point has a veto.
        criterion = _averaged(bound, constraints, scale)
        if by == INFORMING:
            criterion = _logarithm(criterion)
            if not anywhere:
                criterion = penalize_edges(criterion, committee, data.columns, _EDGES, 1.0)
        elif evidence.tied and by != HOPING:
            criterion = penalize_edges(criterion, committee, data.columns, _EDGES * evidence.tied)
        if by == SPREADING:
            name, criterion = "gap", widest_gap(data)
        elif plateaus is not None:
            criterion = PlateauPenalty(criterion, plateaus.penalties)
        note = written(ModelChoice(by, name, tuple(model.scaling for model in members), source_weights(models[0])))
        apart = None if anywhere else separate(data, evidence.doubt)
        return Step(data, seen, models, constraints, ((name, criterion),), data.x[:0], stream, note, density, apart)

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
        if not constraints and (_begun(data) * _SILVER) % 1.0 < _NEAR_FRONT:
            criterion = near_front(criterion, data, wide_numbers(data.columns), stream)
        if evidence.tied:
            penalty = _FRONT_EDGES * evidence.tied
            criterion = penalize_edges(criterion, models.fitted, data.columns, penalty, _LEAST_IDLE)
        apart = separate(data, evidence.doubt)
        fitted = models.fitted[:1]  # the others are alike but for their objective
        return Step(data, seen, fitted, constraints, ((name, criterion),), data.x[:0], stream, note, density, apart)

    def _drawing_step(
        self, problem: Problem, data: Data, seen: Data, constraints: tuple[Posterior, ...], stream: Key, memo: Memo
    ) -> Step:
        """Give the step that draws near the good trials, of which the densities of the good and the others tell."""
        density = self._density(problem)
        belief = None if density is None or self.prior is None else (density, self.prior.strength)
        model, criteria, drawn = choose_by_ratio(_DRAWN, problem.space, data, seen, constraints, belief, stream, memo)
        note = written(ModelChoice(DRAWING, LOG_RATIO, (type(_DRAWN).__name__,)))
        return Step(data, seen, (model,), constraints, criteria, drawn, stream, note, density)

    def surrogates(self) -> tuple[Surrogate, ...]:
        """Give none: the committee is tuned for choosing, and not for prediction. See `ModelBased.surrogates`."""
        return ()

    def _density(self, problem: Problem) -> PriorDensity | None:
        return None if self.prior is None else self.prior.on(problem.space)

    def _acquisition(
        self, by: str, problem: Problem, data: Data, density: PriorDensity | None, margin: float
    ) -> tuple[str, Acquisition | Bindable]:
        """Give the acquisition function, and its name."""
        if by == EXPLORING:
            return self._weighted(LogEI(_WORTHWHILE), problem, data, density)
        if by == INFORMING:
            return self._weighted(KnowledgeGradient(), problem, data, density)
        if by == HOPING:
            return self._weighted(UCB(_HOPE), problem, data, density)
        return self._weighted(AugmentedLogEI(margin), problem, data, density)

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

    def _members_at(self, stagnant: bool, begun: int, evidence: Evidence, futile: float) -> tuple[str, tuple[GP, ...]]:
        """Give the role and the models that propose after that many results, crashes and pending trials."""
        exploring = stagnant and bool(self.exploring_models)
        if self.short_scale_models and not exploring and (begun * _GOLDEN) % 1.0 < evidence.rugged:
            if (begun * _SILVER) % 1.0 < evidence.noisy:
                return INFORMING, self.short_scale_models[:1]
            if (begun * _BRONZE) % 1.0 < futile:
                return SPREADING, self.short_scale_models[:1]
            by = HOPING if begun % _HOPES == _HOPES - 1 and not futile else RUGGED
            return by, (self.short_scale_models[begun % len(self.short_scale_models)],)
        by, alone = (EXPLORING, self.exploring_models) if exploring else (SHORT_SCALE, self.short_scale_models)
        if not alone or begun % 2 == 0:
            return COMMITTEE, self.committee
        return by, (alone[begun // 2 % len(alone)],)


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


def is_stagnant(problem: Problem, data: Data) -> bool:
    """Tell whether the search only refines the optimum of one branch of the space.

    It does if the three best trials are all but the same point with all but the same loss. Little is left to gain
    there, and a model that takes the rest of the space to be smooth expects nothing of branches of which it has seen a
    few bad points. Only a search for one objective in a space with conditional variables is ever said to stagnate.

    Cost: O(n log n).
    """
    branched = any(column.conditional for column in data.columns)
    if not branched or len(problem.objectives) > 1 or len(data) < _FEWEST:
        return False
    best = data.best_first()[:_BEST]
    x = np.where(np.isnan(data.x[best]), -1.0, data.x[best])
    loss = data.loss[best]
    spread = float(np.median(data.loss)) - float(loss[0])
    return bool(np.abs(x - x[0]).max() < _NEAR and np.abs(loss - loss[0]).max() <= _ALIKE * spread)


def is_bound_by_time(problem: Problem, data: Data) -> bool:
    """Tell whether to save time rather than trials: there is no trial budget, and durations differ much."""
    costs = data.costs[np.isfinite(data.costs)]
    if problem.horizon is not None or problem.fidelity is not None or len(costs) < _ENOUGH:
        return False
    fast, slow = np.quantile(np.maximum(costs, _LEAST_S), (0.1, 0.9))
    return bool(slow >= _UNEVEN * fast)
