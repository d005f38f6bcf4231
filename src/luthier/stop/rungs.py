"""Rungs of a fidelity, and what trials of a study have reached of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.numeric import front_order
from luthier.problem import Fidelity, Problem
from luthier.stop.rule import Decision, Promotion
from luthier.trial import Ruling, State, Trial


def fidelity_of(problem: Problem, name: str) -> Fidelity:
    """Give the fidelity of a problem; raises InvalidSetting where it has none, for the scheduler of that name."""
    if problem.fidelity is None:
        raise InvalidSetting(
            f"{name} gives trials a part of the fidelity first, and this study has none: "
            "declare it with fidelity=lt.Fidelity('epochs', 1, 81)"
        )
    return problem.fidelity


def most_halvings(fidelity: Fidelity, eta: int) -> int:
    """Give the number s_max of times that the highest fidelity can be divided by η without falling below the lowest."""
    count = 0
    while fidelity.low * eta ** (count + 1) <= fidelity.high:
        count += 1
    return count


def levels(fidelity: Fidelity, eta: int, halvings: int) -> tuple[int, ...]:
    """Give the units at each rung, ascending: r_i = R η^(i - s) for i = 0 … s, rounded."""
    return tuple(round(fidelity.high / eta ** (halvings - rung)) for rung in range(halvings + 1))


def levels_from_lowest(fidelity: Fidelity, eta: int) -> tuple[int, ...]:
    """Give the units at each rung, ascending: r η^i from the lowest fidelity r on, and the full one R at last.

    Those above R / √η are left out, so that the last step is not much smaller than the others.
    """
    rising = (fidelity.low * eta**rung for rung in range(fidelity.high))
    return (*takewhile(lambda units: units**2 * eta <= fidelity.high**2, rising), fidelity.high)


def members(history: History) -> list[Trial]:
    """Give the trials of the study in order; their place in the list is that of `Scheduler.first`."""
    return [trial for trial in history.trials if trial.origin != "imported"]


def has_reached(trial: Trial, level: int) -> bool:
    """Tell whether a trial has reported at a rung or above, or is over."""
    until = trial.until
    if trial.outcome is not None or (until is not None and until > level):  # it was promoted from there
        return True
    return has_reported(trial, level)


def may_go_on(history: History, trial: Trial) -> bool:
    """Tell whether a trial can spend more: it is not over, nor ended by a rule, nor outside the present space."""
    over = trial.outcome is not None or trial.ruling in (Ruling.STOP, Ruling.FINISH)
    return not over and history.is_held(trial.number)


def has_reported(trial: Trial, level: int) -> bool:
    """Tell whether a trial has reported at a rung or above, be it a number that is not finite."""
    return any(report.step >= level for report in reversed(trial.reports))


class RungLosses:
    """The losses of the trials of a history at rungs, each looked up once.

    Args:
        history: everything that is known.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self._known: dict[int, dict[int, list[float]]] = {}

    def best_first(self, trials: Sequence[Trial], level: int) -> list[Trial]:
        """Order the trials that have a loss at a rung by it; of equals the one with the lowest number comes first.

        Of several objectives the front comes first, and then the front of the others, and so on; within a front the
        next one is always that which adds most to the hypervolume of those before it (`luthier.numeric.front_order`).
        Trials that reported the first objective alone come last, by that one.

        Cost O(reports) for the first call of a level, small, and for t trials O(t log t), of m > 1 objectives O(m t²).

        Source: Schmucker, Donini, Zafar, Salinas and Archambeau (2021), Multi-objective asynchronous successive
        halving: fronts at rungs. Theirs orders a front by distances (ε-net) in place of volumes.
        """
        known = self._known.get(level)
        if known is None:
            numbers, losses = self.history.rung_losses(level)
            known = self._known[level] = dict(zip(numbers.tolist(), losses.tolist(), strict=True))
        ranked = sorted(
            (one for one in trials if one.number in known), key=lambda one: (known[one.number][0], one.number)
        )
        several = bool(ranked) and len(known[ranked[0].number]) > 1
        return _fronts_first(ranked, known) if several else ranked

    def diverged(self, trials: Sequence[Trial], level: int) -> int:
        """Count the trials that reported no finite loss at a rung."""
        known = self._known.get(level, {})
        return sum(trial.number not in known and has_reported(trial, level) for trial in trials)


def _fronts_first(ranked: Sequence[Trial], known: Mapping[int, Sequence[float]]) -> list[Trial]:
    """Order trials by their losses in several objectives, given their order by the first one."""
    partial = [trial for trial in ranked if math.isnan(known[trial.number][-1])]
    whole = sorted((one for one in ranked if not math.isnan(known[one.number][-1])), key=lambda one: one.number)
    if not whole:
        return partial
    losses = np.array([known[trial.number] for trial in whole])
    return [*(whole[row] for row in front_order(losses).tolist()), *partial]


@dataclass(frozen=True, slots=True)
class Bracket:
    """Trials that begin together, of which ever fewer get ever more.

    Args:
        levels: the units at each rung, ascending.
        sizes: the number of trials that reach each rung; as many as `levels`.
    """

    levels: tuple[int, ...]
    sizes: tuple[int, ...]

    def cut(self, size: int) -> Bracket:
        """Give the bracket with at most this many trials at its first rung, and the same shares at the others."""
        if size >= self.sizes[0]:
            return self
        share = size / self.sizes[0]
        return Bracket(self.levels, tuple(max(1, int(count * share + 1e-9)) for count in self.sizes))

    def promotions(self, rungs: RungLosses, trials: Sequence[Trial]) -> Iterator[Promotion]:
        """Give the trials that are to go on from the rungs that all of their trials have reached.

        Args:
            rungs: everything that is known.
            trials: of the bracket, as far as they have begun.

        Cost O(trials).
        """
        rung = list(trials)
        expected = self.sizes[0]
        for place in range(len(self.levels) - 1):
            level = self.levels[place]
            if len(rung) < expected or not all(has_reached(trial, level) for trial in rung):
                return
            rung = rungs.best_first(rung, level)[: self.sizes[place + 1]]
            expected = len(rung)
            for trial in rung:
                if trial.until is not None and trial.until <= level and may_go_on(rungs.history, trial):
                    yield Promotion(trial.number, self.levels[place + 1])


def at_rung(problem: Problem, history: History, number: int) -> bool:
    """Tell whether the latest report of a trial is one at which a scheduler decides: it has spent what it was given."""
    trial, fidelity = history.trial(number), problem.fidelity
    if trial.until is None or fidelity is None or trial.until >= fidelity.high:
        return False
    return trial.reports[-1].step >= trial.until


def decide_at_rung(history: History, number: int, promotions: Iterator[Promotion], name: str) -> Decision:
    """Decide of a trial that is at its rung: it is paused, unless it is among those that are promoted."""
    for promotion in promotions:
        if promotion.number == number:
            return Decision(Ruling.PROMOTE, name, promotion.until)
        if history.trial(promotion.number).state is State.PAUSED:
            break  # it waits for longer
    return Decision(Ruling.PAUSE, name)


def first_paused(history: History, promotions: Iterator[Promotion]) -> Promotion | None:
    """Give the first promotion of a trial that nobody runs."""
    return next((one for one in promotions if history.trial(one.number).state is State.PAUSED), None)
