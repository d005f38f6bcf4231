"""Many processes open one new study at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import luthier as lt
from luthier.event import Asked, Created, Told

_PROGRAM = """
import sys, time
import luthier as lt
def work(file, go):
    while time.time() < go:
        time.sleep(0.001)
    space = {"x": lt.Float(-1, 1), "n": lt.Int(1, 9)}
    with lt.Study("crowd", space, minimize="loss", store=file, method=lt.Random()) as study:
        for _ in range(10):
            trial = study.ask()
            study.tell(trial, trial["x"] ** 2)
if __name__ == "__main__":
    lt.Study("warm", {"x": lt.Float(-1, 1)}, minimize="loss", method=lt.Random()).ask()
    work(sys.argv[1], float(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="fork")
def test_32_processes_open_a_new_study_at_once_and_run_10_trials_each(folder: Path) -> None:
    file, script = folder / "crowd.db", folder / "crowd.py"
    script.write_text(_PROGRAM)
    space: dict[str, object] = {}
    exec(_PROGRAM.partition("if __name__")[0], space)
    go = time.time() + 6.0  # by then the fresh interpreters have imported what they need
    fresh = [subprocess.Popen([sys.executable, str(script), str(file), str(go)]) for _ in range(6)]
    forks = []
    for _ in range(26):
        pid = os.fork()
        if pid == 0:
            try:
                space["work"](str(file), go)  # type: ignore[operator]
                os._exit(0)
            except BaseException as error:  # noqa: BLE001 - a fork must not come back into pytest
                sys.stderr.write(f"{type(error).__name__}: {error}\n")
                os._exit(1)
        forks.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in forks]
    assert codes + [process.wait() for process in fresh] == [0] * 32
    with lt.Study("crowd", store=file) as study:
        events = study.history.events
        assert sum(isinstance(event, Created) for event in events) == 1
        assert [event.number for event in events if isinstance(event, Asked)] == list(range(320))
        assert sorted(event.number for event in events if isinstance(event, Told)) == list(range(320))
        assert len({str(dict(trial.params)) for trial in study.trials}) == 320
        assert study.verify().ok
