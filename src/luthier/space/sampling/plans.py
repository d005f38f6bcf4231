"""Choose how a group of variables that constraints tie together is sampled."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import numpy as np

from luthier._typing import Bools, Floats
from luthier.errors import Infeasible
from luthier.key import Key
from luthier.numeric import chebyshev_radius
from luthier.space.sampling import boxes
from luthier.space.sampling.branch_and_prune import Paving, pave
from luthier.space.sampling.cube import UnitCube, take
from luthier.space.sampling.cube_variables import Constraint, CubeBlock, CubeCategory, CubeNumber, Predicate
from luthier.space.sampling.distance import violation
from luthier.space.sampling.enumeration import Lister
from luthier.space.sampling.hit_and_run import HitAndRun
from luthier.space.sampling.linear import relations
from luthier.space.sampling.transforms import ConstantDensityTransform

#: A rejection sampler that keeps a smaller share than this is not used if there is another way.
LEAST_SHARE = 1 / 200
_GOOD_SHARE = 0.05
_PILOT = 4096
_MOST_LISTED = 50_000
_MOST_VISITED = 1_000_000
_BOXES = (64, 256, 1024, 4096)
_JUDGED = 1024
_FINE_SHARE = 0.3
_PROOF_BOXES = 400
_NO_ROOM = 1e-13


class SamplingPlan(Protocol):
    """A way to sample a group."""

    def draw(self, key: Key, count: int) -> Floats:
        """Draw feasible points (count, width of the group)."""


class Group:
    """Variables that constraints tie together, as a layout of their own.

    Args:
        layout: the whole space.
        members: which of its domains, ascending; with each also those its condition reads.
        constraints: those that read them.
    """

    def __init__(self, layout: UnitCube, members: Sequence[int], constraints: Sequence[Constraint]) -> None:
        self.columns = np.concatenate([np.arange(layout.slices[i].start, layout.slices[i].stop) for i in members])
        self.layout = UnitCube([layout.domains[i] for i in members])
        self.constraints = tuple(constraints)

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.layout.width

    @cached_property
    def key(self) -> Key:
        """The stream for what is worked out once about the group: the same in every process."""
        return Key.of(0).fold("sampling", *(constraint.text for constraint in self.constraints))

    @cached_property
    def proposal(self) -> ConstantDensityTransform:
        """A distribution closer to the feasible set than the cube is."""
        return ConstantDensityTransform(self.layout, self.constraints)

    def keeps(self, points: Floats) -> Bools:
        """Say for each row whether the constraints are kept."""
        return self.layout.kept(self.constraints, points)


class RejectionPlan:
    """Draw from a proposal until enough points are feasible: exactly uniform over the feasible part of it.

    Args:
        group: what is sampled.
        share: about how many points of the proposal are feasible.
    """

    extra = 0

    def __init__(self, group: Group, share: float = 1.0) -> None:
        self.group = group
        self.share = share

    def propose(self, uniforms: Floats) -> tuple[Floats, Bools]:
        """Turn uniforms (n, width + extra) into points (n, width); say which may be feasible."""
        return uniforms, np.ones(len(uniforms), dtype=bool)

    def attempt(self, key: Key, count: int) -> Floats:
        """Propose `count` points and give those that are feasible."""
        points, hopeful = self.propose(key.uniform((count, self.group.width + self.extra)))
        points = points[hopeful]
        return points[self.group.keeps(points)]

    def draw(self, key: Key, count: int) -> Floats:
        """Draw feasible points; expected cost O(count / share)."""
        found: list[Floats] = []
        total = turn = 0
        while total < count:
            wanted = min(int((count - total) / self.share * 1.1) + 8, 1 << 17)
            found.append(self.attempt(key.fold("attempt", turn), wanted))
            total, turn = total + len(found[-1]), turn + 1
        return np.concatenate(found)[:count] if found else np.empty((0, self.group.width))

    def measured(self, key: Key) -> float:
        """Estimate the share of feasible points from a few thousand, and keep it."""
        self.share = len(self.attempt(key, _PILOT)) / _PILOT
        return self.share


class TransformedPlan(RejectionPlan):
    """Reject from the group's `ConstantDensityTransform`."""

    def propose(self, uniforms: Floats) -> tuple[Floats, Bools]:
        """See `RejectionPlan.propose`."""
        points, excess = self.group.proposal.apply(uniforms)
        return points, excess == 0


