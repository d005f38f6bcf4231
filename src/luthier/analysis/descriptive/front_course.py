"""Pareto front and hypervolume of a study, and attainment over several studies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.analysis.descriptive.trial_table import TrialTable, counted, plain_form
from luthier.errors import InvalidSetting, NoResult
from luthier.numeric import hypervolume, hypervolume_contributions, non_dominated
from luthier.problem import Objective
from luthier.render import ResultForm, number
from luthier.scalar import short, to_float, to_list

_MARGIN = 0.1  # by which the default reference is worse than the worst value, as a share of the range


@dataclass(frozen=True, slots=True, eq=False)
class FrontCourse(ResultForm):
    """The values of several objectives, and the volume that they dominate trial by trial (n trials; m objectives).

    Args:
        objectives: their names.
        maximize: of each, whether more is better.
        numbers: (n,) of the trials with values.
        values: (n, m) in the user's units.
        eligible: (n,) whether a trial keeps the outcome constraints, in the present space.
        on_front: (n,) whether no eligible trial dominates it, and it is eligible.
        reference: (m,) the point that the volume is measured from, in the user's units.
        volumes: (n,) the volume that the eligible trials up to each one dominate, at least 0.
    """

    objectives: tuple[str, ...]
    maximize: tuple[bool, ...]
    numbers: Integers
    values: Floats
    eligible: Bools
    on_front: Bools
    reference: Floats
    volumes: Floats

    @property
    def volume(self) -> float:
        """The volume that all eligible trials dominate, in the product of the objectives' units."""
        return float(self.volumes[-1])

    def contributions(self) -> dict[int, float]:
        """Give what each trial of the front alone adds to the volume, by number. Cost: f volumes of a front of f."""
        signs = np.array([-1.0 if flag else 1.0 for flag in self.maximize])
        rows = np.flatnonzero(self.on_front)
        added = hypervolume_contributions(self.values[rows] * signs, self.reference * signs)
        return dict(zip(self.numbers[rows].tolist(), added.tolist(), strict=True))

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        front = int(self.on_front.sum())
        return f"front of {counted(front, 'trial')} of {len(self.values)}, hypervolume {number(self.volume)}"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        return [
            (
                f"trial {self.numbers[row]}",
                ", ".join(
                    f"{n} = {number(v)}" for n, v in zip(self.objectives, self.values[row].tolist(), strict=True)
                ),
            )
            for row in np.flatnonzero(self.on_front).tolist()
        ]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form: dict[str, Any] = plain_form(self)
        return form


def front_course(table: TrialTable, reference: Sequence[float] | None = None) -> FrontCourse:
    """Give the front and the hypervolume after each trial.

    Args:
        table: the trials, of two objectives or more.
        reference: the point that the volume is measured from, in the objectives' units and order; by default a tenth of
            the range worse than the worst value of each objective.

    Raises:
        InvalidSetting: there is one objective, or the reference has not one finite number for each.
        NoResult: no trial has values.

    Cost O(n log n + f · v): the volume is computed anew, at cost v, for each of the f trials that enlarge the front.
    """
    goals = table.problem.objectives
    if len(goals) < 2:
        raise InvalidSetting(f"a front needs two objectives or more; there is one, {goals[0].name!r}")
    rows = np.flatnonzero(table.done)
    if not len(rows):
        raise NoResult("no trial has values: there is no front yet")
    signs = np.array([-1.0 if goal.maximize else 1.0 for goal in goals])
    values, eligible = table.values[rows], table.eligible[rows]
    losses = values * signs
    origin = _reference(losses, signs, goals, reference)
    kept = np.flatnonzero(eligible)
    on_front = np.zeros(len(rows), dtype=bool)
    on_front[kept] = non_dominated(losses[kept])
    return FrontCourse(
        tuple(goal.name for goal in goals),
        tuple(goal.maximize for goal in goals),
        table.numbers[rows],
        values,
        eligible,
        on_front,
        origin * signs,
        _volumes(losses, eligible, origin),
    )


