"""Reports and answers between a study and the pools of its machine, by a socket on loopback."""

from __future__ import annotations

import hmac
import secrets
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO, TypeAlias

from luthier import codec
from luthier.errors import ExecutorError, LuthierError
from luthier.executor.protocol import TaskAttributes, TaskReport, TaskUpdate

Address: TypeAlias = tuple[str, int, str]
"""Host, port and secret of a server."""

_Which: TypeAlias = tuple[int, int]
"""Number and token of a trial."""

_HOST = "127.0.0.1"
_CONNECT_S, _FLUSH_S = 5.0, 10.0


class ReportServer:
    """Takes what trials say, and sends them answers. A trial connects when it says something for the first time.

    A line of canonical JSON is a message. Both sides first prove that they know the secret; a connection that does not
    is closed. No code is read from it.

    Args:
        tell: takes each update, in a thread of its trial.
    """

    def __init__(self, tell: Callable[[TaskUpdate], None]) -> None:
        self._tell = tell
        self._secret = secrets.token_hex(32)
        self._socket = socket.create_server((_HOST, 0))
        self._lock = threading.Lock()
        self._answers: dict[_Which, tuple[int, bool]] = {}
        self._connections: dict[_Which, socket.socket] = {}
        self.address: Address = (_HOST, self._socket.getsockname()[1], self._secret)
        threading.Thread(target=self._accept, daemon=True, name="luthier-reports").start()

    def answer(self, which: _Which, answered: int, stop: bool) -> None:
        """Say how many reports of a trial were answered, and whether it is to stop."""
        with self._lock:
            before = self._answers.get(which, (0, False))
            self._answers[which] = latest = max(answered, before[0]), stop or before[1]
            connection = self._connections.get(which)
            if connection is not None:
                with suppress(OSError):
                    _send(connection, latest)

    def forget(self, which: _Which) -> None:
        """Drop what is kept of a trial that is over."""
        with self._lock:
            self._answers.pop(which, None)

    def close(self) -> None:
        """Take no more connections; those that are open end with their trials."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True, name="luthier-report").start()

    def _serve(self, connection: socket.socket) -> None:
        """Take what one trial says, until it is over."""
        which: _Which | None = None
        with connection, connection.makefile("rb") as lines, suppress(OSError, LuthierError, ValueError, TypeError):
            proof, number, token = codec.loads(lines.readline(1000))
            if not hmac.compare_digest(str(proof).encode(), _proof(self._secret, "trial").encode()):
                return
            _send(connection, _proof(self._secret, "study"))
            which = number, token
            with self._lock:
                self._connections[which] = connection
                if which in self._answers:
                    _send(connection, self._answers[which])
            for line in lines:
                kind, *content = codec.loads(line)
                if kind == "end":
                    break
                self._tell(TaskReport(*which, *content) if kind == "report" else TaskAttributes(*which, *content))
            connection.shutdown(socket.SHUT_RDWR)  # a process that was forked meanwhile has a copy, which stays open
        if which is not None:
            with self._lock:
                self._connections.pop(which, None)


class SocketLink:
    """The link of a trial with the server at an address; it connects at the first report.

    Where there is no way to the server, as from another machine, what the trial says travels with its result, and a
    trial that asks is told that there is no answer.

    Args:
        address: of the server.
        which: number and token of the trial.
    """

    def __init__(self, address: Address, which: _Which) -> None:
        self._address, self._which = address, which
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._unreachable = ""
        self._latest = (0, False)
        self._gone = False

    def send(self, update: TaskReport | TaskAttributes) -> None:
        """See `luthier.executor.remote_trial.Link.send`."""
        report = isinstance(update, TaskReport)
        message = ["report", update.step, update.value] if report else ["note", dict(update.values)]  # type: ignore[union-attr]
        with self._lock, suppress(OSError):
            if self._connect() is not None:
                _send(self._connection, message)

    def answered(self) -> tuple[int, bool]:
        """See `luthier.executor.remote_trial.Link.answered`.

        Raises:
            ExecutorError: there is no way to the study.
        """
        with self._lock:
            if self._unreachable:
                raise ExecutorError(
                    "should_stop() has no answer here: this process does not reach that of the study at "
                    f"{self._address[0]}:{self._address[1]} ({self._unreachable}). On other machines use Dask, Ray or "
                    "Slurm, or `luthier worker`; or train up to trial.until and return the value there, without asking"
                )
            return (self._latest[0], self._latest[1] or self._gone)

    def close(self) -> None:
        """Wait until the server has read everything."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is None:
            return
        with connection, suppress(OSError):
            connection.settimeout(_FLUSH_S)
            _send(connection, ["end"])
            self._reader.join(_FLUSH_S)

    def _connect(self) -> socket.socket | None:
        if self._connection is None and not self._unreachable:
            host, port, secret = self._address
            try:
                connection = socket.create_connection((host, port), _CONNECT_S)
            except OSError as error:
                self._unreachable = str(error)
                return None
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            lines = connection.makefile("rb")
            try:
                _send(connection, [_proof(secret, "trial"), *self._which])
                known = lines.readline(1000) == codec.dumps(_proof(secret, "study")) + b"\n"
            except OSError:
                known = False
            if not known:
                lines.close()
                connection.close()
                self._unreachable = "another program listens there"
                return None
            connection.settimeout(None)
            self._connection = connection
            self._reader = threading.Thread(target=self._read, args=(lines,), daemon=True)
            self._reader.start()
        return self._connection

    def _read(self, lines: BinaryIO) -> None:
        """Keep the latest answer, until the server ends the connection."""
        with suppress(OSError, LuthierError, ValueError, TypeError), lines:
            for line in lines:
                answered, stop = codec.loads(line)
                with self._lock:
                    self._latest = answered, stop
        self._gone = True


def _proof(secret: str, side: str) -> str:
    """Give what one side says to show that it knows the secret."""
    return hmac.new(secret.encode(), side.encode(), "sha256").hexdigest()


def _send(connection: socket.socket | None, message: Any) -> None:
    if connection is not None:
        connection.sendall(codec.dumps(message) + b"\n")
