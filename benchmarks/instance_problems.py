"""Problems of algorithm configuration, without Luthier: a synthetic one of run times, and SVMs on small data sets."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

FLOATS = {"a": (0.0, 1.0), "b": (0.0, 1.0), "c": (0.0, 1.0), "d": (0.0, 1.0), "e": (0.0, 1.0), "f": (0.0, 1.0)}


@dataclass
class RunTimes:
    """Seconds that a made-up solver takes: instances are hard or easy, and of two kinds that want other settings.

    The logarithm of the time is the difficulty of the instance, plus a quadratic bowl of the parameters whose middle
    depends on the kind, plus noise of the seed. The cutoff is 100 s, and what reaches it counts as 1000 (PAR10).
    """

    title: str = "run times, 100 instances of two kinds, cutoff 100 s, PAR10"
    seeds: int = 1
    cutoff_s: float | None = 100.0
    names: list[str] = field(default_factory=lambda: [f"i{place}" for place in range(100)])

    def __post_init__(self) -> None:
        draw = np.random.default_rng(7)
        self.kind = draw.random(100)
        self.difficulty = draw.normal(0.0, 1.2, 100)
        self.middle = {0: draw.uniform(0.2, 0.8, 6), 1: draw.uniform(0.2, 0.8, 6)}
        self.weight = np.array([12.0, 8.0, 5.0, 2.0, 0.5, 0.0])
        self.features = {
            name: [float(self.kind[place]), float(self.difficulty[place] + draw.normal(0.0, 0.5))]
            for place, name in enumerate(self.names)
        }

    floats = FLOATS
    logs: tuple[str, ...] = ()
    choices: dict[str, list[str]] = field(default_factory=dict)

    def value(self, params: dict[str, Any], instance: str, seed: int, cap_s: float | None = None) -> float:
        """Give the seconds of one run, up to its cap."""
        noise = np.random.default_rng([seed, *(int(1e6 * params[name]) for name in FLOATS)]).normal(0.0, 0.4)
        seconds = math.exp(self._log_s(params, int(instance[1:])) + noise)
        return min(seconds, self.cutoff_s or math.inf, math.inf if cap_s is None else cap_s)

    def _log_s(self, params: dict[str, Any], place: int) -> float:
        x = np.array([params[name] for name in FLOATS])
        kind = self.kind[place]
        middle = (1.0 - kind) * self.middle[0] + kind * self.middle[1]
        return float(1.0 + self.difficulty[place] + self.weight @ np.square(x - middle))

    def truth(self, params: dict[str, Any]) -> float:
        """Give the mean over all instances and 20 seeds."""
        found = []
        for name in self.names:
            for seed in range(1000, 1020):
                seconds = self.value(params, name, seed)
                found.append(1000.0 if seconds >= 100.0 else seconds)
        return float(np.mean(found))


@dataclass
class SmallSets:
    """The error of an SVM with 50 rows of a small data set; an instance is a data set, the seed draws the rows."""

    title: str = "error of an SVM on 22 small data sets, 3 draws of 50 rows of each"
    seeds: int = 3
    cutoff_s: float | None = None
    logs: tuple[str, ...] = ("C", "gamma")

    def __post_init__(self) -> None:
        self.floats = {"C": (1e-3, 1e3), "gamma": (1e-5, 1e1), "coef0": (0.0, 2.0)}
        self.choices = {"kernel": ["rbf", "poly", "sigmoid"], "scaling": ["none", "standard", "rows"]}
        from sklearn import datasets

        self.sets: dict[str, tuple[Any, Any]] = {
            "wine": datasets.load_wine(return_X_y=True),
            "iris": datasets.load_iris(return_X_y=True),
            "cancer": datasets.load_breast_cancer(return_X_y=True),
        }
        digits = datasets.load_digits()
        draw = np.random.default_rng(0)
        pairs = [(low, high) for low in range(10) for high in range(low + 1, 10)]
        for low, high in [pairs[place] for place in draw.permutation(len(pairs))[:19]]:
            kept = np.isin(digits.target, (low, high))
            noise = draw.normal(0.0, draw.uniform(0.0, 8.0), digits.data[kept].shape)
            self.sets[f"digits {low} {high}"] = (digits.data[kept] + noise, digits.target[kept])
        self.names = list(self.sets)
        self.features = {
            name: [float(np.log(x.shape[1])), float(len(set(y.tolist()))), float(np.log(x.std() + 1e-9))]
            for name, (x, y) in self.sets.items()
        }

    def value(self, params: dict[str, Any], instance: str, seed: int, cap_s: float | None = None) -> float:
        """Give the share of errors on at most 200 other rows."""
        from sklearn.preprocessing import normalize
        from sklearn.svm import SVC

        x, y = self.sets[instance]
        order = np.random.default_rng(seed).permutation(len(x))
        inside, outside = order[:50], order[50:250]
        if params["scaling"] == "standard":
            spread = x[inside].std(axis=0)
            x = (x - x[inside].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        elif params["scaling"] == "rows":
            x = normalize(x)
        settings = {name: params[name] for name in ("C", "gamma", "coef0", "kernel")}
        model = SVC(**settings, max_iter=2000).fit(x[inside], y[inside])
        return float((model.predict(x[outside]) != y[outside]).mean())

    def truth(self, params: dict[str, Any]) -> float:
        """Give the mean over all data sets and 4 other draws."""
        return float(np.mean([self.value(params, name, seed) for name in self.names for seed in range(1000, 1004)]))


PROBLEMS = {"times": RunTimes, "svm": SmallSets}
