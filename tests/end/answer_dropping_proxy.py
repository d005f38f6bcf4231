"""A proxy between a client and a database server that can drop the server's answer to a commit."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self


class AnswerDroppingProxy:
    """Pass everything on; once armed, let the server do the next commit, and its answer get lost with the connection.

    Args:
        port: of the server, on this machine.
    """

    def __init__(self, port: int) -> None:
        self._server = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.armed = False
        self.before = False
        """Whether the commit itself is lost, instead of the answer to it."""
        self.dropped = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._server))
                for pair in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, from_client: bool) -> None:
        with contextlib.suppress(OSError), source, target:
            while data := source.recv(65536):
                if from_client and self.armed and b"COMMIT" in data:
                    self.armed = False
                    self.dropped += 1
                    if not self.before:
                        target.sendall(data)
                        threading.Event().wait(0.3)  # the server has done it by then
                    source.shutdown(socket.SHUT_RDWR)
                    target.shutdown(socket.SHUT_RDWR)
                    return
                target.sendall(data)
