"""Twelve studies of every kind, for the gallery of pictures and its tests.

Those that run an objective are kept in the folder, so that they are made once.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import luthier as lt

logging.getLogger("luthier").setLevel(logging.ERROR)  # failures are wanted here


def flat(folder: Path) -> lt.Study:
    """Floats on two scales and a whole number, minimized, with intermediate values; a few trials are pruned."""
    space = {"lr": lt.Float(1e-4, 1.0, log=True), "momentum": lt.Float(0.0, 0.99), "layers": lt.Int(1, 6)}
    study = lt.Study("flat", space, minimize="loss", seed=1, store=folder / "gallery.db")

    def objective(trial: lt.RunningTrial) -> float:
        lr, momentum, layers = (float(trial[name]) for name in ("lr", "momentum", "layers"))
        away = (math.log10(lr) + 2) ** 2 + (momentum - 0.8) ** 2 + 0.05 * abs(layers - 3)
        loss = math.inf
        for step in range(20):
            loss = 0.1 + away * (0.2 + 0.8 * math.exp(-step / 5)) + 1.2 * math.exp(-step / (2 + layers))
            trial.report(loss, step)
            if step == 6 and loss > 3.0:
                raise lt.errors.TrialPruned("not worth finishing")
        return loss

    study.run(objective, trials=50)
    return study


def conditional(folder: Path) -> lt.Study:
    """Variables that are active under conditions, an option with variables of its own, run by four workers."""
    space = lt.Space(
        {
            "model": lt.Choice(
                lt.Option("svm", {"C": lt.Float(1e-3, 1e3, log=True), "gamma": lt.Float(1e-5, 10.0, log=True)}),
                lt.Option("forest", {"trees": lt.Int(10, 500, log=True), "depth": lt.Int(2, 20)}),
                "ridge",
            ),
            "scaler": lt.Choice("none", "standard", "quantile"),
            "size": lt.Ordinal("small", "medium", "large"),
            "features": lt.Subset(["age", "income", "region"], default=("age",)),
        }
    )
    study = lt.Study("conditional", space, minimize="error", seed=2, store=folder / "gallery.db")

    def objective(trial: lt.RunningTrial) -> float:
        base = {"svm": 0.12, "forest": 0.18, "ridge": 0.31}[trial["model"]]
        if trial["model"] == "svm":
            base += (
                0.01 * (math.log10(trial["model.svm.C"]) - 1) ** 2
                + 0.02 * (math.log10(trial["model.svm.gamma"]) + 2) ** 2
            )
        if trial["model"] == "forest":
            base += 0.1 / math.log(trial["model.forest.trees"]) + 0.002 * abs(trial["model.forest.depth"] - 9)
        base += {"none": 0.05, "standard": 0.0, "quantile": 0.02}[trial["scaler"]]
        time.sleep(0.01 + 0.05 * base * {"small": 1, "medium": 2, "large": 3}[trial["size"]])
        return base - 0.01 * len(trial["features"])

    study.run(objective, trials=60, workers=4, executor="threads")
    return study


def constrained(folder: Path) -> lt.Study:
    """A constraint on the variables, and one on what is measured; some trials run out of time or raise."""
    space = lt.Space({"x": lt.Float(-3, 3), "y": lt.Float(-3, 3), "n": lt.Int(1, 12)}, require=["x + y <= 4"])
    study = lt.Study("constrained", space, minimize="cost", seed=3, store=folder / "gallery.db")

    def objective(trial: lt.RunningTrial) -> dict[str, object]:
        x, y = trial["x"], trial["y"]
        if x > 1.8 and trial["n"] > 6:
            raise MemoryError(f"out of memory with {trial['n']} parts")
        if y < -2.4:
            raise ValueError("singular matrix")
        cost = (x - 1) ** 2 + (y + 0.5) ** 2 + 0.1 * trial["n"]
        return {"cost": cost, "violations": {"weight": 1.0 - x * x - 0.4 * y}}

    study.run(objective, trials=60, give_up_after=None)
    return study


def several_objectives(folder: Path) -> lt.Study:
    """Two objectives, one of which is maximized."""
    space = {"width": lt.Float(0.1, 10.0, log=True), "depth": lt.Int(1, 20), "kind": lt.Choice("conv", "dense")}
    store = folder / "gallery.db"
    study = lt.Study("several objectives", space, minimize="latency", maximize="accuracy", seed=4, store=store)

    def objective(trial: lt.RunningTrial) -> dict[str, float]:
        size = trial["width"] * trial["depth"] * (2.0 if trial["kind"] == "dense" else 1.0)
        good = 0.6 + 0.35 * (1 - math.exp(-size / 20)) - (0.04 if trial["kind"] == "dense" else 0.0)
        return {"latency": 2.0 + 0.8 * size, "accuracy": good - 0.002 * trial["depth"]}

    study.run(objective, trials=60)
    return study


def only_failures(folder: Path) -> lt.Study:
    """A study in which nothing ever succeeded."""
    space = {"x": lt.Float(0, 1), "mode": lt.Choice("a", "b")}
    study = lt.Study("only failures", space, minimize="y", seed=5, store=folder / "gallery.db")

    def objective(trial: lt.RunningTrial) -> float:
        if trial["mode"] == "a":
            raise RuntimeError("no device")
        return math.nan if trial["x"] > 0.5 else math.inf

    study.run(objective, trials=14, give_up_after=None)
    return study


def one_trial(folder: Path) -> lt.Study:
    """A study that has only begun."""
    space = {"x": lt.Float(0, 1), "n": lt.Int(1, 5)}
    study = lt.Study("one trial", space, minimize="y", seed=6, store=folder / "gallery.db")
    study.run(lambda trial: trial["x"] + trial["n"], trials=1)
    return study


def noisy(folder: Path) -> lt.Study:
    """Measurements with noise, and a few that are far out."""
    rng = np.random.default_rng(7)
    space = {"temperature": lt.Float(0.0, 2.0), "rate": lt.Float(1e-3, 1e1, log=True), "unused": lt.Float(-1, 1)}
    study = lt.Study("noisy", space, minimize="time", noisy=True, seed=7, store=folder / "gallery.db")

    def objective(trial: lt.RunningTrial) -> float:
        mean = 5 + 3 * (trial["temperature"] - 0.7) ** 2 + (math.log10(trial["rate"]) - 0.2) ** 2
        return float(mean + 0.4 * rng.normal() + (200.0 if rng.random() < 0.04 else 0.0))

    study.run(objective, trials=60)
    return study


def forty_variables(folder: Path) -> lt.Study:
    """Forty variables with long names, of which four matter."""
    space: dict[str, lt.Float | lt.Choice] = {
        f"model.encoder.block_{place:02}.attention.dropout_probability": lt.Float(0.0, 1.0) for place in range(36)
    }
    space |= {f"augmentation_{place}": lt.Choice("off", "weak", "strong") for place in range(4)}
    loss = "validation_loss_on_the_held_out_split"
    store = folder / "gallery.db"
    study = lt.Study("forty variables", space, minimize=loss, seed=8, store=store, method=lt.Random())
    names = list(space)

    def objective(trial: lt.RunningTrial) -> float:
        first, second, third = (float(trial[names[place]]) for place in (3, 17, 30))
        return 3 * (first - 0.2) ** 2 + 2 * second + third * first + (0.8 if trial["augmentation_2"] == "off" else 0.0)

    study.run(objective, trials=150)
    return study


def many_trials(folder: Path, count: int = 50_000) -> lt.Study:
    """Fifty thousand trials, some of which failed."""
    space = {"a": lt.Float(0, 1), "b": lt.Float(1e-6, 1e2, log=True), "c": lt.Choice("u", "v", "w"), "d": lt.Int(1, 64)}
    study = lt.Study("many trials", space, minimize="loss", seed=9, store=folder / "gallery.db", method=lt.Random())
    if len(study):
        return study
    rng = np.random.default_rng(9)
    configs = study.space.decode(study.space.warp(rng.random((count, study.space.dimensions))))
    values, durations = [], []
    for config in configs:
        loss = (config["a"] - 0.3) ** 2 + 0.05 * (math.log10(config["b"]) + 2) ** 2 + 0.001 * config["d"]
        diverged = config["a"] > 0.97 and config["c"] == "w"
        values.append(math.nan if diverged else loss + 0.02 * float(rng.exponential()))
        durations.append(0.2 + 0.01 * config["d"])
    study.add_many(configs, values, durations_s=durations)
    return study


def maximized(folder: Path) -> lt.Study:
    """The accuracy of a support vector machine on handwritten digits."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import cross_val_score
    from sklearn.svm import SVC

    inputs, labels = load_digits(return_X_y=True)
    inputs, labels = inputs[:500], labels[:500]
    space = lt.Space(
        {
            "kernel": lt.Choice("rbf", "poly", "linear"),
            "C": lt.Float(1e-3, 1e3, log=True),
            "gamma": lt.Float(1e-5, 1e1, log=True, when="kernel != 'linear'"),
            "degree": lt.Int(2, 5, when="kernel == 'poly'"),
        },
        require=["kernel != 'poly' or C * gamma <= 10"],
    )
    study = lt.Study("digits", space, maximize="accuracy", seed=10, store=folder / "gallery.db")
    study.run(lambda trial: float(cross_val_score(SVC(**trial.params), inputs, labels, cv=3).mean()), trials=50)
    return study


