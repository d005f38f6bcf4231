"""Texts of the cost of a run, and of a forecast."""

from __future__ import annotations

from luthier.analysis import Forecast
from luthier.problem import SECONDS, Problem
from luthier.render import number, one_line, seconds


def spent_text(problem: Problem, spent: float, budget: float | None) -> str:
    """Write what was spent, and of how much: ``12.5/20 dollars``, ``90 s of 10 min spent``."""
    unit = problem.cost or SECONDS
    if unit == SECONDS:
        return f"{seconds(spent)}{'' if budget is None else f' of {seconds(budget)}'} spent"
    return f"{number(spent)}{'' if budget is None else f'/{number(budget)}'} {one_line(unit, 20)}"


def forecast_line(found: Forecast) -> str:
    """Write a forecast in a few words: ``20 more: 0.004 [0, 0.01] better, noise 0.002``."""
    noise = f", noise {found.noise:.2g}" if found.noise > 0 else ""
    gain = found.expected
    return f"{found.trials[-1]} more: {gain.value:.2g} [{gain.low:.2g}, {gain.high:.2g}] better{noise}"
