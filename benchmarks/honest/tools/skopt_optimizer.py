"""scikit-optimize's optimizer with its Gaussian process, over the flat space: it knows no conditions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from skopt import Optimizer
from skopt.space import Categorical, Integer, Real
from skopt.utils import expected_minimum, expected_minimum_random_sampling

from benchmarks.honest.parameters import Config, Parameter, Parameters, active


class SkoptOptimizer:
    """The ask-and-tell interface at its defaults, in batches by a constant liar; it recommends its model's minimum."""

    def __init__(self, parameters: Parameters, seed: int) -> None:
        self.parameters, self.seed = parameters, seed
        self.optimizer = Optimizer([_dimension(one) for one in parameters], random_state=seed)
        self.running: list[Any] = []
        self.last: Any = None

    def ask(self, count: int) -> list[Config]:
        """Give the next batch."""
        self.running = self.optimizer.ask(count) if count > 1 else [self.optimizer.ask()]
        return [self._config(values) for values in self.running]

    def _config(self, values: Sequence[Any]) -> Config:
        plain = [value.item() if isinstance(value, np.generic) else value for value in values]
        return active(self.parameters, dict(zip((one["name"] for one in self.parameters), plain, strict=True)))

    def tell(self, losses: Sequence[float]) -> None:
        """Take the losses of the batch."""
        self.last = self.optimizer.tell(self.running, list(losses))

    def recommend(self) -> dict[str, Config]:
        """Give the minimum of the last model's mean, anywhere; by sampling where there are choices."""
        if not self.last.models:
            return {}
        if any(one["type"] == "cat" for one in self.parameters):
            point, _ = expected_minimum_random_sampling(self.last, random_state=self.seed)
        else:
            point, _ = expected_minimum(self.last, random_state=self.seed)
        return {
            "anywhere": self._config(self.optimizer.space.inverse_transform(self.optimizer.space.transform([point]))[0])
        }


def _dimension(parameter: Parameter) -> Any:
    if parameter["type"] == "cat":
        return Categorical(parameter["choices"], name=parameter["name"])
    kind = Integer if parameter["type"] == "int" else Real
    prior = "log-uniform" if parameter["log"] else "uniform"
    return kind(parameter["lo"], parameter["hi"], prior=prior, name=parameter["name"])
