"""Parent's handle of the process that kills the workers when the parent is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from typing import final

from luthier._runtime.logger import silent_logger
from luthier.executor.processes import process_tree

_log = silent_logger(__name__)

START_LOCK = threading.Lock()
"""Held while a process is started: a fork of this one at that moment would keep the new process's pipes open."""

if sys.platform != "win32":
    os.register_at_fork(
        before=START_LOCK.acquire, after_in_parent=START_LOCK.release, after_in_child=START_LOCK.release
    )


@final
class OrphanReaper:
    """A process that outlives this one by moments, and kills the workers' process groups (see `process_tree`)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: dict[int, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def watch(self, leader: int, mark: str) -> None:
        """Add a process group.

        Args:
            leader: process ID of its leader.
            mark: text in the environment of all its processes.
        """
        with self._lock:
            self._groups[leader] = mark
            self._send(f"+{leader} {mark}\n")

    def forget(self, leader: int) -> None:
        """Remove a group that has ended; call it before the leader is reaped."""
        with self._lock:
            self._groups.pop(leader, None)
            self._send(f"-{leader}\n")

    def revive(self) -> None:
        """Start the process again if it was killed."""
        with self._lock:
            if self._process is not None and not self._closed and self._process.poll() is not None:
                self._restart()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._closed = True
            process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            with suppress(OSError):
                os.write(process.stdin.fileno(), b"end\n")  # closing is not enough: a fork may hold it open
            process.stdin.close()
            process.wait()

    def _send(self, line: str) -> None:
        if sys.platform == "win32" or self._closed:
            return
        try:
            self._write(line)
        except OSError:  # it was killed
            self._restart()

    def _restart(self) -> None:
        """Start another process, and send all groups."""
        _log.warning("the orphan reaper has died and is started again")
        if self._process is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process.wait()
        self._process = None
        self._write("")

    def _write(self, line: str) -> None:
        if self._process is None:
            command = [sys.executable, "-I", "-S", process_tree.__file__, str(os.getpid())]
            with START_LOCK:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd="/", start_new_session=True
                )
            line = "".join(f"+{leader} {mark}\n" for leader, mark in self._groups.items())
        assert self._process.stdin is not None
        os.write(self._process.stdin.fileno(), line.encode())
