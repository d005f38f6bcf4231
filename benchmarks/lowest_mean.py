"""Lowest predicted mean among the 2,000 and the 1,000 lowest of 12,000 losses, against the one among 5,000.

    python benchmarks/lowest_mean.py

Prints for each member of `Auto`'s committee how far above it lies, in standard deviations of the prediction; read in
docs/decisions/0044-snapshots-and-flushes.md. Takes some minutes.
"""

from __future__ import annotations

import numpy as np

import luthier as lt
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.bayesian import step
from luthier.surrogate import Posterior

TRIALS = 12_000


def losses(x: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Give losses of a bowl with ripples; noise is in standard deviations of the function."""
    bowl = ((x - 0.3) ** 2).sum(axis=1) + 0.2 * np.sin(9 * x[:, 0])
    return (bowl - bowl.mean()) / bowl.std() + noise * rng.normal(size=len(x))


def lowest(model: Posterior, data: Data, most: int) -> float:
    """Give the lowest mean among so many of the lowest losses."""
    step._PREDICTED_OF_MORE = most
    return step._lowest_mean(model, data.x, data.loss)


def main() -> None:
    """Print a line for each problem and seed."""
    print("dimensions, noise, seed: 2,000 and 1,000 by member of the committee")
    for dimensions in (2, 6):
        space = {f"x{place}": lt.Float(0, 1) for place in range(dimensions)}
        for noise in (0.0, 0.3, 1.0, 3.0):
            for seed in range(3):
                rng = np.random.default_rng(seed)
                x = rng.random((TRIALS, dimensions))
                study = lt.Study("s", space, minimize="y", seed=seed, method=lt.Random())
                configs = [{f"x{place}": float(one) for place, one in enumerate(row)} for row in x]
                study.add_many(configs, losses(x, noise, rng).tolist())
                data = study.history.data(study.history.problem())
                above = []
                for member in lt.Auto().committee:
                    model = step.fit_model(member, data, data, Key.of(seed), Memo()).posterior
                    std = float(np.sqrt(np.median(model.moments(data.x[:200]).variance)))
                    reference = lowest(model, data, 5_000)
                    more = (lowest(model, data, most) - reference for most in (2000, 1000))
                    above.append(tuple(round(one / std, 4) for one in more))
                print(dimensions, noise, seed, *above, flush=True)


if __name__ == "__main__":
    main()
