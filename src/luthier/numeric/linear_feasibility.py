"""Feasibility of linear inequalities on the unit cube: the Chebyshev radius of their polytope."""

from __future__ import annotations

import numpy as np

from luthier._typing import Bools, Floats


def chebyshev_radius(rows: Floats, bounds: Floats) -> tuple[float, Bools]:
    """Give the radius of the largest ball within ``{x in [0, 1]^d: rows @ x <= bounds}``.

    Solves the linear program of the Chebyshev centre (Boyd and Vandenberghe 2004, Convex Optimization, section 8.5.1).

    Args:
        rows: shape (m, d).
        bounds: shape (m,).

    Returns:
        The radius, negative if the set is empty (its size is then the relaxation that the constraints would need), and
        which inequalities are active, shape (m,). Cost: one linear program of d + 1 variables.
    """
    from scipy.optimize import linprog

    norms = np.linalg.norm(rows, axis=1)
    width = rows.shape[1]
    walls = np.concatenate([np.eye(width), -np.eye(width)])
    matrix = np.concatenate([np.column_stack([rows, norms]), np.column_stack([walls, np.ones(2 * width)])])
    limits = np.concatenate([bounds, np.ones(width), np.zeros(width)])
    objective = np.zeros(width + 1)
    objective[-1] = -1.0
    found = linprog(objective, A_ub=matrix, b_ub=limits, bounds=[(None, None)] * (width + 1), method="highs")
    if found.status != 0:
        return float("-inf"), np.ones(len(rows), dtype=bool)
    return float(found.x[-1]), np.abs(found.ineqlin.marginals[: len(rows)]) > 1e-9
