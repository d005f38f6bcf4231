"""HEBO at its defaults, over the flat space: it knows no conditions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from hebo.design_space.design_space import DesignSpace
from hebo.optimizers.hebo import HEBO

from benchmarks.honest.parameters import Config, Parameter, Parameters, active


class HeboOptimizer:
    """Its batches are its own; it recommends the incumbent (`best_x`)."""

    def __init__(self, parameters: Parameters, seed: int) -> None:
        np.random.seed(seed)
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        self.parameters = parameters
        self.optimizer = HEBO(DesignSpace().parse([_entry(one) for one in parameters]), scramble_seed=seed)
        self.running: Any = None

    def ask(self, count: int) -> list[Config]:
        """Give the next batch."""
        self.running = self.optimizer.suggest(n_suggestions=count)
        rows = self.running.to_dict("records")
        return [
            active(self.parameters, {name: v.item() if isinstance(v, np.generic) else v for name, v in row.items()})
            for row in rows
        ]

    def tell(self, losses: Sequence[float]) -> None:
        """Take the losses of the batch."""
        self.optimizer.observe(self.running, np.array(losses, dtype=float).reshape(-1, 1))

    def recommend(self) -> dict[str, Config]:
        """Give nothing but the incumbent."""
        return {}


def _entry(parameter: Parameter) -> dict[str, Any]:
    if parameter["type"] == "cat":
        return {"name": parameter["name"], "type": "cat", "categories": list(parameter["choices"])}
    kinds = {("int", False): "int", ("int", True): "pow_int", ("float", False): "num", ("float", True): "pow"}
    kind = kinds[parameter["type"], parameter["log"]]
    return {"name": parameter["name"], "type": kind, "lb": parameter["lo"], "ub": parameter["hi"], "base": 10}
