"""Sampling plans: how a group of variables that constraints tie together is sampled."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from luthier._typing import Floats, Integers
from luthier.errors import Infeasible
from luthier.key import Key
from luthier.numeric import chebyshev_radius
from luthier.space.constraint import Constraint
from luthier.space.sampling.branch_and_prune import Paving, pave
from luthier.space.sampling.distance import violation
from luthier.space.sampling.enumeration import Enumerator
from luthier.space.sampling.group import Group
from luthier.space.sampling.hit_and_run import HitAndRun
from luthier.space.sampling.linear import Relation, conjuncts, relation, relations
from luthier.space.sampling.polytope import Polytope
from luthier.space.sampling.rejection import CubeProposal, PavedProposal, RejectionPlan, TransformedProposal
from luthier.space.sampling.transforms import ConstantDensityTransform
from luthier.space.variables.base import Options
from luthier.space.variables.combinatorial import Combination
from luthier.space.variables.number import Number

LEAST_SHARE = 1 / 200
"""A rejection plan that keeps a smaller share than this is not used where there is another way."""
_GOOD_SHARE = 0.05
_MOST_LISTED = 50_000
_MOST_VISITED = 1_000_000
_MOST_LEVELS = 1e6
_BOXES = (64, 256, 1024, 4096)
_JUDGED = 1024
_FINE_SHARE = 0.3
_PROOF_BOXES = 400
_NO_ROOM = 1e-13
_SCALING = 1024
_MOST_PAVED = 8
"""Boxes are no use in more columns."""
_REDRAWS = 20


class SamplingPlan(Protocol):
    """A way to sample a group."""

    def draw(self, key: Key, count: int) -> Floats:
        """Draw feasible points (count, width of the group)."""


class HitAndRunPlan:
    """Draw by hit-and-run in the uniforms of a transform of constant density.

    Args:
        group: what is sampled.
        transform: from the cube to a part of it that holds the feasible set.
    """

    def __init__(self, group: Group, transform: ConstantDensityTransform) -> None:
        self.group = group
        self.transform = transform
        self.parts = [violation(rule.expression) for rule in group.rules if rule.expression is not None]
        self.scales = np.ones(len(self.parts))
        measured = self._measures(group.key.fold("scale").uniform((_SCALING, group.width)))[1]
        for i, part in enumerate(measured):
            if (part > 0).any():
                self.scales[i] = np.median(part[part > 0])
        self.walk = HitAndRun(group.width, self.measure, group.key.fold("walk"), guided=bool(self.parts))

    def _measures(self, uniforms: Floats) -> tuple[Floats, list[Floats]]:
        moved, excess = self.transform.apply(uniforms)
        points = self.group.points(moved)
        columns: dict[str, Any] = self.group.encoder.read(points, self.group.names)
        parts = [part(columns, len(points)) / scale for part, scale in zip(self.parts, self.scales, strict=True)]
        total: Floats = excess + np.sum(parts, axis=0) if parts else excess
        # A measure is zero exactly where its expression is not broken; predicates only say yes or no.
        if len(self.parts) < len(self.group.rules) and (total == 0).any():
            near = np.flatnonzero(total == 0)
            total[near] = ~self.group.encoder.feasible(points[near])
        return total, parts

    def measure(self, uniforms: Floats) -> Floats:
        """Return how much each of uniforms (n, width) breaks the constraints."""
        return self._measures(uniforms)[0]

    def draw(self, key: Key, count: int) -> Floats:
        """Draw feasible points (count, width)."""
        return self.transform.apply(self.walk.draw(key, count))[0]


class PolytopePlan:
    """Draw from a group whose constraints are linear inequalities of continuous numbers.

    Args:
        group: what is sampled.
        found: its constraints.
    """

    def __init__(self, group: Group, found: Sequence[Relation]) -> None:
        self.group = group
        self.walk = Polytope(*_matrix(group, found), group.key.fold("polytope"))

    def draw(self, key: Key, count: int) -> Floats:
        """Draw feasible points (count, width). Where rounding to values breaks a constraint, another one is drawn."""
        points = self.walk.draw(key, count)
        wrong = np.flatnonzero(~self.group.keeps(points))
        for turn in range(_REDRAWS):
            if not len(wrong):
                return points
            points[wrong] = self.walk.draw(key.fold("again", turn), len(wrong))
            wrong = wrong[~self.group.keeps(points[wrong])]
        if len(wrong):
            raise Infeasible(f"hardly a value keeps {_quoted(self.group.rules)} after rounding: loosen one of them")
        return points


class EnumeratedPlan:
    """Draw from the list of all feasible points of a finite group, by their probabilities: exact.

    Args:
        group: numbers in steps, options and constants: one column each.
        enumerator: of the group.
        levels: the levels of each feasible point, shape (points, variables).
    """

    def __init__(self, group: Group, enumerator: Enumerator, levels: Integers) -> None:
        self.group = group
        self.levels = levels
        points = enumerator.points(levels)
        weights = np.ones(len(levels))
        self.low = np.zeros(levels.shape)
        self.high = np.ones(levels.shape)
        for i, part in enumerate(group.flat.parts):
            if isinstance(part.variable, Number | Options):  # a constant leaves everything to chance
                edges, chosen = part.variable.edges, levels[:, i]
                active = ~np.isnan(points[:, part.begin])
                self.low[:, i] = np.where(active, edges[chosen], 0.0)
                self.high[:, i] = np.where(active, edges[chosen + 1], 1.0)
                weights *= self.high[:, i] - self.low[:, i]
        self.cumulated = np.cumsum(weights)

    def draw(self, key: Key, count: int) -> Floats:
        """Draw feasible points (count, width); cost O(count)."""
        drawn = key.uniform((count, self.group.width + 1))
        row = np.searchsorted(self.cumulated, drawn[:, -1] * self.cumulated[-1], side="right")
        row = np.minimum(row, len(self.levels) - 1)
        # In the middle of the level, but anywhere where the variable is inactive.
        free = (self.low[row] == 0.0) & (self.high[row] == 1.0)
        points: Floats = np.where(free, drawn[:, :-1], 0.5 * (self.low[row] + self.high[row]))
        return points


def make_plan(group: Group) -> SamplingPlan:
    """Return the first plan that is good enough. Pure; cost up to some seconds for hard constraints, once.

    Raises:
        Infeasible: naming the constraints.
    """
    transform = ConstantDensityTransform(group)
    candidates: list[RejectionPlan] = []
    if not transform.solver.steps:
        candidates.append(RejectionPlan(group, CubeProposal()))
    if not transform.trivial:
        candidates.append(RejectionPlan(group, TransformedProposal(transform)))
    for i, candidate in enumerate(candidates):
        if candidate.measured(group.key.fold("pilot", i)) >= _GOOD_SHARE:
            return candidate
    listed = _listed(group, transform)
    if listed is not None:
        return listed
    best = max(candidates, key=lambda candidate: candidate.share, default=None)
    if best is not None and best.share >= LEAST_SHARE:
        return best
    _check_volume(group)
    linear = _inequalities(group)
    if linear and group.width > _MOST_PAVED:
        plan = PolytopePlan(group, linear)
        if plan.walk.found:
            return plan
    return _paved(group, transform) or _walked(group, transform)


def _listed(group: Group, transform: ConstantDensityTransform) -> SamplingPlan | None:
    """List the group where it is finite and the list is short."""
    variables = group.flat.variables.values()
    if any(isinstance(one, Combination) or one.count is None or one.count > _MOST_LEVELS for one in variables):
        return None
    enumerator = Enumerator(group.encoder)
    found, total = [], 0
    for batch in enumerator.batches():
        found.append(batch)
        total += len(batch)
        if total > _MOST_LISTED or enumerator.visited > _MOST_VISITED:
            return None
    if not found:
        raise Infeasible(_empty(group, transform))
    return EnumeratedPlan(group, enumerator, np.concatenate(found))


def _check_volume(group: Group) -> None:
    """Prove by a linear program that the linear constraints leave some room.

    Raises:
        Infeasible: they do not; names those that are in each other's way.
    """
    found = [
        (rule, item) for rule in group.rules for item in relations(group, [rule]) if item.op != "==" and item.weights
    ]
    if len(found) < 2:
        return
    room, blame = chebyshev_radius(*_matrix(group, [item for _, item in found]))
    if room <= _NO_ROOM:
        culprits = list(dict.fromkeys(rule for (rule, _), guilty in zip(found, blame, strict=True) if guilty))
        texts = _quoted(culprits or group.rules)
        reason = "" if room < -_NO_ROOM else " strictly; to keep two numbers equal, write =="
        raise Infeasible(f"no point of the space keeps {texts}{reason}: change one of them")


def _matrix(group: Group, found: Sequence[Relation]) -> tuple[Floats, Floats]:
    """Return inequalities as the rows (m, width) and bounds (m,) of a matrix."""
    rows = np.zeros((len(found), group.width))
    for i, item in enumerate(found):
        rows[i, list(item.weights)] = list(item.weights.values())
    return rows, np.array([item.bound for item in found])


def _inequalities(group: Group) -> list[Relation]:
    """Return the constraints of a group as linear inequalities; empty where one of them is something else."""
    found = [relation(group, node) for node in conjuncts(group.rules)]
    linear = [item for item in found if item is not None and item.op != "==" and item.weights]
    is_whole = len(linear) == len(found) and all(rule.expression is not None for rule in group.rules)
    return linear if is_whole else []


def _paved(group: Group, transform: ConstantDensityTransform) -> SamplingPlan | None:
    """Pave the group, in steps, until rejection inside is fast enough; give up where that is not in sight."""
    paving: Paving | None = None
    share = 0.0
    for most in _BOXES:
        paving = pave(group, group.rules, transform.solver.columns, most, paving)
        if len(paving.low) == 0:
            raise Infeasible(_empty(group, transform))
        plan = RejectionPlan(group, PavedProposal(paving, transform.solver))
        before, share = share, plan.measured(group.key.fold("paving", most))
        complete = len(paving.low) < most
        if share >= _FINE_SHARE or (share >= LEAST_SHARE and (complete or most == _BOXES[-1])):
            return plan
        hopeless = share == 0 or (before > 0 and share * (share / before) ** 1.5 < LEAST_SHARE)
        if complete or (most >= _JUDGED and hopeless):
            return None
    return None


def _walked(group: Group, transform: ConstantDensityTransform) -> SamplingPlan:
    plan = HitAndRunPlan(group, transform)
    if not plan.walk.found:
        texts = _quoted(group.rules)
        raise Infeasible(
            f"no point that keeps {texts} was found, though none of them is proven to be impossible: widen the ranges "
            "of the variables, loosen a constraint, or write an equality so that a Float can be solved from it"
        )
    return plan


def _empty(group: Group, transform: ConstantDensityTransform) -> str:
    """Return the message that nothing is feasible, naming the fewest constraints that a paving proves it for."""
    for size in (1, 2):
        for some in itertools.islice(itertools.combinations(group.rules, size), 50):
            if all(rule.expression is not None for rule in some):
                whole = transform.solver.columns
                if len(pave(group, some, whole, _PROOF_BOXES).low) == 0:
                    return f"no point of the space keeps {_quoted(some)}: change {'it' if size == 1 else 'one of them'}"
    return f"no point of the space keeps {_quoted(group.rules)} together: change one of them"


def _quoted(rules: Sequence[Constraint]) -> str:
    return " and ".join(f"{rule.text!r}" for rule in rules)
