"""What the README shows is run: its Python as one script, its ``luthier`` commands one after the other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_python(tmp_path: Path) -> None:
    script = tmp_path / "readme.py"
    script.write_text("\n".join(blocks("python")), encoding="utf-8")
    run = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert "'kernel': " in lines[0]
    assert "'x': " in lines[1]
    assert "'flour': " in lines[2]


@pytest.mark.slow
def test_the_commands(tmp_path: Path) -> None:
    commands = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ luthier")]
    assert len(commands) >= 9
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in commands:
        run = subprocess.run(
            command, shell=True, cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True
        )
        assert run.returncode == 0, (command, run.stdout, run.stderr)
    assert (tmp_path / "trials.csv").read_text().count("\n") == 32


def test_the_study_files_are_toml(tmp_path: Path) -> None:
    import tomllib

    for block in blocks("toml"):
        tomllib.loads(block)
    assert "make tune" in blocks("console")[0]
