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

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from luthier._typing import Floats, Integers
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.scalar import short
from luthier.space.constraint import Constraint
from luthier.space.encoding import Encoder
from luthier.space.sampling.enumeration import enumerate_configs
from luthier.space.sampling.group import CubeColumns, Group
from luthier.space.sampling.plans import SamplingPlan, make_plan


class Sampler:
    """Draw feasible points. Frozen; plans are made on first use and kept.

    Args:
        encoder: of the space.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.flat = encoder.flat

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The groups of variables that constraints tie together, each with its constraints."""
        parts: list[tuple[frozenset[str], list[Constraint]]] = []
        for rule in self.flat.rules:
            names = self.flat.names if rule.expression is None else rule.expression.names
            reads = self.flat.deciding(names)
            together = [rule]
            apart = []
            for members, rules in parts:
                if members & reads:
                    reads, together = reads | members, rules + together
                else:
                    apart.append((members, rules))
            parts = [*apart, (reads, together)]
        return tuple(Group(self.flat.restricted(members, rules)) for members, rules in parts)

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
            settled points, shape (count, d).

        Raises:
            Infeasible: nothing feasible exists, or could be found; names the constraints.
            InvalidSpace: a constraint is a function that is not available, or that raised.
        """
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise InvalidSetting(f"the number of points is a whole number of at least 0, not {short(count)}")
        uniforms = self._uniforms(key, count) if self.flat.rules else key.uniform((count, self.encoder.dimensions))
        return self.encoder.settle_uniforms(uniforms)

    def _uniforms(self, key: Key, count: int) -> Floats:
        """Draw uniforms (count, d) that stand for feasible points."""
        cube, columns = self._layout
        uniforms = key.fold("cube").uniform((count, cube.width))
        for i, (own, plan) in enumerate(zip(columns, self.plans, strict=True)):
            uniforms[:, own] = plan.draw(key.fold("group", i), count)
        return cube.encoding_of(uniforms)

    @cached_property
    def _layout(self) -> tuple[CubeColumns, tuple[Integers, ...]]:
        """The unit cube of the whole space, and the columns of each group in it."""
        self.flat.check_complete()
        cube = CubeColumns(self.flat)
        return cube, tuple(cube.of(group.flat) for group in self.groups)

    def configurations(self) -> Iterator[dict[str, Any]]:
        """Return every feasible configuration of a finite space once, lazily, in the order of the variables.

        Raises:
            InvalidSpace: the space is not finite, or a constraint is a function that is not available.
        """
        self.flat.check_complete()
        return enumerate_configs(self.encoder)
