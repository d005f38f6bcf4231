"""Members, memory and termination of a worker's process group; program of the orphan reaper.

A worker leads a session and a process group of its own. The members of its tree are the processes of that group and
that session, and all their descendants, even those that left both. Once the worker is dead, processes that left both
can no longer be recognized by their parents; Linux still shows the environment they were started with, which holds the
worker's mark.

Run as a program (``python process_tree.py PARENT``), this file is the *orphan reaper*: it reads lines ``+PID MARK``,
``-PID`` and ``end`` from its standard input and, when the input ends or the process PARENT is gone, kills the groups
that are left. It imports the standard library only.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

POLITE = signal.SIGTERM
"""The signal that asks a process to end."""

FORCED = 9
"""The signal that kills it (SIGKILL; Windows has no name for it)."""

MARKS = "LUTHIER_WORKER"
"""The environment variable that identifies everything that a worker starts."""


class ProcessInfo(NamedTuple):
    """An entry of the system's process table."""

    pid: int
    parent: int
    group: int
    session: int
    memory_bytes: int


def list_processes() -> tuple[ProcessInfo, ...]:
    """List the running processes, without zombies.

    Cost: about 15 microseconds a process on Linux; one call of ``ps`` elsewhere.
    """
    if sys.platform == "win32":
        return ()
    return _from_proc() if sys.platform == "linux" else _from_ps()


def _from_proc() -> tuple[ProcessInfo, ...]:
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - five times as fast as pathlib
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:  # noqa: PTH123
                fields = stat.read().rpartition(b")")[2].split()
        except OSError:
            continue  # it has ended
        if fields[0] not in (b"Z", b"X"):
            parent, leader, session = (int(field) for field in fields[1:4])
            found.append(ProcessInfo(int(name), parent, leader, session, int(fields[21]) * page_bytes))
    return tuple(found)


def _from_ps() -> tuple[ProcessInfo, ...]:
    import subprocess

    command = ["ps", "-axo", "pid=,ppid=,pgid=,rss=,stat="]
    listing = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = []
    for line in listing.splitlines():
        pid, parent, group, kilobytes, state = line.split(None, 4)
        if not state.startswith("Z"):
            found.append(ProcessInfo(int(pid), int(parent), int(group), 0, int(kilobytes) * 1024))
    return tuple(found)


def group_members(leader: int, processes: Iterable[ProcessInfo]) -> tuple[ProcessInfo, ...]:
    """Return the processes of the tree that `leader` leads, itself included; see the module."""
    processes = tuple(processes)
    children: dict[int, list[ProcessInfo]] = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process)
    pending = [process for process in processes if leader in (process.pid, process.group, process.session)]
    found: dict[int, ProcessInfo] = {}
    while pending:
        process = pending.pop()
        if process.pid not in found:
            found[process.pid] = process
            pending.extend(children.get(process.pid, ()))
    return tuple(found.values())


def memory_bytes(processes: Iterable[ProcessInfo], limit_bytes: float) -> int:
    """Return the total resident memory of `processes`.

    The sum of resident sizes counts shared pages several times. Only if that sum exceeds `limit_bytes`, the
    proportional sizes are summed instead (Linux: ``smaps_rollup``, some milliseconds per gigabyte).
    """
    processes = tuple(processes)
    resident = sum(process.memory_bytes for process in processes)
    if resident <= limit_bytes or len(processes) == 1 or sys.platform != "linux":
        return resident
    return sum(_proportional_bytes(process) for process in processes)


def _proportional_bytes(process: ProcessInfo) -> int:
    try:
        with open(f"/proc/{process.pid}/smaps_rollup", "rb") as rollup:  # noqa: PTH123
            for line in rollup:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return process.memory_bytes


def send_signal(leader: int, number: int) -> None:
    """Send a signal to every process of the tree that `leader` leads.

    `leader` must not have been reaped: its number could belong to another process by now.
    """
    if sys.platform == "win32":
        return
    outside = [process.pid for process in group_members(leader, list_processes()) if process.group != leader]
    _try_kill(os.killpg, leader, number)
    for pid in outside:
        _try_kill(os.kill, pid, number)


def kill_group(leader: int, mark: str) -> None:
    """Kill every process of the tree that `leader` leads, and all that have `mark` in their environment.

    The processes are stopped first, until no further one is found: a stopped process starts no other.

    Cost: two or three calls of `list_processes`, and on Linux as many reads of each process's environment.
    """
    if sys.platform == "win32":
        return
    stopped: set[int] = set()
    for _ in range(10):
        processes = list_processes()
        marked = [process for process in processes if _has_mark(process.pid, mark)]
        found = {process.pid for process in (*group_members(leader, processes), *marked)} - stopped
        if not found:
            break
        for pid in found:
            _try_kill(os.kill, pid, signal.SIGSTOP)
        stopped |= found
    _try_kill(os.killpg, leader, signal.SIGKILL)
    for pid in stopped:
        _try_kill(os.kill, pid, signal.SIGKILL)


def kill_descendants(mark: str) -> None:
    """Kill everything that this process has started, directly or not, and all else that has `mark` in its environment.

    Daemons are descendants of a worker, which adopts them, as long as it lives.
    """
    if sys.platform == "win32":
        return
    me, killed = os.getpid(), set[int]()
    for _ in range(10):
        processes = list_processes()
        marked = [process for process in processes if _has_mark(process.pid, mark)]
        found = {process.pid for process in (*group_members(me, processes), *marked)} - killed - {me}
        if not found:
            return
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in found:
                _try_kill(os.kill, pid, number)
        killed |= found


def _has_mark(pid: int, mark: str) -> bool:
    if not mark:  # the empty text is in every environment
        return False
    try:
        with open(f"/proc/{pid}/environ", "rb") as environment:  # noqa: PTH123
            return mark.encode() in environment.read()
    except OSError:  # another user's, or gone, or this is not Linux
        return False


def oom_kills() -> int:
    """Return the system's count of out-of-memory kills since it was booted; 0 where that is unknown."""
    try:
        with open("/proc/vmstat", "rb") as counts:  # noqa: PTH123
            return next((int(line.split()[1]) for line in counts if line.startswith(b"oom_kill ")), 0)
    except OSError:
        return 0


def _try_kill(call: Callable[[int, int], None], pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        call(pid, number)


def _reap_orphans(parent: int) -> None:
    """Kill the groups read from standard input once the parent is gone."""
    import select

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: dict[int, str] = {}
    rest = b""
    while True:
        ready, _, _ = select.select([0], [], [], 2.0)
        # A fork of the parent may hold our input open: so also check that the parent is still there.
        chunk = os.read(0, 65536) if ready else b""
        if not chunk and (ready or os.getppid() != parent):
            break
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line == b"end":
                return
            leader, _, mark = line[1:].decode().partition(" ")
            if line[:1] == b"+":
                groups[int(leader)] = mark
            else:
                groups.pop(int(leader), None)
    for pid, mark in groups.items():
        kill_group(pid, mark)


if __name__ == "__main__":
    _reap_orphans(int(sys.argv[1]))
