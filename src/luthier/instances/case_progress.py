"""The place of a trial in the order of the cases."""

from __future__ import annotations

from dataclasses import dataclass

from luthier.instances.instances import Instances


@dataclass(frozen=True, slots=True)
class CaseProgress:
    """Where a trial stands in the order of the cases when one of its attempts begins.

    Args:
        values: of the cases that it has, as they count.
        bounds: the sums of run times at which it has lost to the best trial, for each number of cases; empty where
            there is nothing to lose.
    """

    values: tuple[float, ...] = ()
    bounds: tuple[float, ...] = ()

    def cap_s(self, instances: Instances, step: int, spent: float) -> float | None:
        """Give the seconds that the evaluation of a case may take.

        Args:
            instances: of the study.
            step: of the case.
            spent: the sum over the cases before it.
        """
        if instances.cutoff_s is None:
            return None
        if step > len(self.bounds):
            return instances.cutoff_s
        return min(instances.cutoff_s, max(self.bounds[step - 1] - spent, 0.0))
