"""A rule that ends a run after trials without progress."""

from __future__ import annotations

from dataclasses import dataclass

from luthier._hints import translating_settings
from luthier.analysis.worth.end_rule import EndEvidence, EndFinding, EndRule
from luthier.analysis.worth.fold_losses import fold_error, fold_losses
from luthier.errors import InvalidSetting
from luthier.history import is_feasible
from luthier.setting_types import check_setting_types

_LEAST, _EACH = 30, 10
"""Without a number of one's own: so many trials, and at least so many for each variable."""


@translating_settings
@dataclass(frozen=True, slots=True)
class NoProgress(EndRule):
    """End a run after a number of trials in a row that did not better the best value by more than an error.

    Args:
        trials: the number of trials, crashed ones included; None: 10 for each variable, and at least 30.
        least: what an improvement is more than, in the units of the objective, 0 or more; None: the standard error of
            the best trial over its folds, or of its known variance, where it has one, else 0.

    Raises:
        InvalidSetting: a setting outside its range.

    Cost O(trials + reports). Source: Prechelt (1998), Early stopping, but when?, criterion UP, here over trials.

    Example:
        >>> import luthier as lt
        >>> study = lt.Study("doc", {"x": lt.Float(-5, 5)}, minimize="y", method=lt.Random(), seed=0)
        >>> str(study.run(lambda trial: 1.0, stop=lt.NoProgress(10)))
        'not worth it'
    """

    trials: int | None = None
    least: float | None = None

    def __post_init__(self) -> None:
        check_setting_types(self)
        if (self.trials is not None and self.trials < 1) or (self.least is not None and self.least < 0):
            raise InvalidSetting(f"{self!r}: give at least 1 trial, and a least improvement of 0 or more")

    def decide(self, evidence: EndEvidence) -> EndFinding | None:
        """See `EndRule.decide`."""
        problem, history = evidence.history.problem(), evidence.history
        goal, wanted = problem.objectives[0], self.trials
        if wanted is None:
            wanted = max(_LEAST, _EACH * len(problem.space.names))
        reference, since, error = None, 0, 0.0
        for trial in history.trials:
            if trial.outcome is None or trial.forgotten:
                continue
            since += reference is not None
            if not trial.is_done or not is_feasible(trial.outcome):
                continue
            loss = goal.loss(trial.outcome.values[goal.name])
            if reference is None or loss < reference - (error if self.least is None else self.least):
                reference, since = loss, 0
                variance = trial.outcome.extra.get("variance")
                known = float(variance) ** 0.5 if isinstance(variance, int | float) and variance >= 0 else 0.0
                error = known or fold_error([*fold_losses(problem, trial).values()])
        if reference is None or since < wanted:
            return None
        return EndFinding("NoProgress", {"since": float(since), "least": error if self.least is None else self.least})
