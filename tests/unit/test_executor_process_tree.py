"""Members of a worker's process tree, and their memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from luthier.executor.processes import process_tree
from luthier.executor.processes.process_tree import ProcessInfo


def _process(pid: int, parent: int, leader: int = 0, session: int = 0, memory: int = 10) -> ProcessInfo:
    return ProcessInfo(pid, parent, leader, session, memory)


def test_members_are_the_group_the_session_and_all_descendants() -> None:
    processes = [
        _process(1, 0),
        _process(10, 1, 10, 10),  # the leader
        _process(11, 10, 10, 10),
        _process(12, 11, 12, 10),  # another group
        _process(13, 1, 13, 10),  # another group, and its parent is gone
        _process(14, 11, 14, 14),  # another session
        _process(15, 14, 14, 14),
        _process(16, 13, 16, 16),
        _process(20, 1, 20, 20),
        _process(21, 20, 20, 20),
    ]
    assert {process.pid for process in process_tree.group_members(10, processes)} == {10, 11, 12, 13, 14, 15, 16}
    without_leader = [process for process in processes if process.pid != 10]
    assert {process.pid for process in process_tree.group_members(10, without_leader)} == {11, 12, 13, 14, 15, 16}
    assert process_tree.group_members(99, processes) == ()


def test_a_loop_of_parents_ends() -> None:
    assert len(process_tree.group_members(10, [_process(10, 11), _process(11, 10)])) == 2


def test_the_table_has_this_process_and_no_zombies() -> None:
    me = next(process for process in process_tree.list_processes() if process.pid == os.getpid())
    assert (me.parent, me.group, me.session) == (os.getppid(), os.getpgrp(), os.getsid(0))
    assert 5e6 < me.memory_bytes < 1e11
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.read()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert child.pid not in {process.pid for process in process_tree.list_processes()}


def test_the_table_by_ps_agrees(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    listing = "  1     0     1  1000 Ss\n 77     1    77  2048 R+\n 78    77    77     0 Z+\n"
    fake = tmp_path / "ps"
    fake.write_text(f"#!/bin/sh\nprintf '%s' '{listing}'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert process_tree._from_ps() == (_process(1, 0, 1, 0, 1_024_000), _process(77, 1, 77, 0, 2_097_152))


def test_memory_is_exact_where_it_matters() -> None:
    processes = [_process(10**9, 1, memory=40), _process(10**9 + 1, 1, memory=60)]  # no process has these numbers
    assert process_tree.memory_bytes(processes, 1000) == 100
    assert process_tree.memory_bytes(processes, 50) == 100
    me = next(process for process in process_tree.list_processes() if process.pid == os.getpid())
    fork = os.fork()
    if fork == 0:
        os.read(os.pipe()[0], 1)
    try:
        twin = next(process for process in process_tree.list_processes() if process.pid == fork)
        together = process_tree.memory_bytes([me, twin], 1)
        assert together < me.memory_bytes + twin.memory_bytes  # what the two share counts once
        assert together > max(me.memory_bytes, twin.memory_bytes) / 2
    finally:
        os.kill(fork, 9)
        os.waitpid(fork, 0)


def test_an_empty_mark_matches_no_process() -> None:
    assert not process_tree._has_mark(os.getpid(), "")
    assert not process_tree._has_mark(10**9, "mark")
    assert process_tree.oom_kills() >= 0
