"""The evaluation of a configuration on one case after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from luthier.errors import InvalidResult
from luthier.executor.running_trial import ObjectiveFunction, RunningTrial, plain
from luthier.instances import Case, CaseProgress, Instances
from luthier.scalar import short, to_float


@dataclass(frozen=True)
class CaseLoop:
    """An objective function of a trial, made of one of a single evaluation. It may be pickled if that may.

    Each value is a report, at which the study's rule says whether the trial goes on. A trial that is run again goes on
    with the first case that it has not reported.

    Args:
        objective: is called for each case (`RunningTrial.instance`, `RunningTrial.seed`).
        name: of what it returns.
        instances: of the study.
        cases: all of them, in order.
    """

    objective: ObjectiveFunction
    name: str
    instances: Instances
    cases: tuple[Case, ...]

    def __call__(self, trial: RunningTrial) -> float:
        """Evaluate the cases until the trial has had what it may, or is told to stop; give the mean of its values."""
        progress = CaseProgress(tuple(trial.context["values"]), tuple(trial.context["bounds"]))
        values, until, begun = list(progress.values), trial.until or len(self.cases), len(progress.values)
        for case in self.cases[begun:]:
            # What it was given is a limit, unless the answer to a report says that there is more.
            if (len(values) >= until and len(values) == begun) or trial.should_stop():
                break
            cap_s = progress.cap_s(self.instances, case.step, sum(values))
            with trial.evaluating(replace(case, cap_s=cap_s)):
                value = self._value(self.objective(trial))
            values.append(self.instances.counted(value))
            trial.report(values[-1], step=case.step)
        if not values:
            raise InvalidResult(f"trial {trial.number} was told to stop before its first case")
        return sum(values) / len(values)

    def _value(self, returned: object) -> float:
        found = plain(returned)
        if isinstance(found, Mapping) and list(found) == [self.name]:
            found = found[self.name]
        number = to_float(found)
        if number is None:
            raise InvalidResult(
                f"the objective returned {short(returned)}; in a study with instances it returns one number, "
                f"{self.name!r} of this configuration on trial.instance"
            )
        return number
