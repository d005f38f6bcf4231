"""Tables of small networks trained by Adam, for choosing designs: python -m benchmarks.fidelity.networks FOLDER.

They are like the tables of TaskSet that judge: a thousand configurations of its eight variables, drawn as there (Metz
et al. 2020, appendix: the family adam8p), with the loss of each after 0 to 50 epochs. The networks are so small that
all are trained in half a minute, on data that comes with scikit-learn.
`python -m benchmarks.fidelity FOLDER --tasks own` measures on them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

Floats: TypeAlias = np.ndarray[Any, np.dtype[Any]]

EPOCHS = 50
_CONFIGURATIONS, _PART = 1000, 100
"""How many are trained, and how many of them at once."""
_VALIDATED, _TRAINED = 200, 0.7
"""How many rows give the loss at most, and the share of the rows that are trained with."""
_PENALTY = 0.1
"""Penalties of weights count as much: with more of them most of the range only diverges."""
RANGES = {
    "learning_rate": (1e-8, 10.0),
    "beta1": (1e-4, 1.0),
    "beta2": (1e-6, 1.0),
    "epsilon": (1e-10, 1e3),
    "l1": (1e-8, 10.0),
    "l2": (1e-8, 10.0),
    "linear_decay": (1e-7, 1e-4),
    "exponential_decay": (1e-6, 1e-3),
}
"""The bounds of each variable, which is drawn by its logarithm; of the decay rates β they are those of 1 − β."""


class Training(NamedTuple):
    """What is trained.

    Args:
        data: the name of a data set of scikit-learn.
        hidden: the widths of the hidden layers.
        batch: rows of a step.
        steps: of an epoch.
    """

    data: str
    hidden: tuple[int, ...]
    batch: int
    steps: int


TRAININGS = {
    "digits": Training("digits", (12,), 20, 4),
    "wine": Training("wine", (8,), 16, 3),
    "cancer": Training("breast_cancer", (8,), 16, 3),
    "deep-digits": Training("digits", (12, 12), 10, 4),
}


def configurations(rng: np.random.Generator, count: int) -> Floats:
    """Draw configurations, (count, 8)."""
    low, high = np.log(np.array(list(RANGES.values()))).T
    drawn = np.exp(low + (high - low) * rng.random((count, len(RANGES))))
    drawn[:, 1:3] = np.maximum(1.0 - drawn[:, 1:3], 1e-4)
    return drawn


def losses(training: Training, chosen: Floats, seed: int) -> Floats:
    """Train a network with each configuration (c, 8): give the cross-entropies of the rows for validation, (c, 51)."""
    from sklearn import datasets

    rng = np.random.default_rng(seed)
    x, y = getattr(datasets, f"load_{training.data}")(return_X_y=True)
    x = ((x - x.mean(axis=0)) / (x.std(axis=0) + 1e-9)).astype(np.float32)
    rows = rng.permutation(len(x))
    cut = int(_TRAINED * len(x))
    held = rows[cut : cut + _VALIDATED]
    batches = rows[rng.integers(cut, size=(EPOCHS, training.steps, training.batch))]
    widths = (x.shape[1], *training.hidden, int(y.max()) + 1)
    weights = [(rng.normal(size=(1, n, m)) / np.sqrt(n)).astype(np.float32) for n, m in pairwise(widths)]
    found = []
    with np.errstate(all="ignore"):  # many trainings diverge
        for first in range(0, len(chosen), _PART):
            networks = _Networks(weights, chosen[first : first + _PART])
            seen = [networks.loss(x[held], y[held])]
            for epoch in batches:
                for batch in epoch:
                    networks.step(x[batch], y[batch])
                seen.append(networks.loss(x[held], y[held]))
            found.append(np.stack(seen, axis=1))
    return np.concatenate(found)


class _Networks:
    """Networks of one shape with tanh, each trained by Adam with settings of its own.

    Args:
        weights: (1, n, m) of each layer at the beginning.
        settings: (c, 8) of the c networks.
    """

    def __init__(self, weights: Sequence[Floats], settings: Floats) -> None:
        biases = [np.zeros((1, 1, layer.shape[2]), np.float32) for layer in weights]
        self.parameters = [np.repeat(part, len(settings), axis=0) for part in (*weights, *biases)]
        self.layers, self.settings, self.done = len(weights), settings, 0
        self.means = [np.zeros_like(part) for part in self.parameters]
        self.squares = [np.zeros_like(part) for part in self.parameters]

    def loss(self, x: Floats, y: Floats) -> Floats:
        """Give the mean cross-entropy of each network, (c,)."""
        scores = self._activations(x)[-1]
        scores = scores - scores.max(axis=2, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(axis=2, keepdims=True))
        found: Floats = -logs[:, np.arange(len(y)), y].mean(axis=1)
        return found

    def step(self, x: Floats, y: Floats) -> None:
        """Take one step of Adam (Kingma and Ba 2015, algorithm 1) with the decays of adam8p."""
        rate, one, two, epsilon, l1, l2, *_ = (column[:, None, None] for column in self.settings.T.astype(np.float32))
        decay = np.maximum(1.0 - self.settings[:, 6] * self.done, 0.0) * np.exp(-self.settings[:, 7] * self.done)
        self.done += 1
        biases = (1.0 - self.settings[:, 1:3] ** self.done).T.astype(np.float32)[:, :, None, None]
        rate = rate * decay.astype(np.float32)[:, None, None]
        for place, gradient in enumerate(self._gradients(x, y)):
            part, mean, square = self.parameters[place], self.means[place], self.squares[place]
            slope = gradient + _PENALTY * (l1 * np.sign(part) + 2.0 * l2 * part)
            mean += (1.0 - one) * (slope - mean)
            square += (1.0 - two) * (slope * slope - square)
            part -= rate * (mean / biases[0]) / (np.sqrt(square / biases[1]) + epsilon)

    def _activations(self, x: Floats) -> list[Floats]:
        found = [np.broadcast_to(x, (len(self.settings), *x.shape))]
        for place in range(self.layers):
            scores = found[-1] @ self.parameters[place] + self.parameters[self.layers + place]
            found.append(np.tanh(scores) if place < self.layers - 1 else scores)
        return found

    def _gradients(self, x: Floats, y: Floats) -> list[Floats]:
        """Give those of the mean cross-entropy by all parameters, by backpropagation."""
        activations = self._activations(x)
        delta = np.exp(activations[-1] - activations[-1].max(axis=2, keepdims=True))
        delta = delta / delta.sum(axis=2, keepdims=True)
        delta[:, np.arange(len(y)), y] -= 1.0
        delta /= len(y)
        weights: list[Floats] = []
        biases: list[Floats] = []
        for place in range(self.layers - 1, -1, -1):
            weights.insert(0, activations[place].transpose(0, 2, 1) @ delta)
            biases.insert(0, delta.sum(axis=1, keepdims=True))
            if place:
                delta = (delta @ self.parameters[place].transpose(0, 2, 1)) * (1.0 - activations[place] ** 2)
        return [*weights, *biases]


def write(folder: Path) -> None:
    """Train all and write their tables, as `curves.taskset` reads them."""
    into = folder / "data" / "taskset"
    into.mkdir(parents=True, exist_ok=True)
    for seed, (name, training) in enumerate(TRAININGS.items()):
        chosen = configurations(np.random.default_rng(seed), _CONFIGURATIONS)
        np.savez(into / f"own_{name}.npz", X=chosen, valid_loss=losses(training, chosen, seed))
        described = {"params": [{"name": variable} for variable in RANGES]}
        (into / f"own_{name}.space.json").write_text(json.dumps(described))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    write(parser.parse_args().folder)
