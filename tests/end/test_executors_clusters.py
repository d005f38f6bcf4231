"""The same trials on every engine, in each of which a worker is killed: `benchmarks/clusters.py` with few trials."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "clusters.py"
TRIALS = {"loky": 30, "joblib": 20, "dask": 30, "ray": 12, "slurm": 8, "spark": 12}
ALONE = {"dask", "ray", "slurm"}
"""Engines in which the death of a process costs one trial an attempt, and at most another that had been sent to it."""


@pytest.mark.slow
@pytest.mark.parametrize("engine", TRIALS)
def test_a_run_on_an_engine_that_loses_a_worker_makes_the_trials_of_an_inline_run(engine: str) -> None:
    trials = TRIALS[engine]
    command = [sys.executable, str(PROGRAM), "--trials", str(trials), engine]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    found = re.search(rf"^{engine} +the same trials in .* s, (\d+) attempts lost, (.*)$", done.stdout, re.MULTILINE)
    assert done.returncode == 0 and found is not None, done.stdout + done.stderr
    assert found[2] == f"{trials} proposals proved, 0 given, 0 mismatches"
    assert 1 <= int(found[1]) <= (2 if engine in ALONE else trials), done.stdout
