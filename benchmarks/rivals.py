"""Peers that search a space in the benchmark's neutral description: ask() -> dict and tell(config, loss).

The description is that of shared/bench/peers.py (a list of dicts: name, type float | int, lo, hi), flat and without log
scales. Everything of a peer is left at its default unless said here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

Parameters = Sequence[Mapping[str, Any]]


class Uniform:
    """Random search."""

    def __init__(self, parameters: Parameters, seed: int) -> None:
        self.parameters, self.draws = parameters, np.random.default_rng(seed)

    def ask(self) -> dict[str, Any]:
        """Give the next configuration."""
        config: dict[str, Any] = {}
        for p in self.parameters:
            whole = p["type"] == "int"
            config[p["name"]] = (
                int(self.draws.integers(p["lo"], p["hi"] + 1)) if whole else float(self.draws.uniform(p["lo"], p["hi"]))
            )
        return config

    def tell(self, config: Mapping[str, Any], loss: float) -> None:
        """Take the loss, which changes nothing."""


class Optuna:
    """A sampler of Optuna's."""

    def __init__(self, parameters: Parameters, sampler: Any) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.study, self.parameters, self.trial = optuna.create_study(sampler=sampler), parameters, None

    def ask(self) -> dict[str, Any]:
        """Give the next configuration."""
        self.trial = trial = self.study.ask()
        return {
            p["name"]: (trial.suggest_int if p["type"] == "int" else trial.suggest_float)(p["name"], p["lo"], p["hi"])
            for p in self.parameters
        }

    def tell(self, config: Mapping[str, Any], loss: float) -> None:
        """Take the loss of what was asked for last."""
        self.study.tell(self.trial, loss)


class Smac:
    """SMAC's facade for hyperparameters (random forest, log-EI), its initial design a quarter of the budget at most."""

    def __init__(self, parameters: Parameters, seed: int, budget: int) -> None:
        from ConfigSpace import ConfigurationSpace, Float, Integer
        from smac import HyperparameterOptimizationFacade, Scenario

        space = ConfigurationSpace(seed=seed)
        for p in parameters:
            space.add((Integer if p["type"] == "int" else Float)(p["name"], (p["lo"], p["hi"])))
        self.folder = tempfile.TemporaryDirectory()
        scenario = Scenario(space, deterministic=True, n_trials=budget, seed=seed, output_directory=self.folder.name)
        self.facade = HyperparameterOptimizationFacade(
            scenario, lambda config, seed=0: 0.0, overwrite=True, logging_level=False
        )
        self.asked: Any = None

    def ask(self) -> dict[str, Any]:
        """Give the next configuration."""
        self.asked = self.facade.ask()
        return {
            name: value.item() if isinstance(value, np.generic) else value for name, value in self.asked.config.items()
        }

    def tell(self, config: Mapping[str, Any], loss: float) -> None:
        """Take the loss of what was asked for last."""
        from smac.runhistory.dataclasses import TrialValue

        self.facade.tell(self.asked, TrialValue(cost=loss, time=0.0))


class Evolution:
    """CMA-ES of the package `cmaes`, with margin where there are integers.

    It starts in the middle with a step of a fifth of each range, and restarts at a random place with twice the
    population.
    """

    def __init__(self, parameters: Parameters, seed: int) -> None:
        self.parameters, self.seed = parameters, seed
        self.low = np.array([p["lo"] for p in parameters], dtype=float)
        self.width = np.array([p["hi"] - p["lo"] for p in parameters], dtype=float)
        self.whole = np.array([p["type"] == "int" for p in parameters])
        self.draws, self.population = np.random.default_rng(seed), 4 + int(3 * np.log(len(parameters)))
        self.told: list[tuple[Any, float]] = []
        self.point: Any = None
        self._start(np.full(len(parameters), 0.5))

    def _start(self, mean: Any) -> None:
        from cmaes import CMA, CMAwM

        bounds = np.tile([0.0, 1.0], (len(mean), 1))
        settings: dict[str, Any] = {"bounds": bounds, "seed": self.seed, "population_size": self.population}
        if self.whole.any():
            self.search: Any = CMAwM(mean=mean, sigma=0.2, steps=np.where(self.whole, 1 / self.width, 0.0), **settings)
        else:
            self.search = CMA(mean=mean, sigma=0.2, **settings)

    def ask(self) -> dict[str, Any]:
        """Give the next configuration."""
        answer = self.search.ask()
        x, self.point = answer if self.whole.any() else (answer, answer)
        values = self.low + self.width * x
        return {
            p["name"]: round(value) if p["type"] == "int" else float(value)
            for p, value in zip(self.parameters, values, strict=True)
        }

    def tell(self, config: Mapping[str, Any], loss: float) -> None:
        """Take the loss of what was asked for last."""
        self.told.append((self.point, loss))
        if len(self.told) == self.population:
            self.search.tell(self.told)
            self.told = []
            if self.search.should_stop():
                self.population *= 2
                self._start(self.draws.uniform(size=len(self.parameters)))


def rivals() -> dict[str, Callable[[Parameters, int, int], Any]]:
    """Name the peers: each is made with (parameters, seed, budget)."""

    def optuna(name: str, **settings: Any) -> Callable[[Parameters, int, int], Any]:
        def make(parameters: Parameters, seed: int, budget: int) -> Any:
            import optuna

            return Optuna(parameters, getattr(optuna.samplers, name)(seed=seed, **settings))

        return make

    return {
        "random": lambda parameters, seed, budget: Uniform(parameters, seed),
        "cmaes": lambda parameters, seed, budget: Evolution(parameters, seed),
        "optuna-cmaes": optuna("CmaEsSampler", with_margin=True),
        "smac-rf": Smac,
        "optuna-gp": optuna("GPSampler", deterministic_objective=True),
    }


def versions() -> dict[str, str]:
    """Name the versions of what is measured."""
    import platform

    packages = ("numpy", "scipy", "optuna", "torch", "smac", "cmaes", "coco-experiment", "scikit-optimize")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}
