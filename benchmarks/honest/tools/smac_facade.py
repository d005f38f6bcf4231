"""SMAC's facade for hyperparameters (random forest, log EI)."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from ConfigSpace import Categorical, ConfigurationSpace, Float, InCondition, Integer
from smac import HyperparameterOptimizationFacade, Scenario
from smac.runhistory.dataclasses import TrialValue

from benchmarks.honest.parameters import Config, Parameters


class SmacFacade:
    """One evaluation a configuration (`deterministic=True`), since the tools are told nothing about noise."""

    def __init__(self, parameters: Parameters, seed: int, trials: int) -> None:
        logging.disable(logging.CRITICAL)
        self.folder = tempfile.TemporaryDirectory()
        scenario = Scenario(
            _space(parameters, seed), deterministic=True, n_trials=trials, seed=seed, output_directory=self.folder.name
        )
        self.facade = HyperparameterOptimizationFacade(
            scenario, lambda config, seed=0: 0.0, overwrite=True, logging_level=False
        )
        self.running: list[Any] = []

    def ask(self, count: int) -> list[Config]:
        """Give the next batch."""
        self.running = [self.facade.ask() for _ in range(count)]
        return [
            {
                name: value.item() if isinstance(value, np.generic) else value
                for name, value in dict(info.config).items()
            }
            for info in self.running
        ]

    def tell(self, losses: Sequence[float]) -> None:
        """Take the losses of the batch."""
        for info, loss in zip(self.running, losses, strict=True):
            self.facade.tell(info, TrialValue(cost=float(loss), time=0.0))

    def recommend(self) -> dict[str, Config]:
        """Give nothing but the incumbent, which is the intensifier's."""
        return {}


def _space(parameters: Parameters, seed: int) -> ConfigurationSpace:
    space = ConfigurationSpace(seed=seed)
    for one in parameters:
        if one["type"] == "cat":
            space.add(Categorical(one["name"], one["choices"]))
        else:
            space.add((Integer if one["type"] == "int" else Float)(one["name"], (one["lo"], one["hi"]), log=one["log"]))
    for one in parameters:
        if one.get("if"):
            space.add(InCondition(space[one["name"]], space[one["if"][0]], list(one["if"][1])))
    return space
