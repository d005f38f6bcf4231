"""Luthier's study with the default method, asked and told; nothing is said about noise or the number of trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import luthier as lt
from benchmarks.adapter import space_of
from benchmarks.honest.parameters import Config, Parameters


class LuthierStudy:
    """One study in memory."""

    def __init__(self, parameters: Parameters, seed: int, trials: int) -> None:
        self.study = lt.Study("honest", space_of(parameters), minimize="loss", seed=seed)
        self.running: list[Any] = []

    def ask(self, count: int) -> list[Config]:
        """Give the next batch."""
        self.running = list(self.study.ask(count))
        return [dict(trial.params) for trial in self.running]

    def tell(self, losses: Sequence[float]) -> None:
        """Take the losses of the batch."""
        for trial, loss in zip(self.running, losses, strict=True):
            self.study.tell(trial, loss)

    def recommend(self) -> dict[str, Config]:
        """Give `Study.expected_best`; nothing where too little is known or all losses are equal."""
        found: dict[str, Config] = {}
        for name in ("model", "anywhere"):
            try:
                best = self.study.expected_best(anywhere=name == "anywhere")
            except lt.errors.NoResult:
                continue
            found[name] = dict(best.prediction.params)
        return found
