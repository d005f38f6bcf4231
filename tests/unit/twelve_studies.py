"""Twelve small studies of the kinds in ``examples/gallery_studies.py``, the same on every machine."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import plotted_studies

import luthier as lt

NOTHING = lt.Random()


def flat(folder: Path) -> lt.Study:
    """Floats on two scales and a whole number, with intermediate values; some trials are pruned."""
    space = {"lr": lt.Float(1e-4, 1.0, log=True), "momentum": lt.Float(0.0, 0.99), "layers": lt.Int(1, 6)}
    study = lt.Study("flat", space, minimize="loss", method=NOTHING, seed=1)

    def objective(trial: lt.RunningTrial) -> float:
        away = (math.log10(trial["lr"]) + 2) ** 2 + (trial["momentum"] - 0.8) ** 2 + 0.05 * abs(trial["layers"] - 3)
        for step in range(5):
            trial.report(away + 1.0 / (step + 1), step)
            if step == 2 and away > 3.0:
                raise lt.errors.TrialPruned("not worth finishing")
        return float(away)

    study.run(objective, trials=24)
    return study


def conditional(folder: Path) -> lt.Study:
    """See `plotted_studies.conditional`; with an option that has variables of its own."""
    space = {
        "model": lt.Choice(
            lt.Option("svm", {"C": lt.Float(1e-3, 1e3, log=True)}), lt.Option("tree", {"depth": lt.Int(2, 9)})
        ),
        "scaler": lt.Choice("none", "standard"),
    }
    study = lt.Study("conditional", space, minimize="error", method=NOTHING, seed=2)
    study.run(lambda trial: 0.1 * trial.get("model.tree.depth", 3) + (trial["scaler"] == "none"), trials=16)
    return study


def constrained(folder: Path) -> lt.Study:
    """A constraint on the space, one on the outcome, and failures."""
    space = lt.Space({"x": lt.Float(-3, 3), "n": lt.Int(1, 12)}, require=["x + n <= 12"])
    study = lt.Study("constrained", space, minimize="cost", method=NOTHING, seed=3)

    def objective(trial: lt.RunningTrial) -> dict[str, object]:
        if trial["x"] < -2:
            raise ValueError("too small")
        return {"cost": trial["x"] ** 2 + trial["n"], "violations": {"memory": trial["n"] - 8.0}}

    study.run(objective, trials=24, give_up_after=None)
    return study


def several_objectives(folder: Path) -> lt.Study:
    """One objective minimized, one maximized."""
    return plotted_studies.two_objectives()


def only_failures(folder: Path) -> lt.Study:
    """No trial has a value."""
    study = lt.Study("only failures", {"x": lt.Float(0, 1)}, minimize="y", method=NOTHING, seed=4)

    def objective(trial: lt.RunningTrial) -> float:
        if trial.number % 2:
            raise RuntimeError("no")
        return math.nan

    study.run(objective, trials=8, give_up_after=None)
    return study


def one_trial(folder: Path) -> lt.Study:
    """A single trial."""
    study = lt.Study("one trial", {"x": lt.Float(0, 1), "n": lt.Int(1, 5)}, minimize="y", seed=5)
    study.add({"x": 0.5, "n": 3}, 3.5)
    return study


def noisy(folder: Path) -> lt.Study:
    """The same configurations with different values."""
    study = lt.Study("noisy", {"n": lt.Int(1, 6)}, minimize="time", method=NOTHING, seed=6, noisy=True)
    study.run(lambda trial: (trial["n"] - 3) ** 2 + (trial.number * 7 % 5) / 5, trials=30)
    return study


def forty_variables(folder: Path) -> lt.Study:
    """Very many variables with long names, of which few matter."""
    space = {f"model.encoder.block_{n:02}.attention.dropout": lt.Float(0, 1) for n in range(40)}
    study = lt.Study("forty variables", space, maximize="accuracy_on_the_held_out_part", method=NOTHING, seed=7)
    third, seventh = list(space)[3], list(space)[17]
    study.run(lambda trial: 1.0 - (trial[third] - 0.2) ** 2 - 0.3 * trial[seventh], trials=40)
    return study


def many_trials(folder: Path) -> lt.Study:
    """More trials than are drawn."""
    study = lt.Study("many trials", {"x": lt.Float(0, 1), "k": lt.Choice("a", "b")}, minimize="loss", seed=8)
    rows = [{"x": n * 0.618 % 1, "k": "ab"[n % 2]} for n in range(12_000)]
    study.add_many(rows, [math.nan if n % 97 == 0 else (row["x"] - 0.3) ** 2 for n, row in enumerate(rows)])
    return study


def maximized(folder: Path) -> lt.Study:
    """An objective of which more is better, with inactive variables."""
    return plotted_studies.conditional()


def racing(folder: Path) -> lt.Study:
    """Folds as intermediate values, and candidates that are given up after some of them, as in a racing search."""
    study = lt.Study("racing", {"alpha": lt.Float(1e-4, 1e2, log=True)}, maximize="score", method=NOTHING, seed=9)

    def objective(trial: lt.RunningTrial) -> float:
        score = 0.9 - 0.05 * abs(math.log10(trial["alpha"]))
        for fold in range(5):
            trial.report(score + 0.01 * (fold % 3), fold)
            if fold == 1 and score < 0.85:
                raise lt.errors.TrialPruned("its interval lies below that of the best")
        return score

    study.run(objective, trials=15)
    return study


_KILLED = """
import os, sys
import luthier as lt
study = lt.Study("killed", {"x": lt.Float(0, 1)}, minimize="loss", method=lt.Random(), store=sys.argv[1], seed=10)
study.run(lambda trial: (trial["x"] - 0.3) ** 2 if trial.number < 4 else os._exit(1), trials=9)
"""


def killed_and_resumed(folder: Path) -> lt.Study:
    """A run that died in its fifth trial, which was run again."""
    store = folder / "killed.db"
    subprocess.run([sys.executable, "-c", _KILLED, str(store)], check=False)
    study = lt.Study("killed", store=store)
    study.run(lambda trial: (trial["x"] - 0.3) ** 2, trials=9)
    return study


STUDIES: dict[str, Callable[[Path], lt.Study]] = {
    one.__name__: one
    for one in (
        *(flat, conditional, constrained, several_objectives, only_failures, one_trial),
        *(noisy, forty_variables, many_trials, maximized, racing, killed_and_resumed),
    )
}
