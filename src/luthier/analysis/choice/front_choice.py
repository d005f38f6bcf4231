"""Choice of one trial of a front by its knee, by weights, by prices, or by an order of the objectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier._hints import did_you_mean
from luthier._typing import Floats, Integers
from luthier.analysis.choice.front_members import FrontMembers, plain_without_params
from luthier.analysis.descriptive.trial_table import counted
from luthier.errors import InvalidSetting, NoResult
from luthier.numeric import augmented_chebyshev
from luthier.problem import Objective
from luthier.render import ResultForm, number
from luthier.scalar import short, to_dict, to_float

_RULES = {
    "knee": "scaled objectives, summed",
    "weights": "weighted scaled objectives",
    "prices": "cost at the prices",
    "order": "",
}


@dataclass(frozen=True, slots=True)
class OrderStep:
    """What one objective left of the front, in a lexicographic order.

    Args:
        objective: its name.
        best: its best value among the trials that were left.
        limit: the worst value that was still as good, by its tolerance.
        kept: how many trials were left after it.
    """

    objective: str
    best: float
    limit: float
    kept: int

    def __str__(self) -> str:
        return f"{counted(self.kept, 'trial')} from {number(self.best)} to {number(self.limit)}"


@dataclass(frozen=True, slots=True, eq=False)
class FrontChoice(ResultForm):
    """One trial of a front, and why it is the one (n trials on the front).

    Args:
        rule: by which it was chosen: ``knee``, ``weights``, ``prices`` or ``order``.
        number: of the trial.
        params: its configuration, as the user writes it.
        config: the same in plain form.
        values: its values by name, in the user's units.
        settings: what the rule was given: weights, prices or tolerances by the names of the objectives.
        numbers: (n,) of the trials of the front, the best by the rule first.
        scores: (n,) what the rule makes of them, less is better; of ``order``, the place in that order.
        steps: of ``order``, what each objective left.
    """

    rule: str
    number: int
    params: dict[str, Any]
    config: dict[str, Any]
    values: dict[str, float]
    settings: dict[str, float]
    numbers: Integers
    scores: Floats
    steps: tuple[OrderStep, ...] = ()

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        shown = ", ".join(f"{name} = {number(value)}" for name, value in self.values.items())
        return f"trial {self.number} of a front of {counted(len(self.numbers), 'trial')}, by its {self.rule}: {shown}"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        found = [(name, repr(value)) for name, value in self.config.items()]
        found += [(step.objective, str(step)) for step in self.steps]
        if self.rule != "order":
            given = ", ".join(f"{name}: {number(value)}" for name, value in self.settings.items())
            found.append((_RULES[self.rule] + (f" ({given})" if given else ""), number(float(self.scores[0]))))
            if len(self.numbers) > 1:
                found.append((f"next, trial {self.numbers[1]}", number(float(self.scores[1]))))
        return found

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        return plain_without_params(self)


def knee(members: FrontMembers) -> FrontChoice:
    """Choose the knee: from there, to gain a little in one objective costs most in the others.

    Losses are scaled from 0, the best of the front, to 1, its worst. The knee is the trial whose sum of scaled losses
    is least, which is the one farthest below the plane on which that sum is the same everywhere; of two objectives this
    is the line between the two ends of the front.

    Raises:
        NoResult: no trial lies below the ends of the front (the trials that are the best in one objective): there are
            too few, or the front bulges the other way.

    Source: Das (1999), On characterizing the "knee" of the Pareto curve based on normal-boundary intersection, for two
    objectives; for more the plane is that of equal sums, and not the one through the ends.
    """
    sums = members.scaled.sum(axis=1)
    best = int(np.argmin(sums))
    if not sums[best] < sums[members.ends].min() - 1e-12:
        raise NoResult(
            f"the front of {counted(len(members), 'trial')} has no knee: none lies below the line between its ends. "
            "Use study.choose(weights=…), or order=… or prices=…; on the command line, --weights, --order or --prices"
        )
    return _choice(members, "knee", sums, {})


def choose_by_weights(members: FrontMembers, weights: Mapping[str, float]) -> FrontChoice:
    """Choose by how important the objectives are: the least augmented Chebyshev norm of the scaled losses.

    Unlike a weighted sum, this can choose any trial of the front, whatever its shape.

    Args:
        members: the front.
        weights: of objectives, by name, at least 0 and not all 0; those that are missing weigh nothing.

    Raises:
        InvalidSetting: a weight is negative or not finite, all are 0, or a name is that of no objective.

    Source: Steuer and Choo (1983), An interactive weighted Tchebycheff procedure for multiple objective programming.
    """
    given = _numbers(members.objectives, weights, "weights")
    total = sum(given.values())
    if not 0.0 < total < float("inf"):
        raise InvalidSetting(f"weights={short(weights)}: give at least one objective a weight above 0")
    shares = np.array([given.get(goal.name, 0.0) / total for goal in members.objectives])
    return _choice(members, "weights", augmented_chebyshev(members.scaled.T, shares), given)


def choose_by_prices(members: FrontMembers, prices: Mapping[str, float]) -> FrontChoice:
    """Choose by what a unit of each objective is worth: the least total cost, in the objectives' own units.

    Args:
        members: the front.
        prices: by name, at least 0 and not all 0: of a unit more of what is minimised, and of a unit less of what is
            maximised. Objectives that are missing cost nothing.

    Raises:
        InvalidSetting: a price is negative or not finite, or a name is that of no objective.
    """
    given = _numbers(members.objectives, prices, "prices")
    if not any(given.values()):
        raise InvalidSetting(f"prices={short(prices)}: give at least one objective a price above 0")
    each = np.array([given.get(goal.name, 0.0) for goal in members.objectives])
    return _choice(members, "prices", members.losses @ each, given)


def choose_by_order(
    members: FrontMembers, order: Sequence[str], tolerances: Mapping[str, float] | None = None
) -> FrontChoice:
    """Choose by the most important objective; among the trials that are as good in it, by the next one, and so on.

    Args:
        members: the front.
        order: names of objectives, the most important one first; each at most once.
        tolerances: by name, at least 0, in the objective's units: values that are worse by no more than this than the
            best one that is left count as good as it.

    Raises:
        InvalidSetting: the order is empty, or a tolerance is negative or not finite.

    Source: Zhang, Jia, Wang and Wu (2023), Targeted hyperparameter optimization with lexicographic preferences over
    multiple objectives, ICLR, definition 1.
    """
    names = [goal.name for goal in members.objectives]
    if isinstance(order, str) or not isinstance(order, Sequence) or not order:
        raise InvalidSetting(f"order={short(order)}: give a list of objectives, the most important one first")
    for name in order:
        _check_name(name, names, "order")
    if len(set(order)) < len(order):
        raise InvalidSetting(
            f"order={short(order)}: give a list of objectives, each once, the most important one first"
        )
    given = _numbers(members.objectives, {} if tolerances is None else tolerances, "tolerances")
    left, steps = np.arange(len(members)), []
    for name in order:
        place = names.index(name)
        losses = members.losses[left, place]
        limit = float(losses.min()) + given.get(name, 0.0)
        left = left[losses <= limit]
        goal = members.objectives[place]
        steps.append(OrderStep(name, goal.value(float(losses.min())), goal.value(limit), len(left)))
    columns = [members.losses[:, names.index(name)] for name in order]
    inside = np.isin(np.arange(len(members)), left)
    ranked = np.lexsort((*reversed(columns), ~inside))  # of what is left, the best without tolerances
    places = np.empty(len(members))
    places[ranked] = np.arange(len(members))
    return _choice(members, "order", places, given, tuple(steps))


def _choice(
    members: FrontMembers, rule: str, scores: Floats, settings: dict[str, float], steps: tuple[OrderStep, ...] = ()
) -> FrontChoice:
    ranked = np.lexsort((members.numbers, scores))
    best = int(ranked[0])
    return FrontChoice(
        rule,
        int(members.numbers[best]),
        members.params(best),
        dict(members.configs[best]),
        members.values(best),
        settings,
        members.numbers[ranked],
        scores[ranked],
        steps,
    )


def _numbers(goals: Sequence[Objective], given: object, what: str) -> dict[str, float]:
    """Read numbers by the names of objectives, at least 0 and finite."""
    by_name = f"{what}: give numbers by the names of objectives, as in {{'loss': 0.5}}"
    names = [goal.name for goal in goals]
    found = {}
    for name, value in to_dict(given, by_name, InvalidSetting).items():
        _check_name(name, names, what)
        read = to_float(value)
        if read is None or not 0.0 <= read < float("inf"):
            raise InvalidSetting(f"{what}={{{name!r}: {short(value)}}}: give a finite number, 0 or more")
        found[str.__str__(name)] = read
    return found


def _check_name(name: object, names: Sequence[str], what: str) -> None:
    text = str.__str__(name) if isinstance(name, str) else ""
    if text not in names:
        hint = did_you_mean(text, names)
        raise InvalidSetting(f"{what}: there is no objective {short(name)}{hint}; there are {', '.join(names)}")
