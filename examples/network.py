"""A neural network on handwritten digits: paused, promoted from checkpoints, killed in the middle, and resumed.

python examples/network.py [FOLDER] runs two workers, kills all of it with kill -9, goes on, and prints the epochs that
were saved. The network is scikit-learn's, trained epoch by epoch; its checkpoint is a pickle.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # trials run in parallel, not the code inside them

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import luthier as lt

TRIALS = 40
EPOCHS = lt.Fidelity("epochs", 1, 27)
SPACE = lt.Space(
    {
        "width": lt.Int(8, 128, log=True),
        "learning_rate": lt.Float(1e-4, 1e-1, log=True),
        "batch": lt.Int(8, 256, log=True),
        "alpha": lt.Float(1e-6, 1e-1, log=True),
    }
)


def images() -> list[Any]:
    """Split the images (1797, 64) into those to train with and those to validate with."""
    x, y = load_digits(return_X_y=True)
    return list(train_test_split(np.asarray(x) / 16.0, y, test_size=0.3, random_state=0))


def accuracy(trial: lt.RunningTrial) -> float:
    """Train epoch by epoch, from the checkpoint where there is one, until the study says stop."""
    train, valid, train_labels, valid_labels = images()
    if trial.resume_from is not None:
        network = pickle.loads(trial.resume_from.read_bytes())
    else:
        network = MLPClassifier(
            (trial["width"],),
            learning_rate_init=trial["learning_rate"],
            batch_size=trial["batch"],
            alpha=trial["alpha"],
            random_state=trial.seed,
        )
    value = 0.0
    for epoch in range(trial.start + 1, EPOCHS.high + 1):
        network.partial_fit(train, train_labels, classes=np.unique(train_labels))
        value = float(network.score(valid, valid_labels))
        saved = trial.folder / "network.pickle"
        saved.write_bytes(pickle.dumps(network))
        trial.checkpoint(saved, step=epoch)
        trial.report(value, step=epoch)
        if trial.should_stop():
            break
    return value


def tune(store: Path) -> lt.Study:
    """Run the study, or go on with it."""
    study = lt.Study("digits", SPACE, maximize="accuracy", store=store, seed=0, fidelity=EPOCHS, stop=lt.ASHA())
    study.run(accuracy, trials=TRIALS, workers=2)
    return study


def main() -> None:
    """Run, kill, resume, and say what was saved."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    store = folder / "network.db"
    child = subprocess.Popen([sys.executable, __file__, str(folder), "--child"])
    while child.poll() is None and not list(folder.rglob("00005/checkpoints/*")):  # the sixth trial is being trained
        time.sleep(0.1)
    child.send_signal(signal.SIGKILL)
    child.wait()
    with lt.Study("digits", store=store) as killed:
        print(f"killed after {len(killed.trials)} trials: {killed.reader.summary()}")
    study = tune(store)
    steps = [[report.step for report in trial.trial.reports] for trial in study.trials]  # of all attempts
    epochs = sum(max(some, default=0) for some in steps)
    twice = sum(len(some) - len(set(some)) for some in steps)
    print(study.reader.summary())
    print(f"best accuracy {study.best.value:.4f} at {study.best.params}")
    print(f"{epochs} epochs trained, {twice} of them twice, of {TRIALS * EPOCHS.high} in full")
    print(study.verify())


if __name__ == "__main__":
    tune(Path(sys.argv[1]) / "network.db") if "--child" in sys.argv else main()
