"""Luthier in the simulated clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import luthier as lt
from benchmarks.adapter import space_of
from benchmarks.fidelity.clock import Job, Optimizer
from benchmarks.fidelity.curves import Curves


class Luthier:
    """A study that is asked and told; each run of a trial ends at a rung."""

    def __init__(self, task: Curves, seed: int, method: Any, rule: Any) -> None:
        fidelity = lt.Fidelity("units", task.low, task.high)
        space = space_of(task.variables)
        self.study = lt.Study("sim", space, minimize="loss", method=method, seed=seed, fidelity=fidelity, stop=rule)
        self.high = task.high

    def ask(self) -> Job:
        """See `Optimizer.ask`."""
        trial = self.study.ask()
        return Job(trial.number, dict(trial.params), trial.until or self.high, trial)

    def tell(self, job: Job, units: int, loss: float) -> int | None:
        """See `Optimizer.tell`."""
        job.of.report(loss, units)
        if not job.of.should_stop() and units < self.high:
            return self.study.history.trial(job.trial).until or self.high
        self.study.tell(job.of, loss)
        return None


def runners() -> dict[str, Callable[[Curves, int], Optimizer]]:
    """Name what is compared."""

    def ours(method: Any, rule: Any) -> Callable[[Curves, int], Optimizer]:
        return lambda task, seed: Luthier(task, seed, method, rule)

    parzen = lt.Bayes(lt.Parzen(), lt.EI())
    return {
        "Auto, ASHA (the default)": ours(lt.Auto(), lt.ASHA()),
        "Auto, Hyperband": ours(lt.Auto(), lt.Hyperband()),
        "BOHB (Parzen, Hyperband)": ours(parzen, lt.Hyperband()),
        "Parzen, ASHA": ours(parzen, lt.ASHA()),
        "random, ASHA": ours(lt.Random(), lt.ASHA()),
        "random, Hyperband": ours(lt.Random(), lt.Hyperband()),
        "random, one step of 100": ours(lt.Random(), lt.OneStep(keep=3, trials=100)),
        "Auto, in full": ours(lt.Auto(), lt.Threshold(1e30)),
    }
