"""Comparison of studies of one objective, paired by repetition, number of trials and configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier import codec
from luthier._hints import did_you_mean
from luthier._typing import Floats
from luthier.analysis.interval_estimate import IntervalEstimate
from luthier.analysis.predict import check_level
from luthier.errors import InvalidSetting, NoResult
from luthier.history import History
from luthier.problem import Objective
from luthier.render import ResultForm


@dataclass(frozen=True, slots=True)
class StudyComparison(ResultForm):
    """Two studies, or two lists of repetitions, compared at equal numbers of trials.

    Args:
        objective: the objective's name.
        maximize: whether it is maximized.
        names: of the two sides.
        pairs: the number of pairs of studies; the i-th of one side is paired with the i-th of the other.
        trials: (t,) numbers of finished trials, ascending, up to the length of the shortest study.
        first: (t,) the best value of the first side after so many trials, the mean over its studies.
        second: (t,) the same of the second.
        difference: (t,) how much better the second is than the first, in the objective's units, paired; negative where
            it is worse. The interval is NaN where there is one pair only, and nothing says how much it would vary.
        wins: the number of pairs in which the second is better in the end.
        equal: the number of pairs in which both are equal.
        shared: how much better the second measured the same configurations, paired by configuration; None where fewer
            than two configurations were tried in both.
        configurations: the number of configurations that were tried in both.
        level: the probability of each interval, in (0, 1).
        remarks: what else matters for reading this.
    """

    objective: str
    maximize: bool
    names: tuple[str, str]
    pairs: int
    trials: tuple[int, ...]
    first: tuple[float, ...]
    second: tuple[float, ...]
    difference: tuple[IntervalEstimate, ...]
    wins: int
    equal: int
    shared: IntervalEstimate | None
    configurations: int
    level: float
    remarks: tuple[str, ...]

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        first, second = self.names
        end = self.difference[-1]
        said = f"{abs(end.value):.4g} {'better' if end.value > 0 else 'worse'} than" if end.value else "equal to"
        return f"{self.objective} after {self.trials[-1]} trials: {second} is {said} {first}"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        first, second = self.names
        rows = [(first, f"{self.first[-1]:.6g}"), (second, f"{self.second[-1]:.6g}")]
        if self.pairs > 1:
            rows.append(("difference", f"{self.difference[-1]} ({self.level:.0%} interval of {self.pairs} pairs)"))
            rows.append(("pairs", f"{second} is better in {self.wins} of {self.pairs}, equal in {self.equal}"))
        if self.shared is not None:
            rows.append(("same values", f"{self.shared} better, over {self.configurations} configurations in both"))
        return rows + [("remark", remark) for remark in self.remarks]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form = {
            "objective": self.objective,
            "names": list(self.names),
            "pairs": self.pairs,
            "trials": list(self.trials),
            "first": list(self.first),
            "second": list(self.second),
            "difference": [one._asdict() for one in self.difference],
            "wins": self.wins,
            "equal": self.equal,
            "shared": self.shared._asdict() if self.shared else None,
            "configurations": self.configurations,
            "level": self.level,
            "remarks": list(self.remarks),
        }
        plain: dict[str, Any] = codec.to_plain(form)
        return plain


def compare_histories(
    first: Sequence[History], second: Sequence[History], names: tuple[str, str], objective: str | None, level: float
) -> StudyComparison:
    """Compare two lists of histories, the i-th of each a pair; see `luthier.compare`.

    Raises:
        InvalidSetting: the lists are of different lengths or empty, or the studies have no such objective in common.
        NoResult: a study has no finished trial.
    """
    check_level(level)
    if not first or len(first) != len(second):
        raise InvalidSetting(
            f"compare: {len(first)} studies with {len(second)}: give as many of each, the i-th of both are a pair"
        )
    goal = _common([*first, *second], objective)
    one, two = np.split(np.stack(_cut([_best_so_far(each, goal) for each in [*first, *second]])), 2)
    sign = -1.0 if goal.maximize else 1.0
    difference = sign * (one - two)
    remarks = []
    if len(first) == 1:
        remarks.append("one pair does not tell how much the difference would vary: repeat both with other seeds")
    shared = np.concatenate([_shared(a, b, goal) for a, b in zip(first, second, strict=True)])
    end = difference[:, -1]
    return StudyComparison(
        goal.name,
        goal.maximize,
        names,
        len(first),
        tuple(range(1, one.shape[1] + 1)),
        tuple(one.mean(axis=0).tolist()),
        tuple(two.mean(axis=0).tolist()),
        tuple(_interval(column, level) for column in difference.T),
        int((end > 0).sum()),
        int((end == 0).sum()),
        _interval(sign * shared, level) if len(shared) > 1 else None,
        len(shared),
        level,
        tuple(remarks),
    )


def _common(histories: Sequence[History], objective: str | None) -> Objective:
    """Find the objective that all studies have."""
    all_goals = [one.problem().objectives for one in histories]
    names = [goal.name for goal in all_goals[0] if all(goal.name in [g.name for g in goals] for goals in all_goals)]
    if objective is None and len(names) == 1:
        objective = names[0]
    if objective not in names:
        there = f"they have {', '.join(map(repr, names))} in common" if names else "they have none in common"
        asked = "name the objective" if objective is None else f"not all studies have the objective {objective!r}"
        raise InvalidSetting(f"compare: {asked}{did_you_mean(str(objective), names)}; {there}")
    found = {goal for goals in all_goals for goal in goals if goal.name == objective}
    if len(found) > 1:
        raise InvalidSetting(f"compare: one study minimizes {objective!r} and another maximizes it")
    return found.pop()


def _best_so_far(history: History, goal: Objective) -> Floats:
    """Give the best value after each finished trial that kept the outcome constraints."""
    problem = history.problem()
    data = history.data(problem)
    place = [one.name for one in problem.objectives].index(goal.name)
    losses = np.where(data.feasible, data.losses[:, place], np.inf) if len(data) else np.empty(0)
    best = np.minimum.accumulate(losses)
    if not len(best) or not np.isfinite(best[-1]):
        raise NoResult("compare: a study has no finished trial that kept the outcome constraints")
    best = np.where(np.isfinite(best), best, losses[np.isfinite(losses)].max())
    values: Floats = 0.0 - best if goal.maximize else best
    return values


def _cut(curves: Sequence[Floats]) -> list[Floats]:
    least = min(map(len, curves))
    return [curve[:least] for curve in curves]


def _shared(first: History, second: History, goal: Objective) -> Floats:
    """Give the differences of the mean values at the configurations that both studies measured."""
    found = [_by_configuration(one, goal) for one in (first, second)]
    both = [identity for identity in found[0] if identity in found[1]]
    return np.array([float(np.mean(found[0][one]) - np.mean(found[1][one])) for one in both])


def _by_configuration(history: History, goal: Objective) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for number in history.measured():
        config, outcome = history.config(number), history.trial(number).outcome
        if config is not None and outcome is not None and goal.name in outcome.values:
            found.setdefault(history.space.identity(config), []).append(outcome.values[goal.name])
    return found


def _interval(differences: Floats, level: float) -> IntervalEstimate:
    """Give the mean difference and the interval of Student's t."""
    mean, count = float(differences.mean()), len(differences)
    if count < 2:
        return IntervalEstimate(mean, float("nan"), float("nan"))
    from scipy.special import stdtrit

    far = float(stdtrit(count - 1, 0.5 + 0.5 * level)) * float(differences.std(ddof=1)) / float(np.sqrt(count))
    return IntervalEstimate(mean, mean - far, mean + far)
