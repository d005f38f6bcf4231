"""The default method: it chooses by itself how to search, and writes down what it chose and why."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from luthier.acquisition.analytic import LogEI
from luthier.acquisition.cost import PerSecond
from luthier.acquisition.criterion import integrate
from luthier.acquisition.prior import Informed
from luthier.acquisition.protocol import Acquisition, Bindable, Criterion, Situation
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.bayes import learnable, take, with_note
from luthier.method.belief import Belief, Prior, believed_design
from luthier.method.crash import with_crashes
from luthier.method.design import design
from luthier.method.distinct import Batch
from luthier.method.outcome import fit_one_loss, incumbent, limits, one_loss, order, rate
from luthier.method.pending import believe
from luthier.method.polish import is_polished
from luthier.method.random import Random
from luthier.method.search import Known, Search
from luthier.problem import Problem
from luthier.proposal import Proposal
from luthier.surrogate.evidence import Beliefs
from luthier.surrogate.gp import GP
from luthier.surrogate.protocol import Posterior

Floats = NDArray[np.float64]

# Long lengths: what smooth functions, which most objectives are, need to be learnt from few trials.
_SMOOTH = Beliefs(log_length=0.7)
_MODELS = tuple(GP(scaling=scaling, beliefs=_SMOOTH) for scaling in ("standard", "half rank", "log gap"))
# Shorter lengths than the committee's. With long ones only, what a model cannot explain it takes for noise, and the
# search goes round the corners of the space (Hartmann's function of six variables: regret 0.18 after 100 trials; with
# the doubters 0.01). Every second trial: every third, or only after a stall, was no better on the public suite.
_DOUBTERS = (
    GP(scaling="standard"),
    GP(scaling="half rank", beliefs=Beliefs(log_length=0.0)),
    GP(scaling="log gap"),
)

# Far shorter lengths, and a tenth of the losses' standard deviation as the least improvement that counts: so a branch
# of which a few bad points are known is looked at again (`benchmarks/results/branches-2026-11.md`).
_EXPLORERS = tuple(GP(scaling=model.scaling, beliefs=Beliefs(log_length=-3.0)) for model in _MODELS)
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
    doubters no better for the last trials (`benchmarks/results/public-2026-11.md`).

    Args:
        initial: trials of the design.
        models: the committee.
        doubters: models that make every second proposal, one at a time, in turn; none: the committee makes these, too.
        explorers: models that do so in place of the doubters while the best trials are all but the same, in spaces
            with conditional variables; none: the doubters go on.
        search: how the candidates are found.
        prior: where you believe the optimum to be.
        per_second: whether improvements are divided by expected seconds; None: where there is no number of trials to
            keep to, and the slower tenth of the trials took at least 15 times as long as the faster one.

    Raises:
        InvalidSetting: `initial` below 1, or no models.
    """

    initial: int = 5
    models: tuple[GP, ...] = _MODELS
    doubters: tuple[GP, ...] = _DOUBTERS
    explorers: tuple[GP, ...] = _EXPLORERS
    search: Search = field(default_factory=Search)
    prior: Prior | None = None
    per_second: bool | None = None

    def __post_init__(self) -> None:
        if self.initial < 1 or not self.models:
            raise InvalidSetting("Auto(initial=…, models=…): give at least 1 trial of the design, and 1 model")

    def suggest(self, problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
        """Propose `count` configurations. See `luthier.method.protocol.Method`."""
        data = history.data(problem)
        belief = self.prior.on(problem.space) if self.prior else None
        if not learnable(data, self.initial):
            why = {"why": f"{len(data) + len(data.failed)} results so far"}
            if belief is not None:
                return with_note(believed_design(belief, problem, history, key, count, memo), why)
            return with_note(design(problem, history, key, count, memo), why)
        per_second = is_bound_by_time(problem, data) if self.per_second is None else self.per_second
        data = with_crashes(data, memo)
        polished = is_polished(problem, data)
        bounds = limits(data, key, memo)
        several = len(problem.objectives) > 1  # then each proposal has its own mixture of them
        fitted: dict[tuple[GP, ...], list[Posterior]] = {}
        seen = data
        batch = Batch(history, count, repeat=problem.noisy)
        known = Known() if problem.noisy else Known(data.x, data.failed, data.pending)
        pending = data.pending
        while not batch.full:
            stream = key.fold("auto", len(batch.proposals))
            by, members = self._turn(polished, len(data) + len(data.failed) + len(pending))
            acquisition = self._acquisition(by, per_second, belief)
            if members not in fitted or several:
                seen = one_loss(data, stream)
                fitted[members] = [
                    fit_one_loss(model, data, seen, key.fold("fit", place), memo) for place, model in enumerate(members)
                ]
            rated = [
                self._rate(acquisition, problem, model, bounds, seen, pending, stream, memo)
                for model in fitted[members]
            ]
            # Averaged as they are: logarithms, so that one model's veto counts.
            criterion = integrate(rated, np.full(len(rated), 1.0 / len(rated)), "signed")
            best = data.x[order(seen)]
            if belief is not None:
                best = np.concatenate([best[:1], belief.peak(), best[1:]])
            points = self.search.maximise(problem.space, criterion, best, known, stream)
            name = "LogEI per second" if per_second else "LogEI"
            note = {"by": by, "why": _WHY[by], "acquisition": name, "models": [model.scaling for model in members]}
            taken = take(problem, batch, points, note)
            if taken is None:
                break
            known.add(taken)
            pending = np.concatenate([pending, taken])
        if not batch.proposals:  # no candidate was new: a small space, nearly used up
            return with_note(Random().suggest(problem, history, key, count, memo), {"by": "rest"})
        return tuple(batch.proposals)

    def believers(self, data: Data | None, problem: Problem, place: int = 0) -> tuple[GP, ...]:
        """See `luthier.method.protocol.Modelling`. The committee is made to choose: its scales bend the noise."""
        if data is None:
            return ()
        begun = len(data) + len(data.failed) + len(data.pending) + place
        return self._turn(is_polished(problem, data), begun)[1]

    def _acquisition(self, by: str, per_second: bool, belief: Belief | None) -> Acquisition | Bindable:
        acquisition: Acquisition | Bindable = LogEI(_WORTHWHILE if by == "explorer" else 0.0)
        if per_second:
            acquisition = PerSecond(acquisition)
        if belief is not None and self.prior is not None:
            acquisition = Informed(acquisition, belief, self.prior.strength)
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
        believed = believe(model, data, pending, "believed")
        best = incumbent(believed, data, problem.noisy)
        return rate(acquisition, believed, bounds, Situation(data, best, data.x, pending[:0], key, memo))

    def _turn(self, polished: bool, begun: int) -> tuple[str, tuple[GP, ...]]:
        """Say who makes the proposal after so many results, crashes and pending trials, and by which models."""
        alone, by = (self.explorers, "explorer") if polished and self.explorers else (self.doubters, "doubter")
        if not alone or begun % 2 == 0:
            return "committee", self.models
        return by, (alone[begun // 2 % len(alone)],)


def is_bound_by_time(problem: Problem, data: Data) -> bool:
    """Tell whether time is to be saved, and not trials: no number of them is given, and costs differ much."""
    costs = data.costs[np.isfinite(data.costs)]
    if problem.horizon is not None or len(costs) < _ENOUGH:
        return False
    fast, slow = np.quantile(np.maximum(costs, _LEAST_S), (0.1, 0.9))
    return bool(slow >= _UNEVEN * fast)
