"""Weight of the expected cost in a proposal, by the share of the budget that is left."""

from __future__ import annotations

import numpy as np

from luthier.data import Data
from luthier.problem import Problem

_COOLING = 0.5
"""The share of the budget over which the cost counts less and less: the last one."""
_LEAST = 0.01
"""An exponent of the cost below this changes nothing."""


def cost_exponent(problem: Problem, data: Data) -> float:
    """Give the exponent of the expected cost by which an improvement is divided; 0 where costs do not count.

    Where a cost is declared it is 1; with a budget in it, it cools from 1 to 0 as the budget is spent: cheap trials
    first, and what is best at any price in the end. Where a fidelity is declared, schedulers save cost instead.

    Args:
        problem: may declare a cost and its budget.
        data: has the costs of the finished trials, of which unknown ones count as nothing.

    Source: Lee, Perrone, Archambeau and Seeger (2020), Cost-aware Bayesian optimization, eq. 2. There the cost of the
    initial design is left out of what is spent and of the budget.
    """
    if problem.cost is None or problem.fidelity is not None:
        return 0.0
    if problem.cost_budget is None:
        return 1.0
    left = 1.0 - float(np.nansum(data.costs)) / problem.cost_budget
    exponent = min(left / _COOLING, 1.0)
    return exponent if exponent > _LEAST else 0.0
