"""Programs whose standard streams are closed, or lead to nobody: a run is not ended by what it shows."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

import luthier as lt
from luthier._runtime.text_line import write_line
from luthier.run import LineReporter

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell")

STUDY = '[study]\nminimize = "v"\n[objective]\ncommand = "echo {x}"\n[budget]\ntrials = 2\n[method]\nuse = "Random"\n'
PROGRAM = """
import luthier as lt

study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="v", method=lt.Random(), store="p.db")
study.run(lambda trial: trial["x"], trials=3, progress=True)
"""


def _closed(words: str, streams: str, folder: Path) -> int:
    command = f"{sys.executable} {words} {streams}"
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode


@pytest.mark.parametrize("streams", [">&-", pytest.param("2>&-", marks=pytest.mark.slow), "<&- >&- 2>&-"])
def test_commands_do_without_standard_streams(streams: str, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(f"{STUDY}[space]\nx = {{float = [0, 1]}}\n", "utf-8")
    for words in ("run s.toml", "plot history s.db", "doctor s.db"):
        assert _closed(f"-m luthier {words}", streams, tmp_path) == 0
    assert _closed("-m luthier best other.db", streams, tmp_path) == 1
    assert lt.studies(tmp_path / "s.db")[0].trials == 2


def test_a_run_shows_its_progress_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(PROGRAM, "utf-8")
    assert _closed("p.py", "2>&-", tmp_path) == 0
    assert lt.studies(tmp_path / "p.db")[0].trials == 3


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("stream", [None, Gone(), io.StringIO()])
def test_a_line_for_nobody_is_no_error(stream: io.StringIO | None) -> None:
    if stream is not None and not isinstance(stream, Gone):
        stream.close()
    write_line(stream, "a line")
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="v", method=lt.Random())
    study.run(lambda trial: trial["x"], trials=2, progress=LineReporter(stream))
    assert len(study.trials) == 2
