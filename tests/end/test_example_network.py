"""The example of a network that is paused, promoted, killed and resumed, run as a person would."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "network.py"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_the_network_saves_epochs_and_survives(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(EXAMPLE), str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"killed after \d+ trials: \d+ trials: ", done.stdout)
    assert "0 mismatches" in done.stdout and "rulings proved" in done.stdout
    epochs = re.search(r"(\d+) epochs trained, (\d+) of them twice, of 1080 in full", done.stdout)
    assert epochs is not None and int(epochs[1]) < 400 and int(epochs[2]) <= 4  # of each worker one, at a kill
    accuracy = re.search(r"best accuracy ([\d.]+)", done.stdout)
    assert accuracy is not None and float(accuracy[1]) > 0.9
