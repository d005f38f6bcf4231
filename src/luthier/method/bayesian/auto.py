"""The default method: it chooses by itself how to search, and writes down what it chose and why."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from luthier._typing import Floats
from luthier.acquisition import (
    Acquisition,
    AcquisitionContext,
    Bindable,
    Criterion,
    IntegratedCriterion,
    LogEI,
    PerSecond,
    PriorWeighted,
    ValueScale,
)
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.batch import ProposalBatch
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer, EvaluatedPoints
from luthier.method.bayesian.bayes import add_note, learnable, take_first_new
from luthier.method.bayesian.imputation import impute_failures
from luthier.method.bayesian.outcomes import (
    best_first,
    bound_criterion,
    constraint_models,
    fit_scalarized,
    incumbent,
    scalarize,
)
from luthier.method.bayesian.pending import fantasize
from luthier.method.bayesian.stagnation import is_stagnant
from luthier.method.bayesian.user_prior import Prior, PriorDensity, prior_design
from luthier.method.initial_design import initial_design
from luthier.method.random import Random
from luthier.problem import Problem
from luthier.proposal import Proposal
from luthier.surrogate import GP, Hyperpriors, Posterior

# Long lengths: what smooth functions, which most objectives are, need to be learnt from few trials.
_LONG_SCALE = Hyperpriors(log_length=0.7)
_COMMITTEE = tuple(GP(scaling=scaling, hyperpriors=_LONG_SCALE) for scaling in ("standard", "half rank", "log gap"))
# Shorter lengths than the committee's. With long ones only, what a model cannot explain it takes for noise, and the
# search goes round the corners of the space (Hartmann's function of six variables: regret 0.18 after 100 trials; with
# these models 0.01). Every second trial: every third, or only after a stall, was no better on the public suite.
_SHORT_SCALE_MODELS = (
    GP(scaling="standard"),
    GP(scaling="half rank", hyperpriors=Hyperpriors(log_length=0.0)),
    GP(scaling="log gap"),
)

# Far shorter lengths, and a tenth of the losses' standard deviation as the least improvement that counts: so a branch
# of which a few bad points are known is looked at again (`benchmarks/results/branches-2026-11.md`).
_EXPLORING_MODELS = tuple(GP(scaling=model.scaling, hyperpriors=Hyperpriors(log_length=-3.0)) for model in _COMMITTEE)
_WORTHWHILE = 0.1

_UNEVEN = 15.0
"""Minding the cost pays where costs differ much. To a target it took 0.89 of the time where the slowest trial takes 30
times as long as the fastest (the slower tenth of the trials then some 15 times as long as the faster one), and 0.79 at
100 times; at 10 times, where `Bayes` saved nothing by it, it is not done (`benchmarks/costs.py`, 36 pairs each)."""
_ENOUGH = 10
"""With fewer durations than this nothing is concluded from them."""
_LEAST_S = 0.1
"""Shorter durations are taken for this: making a proposal takes as long."""

_WHY = {
    "committee": "the highest mean of the log expected improvements by several models",
    "doubter": "every second proposal is one model's alone, with shorter lengths, in turn",
    "explorer": "the best trials are all but the same, so every second proposal looks for much better ones elsewhere",
}


@dataclass(frozen=True)
class Auto:
    """Search by a committee of Gaussian processes.

    The first trials are a small design: the space's defaults, then Sobol' points. After them several Gaussian
    processes, each of the losses on another scale, rate every candidate by its log expected improvement, and the
    candidate with the best average is proposed. A model that one scale misleads (outliers, plateaus, a narrow optimum)
    is outvoted. Several objectives and outcome constraints are treated as `Bayes` does.

    A study that is not bound by a number of trials is bound by time. Where its trials take very different times, the
    improvement is divided by the seconds that a trial is expected to take (`PerSecond`), which needs more trials and
    less time. Else the budget changes nothing: other designs were no better for short studies, and a search without
    short_scale_models no better for the last trials (`benchmarks/results/public-2026-11.md`).

    Args:
        initial: trials of the design.
        committee: the models that are asked together.
        short_scale_models: used one at a time for every second proposal; empty: the committee makes all of them.
        exploring_models: used in place of the short-scale models while the best trials are all but the same, in
            spaces with conditional variables; empty: the short-scale models go on.
        search: how the candidates are found.
        prior: where you believe the optimum to be.
        per_second: whether improvements are divided by expected seconds; None: where there is no number of trials to
            keep to, and the slower tenth of the trials took at least 15 times as long as the faster one.

    Raises:
        InvalidSetting: `initial` below 1, or no models.
    """

    initial: int = 5
    committee: tuple[GP, ...] = _COMMITTEE
    short_scale_models: tuple[GP, ...] = _SHORT_SCALE_MODELS
    exploring_models: tuple[GP, ...] = _EXPLORING_MODELS
    search: AcquisitionOptimizer = field(default_factory=AcquisitionOptimizer)
    prior: Prior | None = None
    per_second: bool | None = None

    def __post_init__(self) -> None:
        if self.initial < 1 or not self.committee:
            raise InvalidSetting("Auto(initial=…, committee=…): give at least 1 trial of the design, and 1 model")

    def suggest(self, problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
        """Propose `count` configurations. See `luthier.method.protocol.Method`."""
        data = history.data(problem)
        belief = self.prior.on(problem.space) if self.prior else None
        if not learnable(data, self.initial):
            why = {"why": f"{len(data) + len(data.failed)} results so far"}
            if belief is not None:
                return add_note(prior_design(belief, problem, history, key, count, memo), why)
            return add_note(initial_design(problem, history, key, count, memo), why)
        per_second = is_bound_by_time(problem, data) if self.per_second is None else self.per_second
        data = impute_failures(data, memo)
        polished = is_stagnant(problem, data)
        bounds = constraint_models(data, key, memo)
        several = len(problem.objectives) > 1  # then each proposal has its own mixture of them
        fitted: dict[tuple[GP, ...], list[Posterior]] = {}
        seen = data
        batch = ProposalBatch(history, count, repeat=problem.noisy)
        known = EvaluatedPoints() if problem.noisy else EvaluatedPoints(data.x, data.failed, data.pending)
        pending = data.pending
        while not batch.full:
            stream = key.fold("auto", len(batch.proposals))
            by, members = self._members_at(polished, len(data) + len(data.failed) + len(pending))
            acquisition = self._acquisition(by, per_second, belief)
            if members not in fitted or several:
                seen = scalarize(data, stream)
                fitted[members] = [
                    fit_scalarized(model, data, seen, key.fold("fit", place), memo)
                    for place, model in enumerate(members)
                ]
            rated = [
                self._rate(acquisition, problem, model, bounds, seen, pending, stream, memo)
                for model in fitted[members]
            ]
            # Averaged as they are: logarithms, so that one model's veto counts.
            criterion = IntegratedCriterion(rated, np.full(len(rated), 1.0 / len(rated)), ValueScale.SIGNED)
            best = data.x[best_first(seen)]
            if belief is not None:
                best = np.concatenate([best[:1], belief.peak(), best[1:]])
            points = self.search.maximise(problem.space, criterion, best, known, stream)
            name = "LogEI per second" if per_second else "LogEI"
            note = {"by": by, "why": _WHY[by], "acquisition": name, "models": [model.scaling for model in members]}
            taken = take_first_new(problem, batch, points, note)
            if taken is None:
                break
            known.add(taken)
            pending = np.concatenate([pending, taken])
        if not batch.proposals:  # no candidate was new: a small space, nearly used up
            return add_note(Random().suggest(problem, history, key, count, memo), {"by": "rest"})
        return tuple(batch.proposals)

    def surrogates(self, data: Data | None, problem: Problem, place: int = 0) -> tuple[GP, ...]:
        """See `luthier.method.protocol.ModelBased`. The committee is made to choose: its scales bend the noise."""
        if data is None:
            return ()
        begun = len(data) + len(data.failed) + len(data.pending) + place
        return self._members_at(is_stagnant(problem, data), begun)[1]

    def _acquisition(self, by: str, per_second: bool, belief: PriorDensity | None) -> Acquisition | Bindable:
        acquisition: Acquisition | Bindable = LogEI(_WORTHWHILE if by == "explorer" else 0.0)
        if per_second:
            acquisition = PerSecond(acquisition)
        if belief is not None and self.prior is not None:
            acquisition = PriorWeighted(acquisition, belief, self.prior.strength)
        return acquisition

    def _rate(
        self,
        acquisition: Acquisition | Bindable,
        problem: Problem,
        model: Posterior,
        bounds: tuple[Posterior, ...],
        data: Data,
        pending: Floats,
        key: Key,
        memo: Memo,
    ) -> Criterion:
        believed = fantasize(model, data, pending, "believed")
        best = incumbent(believed, data, problem.noisy)
        return bound_criterion(
            acquisition, believed, bounds, AcquisitionContext(data, best, data.x, pending[:0], key, memo)
        )

    def _members_at(self, polished: bool, begun: int) -> tuple[str, tuple[GP, ...]]:
        """Say who makes the proposal after so many results, crashes and pending trials, and by which models."""
        alone, by = (
            (self.exploring_models, "explorer")
            if polished and self.exploring_models
            else (self.short_scale_models, "doubter")
        )
        if not alone or begun % 2 == 0:
            return "committee", self.committee
        return by, (alone[begun // 2 % len(alone)],)


def is_bound_by_time(problem: Problem, data: Data) -> bool:
    """Tell whether time is to be saved, and not trials: no number of them is given, and costs differ much."""
    costs = data.costs[np.isfinite(data.costs)]
    if problem.horizon is not None or len(costs) < _ENOUGH:
        return False
    fast, slow = np.quantile(np.maximum(costs, _LEAST_S), (0.1, 0.9))
    return bool(slow >= _UNEVEN * fast)