def _reference(losses: Floats, signs: Floats, goals: Sequence[Objective], reference: Sequence[float] | None) -> Floats:
    if reference is None:
        worst, best = losses.max(axis=0), losses.min(axis=0)
        chosen: Floats = worst + _MARGIN * np.where(worst > best, worst - best, 1.0)
        return chosen
    what = f"reference: give one finite number for each objective, in order: {', '.join(goal.name for goal in goals)}"
    numbers = [to_float(one) for one in to_list(reference, what, InvalidSetting)]
    given = np.array([math.nan if one is None else one for one in numbers], dtype=np.float64)
    if len(given) != len(goals) or not np.isfinite(given).all():
        raise InvalidSetting(f"{what}; not {short(reference)}")
    return np.asarray(given * signs, dtype=np.float64)


def _volumes(losses: Floats, eligible: Bools, origin: Floats) -> Floats:
    """Give the volume after each row; it is computed only where a row is not dominated by those before it."""
    volumes = np.zeros(len(losses))
    front, total = losses[:0], 0.0
    for row, loss in enumerate(losses):
        if eligible[row] and (loss < origin).all() and not (front <= loss).all(axis=1).any():
            front = np.concatenate([front[~(loss <= front).all(axis=1)], loss[None]])
            with np.errstate(over="ignore"):  # infinite where it is larger than any number
                total = hypervolume(front, origin)
        volumes[row] = total
    return volumes


@dataclass(frozen=True, slots=True, eq=False)
class Attainment(ResultForm):
    """The attainment of two objectives over several studies: what a share of them reached.

    A study attains a point if one of its trials is at least as good in both objectives. The curve of level k is the
    border of what k of the studies attain.

    Args:
        objectives: the names of the two.
        maximize: of each, whether more is better.
        studies: how many there are.
        levels: (l,) how many studies attain what lies behind each curve, in [1, studies].
        curves: one of l: (p, 2) the corners in order of the first objective, in the user's units.

    Source: Fonseca and Fleming (1996), On the performance assessment and comparison of stochastic multiobjective
    optimizers; the curves are those of Knowles (2005), A summary-attainment-surface plotting method.
    """

    objectives: tuple[str, str]
    maximize: tuple[bool, bool]
    studies: int
    levels: tuple[int, ...]
    curves: tuple[Floats, ...]

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        return f"attainment of {' and '.join(self.objectives)} over {counted(self.studies, 'study', 'studies')}"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        return [
            (f"{level} of {self.studies}", counted(len(curve), "corner"))
            for level, curve in zip(self.levels, self.curves, strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form: dict[str, Any] = plain_form(self)
        return form


def attainment(tables: Sequence[TrialTable]) -> Attainment:
    """Give the best, median and worst attainment curve of several studies of the same two objectives.

    Args:
        tables: one a study.

    Raises:
        InvalidSetting: the studies have not the same two objectives.
        NoResult: a study has no trial that counts.

    Cost O(s · g) for s studies and g distinct first values on their fronts.
    """
    goals = tables[0].problem.objectives
    if len(goals) != 2 or any(table.problem.objectives != goals for table in tables):
        raise InvalidSetting("attainment needs studies of the same two objectives")
    signs = np.array([-1.0 if goal.maximize else 1.0 for goal in goals])
    fronts = []
    for table in tables:
        losses = table.values[table.eligible] * signs
        if not len(losses):
            raise NoResult("a study without values attains nothing")
        fronts.append(losses[non_dominated(losses)])
    grid = np.unique(np.concatenate([front[:, 0] for front in fronts]))
    reached = np.sort(np.stack([_staircase(front, grid) for front in fronts]), axis=0)
    count = len(tables)
    levels = tuple(sorted({1, (count + 1) // 2, count}))
    curves = []
    for level in levels:
        heights = reached[level - 1]
        corners = np.flatnonzero(heights < np.concatenate([[np.inf], heights[:-1]]))
        curves.append(np.stack([grid[corners], heights[corners]], axis=1) * signs)
    flags = (goals[0].maximize, goals[1].maximize)
    return Attainment((goals[0].name, goals[1].name), flags, count, levels, tuple(curves))


def _staircase(front: Floats, grid: Floats) -> Floats:
    """Give the least second loss that a front reaches at each first loss or below; inf before its beginning."""
    order = np.argsort(front[:, 0], kind="stable")
    least = np.minimum.accumulate(front[order, 1])
    places = np.searchsorted(front[order, 0], grid, side="right")
    return np.where(places > 0, least[np.maximum(places - 1, 0)], np.inf)
