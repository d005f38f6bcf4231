"""Groups of processes: who is in one, what memory they use, and how to end them all.

A worker leads a session and a process group of its own. To it belong the processes of its group and of its session,
and their descendants even where they left both. Where the worker is dead already, those that left both have lost their
descent; Linux still shows the environment they were started with, and in it the worker's mark.

Run as a program (``python group.py PARENT``) it is the *guardian*: it reads lines ``+PID MARK``, ``-PID`` and
``end`` from its standard input and, when that ends or PARENT is gone, kills the groups that are left. It outlives the
parent by milliseconds, and so also ends what a killed worker could not.
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
"""The signal that ends it (SIGKILL; Windows has no name for it)."""


class ProcessInfo(NamedTuple):
    """A line of the system's table of processes."""

    pid: int
    parent: int
    group: int
    session: int
    memory_bytes: int


def list_processes() -> tuple[ProcessInfo, ...]:
    """List the processes that are alive (zombies are not).

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
    """Pick the processes that belong to the group that `leader` leads, itself included."""
    processes = tuple(processes)
    children: dict[int, list[ProcessInfo]] = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process)
    waiting = [process for process in processes if leader in (process.pid, process.group, process.session)]
    found: dict[int, ProcessInfo] = {}
    while waiting:
        process = waiting.pop()
        if process.pid not in found:
            found[process.pid] = process
            waiting.extend(children.get(process.pid, ()))
    return tuple(found.values())


def memory_bytes(processes: Iterable[ProcessInfo], limit_bytes: float) -> int:
    """Add up the resident memory of `processes`.

    The sum of the resident sizes counts shared pages several times; where that sum is over the limit, the
    proportional sizes (Linux: ``smaps_rollup``, some milliseconds a gigabyte) give the exact answer.
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
    """Send a signal to every process of the group that `leader` leads.

    `leader` must not have been reaped, lest its number belongs to somebody else.
    """
    if sys.platform == "win32":
        return
    outside = [process.pid for process in group_members(leader, list_processes()) if process.group != leader]
    _try_kill(os.killpg, leader, number)
    for pid in outside:
        _try_kill(os.kill, pid, number)


def kill_group(leader: int, mark: str) -> None:
    """Kill every process of the group that `leader` leads, and all that have `mark` in their environment.

    All are stopped first, until none is found that was not stopped before: a stopped process gives birth to no other.

    Cost: two or three times `list_processes`, and on Linux as many reads of each process's environment.
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


def _has_mark(pid: int, mark: str) -> bool:
    if not mark:  # it would be found in everything
        return False
    try:
        with open(f"/proc/{pid}/environ", "rb") as environment:  # noqa: PTH123
            return mark.encode() in environment.read()
    except OSError:  # another user's, or gone, or this is not Linux
        return False


def oom_kills() -> int:
    """Count the processes that the system has killed for want of memory since it started; 0 where it does not tell."""
    try:
        with open("/proc/vmstat", "rb") as counts:  # noqa: PTH123
            return next((int(line.split()[1]) for line in counts if line.startswith(b"oom_kill ")), 0)
    except OSError:
        return 0


def _try_kill(call: Callable[[int, int], None], pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        call(pid, number)


def _guard(parent: int) -> None:
    """Kill the groups that are told when the parent is gone."""
    import select

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: dict[int, str] = {}
    rest = b""
    while True:
        ready, _, _ = select.select([0], [], [], 2.0)
        # A fork of the parent may hold our input open: so look also whether the parent is still there.
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
    _guard(int(sys.argv[1]))
