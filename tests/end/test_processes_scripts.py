"""Scripts that use worker processes: without a main guard, killed, interrupted, ended in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from awaiting import PATIENCE_S, numbers_in, until_gone

_HEAD = """
import os, signal, subprocess, sys, time
from pathlib import Path
from luthier.executor import Limits, Processes, Task

folder = Path(sys.argv[1])

def note(name, pid=None):
    partial = folder / name
    partial.write_text(str(os.getpid() if pid is None else pid))
    partial.rename(folder / (name + ".pid"))
"""

_BUSY = """
def objective(trial):
    note(f"worker-{trial.number}")
    note(f"started-{trial.number}", subprocess.Popen(["sleep", "60"], start_new_session=True).pid)
    if trial["how"] == "lock":
        3 ** (10 ** 8)
    if trial["how"] == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)

executor = Processes(objective, 2)
executor.submit(Task(0, 1, {"how": "lock"}))
executor.submit(Task(1, 1, {"how": "deaf"}))
"""


@contextmanager
def _script(folder: Path, text: str, how: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """Run a script in a session of its own, as a terminal would."""
    file = folder / "script.py"
    file.write_text(_HEAD + text)
    command = [sys.executable, *(how or (str(file),)), str(folder)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=folder
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("how", ["file", "module", "command"])
def test_a_script_needs_no_main_guard(tmp_path: Path, how: str) -> None:
    text = """
from beside import double

class Scale:
    by = 3.0

def helper(x):
    return x * Scale.by

def objective(trial):
    print("heard", trial.number)
    print("and seen", file=sys.stderr)
    return double(helper(trial["x"]))

with Processes(objective, 2) as executor:
    executor.submit(Task(0, 1, {"x": 1.5}))
    (outcome,) = executor.poll(30)
    print(outcome.value, outcome.reason, outcome.error)
"""
    (tmp_path / "beside.py").write_text("def double(x):\n    return 2 * x\n")
    ways = {"file": (), "module": ("-m", "script"), "command": ("-c", _HEAD + text)}
    with _script(tmp_path, text, ways[how]) as process:
        output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    assert output == "heard 0\n9.0 done \n"
    assert errors == "and seen\n"


@pytest.mark.parametrize("fork", ["", "if os.fork() == 0: note('fork'); time.sleep(60); os._exit(0)"])
def test_a_parent_killed_leaves_no_orphans(tmp_path: Path, fork: str) -> None:
    count = 5 if fork else 4
    with _script(tmp_path, _BUSY + f"{fork}\nwhile True: executor.poll(60)") as process:
        pids = numbers_in(tmp_path, count)
        process.kill()
        process.wait()
        spared = {int((tmp_path / "fork.pid").read_text())} if fork else set()
        until_gone(set(pids) - spared)


@pytest.mark.slow
@pytest.mark.parametrize("end", ["", "sys.exit(0)", "os.execv('/bin/true', ['true'])"])
def test_a_script_that_ends_leaves_no_orphans(tmp_path: Path, end: str) -> None:
    wait = "while len(list(folder.glob('*.pid'))) < 4: time.sleep(0.01)\n"
    with _script(tmp_path, _BUSY + wait + end) as process:
        pids = numbers_in(tmp_path, 4)
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, errors) == (0, "")
        until_gone(pids)


@pytest.mark.slow
def test_an_error_in_the_script_is_the_one_that_is_shown(tmp_path: Path) -> None:
    wait = "while len(list(folder.glob('*.pid'))) < 4: time.sleep(0.01)\n"
    with _script(tmp_path, _BUSY + wait + "1 / 0") as process:
        pids = numbers_in(tmp_path, 4)
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 1
        assert errors.rstrip().endswith("ZeroDivisionError: division by zero")
        until_gone(pids)


def test_ctrl_c_reaches_the_parent_alone_and_loses_nothing(tmp_path: Path) -> None:
    text = """
def objective(trial):
    note(f"worker-{trial.number}")
    while not (folder / "go").exists():
        time.sleep(0.005)
    return 1.0

with Processes(objective, 2) as executor:
    executor.submit(Task(0, 1, {}))
    executor.submit(Task(1, 1, {}))
    news, pressed = [], False
    while len(news) < 2:
        try:
            if pressed:
                pressed = False
                print("Ctrl-C", flush=True)  # here the next one is expected
            news += executor.poll(30)
        except KeyboardInterrupt:
            pressed = True
    print([item.reason.value for item in news])
"""
    with _script(tmp_path, text) as process:
        assert process.stdout is not None
        numbers_in(tmp_path, 2)
        for _ in range(3):
            os.killpg(process.pid, signal.SIGINT)
            assert process.stdout.readline() == "Ctrl-C\n"
        (tmp_path / "go").touch()
        output, errors = process.communicate(timeout=PATIENCE_S)
    assert (output, errors) == ("['done', 'done']\n", "")


def test_ctrl_c_while_closing_kills_at_once_and_gives_the_outcomes(tmp_path: Path) -> None:
    text = """
import luthier.executor.processes.executor
luthier.executor.processes.executor._CLOSING_GRACE_S = 60.0
parent = os.getpid()

def objective(trial):
    signal.signal(signal.SIGTERM, lambda *_: os.kill(parent, signal.SIGINT))  # when it is to end: Ctrl-C
    note("worker")
    while True:
        time.sleep(60)

executor = Processes(objective, 1)
executor.submit(Task(0, 1, {}, Limits(grace_s=60.0)))
while not (folder / "worker.pid").exists():
    time.sleep(0.01)
try:
    executor.close()
except KeyboardInterrupt:
    print("Ctrl-C")
executor.close()
print(executor.poll(30)[0].reason)
"""
    with _script(tmp_path, text) as process:
        pids = numbers_in(tmp_path, 1)
        output, errors = process.communicate(timeout=PATIENCE_S)
        until_gone(pids)
    assert (output, errors) == ("Ctrl-C\ninterrupted\n", "")


def test_workers_see_the_environment_and_no_input(tmp_path: Path) -> None:
    text = """
os.environ["OMP_NUM_THREADS"] = "3"
os.environ.pop("OPENBLAS_NUM_THREADS", None)

def objective(trial):
    asked = [os.environ.get("OMP_NUM_THREADS"), os.environ.get("OPENBLAS_NUM_THREADS"), sys.stdin.read(), os.getcwd()]
    return asked + [os.getpgrp() == os.getpid() == os.getsid(0)]

with Processes(objective, 1) as executor:
    executor.submit(Task(0, 1, {}))
    print(executor.poll(30)[0].value)
"""
    with _script(tmp_path, text) as process:
        output, errors = process.communicate(timeout=PATIENCE_S)
    assert (output, errors) == (f"{['3', None, '', str(tmp_path), True]}\n", "")
