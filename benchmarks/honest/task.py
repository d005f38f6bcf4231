"""A task: what a tool is told about a configuration, and what is true of it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from benchmarks.honest.parameters import Config, Parameters

REPEATS = 16  # trainings whose average is the true loss of a configuration where a training is not seeded


@dataclass
class Task:
    """One objective to minimise.

    Args:
        name: unique.
        parameters: the space.
        measure: gives what the tool is told, from a configuration and the seed of its noise.
        exact: the loss without noise; None where only an average of `REPEATS` measurements can be had.
        noisy: whether the seed makes a difference.
        batch: how many configurations are asked for at once.
        best: the lowest true loss, where it is known.
    """

    name: str
    parameters: Parameters
    measure: Callable[[Config, int], float]
    exact: Callable[[Config], float] | None = None
    noisy: bool = False
    batch: int = 1
    best: float | None = None
    _known: dict[str, float] = field(default_factory=dict)

    def told(self, config: Config, seed: int, number: int) -> float:
        """Measure a configuration as trial `number` of the run with `seed`: the same for every tool."""
        return self.measure(config, zlib.crc32(f"{self.name}/{seed}/{number}".encode()))

    def true(self, config: Config) -> float:
        """Give the loss without noise, or the average of `REPEATS` measurements whose seeds no run has."""
        key = json.dumps(config, sort_keys=True)
        if key not in self._known:
            self._known[key] = self._truth(config)
        return self._known[key]

    def _truth(self, config: Config) -> float:
        if self.exact is not None:
            return float(self.exact(config))
        seeds = [zlib.crc32(f"truth/{number}".encode()) for number in range(REPEATS if self.noisy else 1)]
        return float(np.mean([self.measure(config, seed) for seed in seeds]))
