"""Parent's handle of one worker process."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol, final

from luthier import codec
from luthier.executor.processes import framing, process_tree
from luthier.executor.processes.framing import Message, MessageKind
from luthier.executor.processes.orphan_reaper import START_LOCK, OrphanReaper

_PATIENCE_S = 30.0
"""Seconds within which more of a message must come: a worker writes it in one go."""

_REAP_S = 10.0
"""Seconds to wait for the end of a process that was killed."""


@final
class WorkerProcess:
    """A worker process, from its start until it is reaped.

    It leads a session and a process group of its own; its standard output and error are those of this process, its
    standard input is empty. `send`, `terminate`, `kill` and `has_exited` may be called from any thread, the rest from
    the thread that made it.

    Args:
        orphan_reaper: kills the process if this one is killed.
        environment: variables that it has beside those of this process.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, orphan_reaper: OrphanReaper, environment: Mapping[str, str] | None = None) -> None:
        self._orphan_reaper = orphan_reaper
        self._sending = threading.Lock()
        self._life = threading.Lock()
        self._reaped = False
        self.oom_kills = process_tree.oom_kills()
        """The system's count of out-of-memory kills when this process was started."""
        self._mark = secrets.token_hex(8)
        # A worker may have workers: they have its mark, too.
        marks = f"{os.environ.get(process_tree.MARKS, '')}{self._mark}."
        start = _start_posix if sys.platform != "win32" else _start_windows
        with START_LOCK:
            self._connection, self._process = start({**os.environ, **(environment or {}), process_tree.MARKS: marks})
        self.pid = self._process.pid
        try:
            orphan_reaper.watch(self.pid, self._mark)
        except BaseException:
            self.reap()
            raise

    def send(self, kind: MessageKind, content: bytes) -> None:
        """Send a message; does nothing if the process is gone (`receive` tells)."""
        with suppress(OSError), self._sending:
            framing.write_message(self._connection.outbox, Message(kind, content))

    def answer(self, number: int, stop: bool) -> None:
        """Send the answer to a report."""
        self.send(MessageKind.ANSWER, codec.dumps([number, stop]))

    def receive(self) -> Message | None:
        """Wait for the next message; None if there will be no more."""
        return framing.read_message(self._connection.inbox, _PATIENCE_S)

    def has_exited(self) -> bool:
        """Return whether the process has ended, without reaping it."""
        with self._life:
            if self._reaped:
                return True
            if sys.platform == "win32":
                return self._process.poll() is not None
            if hasattr(os, "waitid"):
                try:
                    return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
                except ChildProcessError:  # other code has reaped it
                    return True
            return all(process.pid != self.pid for process in process_tree.list_processes())

    def terminate(self) -> None:
        """Ask the process and everything it started to end (SIGTERM)."""
        with self._life:
            if not self._reaped:
                process_tree.send_signal(self.pid, process_tree.POLITE)
                if sys.platform == "win32":
                    self._process.terminate()

    def kill(self) -> None:
        """End the process and everything it started, and every `receive` that waits."""
        with self._life:
            if not self._reaped:
                self._kill()
        self._connection.cut()

    def cut(self) -> None:
        """Make `receive` return None once what has arrived is read: a surviving fork may hold the connection open."""
        self._connection.cut()

    def reap(self) -> int:
        """End what is left of the process group; return the exit code, or minus the signal that ended the process."""
        with self._life:
            self._kill()
            with suppress(OSError):
                self._orphan_reaper.forget(self.pid)
            self._reaped = True
        try:
            code = self._process.wait(_REAP_S)
        except subprocess.TimeoutExpired:  # the system does not release it (a dead file server)
            code = -process_tree.FORCED
        with self._sending:
            self._connection.close()
        return code

    def shut_down(self, grace_s: float) -> None:
        """Have the idle process exit by itself; kill it if that takes longer than `grace_s` seconds."""
        self.send(MessageKind.EXIT, b"null")
        deadline_s = time.monotonic() + grace_s
        while not self.has_exited() and time.monotonic() < deadline_s:
            time.sleep(0.002)  # no waiting thread: Python starts none while it shuts down
        self.reap()

    def _kill(self) -> None:
        if sys.platform == "win32":
            self._process.kill()
        else:
            process_tree.kill_group(self.pid, self._mark)


class _Connection(Protocol):
    """The parent's end of the connection to a worker."""

    inbox: int
    outbox: int

    def cut(self) -> None: ...

    def close(self) -> None: ...


@final
class _SocketPair:
    """A socket pair: unlike a pipe, it can be shut down at both ends, whoever else holds one."""

    def __init__(self, ours: socket.socket) -> None:
        self._socket = ours
        self.inbox = self.outbox = ours.fileno()

    def cut(self) -> None:
        with suppress(OSError):  # it is cut already
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()
        self.inbox = self.outbox = -1


@final
class _Pipes:
    """Two pipes, for Windows, where a dead process holds nothing open."""

    def __init__(self, inbox: int, outbox: int) -> None:
        self.inbox = inbox
        self.outbox = outbox

    def cut(self) -> None:
        pass

    def close(self) -> None:
        os.close(self.inbox)
        os.close(self.outbox)
        self.inbox = self.outbox = -1


def _command(descriptors: str) -> list[str]:
    """Return the command of a worker; it searches modules where this process does, and nowhere else."""
    path = [os.getcwd() if entry == "" else entry for entry in sys.path if isinstance(entry, str)]  # noqa: PTH109
    code = f"import sys; sys.path[:] = {path!r}; from luthier.executor.processes.worker_main import main; "
    return [sys.executable, "-P", "-c", f"{code}main({descriptors}, {os.getpid()})"]


def _start_posix(environment: dict[str, str]) -> tuple[_Connection, subprocess.Popen[bytes]]:
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                _command(f"{theirs.fileno()}, {theirs.fileno()}"),
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=environment,
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
    return _SocketPair(ours), process


def _start_windows(environment: dict[str, str]) -> tuple[_Connection, subprocess.Popen[bytes]]:
    if sys.platform != "win32":
        raise OSError("this is not Windows")
    import msvcrt

    (their_inbox, our_outbox), (our_inbox, their_outbox) = os.pipe(), os.pipe()
    handles = [msvcrt.get_osfhandle(their_inbox), msvcrt.get_osfhandle(their_outbox)]
    for handle in handles:
        os.set_handle_inheritable(handle, True)
    opened = ", ".join(f"__import__('msvcrt').open_osfhandle({handle}, 0)" for handle in handles)
    try:
        process = subprocess.Popen(
            _command(opened),
            stdin=subprocess.DEVNULL,
            env=environment,
            startupinfo=subprocess.STARTUPINFO(lpAttributeList={"handle_list": handles}),
            creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
        )
    except BaseException:
        os.close(our_inbox)
        os.close(our_outbox)
        raise
    finally:
        os.close(their_inbox)
        os.close(their_outbox)
    return _Pipes(our_inbox, our_outbox), process
