"""A worker process and the guardian of all of them, as the parent has them in hand."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import final

from luthier import codec
from luthier.executor.processes import framing, process_tree
from luthier.executor.processes.framing import Message, MessageKind

_MARKS = "LUTHIER_WORKER"
"""The environment variable by which all that a worker starts is known."""

_REAP_S = 10.0
"""How long a process that was killed has to be gone."""

_starting = threading.Lock()
"""Held while a process is started: a fork of this one at that moment would hold open what tells that it has started."""

if sys.platform != "win32":
    os.register_at_fork(before=_starting.acquire, after_in_parent=_starting.release, after_in_child=_starting.release)


@final
class OrphanReaper:
    """The process that ends the workers' groups when this process is killed (see `process_tree`)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: dict[int, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False

    def watch(self, leader: int, mark: str) -> None:
        """Tell it of a group."""
        with self._lock:
            self._groups[leader] = mark
            self._tell(f"+{leader} {mark}\n")

    def forget(self, leader: int) -> None:
        """Tell it that a group has ended; before the leader is reaped."""
        with self._lock:
            self._groups.pop(leader, None)
            self._tell(f"-{leader}\n")

    def close(self) -> None:
        """Let it go."""
        with self._lock:
            self._ended = True
            process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            with suppress(OSError):
                os.write(process.stdin.fileno(), b"end\n")  # closing is not enough: a fork may hold it open
            process.stdin.close()
            process.wait()

    def _tell(self, line: str) -> None:
        if sys.platform == "win32" or self._ended:
            return
        try:
            self._write(line)
        except OSError:  # somebody has killed it: start another, and tell it of all
            if self._process is not None:
                self._process.wait()
            self._process = None
            self._write("")

    def _write(self, line: str) -> None:
        if self._process is None:
            command = [sys.executable, "-I", "-S", process_tree.__file__, str(os.getpid())]
            with _starting:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd="/", start_new_session=True
                )
            line = "".join(f"+{leader} {mark}\n" for leader, mark in self._groups.items())
        assert self._process.stdin is not None
        os.write(self._process.stdin.fileno(), line.encode())


@final
class WorkerProcess:
    """A worker process, from its start to its burial.

    It leads a session and a process group of its own; standard output and error are those of this process, standard
    input is empty. `send`, `terminate`, `kill` and `has_exited` may be called from any thread, the rest from the thread
    that made it, which must live as long as the child: Linux kills the child when that thread ends.

    Args:
        guardian: is told of it.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, guardian: OrphanReaper) -> None:
        self._guardian = guardian
        self._sending = threading.Lock()
        self._life = threading.Lock()
        self._reaped = False
        self.oom_kills = process_tree.oom_kills()
        """The system's count of processes ended for want of memory, when this one was started."""
        self._mark = secrets.token_hex(8)
        marks = f"{os.environ.get(_MARKS, '')}{self._mark}."  # a worker may have workers: they have its mark too
        start = _start_posix if sys.platform != "win32" else _start_windows
        with _starting:
            self._line, self._process = start({**os.environ, _MARKS: marks})
        self.pid = self._process.pid
        try:
            guardian.watch(self.pid, self._mark)
        except BaseException:
            self.reap()
            raise

    def send(self, kind: MessageKind, content: bytes) -> None:
        """Send a frame; nothing happens where the child is gone (`receive` tells)."""
        with suppress(OSError), self._sending:
            framing.write_message(self._line.outbox, Message(kind, content))

    def answer(self, number: int, stop: bool) -> None:
        """Send the answer to a report."""
        self.send(MessageKind.ANSWER, codec.dumps([number, stop]))

    def receive(self) -> Message | None:
        """Wait for the next frame; None where none will come any more."""
        return framing.read_message(self._line.inbox)

    def has_exited(self) -> bool:
        """Tell whether the process has ended, without reaping it."""
        with self._life:
            if self._reaped:
                return True
            if sys.platform == "win32":
                return self._process.poll() is not None
            if hasattr(os, "waitid"):
                try:
                    return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
                except ChildProcessError:  # somebody else has reaped it
                    return True
            return all(process.pid != self.pid for process in process_tree.list_processes())

    def terminate(self) -> None:
        """Ask the child and all it started to end (SIGTERM)."""
        with self._life:
            if not self._reaped:
                process_tree.send_signal(self.pid, process_tree.POLITE)
                if sys.platform == "win32":
                    self._process.terminate()

    def kill(self) -> None:
        """End the child and all it started, and with it every `receive` that waits."""
        with self._life:
            if not self._reaped:
                self._kill()
        self._line.cut()

    def cut(self) -> None:
        """Have `receive` give None once what has arrived is read: a fork that outlived the child may hold the line."""
        self._line.cut()

    def reap(self) -> int:
        """End what is left of the child's group and give the child's exit code, or minus the signal that ended it."""
        with self._life:
            self._kill()
            with suppress(OSError):
                self._guardian.forget(self.pid)
            self._reaped = True
        try:
            code = self._process.wait(_REAP_S)
        except subprocess.TimeoutExpired:  # the system does not let go of it (a dead file server): nor do we wait
            code = -process_tree.FORCED
        with self._sending:
            self._line.close()
        return code

    def shut_down(self, grace_s: float) -> None:
        """Have the child, which is idle, end in good order; kill it where that takes longer than `grace_s` seconds."""
        self.send(MessageKind.LEAVE, b"null")
        deadline_s = time.monotonic() + grace_s
        while not self.has_exited() and time.monotonic() < deadline_s:
            time.sleep(0.002)  # no waiting thread: Python starts none while it shuts down
        self.reap()

    def _kill(self) -> None:
        if sys.platform == "win32":
            self._process.kill()
        else:
            process_tree.kill_group(self.pid, self._mark)


class _Sockets:
    """A pair of sockets: unlike a pipe, it can be shut down for both ends whoever else holds one."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self.inbox = self.outbox = line.fileno()

    def cut(self) -> None:
        with suppress(OSError):  # it is cut already
            self._line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._line.close()
        self.inbox = self.outbox = -1


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


def _program(descriptors: str) -> list[str]:
    """Give the command of a worker; modules are looked for where this process looks, and nowhere else."""
    path = [os.getcwd() if entry == "" else entry for entry in sys.path if isinstance(entry, str)]  # noqa: PTH109
    code = f"import sys; sys.path[:] = {path!r}; from luthier.executor.processes.worker_main import main; "
    return [sys.executable, "-P", "-c", f"{code}main({descriptors}, {os.getpid()})"]


def _start_posix(environment: dict[str, str]) -> tuple[_Sockets | _Pipes, subprocess.Popen[bytes]]:
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                _program(f"{theirs.fileno()}, {theirs.fileno()}"),
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=environment,
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
    return _Sockets(ours), process


def _start_windows(environment: dict[str, str]) -> tuple[_Sockets | _Pipes, subprocess.Popen[bytes]]:
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
            _program(opened),
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
