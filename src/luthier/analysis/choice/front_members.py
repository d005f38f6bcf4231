"""Trials of a front as arrays, those within limits only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.analysis.descriptive.trial_table import TrialTable, plain_form
from luthier.errors import InvalidSetting, NoResult
from luthier.numeric import non_dominated
from luthier.problem import Objective, OutcomeConstraint, parse_outcome_constraints
from luthier.scalar import to_float
from luthier.space import Space
from luthier.trial import Config


@dataclass(frozen=True, slots=True, eq=False)
class FrontMembers:
    """The trials of a front, in order of number (n of them; m objectives); of equal values the earliest trial only.

    Args:
        objectives: m of them, two or more.
        numbers: (n,) of the trials, n at least 1.
        configs: their configurations, as the present space reads them.
        losses: (n, m).
        space: the present one.
    """

    objectives: tuple[Objective, ...]
    numbers: Integers
    configs: tuple[Config, ...]
    losses: Floats
    space: Space

    @property
    def scaled(self) -> Floats:
        """The losses (n, m), of each objective from 0 at the best of the front to 1 at its worst."""
        best = self.losses.min(axis=0)
        width = self.losses.max(axis=0) - best
        found: Floats = (self.losses - best) / np.where(width > 0, width, 1.0)
        return found

    @property
    def ends(self) -> Bools:
        """The trials that are the best in one of the objectives, (n,)."""
        found: Bools = (self.losses == self.losses.min(axis=0)).any(axis=1)
        return found

    def params(self, row: int) -> dict[str, Any]:
        """Give the configuration of a trial, as the user writes it."""
        return dict(self.space.realize(self.configs[row]))

    def values(self, row: int) -> dict[str, float]:
        """Give the values of a trial by name, in the user's units and directions."""
        losses = self.losses[row].tolist()
        return {goal.name: goal.value(loss) for goal, loss in zip(self.objectives, losses, strict=True)}

    def __len__(self) -> int:
        return len(self.numbers)


def front_members(table: TrialTable, limits: Mapping[str, str] | None = None) -> FrontMembers:
    """Give the front of the trials that keep all limits.

    Args:
        table: the trials, of two objectives or more.
        limits: of numbers that the objective function returned, by name, such as ``{"seconds": "<= 5"}``; of objectives
            and of others. A trial that lacks the number does not keep it.

    Raises:
        InvalidSetting: there is one objective, or a limit cannot be read.
        NoResult: no trial has values and keeps the outcome constraints, or none of those keeps the limits.

    Cost O(n log n + n f) for n trials, f of them on the front.
    """
    goals = table.problem.objectives
    if len(goals) < 2:
        raise InvalidSetting(f"there is nothing to choose: {goals[0].name!r} is the one objective; see study.best")
    rows = np.flatnonzero(table.eligible)
    if not len(rows):
        raise NoResult("no trial has values and keeps the outcome constraints: there is no front yet")
    rules = parse_outcome_constraints({} if limits is None else limits, "limits")
    kept = np.array([row for row in rows.tolist() if all(_keeps(table, row, rule) for rule in rules)], dtype=np.int64)
    if not len(kept):
        raise NoResult(f"no trial keeps the limits; {_nearest(table, rows.tolist(), rules)}")
    signs = np.array([-1.0 if goal.maximize else 1.0 for goal in goals])
    losses = table.values[kept] * signs
    first = np.zeros(len(kept), dtype=bool)
    first[np.unique(losses, axis=0, return_index=True)[1]] = True
    front = kept[first & non_dominated(losses)]
    configs = [table.configs[row] for row in front.tolist()]
    held = tuple(config for config in configs if config is not None)
    return FrontMembers(goals, table.numbers[front], held, table.values[front] * signs, table.problem.space)


def plain_without_params(result: Any) -> dict[str, Any]:
    """Write a chosen trial for JSON: its configuration is there in plain form, and not as the user writes it."""
    return {one.name: plain_form(getattr(result, one.name)) for one in fields(result) if one.name != "params"}


def _measured(table: TrialTable, row: int, name: str) -> float | None:
    """Give a number that the objective function returned; None where there is none of that name."""
    outcome = table.trials[row].outcome
    found: Any = None if outcome is None else outcome.values.get(name, outcome.extra.get(name))
    read = to_float(found) if isinstance(found, int | float) else None
    return read if read is not None and math.isfinite(read) else None


def _keeps(table: TrialTable, row: int, rule: OutcomeConstraint) -> bool:
    value = _measured(table, row, rule.name)
    return value is not None and rule.violation(value) <= 0.0


def _nearest(table: TrialTable, rows: Sequence[int], rules: Sequence[OutcomeConstraint]) -> str:
    """Say how near the trials come to the first limit that none of them keeps, or that they do not keep all at once."""
    for rule in rules:
        known = [(value, row) for row in rows if (value := _measured(table, row, rule.name)) is not None]
        if not known:
            return f"none has a number {rule.name!r}"
        value, row = min(known, key=lambda one: rule.violation(one[0]))
        if rule.violation(value) > 0.0:
            return f"nearest to {rule} is trial {table.numbers[row]} with {value:g}"
    return "each of them alone is kept by some"
