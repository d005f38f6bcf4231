"""Gradient boosting by LightGBM on real data: stopped early, promoted from checkpoints, killed in the middle, resumed.

python examples/lightgbm_trees.py [FOLDER] runs two workers, kills all of it with kill -9, goes on, and prints the
rounds that were saved. It needs lightgbm and scikit-learn.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # trials run in parallel, not the code inside them

import lightgbm
from killed_and_resumed import run_killed, said_of  # pyright: ignore[reportMissingImports]
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

import luthier as lt
from luthier.interop import LightGBMPruningCallback

TRIALS = 30
ROUNDS = lt.Fidelity("rounds", 5, 135)
SPACE = lt.Space(
    {
        "learning_rate": lt.Float(1e-2, 0.5, log=True),
        "num_leaves": lt.Int(3, 64, log=True),
        "min_data_in_leaf": lt.Int(2, 60, log=True),
        "feature_fraction": lt.Float(0.3, 1.0),
        "lambda_l2": lt.Float(1e-4, 10.0, log=True),
    }
)


def log_loss(trial: lt.RunningTrial) -> float:
    """Boost round by round, from the checkpoint where there is one, until the study says stop."""
    x, y = load_breast_cancer(return_X_y=True)
    x, x_valid, y, y_valid = train_test_split(x, y, test_size=0.4, random_state=0, stratify=y)
    train = lightgbm.Dataset(x, y)
    callback = LightGBMPruningCallback(trial, "binary_logloss", checkpoint=5)
    lightgbm.train(
        {**trial.params, "objective": "binary", "num_threads": 1, "seed": trial.seed, "verbosity": -1},
        train,
        num_boost_round=ROUNDS.high - callback.start,
        valid_sets=[lightgbm.Dataset(x_valid, y_valid, reference=train)],
        init_model=callback.resume_from,
        callbacks=[callback],
    )
    return callback.value


def tune(store: Path) -> lt.Study:
    """Run the study, or go on with it."""
    study = lt.Study("trees", SPACE, minimize="log loss", store=store, seed=0, fidelity=ROUNDS, stop=lt.ASHA())
    study.run(log_loss, trials=TRIALS, workers=2)
    return study


def main() -> None:
    """Run, kill, resume, and say what was saved."""
    store = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()) / "trees.db"
    run_killed(Path(__file__), store)
    with lt.Study("trees", store=store) as killed:
        print(f"killed after {len(killed.trials)} trials: {killed.reader.summary()}")
    print(said_of(tune(store), "rounds", TRIALS * ROUNDS.high))


if __name__ == "__main__":
    tune(Path(sys.argv[1])) if "--child" in sys.argv else main()
