"""Optuna's samplers at their defaults; where noise is possible and batches are asked for, as its manual says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import optuna

from benchmarks.honest.parameters import Config, Parameters


class OptunaStudy:
    """TPE (with a constant liar, for batches) or the Gaussian process; it recommends the incumbent."""

    def __init__(self, parameters: Parameters, seed: int, sampler: str) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        samplers = optuna.samplers
        made: Any = (
            samplers.GPSampler(seed=seed, deterministic_objective=False)
            if sampler == "gp"
            else samplers.TPESampler(seed=seed, constant_liar=True)
        )
        self.study, self.parameters = optuna.create_study(sampler=made), parameters
        self.running: list[Any] = []

    def ask(self, count: int) -> list[Config]:
        """Give the next batch."""
        self.running = [self.study.ask() for _ in range(count)]
        return [self._suggest(trial) for trial in self.running]

    def _suggest(self, trial: Any) -> Config:
        config: Config = {}
        for one in self.parameters:
            name, given = one["name"], one.get("if")
            if given is not None and config.get(given[0]) not in given[1]:
                continue
            if one["type"] == "cat":
                config[name] = trial.suggest_categorical(name, one["choices"])
            else:
                suggest = trial.suggest_int if one["type"] == "int" else trial.suggest_float
                config[name] = suggest(name, one["lo"], one["hi"], log=one["log"])
        return config

    def tell(self, losses: Sequence[float]) -> None:
        """Take the losses of the batch."""
        for trial, loss in zip(self.running, losses, strict=True):
            self.study.tell(trial, loss)

    def recommend(self) -> dict[str, Config]:
        """Give nothing but the incumbent, as `Study.best_params` does."""
        return {}
