"""The race of trials over instances, kept up to date while the log is folded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from luthier.history.incumbent import is_feasible
from luthier.problem import Objective
from luthier.trial import Outcome, Trial


class InstanceRace:
    """Follow the incumbent of a study with instances: it is replaced only by a trial that has all of its cases, too.

    All trials have cases in the same order, so that the losses of two of them are paired. The incumbent is the first
    trial with a loss, until another one has at least as many cases and a lower mean on those of the incumbent: an elite
    is never dropped without having been beaten on its whole set (López-Ibáñez et al. 2016, The irace package, elitist
    racing; Hutter, Hoos and Leyton-Brown 2011, SMAC, procedure 2). It has the interface of `Incumbent`.

    Args:
        objective: what is measured.
    """

    __slots__ = ("_objective", "_out", "_sums", "evaluations", "number", "reigns", "since")

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._sums: dict[int, list[float]] = {}  # of the losses of the first 1, 2, … cases of each trial
        self._out: set[int] = set()  # trials that cannot be the incumbent: they crashed, or count for nothing
        self.number: int | None = None
        self.since = 0
        self.evaluations = 0
        """How many cases all trials had."""
        self.reigns: list[tuple[int, int]] = []
        """The incumbents one after the other, each with the latest trial that had had a case when it took over."""

    def report(self, number: int, step: int, value: float) -> float:
        """Take in the value of a trial's next case; gives the mean of its values so far. Cost O(trials), small."""
        sums = self._sums.setdefault(number, [])
        if step != len(sums) + 1:
            raise ValueError(f"trial {number} reports case {step} after {len(sums)}")
        loss = self._objective.loss(value)
        loss = loss if math.isfinite(loss) else math.inf
        sums.append((sums[-1] if sums else 0.0) + loss)
        self.evaluations += 1
        if number not in self._out:
            if self.number is None or (number == self.number and sums[-1] == math.inf):
                self._choose()
            elif number == self.number:
                for other in self._sums:
                    self._challenge(other)
            else:
                self._challenge(number)
        return self._objective.value(sums[-1] / len(sums))

    def sums(self, number: int) -> Sequence[float]:
        """Give the sums of the losses of the first 1, 2, … cases of a trial."""
        return self._sums.get(number, ())

    def end(self, number: int, outcome: Outcome, counts: bool = True) -> None:
        """Take in the outcome of a trial: what crashed, or breaks a constraint, is no incumbent."""
        if self.number is not None and counts:
            self.since += 1
        if not _may_lead(outcome):
            self.drop(number)

    def drop(self, number: int) -> None:
        """Take a trial out of the race. Cost O(trials) where it is the incumbent."""
        self._out.add(number)
        if self.number == number:
            self._choose()

    def begin_again(self, number: int) -> None:
        """Have a trial that was dropped race again, without the cases that it had."""
        self._sums.pop(number, None)
        self._out.discard(number)

    def restart(self, trials: Iterable[Trial]) -> None:
        """Race these trials only; none of them counts as a trial without improvement."""
        kept = {trial.number for trial in trials if trial.outcome is None or _may_lead(trial.outcome)}
        self._out = set(self._sums) - kept
        self._choose()
        self.since = 0

    def copy(self) -> InstanceRace:
        """Give an independent copy. Cost O(evaluations)."""
        twin = InstanceRace(self._objective)
        twin._sums = {number: sums.copy() for number, sums in self._sums.items()}
        twin._out, twin.number, twin.since = self._out.copy(), self.number, self.since
        twin.evaluations, twin.reigns = self.evaluations, self.reigns.copy()
        return twin

    def _challenge(self, number: int) -> None:
        """Have a trial replace the incumbent where it has all of that one's cases and a lower mean on them."""
        assert self.number is not None
        ours, theirs = self._sums[self.number], self._sums[number]
        count = len(ours)
        if number not in self._out and len(theirs) >= count and theirs[count - 1] < ours[-1]:
            self._crown(number)
            self.since = 0

    def _crown(self, number: int | None) -> None:
        self.number = number
        if number is not None:
            self.reigns.append((max(self._sums), number))

    def _choose(self) -> None:
        """Find an incumbent anew: of the trials with the most cases the one with the lowest mean, then the earliest.

        A trial with a case that is not finite does not count.
        """
        racing = ((number, sums) for number, sums in self._sums.items() if number not in self._out)
        left = [(-len(sums), sums[-1], number) for number, sums in racing if sums[-1] < math.inf]
        self._crown(min(left)[2] if left else None)


def _may_lead(outcome: Outcome) -> bool:
    return not outcome.reason.is_crash and is_feasible(outcome)
