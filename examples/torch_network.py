"""A network in PyTorch on handwritten digits: stopped early, promoted from checkpoints, killed in the middle, resumed.

python examples/torch_network.py [FOLDER] runs two workers, kills all of it with kill -9, goes on, and prints the epochs
that were saved. It needs torch and scikit-learn.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # trials run in parallel, not the code inside them

import torch
from killed_and_resumed import run_killed, said_of  # pyright: ignore[reportMissingImports]
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import luthier as lt
from luthier.interop import TorchEpochs

TRIALS = 30
EPOCHS = lt.Fidelity("epochs", 1, 27)
SPACE = lt.Space(
    {
        "width": lt.Int(8, 128, log=True),
        "rate": lt.Float(1e-4, 1e-1, log=True),
        "batch": lt.Int(16, 256, log=True),
        "dropout": lt.Float(0.0, 0.6),
    }
)


def accuracy(trial: lt.RunningTrial) -> float:
    """Train epoch by epoch, from the checkpoint where there is one, until the study says stop."""
    images, digits = load_digits(return_X_y=True)
    x, x_valid, y, y_valid = map(torch.as_tensor, train_test_split(images / 16, digits, test_size=0.3, random_state=0))
    x, x_valid = x.float(), x_valid.float()
    torch.set_num_threads(1)
    torch.manual_seed(trial.seed)
    model = torch.nn.Sequential(
        torch.nn.Linear(64, trial["width"]),
        torch.nn.ReLU(),
        torch.nn.Dropout(trial["dropout"]),
        torch.nn.Linear(trial["width"], 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=trial["rate"])
    epochs = TorchEpochs(trial, EPOCHS.high, checkpoint=1, model=model, optimizer=optimizer)
    for _ in epochs:
        model.train()
        for rows in torch.randperm(len(x)).split(trial["batch"]):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            epochs.report((model(x_valid).argmax(1) == y_valid).float().mean().item())
    return epochs.value


def tune(store: Path) -> lt.Study:
    """Run the study, or go on with it; with a fidelity, `lt.Auto` learns from every rung of `lt.ASHA`."""
    study = lt.Study("digits", SPACE, maximize="accuracy", store=store, seed=0, fidelity=EPOCHS)
    study.run(accuracy, trials=TRIALS, workers=2)
    return study


def main() -> None:
    """Run, kill, resume, and say what was saved."""
    store = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()) / "network.db"
    run_killed(Path(__file__), store)
    with lt.Study("digits", store=store) as killed:
        print(f"killed after {len(killed.trials)} trials: {killed.reader.summary()}")
    print(said_of(tune(store), "epochs", TRIALS * EPOCHS.high))


if __name__ == "__main__":
    tune(Path(sys.argv[1])) if "--child" in sys.argv else main()