def racing(folder: Path) -> lt.Study:
    """A racing search of `BayesSearchCV`."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    from luthier.sklearn import BayesSearchCV

    inputs, labels = load_breast_cancer(return_X_y=True)
    search = BayesSearchCV(
        make_pipeline(StandardScaler(), SVC()),
        {
            "svc__C": (1e-3, 1e3, "log-uniform"),
            "svc__gamma": (1e-5, 1e1, "log-uniform"),
            "svc__kernel": ["rbf", "linear"],
        },
        n_iter=30,
        cv=5,
        racing=True,
        random_state=11,
    )
    search.fit(inputs[:300], labels[:300])
    study: lt.Study = search.study_
    return study


_RUN = """
import sys, time
import luthier as lt

def objective(trial):
    time.sleep(0.03)
    return (trial["x"] - 1) ** 2 + trial["y"] ** 2

space = {"x": lt.Float(-5, 5), "y": lt.Float(-5, 5)}
study = lt.Study("killed and resumed", space, minimize="loss", store=sys.argv[1], seed=12)
study.run(objective, trials=40, workers=2)
"""


def killed_and_resumed(folder: Path) -> lt.Study:
    """A run that was killed with all its workers, and went on later."""
    store = folder / "killed.db"
    if _count(store) == 40:
        return lt.Study("killed and resumed", store=store)
    store.unlink(missing_ok=True)
    first = subprocess.Popen([sys.executable, "-c", _RUN, str(store)], start_new_session=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and first.poll() is None and _count(store) < 12:
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    time.sleep(1.0)
    subprocess.run([sys.executable, "-c", _RUN, str(store)], check=True, timeout=120)
    return lt.Study("killed and resumed", store=store)


def _count(store: Path) -> int:
    try:
        return sum(entry.trials for entry in lt.studies(store))
    except lt.errors.LuthierError:  # it is not there yet
        return 0


STUDIES: dict[str, Callable[[Path], lt.Study]] = {
    one.__name__: one
    for one in (
        flat,
        conditional,
        constrained,
        several_objectives,
        only_failures,
        one_trial,
        noisy,
        forty_variables,
        many_trials,
        maximized,
        racing,
        killed_and_resumed,
    )
}
"""The twelve studies by name; each is made in a folder that it may write to."""
