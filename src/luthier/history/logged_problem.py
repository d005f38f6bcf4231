"""The problem of a study, as its log states it."""

from __future__ import annotations

from luthier.errors import StoreCorrupt
from luthier.event import Configured, Created
from luthier.instances import Instances
from luthier.key import Key
from luthier.problem import Fidelity, Objective, Problem, instances_as_fidelity, parse_outcome_constraints
from luthier.space import Space


def logged_problem(created: Created | None, configured: Configured | None, space: Space) -> Problem:
    """Build the problem from the event that begins a study, the latest one that names its method, and its space.

    Raises:
        StoreCorrupt: there is no beginning.
    """
    if created is None:
        raise StoreCorrupt("the log does not begin with the event that creates a study")
    horizon = configured.horizon if configured else created.horizon
    instances = Instances.from_plain(created.instances) if created.instances else None
    fidelity = logged_fidelity(created) if instances is None else instances_as_fidelity(instances)
    limits = parse_outcome_constraints(dict(created.constraints))
    budget = configured.cost_budget if configured else None
    given = (created.noisy, horizon, fidelity, limits, created.cost, budget, instances)
    return Problem(space, logged_objectives(created), *given)


def root_of(created: Created | None) -> Key:
    """Give the root of a study's randomness; of seed 0 for a log that did not begin."""
    return Key.of(created.seed if created else 0)


def logged_fidelity(created: Created) -> Fidelity | None:
    """Give the fidelity of a study, with those that go up together with it."""
    if created.fidelity is None:
        return None
    return Fidelity(*created.fidelity, beside=tuple(Fidelity(*one) for one in created.beside))


def logged_objectives(created: Created) -> tuple[Objective, ...]:
    """Give the objectives of a study."""
    return tuple(Objective(name, maximize) for name, maximize in created.objectives)
