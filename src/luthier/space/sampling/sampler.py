"""Feasible sampling: independent points, uniform with respect to the priors over the feasible set.

Variables that no constraint ties together are drawn apart. Each group of variables that constraints do tie together
has a `SamplingPlan`, made once, the first of these that is good enough:

1. plain rejection (exact);
2. rejection from a tighter proposal: equalities solved for one variable, ordered variables sorted, a linear
   constraint's simplex sampled directly (exact);
3. a finite group listed with constraint propagation (exact);
4. a paving of the feasible set by boxes, found by branch and prune with interval arithmetic, and rejection inside it
   (exact);
5. a population brought to the feasible set step by step and kept uniform there by hit-and-run (approximate).

Making a plan is pure and deterministic; afterwards the cost is linear in the number of points.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from luthier._typing import Bools, Floats
from luthier.errors import InvalidSpace
from luthier.key import Key
from luthier.space.sampling.cube import UnitCube
from luthier.space.sampling.cube_variables import Constraint, Domain, Predicate
from luthier.space.sampling.enumeration import enumerate_configs
from luthier.space.sampling.plans import Group, SamplingPlan, make_plan


class Sampler:
    """Draw feasible points. Frozen; plans are made on first use and kept.

    Args:
        domains: the variables, in the order of their columns of the unit cube.
        constraints: expressions and predicates; one is kept unless definitely false.

    Raises:
        InvalidSpace: an unknown name, or conditions in a circle.
    """

    def __init__(self, domains: Sequence[Domain], constraints: Sequence[Constraint] = ()) -> None:
        self.layout = UnitCube(domains)
        self.constraints = tuple(constraints)
        for constraint in self.constraints:
            if not isinstance(constraint, Predicate):
                for name in sorted(constraint.names - self.layout.owner.keys()):
                    raise InvalidSpace(f"the constraint {constraint.text!r} reads {name!r}, which is no variable")

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The groups of variables that constraints tie together, each with its constraints."""
        everything = frozenset(range(len(self.layout.domains)))
        parts: list[tuple[frozenset[int], list[Constraint]]] = []
        for constraint in self.constraints:
            reads = everything if isinstance(constraint, Predicate) else self.layout.reads(constraint.names)
            together = [constraint]
            apart = []
            for members, kept in parts:
                if members & reads:
                    reads, together = reads | members, kept + together
                else:
                    apart.append((members, kept))
            parts = [*apart, (reads, together)]
        return tuple(Group(self.layout, sorted(members), kept) for members, kept in parts)

    @cached_property
    def plans(self) -> tuple[SamplingPlan, ...]:
        """How each group is sampled.

        Raises:
            Infeasible: a group has no feasible point, or none could be found; names the constraints.
        """
        return tuple(make_plan(group) for group in self.groups)

    def sample(self, key: Key, count: int) -> Floats:
        """Draw independent feasible points.

        Args:
            key: names the stream.
            count: how many.

        Returns:
            uniforms in [0, 1), shape (count, width): every column filled, those of inactive variables too.

        Raises:
            Infeasible: nothing feasible exists, or could be found; names the constraints.
        """
        uniforms = key.fold("cube").uniform((count, self.layout.width))
        for i, (group, plan) in enumerate(zip(self.groups, self.plans, strict=True)):
            uniforms[:, group.columns] = plan.draw(key.fold("group", i), count)
        return uniforms

    def values(self, uniforms: Floats) -> dict[str, Any]:
        """Give the column of each name for uniforms (n, width), marked where inactive."""
        return self.layout.values(uniforms)

    def active(self, uniforms: Floats) -> Bools:
        """Say which variables are active; shape (n, number of domains)."""
        return self.layout.active(uniforms)

    def keeps(self, uniforms: Floats) -> Bools:
        """Say for each of uniforms (n, width) whether every constraint is kept; shape (n,)."""
        return self.layout.kept(self.constraints, uniforms)

    def configurations(self) -> Iterator[dict[str, Any]]:
        """Give each feasible configuration of a finite space once, lazily, in the order of the variables.

        Raises:
            InvalidSpace: the space is not finite.
        """
        return enumerate_configs(self.layout, self.constraints)
