"""Nothing that an objective has started outlives its run, and no single kill ends one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from awaiting import numbers_in, one, outcome_of, task, until, until_gone

import luthier as lt
from luthier.executor import Processes
from luthier.executor.processes import framing, process_tree
from luthier.trial import Reason

PROGRAM = """
import os, subprocess, sys, time
from pathlib import Path
from luthier.executor import Processes, Task

folder = Path(sys.argv[1])

def objective(trial):
    for place, settings in (("child", {}), ("session", {"start_new_session": True})):
        process = subprocess.Popen(["sleep", "120"], **settings)
        (folder / f"{place}.pid").write_text(str(process.pid))
    (folder / "worker.pid").write_text(str(os.getpid()))
    time.sleep(120)

with Processes(objective, 1) as executor:
    executor.submit(Task(0, 1, {}))
    executor.poll(120)
"""


def _reapers(parent: int) -> list[int]:
    """Find the orphan reapers of a process."""
    found = []
    for process in process_tree.list_processes():
        try:
            command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        except OSError:
            continue
        if process.parent == parent and b"process_tree.py" in command:
            found.append(process.pid)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="the test reads /proc")
def test_a_parent_that_is_killed_together_with_its_reaper_leaves_nothing(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)])
    try:
        left = numbers_in(tmp_path, 3)
        for pid in (*_reapers(parent.pid), parent.pid):
            os.kill(pid, signal.SIGKILL)
    finally:
        parent.kill()
        parent.wait()
    until_gone(left)


@pytest.mark.skipif(sys.platform != "linux", reason="the test reads /proc")
def test_a_reaper_that_is_killed_alone_is_replaced(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)])
    try:
        left = numbers_in(tmp_path, 3)
        (before,) = _reapers(parent.pid)
        os.kill(before, signal.SIGKILL)
        until(lambda: set(_reapers(parent.pid)) - {before} != set(), "another reaper")
        os.kill(left[-1], signal.SIGSTOP)  # a worker that cannot do anything itself
    finally:
        parent.kill()
        parent.wait()
    until_gone(left)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers adopt no daemons")
def test_a_daemon_without_an_environment_ends_with_its_worker(tmp_path: Path) -> None:
    def objective(trial):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                (tmp_path / "draft").write_text(str(os.getpid()))
                (tmp_path / "draft").rename(tmp_path / "daemon.pid")
                os.execve("/bin/sleep", ["sleep", "120"], {})
            os._exit(0)
        os.wait()
        while not (tmp_path / "daemon.pid").exists():
            time.sleep(0.01)
        return 1.0

    with Processes(objective, 1) as executor:
        assert one(executor, task()).reason is Reason.DONE
        left = numbers_in(tmp_path, 1)
        assert left[0] in {process.pid for process in process_tree.list_processes()}  # a pool may be used again
    until_gone(left)


def test_a_worker_that_is_killed_while_it_starts_is_started_again() -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="v", method=lt.Random(), seed=0)
    me, stop, killed = os.getpid(), threading.Event(), []

    def kill_the_first() -> None:
        while not stop.is_set() and not killed:
            for process in process_tree.list_processes():
                if process.parent == me and process.session == process.pid and process.pid not in _reapers(me):
                    os.kill(process.pid, signal.SIGKILL)
                    killed.append(process.pid)
                    return

    killer = threading.Thread(target=kill_the_first)
    killer.start()
    study.run(lambda trial: trial["x"], trials=8, workers=2)
    stop.set()
    killer.join()
    assert killed and all(trial.is_done for trial in study.trials) and len(study.trials) == 8


@pytest.mark.timeout(60)  # less than the trial would take
def test_a_forged_header_does_not_hang_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.executor.processes.worker_process._PATIENCE_S", 0.5)

    def objective(trial):
        if trial.number == 0:
            for descriptor in range(3, 64):
                try:
                    os.write(descriptor, bytes([14]) + (1 << 29).to_bytes(8, "big"))
                except OSError:
                    continue
            time.sleep(120)
        return 1.0

    with Processes(objective, 1) as executor:
        executor.submit(task(0))
        assert outcome_of(executor).reason is Reason.FAILED
        assert one(executor, task(1)).reason is Reason.DONE


def test_the_rest_of_a_message_is_not_waited_for_without_end() -> None:
    inbox, outbox = os.pipe()
    try:
        os.write(outbox, bytes([14]) + (10).to_bytes(8, "big") + b"abc")
        assert framing.read_message(inbox, 0.05) is None
        framing.write_message(outbox, framing.Message(framing.MessageKind.RESULT, b"whole"))
        assert framing.read_message(inbox, 0.05) == (framing.MessageKind.RESULT, b"whole")
    finally:
        os.close(inbox)
        os.close(outbox)
