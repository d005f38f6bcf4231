"""The holders of leases: their names, their heartbeats, and whether they are still alive.

The name of a holder is ``host/pid/start/study``: a machine and pid namespace, a process, when that process was started
(a process number may be given out again), and which of its open studies it is. The operating system knows whether a
holder on this host is alive; one elsewhere is taken to be alive until its lease expires on the store's clock. A holder
in this very process is dead once its study was closed or forgotten.
"""

from __future__ import annotations

import functools
import logging
import os
import secrets
import socket
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

from luthier.errors import LuthierError

_logger = logging.getLogger(__name__)

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
        """The name to write into a lease; a forked process has one of its own."""
        pid = os.getpid()
        if pid != self._pid:
            self._pid, self._name = pid, f"{_host()}/{pid}/{_started(pid)}/{self._mark}"
        return self._name

    def retire(self) -> None:
        """Be dead from now on: what is held is lost."""
        _alive.discard(self._mark)


def is_dead(name: str) -> bool | None:
    """Tell whether the owner of a name is gone; None where that cannot be known from here."""
    try:
        host, pid_text, start, mark = name.rsplit("/", 3)
        pid = int(pid_text)
    except ValueError:
        return None
    if host != _host():
        return None
    if not _exists(pid) or _is_another(pid, start):
        return True
    return pid == os.getpid() and mark not in _alive


class Heartbeat:
    """Renew leases from a daemon thread, at a third of their time to live. A trial shorter than that costs nothing.

    Args:
        renew: renews the lease of a number and a token.
        ttl_s: seconds that a lease lasts.
    """

    def __init__(self, renew: Callable[[int, int], object], ttl_s: float) -> None:
        self.ttl_s = ttl_s
        self._renew = renew
        self._pid = os.getpid()
        self._held: dict[int, int] = {}  # of trials
        self._claims: dict[int, int] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, number: int, token: int) -> None:
        """Renew the lease of a trial from now on."""
        self._wake()
        self._held[number] = token

    def hold_claim(self, number: int, token: int) -> None:
        """Renew a claim from now on."""
        self._wake()
        self._claims[token] = number

    def drop(self, number: int, token: int | None = None) -> None:
        """Renew the lease of a trial no longer; of a given token, unless another one is held by now."""
        if token is None or self._held.get(number) == token:
            self._held.pop(number, None)

    def drop_claim(self, token: int) -> None:
        """Renew a claim no longer."""
        self._claims.pop(token, None)

    def held(self) -> dict[int, int]:
        """Give the leases of trials that are renewed: tokens by number."""
        return self._held.copy() if os.getpid() == self._pid else {}

    def claimed(self) -> dict[int, int]:
        """Give the claims that are renewed: first numbers by token."""
        return self._claims.copy() if os.getpid() == self._pid else {}

    def close(self) -> None:
        """End the thread."""
        self._held.clear()
        self._claims.clear()
        self._stop.set()

    def beat(self) -> None:
        """Renew every held lease once."""
        if os.getpid() == self._pid:
            for number, token in [
                *self._held.copy().items(),
                *((n, token) for token, n in self._claims.copy().items()),
            ]:
                self._renew(number, token)

    def _wake(self) -> None:
        if os.getpid() != self._pid:  # a fork has copied the leases of its parent, but they are not the fork's
            self._pid, self._held, self._claims, self._thread = os.getpid(), {}, {}, None
        if self._thread is None or not self._thread.is_alive():
            self._stop = threading.Event()
            weakref.finalize(self, self._stop.set)
            self._thread = threading.Thread(
                target=_beat,
                args=(weakref.ref(self), self._stop, self.ttl_s / 3),
                name="luthier-heartbeat",
                daemon=True,
            )
            self._thread.start()


def _beat(reference: weakref.ref[Heartbeat], stop: threading.Event, interval_s: float) -> None:
    while not stop.wait(interval_s):
        heartbeat = reference()
        if heartbeat is None:
            return
        try:
            heartbeat.beat()
        except LuthierError as error:  # a store that fails now may be well again at the next beat
            _logger.warning("leases could not be renewed: %s", error)
        finally:
            del heartbeat


@functools.cache
def _host() -> str:
    """Name this machine, and the pid namespace that process numbers are valid in."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
        space = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}-{boot}-{space}"


def _is_another(pid: int, start: str) -> bool:
    """Tell whether a process that exists is known to be another one than that which was started at a clock tick."""
    now = _started(pid)
    if now == "" and _is_hidden(pid):
        return False  # it lives, for all that can be known: the lease says how long
    return "0" not in (start, now) and now != start


def _is_hidden(pid: int) -> bool:
    """Tell whether the system hides a process that exists: it is another user's (hidepid of /proc)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return not Path(f"/proc/{pid}").exists()
    except ProcessLookupError:
        return False
    return False


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
