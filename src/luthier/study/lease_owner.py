"""Who holds a lease, and whether they are still alive.

An owner is ``host/pid/start/study``: a machine and pid namespace, a process, when that process was started (so that a
process number that was given out again is not taken for the old process), and which of its open studies it is. Owners
on this host are asked of the operating system; owners elsewhere are believed until their lease expires on the store's
clock. An owner in this very process is dead when its study was closed or forgotten.
"""

from __future__ import annotations

import functools
import os
import secrets
import socket
import sys
import weakref
from pathlib import Path

_alive: set[str] = set()  # the marks of the owners of this process


class LeaseOwner:
    """One open study of this process, as a holder of leases; alive until `retire`, or until it is forgotten."""

    def __init__(self) -> None:
        self._mark = secrets.token_hex(6)
        self._pid = 0
        self._name = ""
        _alive.add(self._mark)
        weakref.finalize(self, _alive.discard, self._mark)

    @property
    def name(self) -> str:
        """The name to write into a lease; a fork has one of its own."""
        pid = os.getpid()
        if pid != self._pid:
            self._pid, self._name = pid, f"{_host()}/{pid}/{_started(pid)}/{self._mark}"
        return self._name

    def retire(self) -> None:
        """Hold nothing any more."""
        _alive.discard(self._mark)


def is_dead(name: str) -> bool | None:
    """Tell whether an owner is gone; None where that cannot be known from here."""
    try:
        host, pid_text, start, mark = name.rsplit("/", 3)
        pid = int(pid_text)
    except ValueError:
        return None
    if host != _host():
        return None
    if not _exists(pid) or (start != "0" and _started(pid) != start):
        return True
    return pid == os.getpid() and mark not in _alive


@functools.cache
def _host() -> str:
    """Name this machine, and the pid namespace that process numbers are valid in."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
        space = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}-{boot}-{space}"


def _started(pid: int) -> str:
    """Give the clock tick at which a process was started; "0" where the system does not say, "" where it is gone."""
    if not sys.platform.startswith("linux"):
        return "0"
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # the name in parentheses may hold anything
    return "" if fields[0] in ("Z", "X") else fields[19]  # a zombie is dead


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
