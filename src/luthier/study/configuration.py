"""What an open study is run with, as the event that names it in the log."""

from __future__ import annotations

from luthier._runtime.fingerprint import fingerprint
from luthier.event import Configured
from luthier.method import Method, to_plain
from luthier.problem import Problem
from luthier.stop import Rule


class Configuration:
    """The budgets that methods plan for, and the latest event that names these, the method and the rule.

    Args:
        problem: has the budgets of the latest run.
    """

    def __init__(self, problem: Problem) -> None:
        self._budgets = (problem.horizon, problem.cost_budget)
        self._made: tuple[Method, Rule | None, tuple[int | None, float | None], Configured] | None = None

    def plan(self, horizon: int | None, cost_budget: float | None) -> None:
        """Set the budgets of a run: the number of trials, and what the study may cost."""
        self._budgets = (horizon, cost_budget)

    def event(self, method: Method, rule: Rule | None) -> Configured:
        """Give the event; made anew only where one of these is another one."""
        made, (horizon, cost_budget) = self._made, self._budgets
        if made is None or made[0] is not method or made[1] is not rule or made[2] != self._budgets:
            stop = None if rule is None else to_plain(rule)
            event = Configured(to_plain(method), horizon, fingerprint(), stop, cost_budget)
            made = self._made = (method, rule, self._budgets, event)
        return made[3]
