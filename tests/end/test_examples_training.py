"""The examples that train with LightGBM and PyTorch, killed and resumed, run as a person would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from page_script import PYTHONPATH

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize(("name", "full"), [("lightgbm_trees", 4050), ("torch_network", 810)])
def test_real_training_is_stopped_killed_and_resumed(name: str, full: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"killed after \d+ trials: \d+ trials: .*waiting", done.stdout)
    spent = re.search(rf"(\d+) \w+ trained, (\d+) of them twice, of {full} in full: (\d+)% saved", done.stdout)
    assert spent is not None, done.stdout
    assert int(spent[1]) < full / 2 and int(spent[2]) <= 2 * 5 and int(spent[3]) >= 50
    gone_on = re.search(r"(\d+) trials went on from a checkpoint", done.stdout)
    assert gone_on is not None and int(gone_on[1]) >= 1
    assert "0 mismatches" in done.stdout and "rulings proved" in done.stdout
