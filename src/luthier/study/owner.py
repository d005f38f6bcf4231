"""Who holds a lease, and whether they are still alive.

An owner is ``host/pid/start``: a machine and pid namespace, a process, and when that process was started, so that a
process number that was given out again is not taken for the old process. Owners on this host are asked of the operating
system; owners elsewhere are believed until their lease expires on the store's clock.
"""

from __future__ import annotations

import functools
import os
import socket
import sys
from pathlib import Path


def owner() -> str:
    """Name this process as the owner of a lease."""
    pid = os.getpid()
    return f"{_host()}/{pid}/{_started(pid)}"


def is_dead(name: str) -> bool | None:
    """Tell whether an owner's process is gone; None where that cannot be known from here."""
    try:
        host, pid_text, start = name.rsplit("/", 2)
        pid = int(pid_text)
    except ValueError:
        return None
    if host != _host():
        return None
    return not _exists(pid) or (start != "0" and _started(pid) != start)


@functools.cache
def _host() -> str:
    """Name this machine, and the pid namespace that process numbers are valid in."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
        space = os.readlink("/proc/self/ns/pid").strip("pid:[]")
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
