"""Importance of variables, groups and pairs as a result with its forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from luthier import codec
from luthier._hints import did_you_mean
from luthier.analysis.interval_estimate import IntervalEstimate
from luthier.errors import InvalidSetting
from luthier.render import ResultForm

ImportanceMethod = Literal["fanova", "ped-anova", "permutation", "shapley", "local"]
"""The ways to measure importance; see `luthier.Study.importance`."""


@dataclass(frozen=True, slots=True)
class VariableImportance:
    """The importance of one variable.

    Args:
        name: the variable.
        score: its estimate, at least 0; the interval may reach below 0. A variable whose interval holds 0 cannot be
            told from one that does nothing.
        total: of ``fanova``: the share of the variance that the variable has part in, by itself and by interactions:
            what would be left undecided if all other variables were fixed. None for the other methods.
        active: the share of the space in which the variable is active, in (0, 1]. The score is that within this part.
        trials: the number of trials in which it was active.
    """

    name: str
    score: IntervalEstimate
    total: IntervalEstimate | None
    active: float
    trials: int

    @property
    def matters(self) -> bool:
        """Whether the interval of the score, and that of the total where there is one, lies above 0."""
        return self.score.low > 0 or (self.total is not None and self.total.low > 0)


@dataclass(frozen=True, slots=True)
class GroupImportance:
    """The importance of several variables together.

    Args:
        name: of the group.
        members: the variables.
        score: that of all members together, their interactions with each other included.
    """

    name: str
    members: tuple[str, ...]
    score: IntervalEstimate


@dataclass(frozen=True, slots=True)
class PairImportance:
    """The importance of the interaction of two variables: what they do together beyond the sum of both.

    Args:
        names: the variables.
        score: of the interaction alone, without the two main effects.
    """

    names: tuple[str, str]
    score: IntervalEstimate


@dataclass(frozen=True, slots=True)
class Importance(ResultForm):
    """The importance of the variables for one objective.

    Args:
        objective: the objective's name.
        method: how importance was measured; see `luthier.Study.importance`.
        variables: the most important first; variables that never vary are left out.
        groups: in the order in which they were given.
        interactions: the largest first; empty where they were not asked for.
        level: the probability of each interval, in (0, 1).
        trials: the number of trials that were learned from.
        fit: the share of the variance of values that were held out which the model explains (R², at most 1; 0 or less:
            the model knows nothing, and the scores mean nothing); None for ``ped-anova``, which has no model.
        by: the model, in words.
        remarks: what else matters for reading this.
    """

    objective: str
    method: ImportanceMethod
    variables: tuple[VariableImportance, ...]
    groups: tuple[GroupImportance, ...]
    interactions: tuple[PairImportance, ...]
    level: float
    trials: int
    fit: float | None
    by: str
    remarks: tuple[str, ...]

    def __getitem__(self, name: str) -> VariableImportance:
        """Give the importance of one variable.

        Raises:
            InvalidSetting: there is none of this name.
        """
        for one in self.variables:
            if one.name == name:
                return one
        names = [one.name for one in self.variables]
        raise InvalidSetting(f"there is no importance of {name!r}{did_you_mean(name, names)}")

    @property
    def scores(self) -> dict[str, float]:
        """The scores by name, the most important first."""
        return {one.name: one.score.value for one in self.variables}

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        what = {
            "fanova": "share of the variance by each variable alone",
            "ped-anova": "how far the values of the best trials differ from those of all",
            "permutation": "share of the variance lost when a variable is shuffled",
            "shapley": "share of the variance, interactions divided evenly",
            "local": "share of the change around the best trial",
        }[self.method]
        return f"importance for {self.objective} ({self.method}: {what}; {self.level:.0%} intervals)"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        rows = [(one.name, _described(one)) for one in self.variables]
        rows += [(one.name, f"{one.score} together: {', '.join(one.members)}") for one in self.groups]
        rows += [(" × ".join(one.names), f"{one.score} interaction") for one in self.interactions]
        fit = "" if self.fit is None else f", explains {max(self.fit, 0.0):.0%} of values held out"
        rows.append(("model", f"{self.by}, from {self.trials} trials{fit}"))
        return rows + [("remark", remark) for remark in self.remarks]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form = {
            "objective": self.objective,
            "method": self.method,
            "level": self.level,
            "trials": self.trials,
            "fit": self.fit,
            "model": self.by,
            "variables": [
                {
                    "name": one.name,
                    **one.score._asdict(),
                    "total": one.total._asdict() if one.total else None,
                    "active": one.active,
                    "trials": one.trials,
                }
                for one in self.variables
            ],
            "groups": [{"name": one.name, "members": list(one.members), **one.score._asdict()} for one in self.groups],
            "interactions": [{"names": list(one.names), **one.score._asdict()} for one in self.interactions],
            "remarks": list(self.remarks),
        }
        plain: dict[str, Any] = codec.to_plain(form)
        return plain


def _described(one: VariableImportance) -> str:
    total = f", with interactions {one.total}" if one.total is not None else ""
    active = f", where it is active ({one.active:.0%} of the space)" if one.active < 1.0 else ""
    return f"{one.score}{total}{active}{'' if one.matters else '; may do nothing'}"
