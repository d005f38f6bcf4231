"""Arrays of a history, as models see it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.space import Column


@dataclass(frozen=True, slots=True, eq=False)
class LearningCurves:
    """The intermediate losses of trials, as arrays (r reports of t trials; d columns), by trial and then by step.

    A trial has one report a step: where it was run again, the value of the later attempt replaces that of the earlier.

    Args:
        numbers: (t,) of the trials that have reports, ascending, however they ended and whether they ended.
        x: (t, d) their points.
        trial: (r,) which of the t trials each report is of.
        step: (r,) at least 0.
        losses: (r, m) minimised, finite; NaN of the objectives after the first where that alone was reported.
    """

    numbers: Integers
    x: Floats
    trial: Integers
    step: Integers
    losses: Floats

    @property
    def loss(self) -> Floats:
        """Those of the first objective, (r,)."""
        first: Floats = self.losses[:, 0]
        return first

    def of_objective(self, place: int) -> LearningCurves:
        """Give the reports of one objective alone."""
        return replace(self, losses=self.losses[:, place : place + 1])

    def of_all_objectives(self) -> LearningCurves:
        """Give those reports that have all objectives."""
        whole = ~np.isnan(self.losses).any(axis=1)
        return replace(self, trial=self.trial[whole], step=self.step[whole], losses=self.losses[whole])

    def __len__(self) -> int:
        return len(self.losses)


_NO_CURVES = LearningCurves(
    np.empty(0, np.int64), np.empty((0, 0)), np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 1))
)


@dataclass(frozen=True, slots=True, eq=False)
class StoppedTrials:
    """Trials without a value, which teach by their reports (s of them): pruned ones, and unfinished ones of a fidelity.

    Args:
        x: (s, d) their points, in order of trial number.
        losses: (s, m) those that they are taken to have, by their reports; NaN where no trial is finished, and they
            cannot be told without.
        share: (s,) of the fidelity that they had, from 0 at the lowest to 1; None in a study without a fidelity.
        numbers: (s,) of the trials, ascending.
    """

    x: Floats
    losses: Floats
    share: Floats | None = None
    numbers: Integers = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def tell(self) -> bool:
        """Whether there are any, and their losses are known."""
        return len(self.x) > 0 and not bool(np.isnan(self.losses).any())

    def __len__(self) -> int:
        return len(self.x)


_NONE_STOPPED = StoppedTrials(np.empty((0, 0)), np.empty((0, 0)))


@dataclass(frozen=True, slots=True, eq=False)
class SourceData:
    """Results of another task, a source of knowledge, as arrays (r results; d columns, k of which the task had).

    Args:
        name: of the study that they are from.
        places: (k,) the columns of the variables that it had, ascending.
        x: (r, d) the points; NaN in the other columns, and where a variable is inactive.
        losses: (r, m) of this study's objectives, minimised; NaN in the columns of those that it did not measure.
        feasible: (r,) the results that broke no outcome constraint there.
    """

    name: str
    places: Integers
    x: Floats
    losses: Floats
    feasible: Bools

    def of_objective(self, place: int) -> SourceData:
        """Give the results of one objective alone."""
        return replace(self, losses=self.losses[:, place : place + 1])

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """What is known of the objectives, as arrays (n finished, k crashed, p pending configurations; d columns).

    Args:
        columns: what each of the d columns of `x` means.
        x: (n, d) in [0, 1], NaN where a variable is inactive. In order of trial number.
        losses: (n, m), finite, minimised.
        violations: (n, c), at most 0 where an outcome constraint holds.
        noise: (n,) known variance of the first loss, or None where it is to be learnt.
        costs: (n,) what each trial cost, at least 0, NaN where unknown: seconds, or in the unit of the study's cost.
        failed: (k, d) configurations whose evaluation crashed.
        pending: (p, d) configurations that are being evaluated.
        reports: the intermediate losses, those of stopped, crashed and pending trials included.
        stopped: the pruned trials, and those that have reported at less than the full fidelity.
        share: (n,) of the fidelity at which each loss was measured; where it is below 1 the loss was extrapolated. None
            where all losses are those of the full fidelity.
        priced: whether the study declares what a trial costs.
        sources: results of other tasks, whose losses have the same columns as `losses`.
    """

    columns: tuple[Column, ...]
    x: Floats
    losses: Floats
    violations: Floats
    noise: Floats | None
    costs: Floats
    failed: Floats
    pending: Floats
    reports: LearningCurves = field(default=_NO_CURVES)
    stopped: StoppedTrials = field(default=_NONE_STOPPED)
    share: Floats | None = None
    priced: bool = False
    sources: tuple[SourceData, ...] = ()

    def with_stopped(self) -> Data:
        """Count pruned trials as finished, with the losses that they are taken to have, in the last rows."""
        count = len(self.stopped)
        if not self.stopped.tell:
            return self
        unknown = np.full((count, self.violations.shape[1]), np.nan)
        return replace(
            self,
            x=np.concatenate([self.x, self.stopped.x]),
            losses=np.concatenate([self.losses, self.stopped.losses]),
            violations=np.concatenate([self.violations, unknown]),
            noise=None if self.noise is None else np.append(self.noise, np.zeros(count)),
            costs=np.append(self.costs, np.full(count, np.nan)),
            stopped=_NONE_STOPPED,
            share=None if self.stopped.share is None else np.concatenate([np.ones(len(self)), self.stopped.share]),
        )

    def of_objective(self, place: int) -> Data:
        """Give the data of one objective alone, those of sources included; known noise is that of the first one."""
        sources = tuple(source.of_objective(place) for source in self.sources)
        losses, noise = self.losses[:, place : place + 1], None if place else self.noise
        return replace(self, losses=losses, noise=noise, sources=sources)

    @property
    def loss(self) -> Floats:
        """The first objective's losses, shape (n,)."""
        first: Floats = self.losses[:, 0]
        return first

    @property
    def feasible(self) -> Bools:
        """The rows that break no outcome constraint that is known of them, shape (n,)."""
        return np.logical_not((self.violations > 0).any(axis=1))

    def best_first(self) -> Integers:
        """Order the rows: the feasible ones by their loss, and then the others by how much they break; shape (n,).

        Source: Deb (2000), An efficient constraint handling method for genetic algorithms.
        """
        if not self.violations.shape[1]:
            return np.argsort(self.loss, kind="stable")
        broken = np.minimum(np.where(self.violations > 0, self.violations, 0.0), 1e300 / self.violations.shape[1])
        return np.lexsort((self.loss, broken.sum(axis=1)))

    def __len__(self) -> int:
        return len(self.x)
