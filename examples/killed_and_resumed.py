"""A run that is killed in the middle, and the account of what its trials have spent: for the other examples."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import luthier as lt


def run_killed(script: Path, store: Path) -> None:
    """Run ``script STORE --child`` in a process of its own, and kill it with kill -9 when the sixth trial has begun."""
    child = subprocess.Popen([sys.executable, str(script), str(store), "--child"])
    trials = Path(f"{store}.trials")
    while child.poll() is None and not list(trials.glob("*/00005/checkpoints/*")):
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()


def said_of(study: lt.Study, unit: str, full: int) -> str:
    """Say what a study found, and what it spent of `full` units."""
    steps = [[report.step for report in trial.trial.reports] for trial in study.trials]  # of all attempts
    spent = sum(max(some, default=0) for some in steps)
    twice = sum(len(some) - len(set(some)) for some in steps)
    gone_on = sum(len({report.attempt for report in trial.trial.reports}) > 1 for trial in study.trials)
    return (
        f"{study.reader.summary()}\n"
        f"best {study.problem.objectives[0].name} {study.best.value:.4f} at {study.best.params}\n"
        f"{spent} {unit} trained, {twice} of them twice, of {full} in full: {1 - spent / full:.0%} saved\n"
        f"{gone_on} trials went on from a checkpoint\n"
        f"{study.verify()}"
    )
