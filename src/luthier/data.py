"""Arrays of a history, as models see it."""

from __future__ import annotations

from dataclasses import dataclass, field

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
        loss: (r,) of the first objective, finite, minimised.
    """

    numbers: Integers
    x: Floats
    trial: Integers
    step: Integers
    loss: Floats

    def __len__(self) -> int:
        return len(self.loss)


_NO_CURVES = LearningCurves(
    np.empty(0, np.int64), np.empty((0, 0)), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
)


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """What is known of the objectives, as arrays (n finished, k crashed, p pending configurations; d columns).

    Args:
        columns: what each of the d columns of `x` means.
        x: (n, d) in [0, 1], NaN where a variable is inactive. In order of trial number.
        losses: (n, m), finite, minimised.
        violations: (n, c), at most 0 where an outcome constraint holds.
        noise: (n,) known variance of the first loss, or None where it is to be learnt.
        costs: (n,) seconds, NaN where unknown.
        failed: (k, d) configurations whose evaluation crashed.
        pending: (p, d) configurations that are being evaluated.
        reports: the intermediate losses, those of stopped, crashed and pending trials included.
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
