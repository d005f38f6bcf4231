"""The crude Gaussian-process tuner of shared/bench: 150 lines, a yardstick; its folder is HONEST_BENCH's."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.honest.parameters import Config, Parameters, active


class CrudeYardstick:
    """`GPOpt(space, seed, n, warp="mix")`, without pending trials: a batch is asked for one by one with a liar."""

    def __init__(self, parameters: Parameters, seed: int, trials: int) -> None:
        sys.path.append(os.environ.get("HONEST_BENCH", "../shared/bench"))
        from crude import GPOpt

        self.parameters = parameters
        self.optimizer: Any = GPOpt(parameters, seed, trials, warp="mix")
        self.running: list[Config] = []

    def ask(self, count: int) -> list[Config]:
        """Give the next batch; until all are told, each is believed to have the median of what is known."""
        known = sorted(self.optimizer.y)
        self.running = []
        for number in range(count):
            self.running.append(self.optimizer.ask())
            if number < count - 1:
                self.optimizer.tell(self.running[-1], known[len(known) // 2] if known else 0.0)
        for kept in (self.optimizer.X, self.optimizer.y, self.optimizer.C):
            del kept[len(known) :]
        return [active(self.parameters, config) for config in self.running]

    def tell(self, losses: Sequence[float]) -> None:
        """Take the losses of the batch."""
        for config, loss in zip(self.running, losses, strict=True):
            self.optimizer.tell(config, loss)

    def recommend(self) -> dict[str, Config]:
        """Give the tried configuration with the lowest mean by its model."""
        return {"model": active(self.parameters, self.optimizer.recommend())}