class PavedPlan(RejectionPlan):
    """Reject from a paving."""

    extra = 1

    def __init__(self, group: Group, paving: Paving) -> None:
        super().__init__(group)
        self.paving = paving

    def propose(self, uniforms: Floats) -> tuple[Floats, Bools]:
        """See `RejectionPlan.propose`."""
        points = self.group.proposal.solver.apply(self.paving.place(uniforms))
        return points, np.ones(len(points), dtype=bool)


class HitAndRunPlan:
    """Draw by hit-and-run in the uniforms of the group's `ConstantDensityTransform`."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.parts = [violation(c) for c in group.constraints if not isinstance(c, Predicate)]
        self.predicates = [c for c in group.constraints if isinstance(c, Predicate)]
        self.scales = np.ones(len(self.parts))
        measured = self._measures(group.key.fold("scale").uniform((1024, group.width)))[1]
        for i, part in enumerate(measured):
            if (part > 0).any():
                self.scales[i] = np.median(part[part > 0])
        self.walk = HitAndRun(group.width, self.measure, group.key.fold("walk"), guided=bool(self.parts))

    def _measures(self, uniforms: Floats) -> tuple[Floats, list[Floats]]:
        points, excess = self.group.proposal.apply(uniforms)
        columns = self.group.layout.values(points)
        parts = [part(columns, len(points)) / scale for part, scale in zip(self.parts, self.scales, strict=True)]
        total: Floats = excess + np.sum(parts, axis=0) if parts else excess
        # A measure is zero exactly where its expression is not broken; predicates only say yes or no.
        if self.predicates and (total == 0).any():
            near = np.flatnonzero(total == 0)
            inside = {name: take(column, near) for name, column in columns.items()}
            total[near] = ~self.group.layout.kept_values(self.predicates, inside, len(near))
        return total, parts

    def measure(self, uniforms: Floats) -> Floats:
        """Say how much each of uniforms (n, width) breaks the constraints."""
        return self._measures(uniforms)[0]

    def draw(self, key: Key, count: int) -> Floats:
        """Draw feasible points (count, width)."""
        return self.group.proposal.apply(self.walk.draw(key, count))[0]


class EnumeratedPlan:
    """Draw from the list of all feasible points of a finite group, by their probabilities: exact.

    Args:
        group: finite domains, none a `CubeBlock`.
        indices: the levels of each feasible point, shape (points, domains).
    """

    def __init__(self, group: Group, lister: Lister, indices: boxes.Indices) -> None:
        self.group = group
        self.indices = indices
        edges = [_edges(domain) for domain in group.layout.domains]
        columns = lister.columns(indices)
        weights = np.ones(len(indices))
        self.low = np.zeros(indices.shape)
        self.high = np.ones(indices.shape)
        for i, (domain, cuts) in enumerate(zip(group.layout.domains, edges, strict=True)):
            column = columns[domain.name]
            active = ~np.isnan(column) if isinstance(domain, CubeNumber) else column.codes >= 0
            self.low[:, i] = np.where(active, cuts[indices[:, i]], 0.0)
            self.high[:, i] = np.where(active, cuts[indices[:, i] + 1], 1.0)
            weights *= self.high[:, i] - self.low[:, i]
        self.cumulated = np.cumsum(weights)

    def draw(self, key: Key, count: int) -> Floats:
        """Draw feasible points; cost O(count)."""
        drawn = key.uniform((count, self.group.width + 1))
        row = np.searchsorted(self.cumulated, drawn[:, -1] * self.cumulated[-1], side="right")
        row = np.minimum(row, len(self.indices) - 1)
        # In the middle of the level, but anywhere where the variable is inactive.
        free = (self.low[row] == 0.0) & (self.high[row] == 1.0)
        points: Floats = np.where(free, drawn[:, :-1], 0.5 * (self.low[row] + self.high[row]))
        return points


def _edges(domain: CubeNumber | CubeCategory | CubeBlock) -> Floats:
    """Give the places in [0, 1] where the levels of a finite domain meet; shape (levels + 1,)."""
    if isinstance(domain, CubeCategory):
        return domain.edges
    count = boxes.levels(domain) or 1
    if not isinstance(domain, CubeNumber) or domain.even or count == 1:
        return np.arange(count + 1) / count
    values = boxes.level_values(domain, np.arange(1, count, dtype=np.int64))
    low, high = np.zeros(count - 1), np.ones(count - 1)
    for _ in range(53):
        middle = 0.5 * (low + high)
        reached = domain.quantile(middle) >= values
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return np.concatenate([[0.0], high, [1.0]])


def make_plan(group: Group) -> SamplingPlan:
    """Find the first plan that is good enough. Pure; cost up to some seconds for hard constraints, once.

    Raises:
        Infeasible: naming the constraints.
    """
    proposal = group.proposal
    candidates: list[RejectionPlan] = []
    if not proposal.solver.steps:
        candidates.append(RejectionPlan(group))
    if not proposal.trivial:
        candidates.append(TransformedPlan(group))
    for i, candidate in enumerate(candidates):
        if candidate.measured(group.key.fold("pilot", i)) >= _GOOD_SHARE:
            return candidate
    listed = _list(group)
    if listed is not None:
        return listed
    best = max(candidates, key=lambda candidate: candidate.share, default=None)
    if best is not None and best.share >= LEAST_SHARE:
        return best
    _check_volume(group)
    return _paved(group) or _walked(group)


def _list(group: Group) -> SamplingPlan | None:
    """List the group if it is finite and the list is short."""
    domains = group.layout.domains
    counts = [boxes.levels(domain) for domain in domains]
    if any(isinstance(domain, CubeBlock) for domain in domains) or any(
        count is None or count > 1e6 for count in counts
    ):
        return None
    lister = Lister(group.layout, group.constraints)
    found, total = [], 0
    for batch in lister.batches():
        found.append(batch)
        total += len(batch)
        if total > _MOST_LISTED or lister.visited > _MOST_VISITED:
            return None
    if not found:
        raise Infeasible(_empty(group))
    return EnumeratedPlan(group, lister, np.concatenate(found))


def _check_volume(group: Group) -> None:
    """Prove by a linear program that the linear constraints leave some room.

    Raises:
        Infeasible: they do not; names those that are in each other's way.
    """
    found = [
        (constraint, item)
        for constraint in group.constraints
        for _, item in relations(group.layout, [constraint])
        if item.op != "==" and item.weights
    ]
    if len(found) < 2:
        return
    rows = np.zeros((len(found), group.width))
    for i, (_, item) in enumerate(found):
        rows[i, list(item.weights)] = list(item.weights.values())
    room, blame = chebyshev_radius(rows, np.array([item.bound for _, item in found]))
    if room <= _NO_ROOM:
        culprits = list(
            dict.fromkeys(constraint for (constraint, _), guilty in zip(found, blame, strict=True) if guilty)
        )
        texts = _quoted(culprits or group.constraints)
        reason = "" if room < -_NO_ROOM else " strictly; to keep two numbers equal, write =="
        raise Infeasible(f"no point of the space keeps {texts}{reason}: change one of them")


def _paved(group: Group) -> SamplingPlan | None:
    """Pave the group, in steps, until rejection inside is fast enough; give up where that is not in sight."""
    paving: Paving | None = None
    share = 0.0
    for most in _BOXES:
        paving = pave(group.layout, group.constraints, group.proposal.solver.columns, most, paving)
        if len(paving.low) == 0:
            raise Infeasible(_empty(group))
        plan = PavedPlan(group, paving)
        before, share = share, plan.measured(group.key.fold("paving", most))
        complete = len(paving.low) < most
        if share >= _FINE_SHARE or (share >= LEAST_SHARE and (complete or most == _BOXES[-1])):
            return plan
        hopeless = share == 0 or (before > 0 and share * (share / before) ** 1.5 < LEAST_SHARE)
        if complete or (most >= _JUDGED and hopeless):
            return None
    return None


def _walked(group: Group) -> SamplingPlan:
    plan = HitAndRunPlan(group)
    if not plan.walk.found:
        texts = _quoted(group.constraints)
        raise Infeasible(
            f"no point that keeps {texts} was found, though none of them is proven to be impossible: widen the ranges "
            "of the variables, loosen a constraint, or write an equality so that a Float can be solved from it"
        )
    return plan


def _empty(group: Group) -> str:
    """Say that nothing is feasible, naming the fewest constraints that interval arithmetic proves it for."""
    for size in (1, 2):
        for some in itertools.islice(itertools.combinations(group.constraints, size), 50):
            if not any(isinstance(constraint, Predicate) for constraint in some):
                whole = group.proposal.solver.columns
                if len(pave(group.layout, some, whole, _PROOF_BOXES).low) == 0:
                    return f"no point of the space keeps {_quoted(some)}: change {'it' if size == 1 else 'one of them'}"
    return f"no point of the space keeps {_quoted(group.constraints)} together: change one of them"


def _quoted(constraints: Sequence[Constraint]) -> str:
    return " and ".join(f"{constraint.text!r}" for constraint in constraints)
