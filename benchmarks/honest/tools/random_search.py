"""Random search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.honest.parameters import Config, Parameters, draw


class RandomSearch:
    """Draw every configuration uniformly, on the parameters' scales."""

    def __init__(self, parameters: Parameters, seed: int) -> None:
        self.parameters, self.random = parameters, np.random.default_rng(seed)

    def ask(self, count: int) -> list[Config]:
        """Give the next batch."""
        return [draw(self.parameters, self.random) for _ in range(count)]

    def tell(self, losses: Sequence[float]) -> None:
        """Take the losses, which change nothing."""

    def recommend(self) -> dict[str, Config]:
        """Give nothing but the incumbent."""
        return {}
