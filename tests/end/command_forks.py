"""``luthier`` commands in forks of a process that has loaded what they load, so that none spends a second on that."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import re
import select
import shlex
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

VARIABLE = "COMMAND_FORKS"
"""Has the path of the socket of the process that forks."""
LOADED = (
    *(
        f"luthier.cli.commands.{name}"
        for name in ("admin", "choose", "explain", "export", "plot", "run", "show", "worker")
    ),
    *("luthier.analysis", "luthier.method", "luthier.plot", "luthier.report", "luthier.run", "luthier.surrogate"),
    *("scipy.linalg", "scipy.optimize", "scipy.special", "scipy.stats", "matplotlib.figure", "plotly.graph_objects"),
)
_SHELL = re.compile(r"[|&;<>$`*?~()\[\]{}#!]")


class Done(NamedTuple):
    """How a command ended: its exit code, and what it wrote."""

    code: int
    stdout: str
    stderr: str


def execute(command: str) -> Done:
    """Run a line of a console: a plain ``luthier`` command in a fork, where there is one; others in a shell."""
    place = os.environ.get(VARIABLE)
    words = [] if place is None or _SHELL.search(command) else shlex.split(command)
    if place is None or words[:1] != ["luthier"]:
        done = subprocess.run(command, shell=True, capture_output=True, text=True)
        return Done(done.returncode, done.stdout, done.stderr)
    return execute_in_fork(place, words, Path.cwd())


def execute_in_fork(place: str, words: list[str], folder: Path) -> Done:
    """Run a ``luthier`` command in a folder, in a fork of the process whose socket is at `place`."""
    with tempfile.TemporaryDirectory() as written, socket.socket(socket.AF_UNIX) as connection:
        connection.connect(place)
        request = {"words": words, "folder": str(folder), "environment": dict(os.environ), "written": written}
        connection.sendall(json.dumps(request).encode() + b"\n")
        code = int(connection.makefile().read())
        return Done(code, *((Path(written) / name).read_text("utf-8") for name in ("stdout", "stderr")))


@cache
def forks(python_path: str) -> str:
    """Start the process that forks, for as long as this one lives; gives the path of its socket."""
    folder = tempfile.TemporaryDirectory()
    place = f"{folder.name}/socket"
    environment = {**os.environ, "PYTHONPATH": python_path}
    server = subprocess.Popen(
        [sys.executable, __file__, place], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None and server.stdout.readline() == "ready\n"

    def end() -> None:
        server.communicate()
        folder.cleanup()

    atexit.register(end)
    return place


def serve(place: str) -> None:
    """Answer requests, each in a process of its own, until who started this one is gone: its end of a pipe, too."""
    sys.path.pop(0)  # the folder of this file
    for name in LOADED:
        importlib.import_module(name)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        listener.listen()
        print("ready", flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(connection)
                os._exit(0)
            connection.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def _answer(connection: socket.socket) -> None:
    request = json.loads(connection.makefile().readline())
    pid = os.fork()
    if pid == 0:
        connection.close()
        _become(**request)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    connection.sendall(str(code).encode())


def _become(words: list[str], folder: str, environment: dict[str, str], written: str) -> None:
    """Be the command: its folder, variables and streams are those that a shell would give it."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, (path, flags) in enumerate(
        ((os.devnull, os.O_RDONLY), (f"{written}/stdout", os.O_WRONLY), (f"{written}/stderr", os.O_WRONLY))
    ):
        opened = os.open(path, flags | (os.O_CREAT if number else 0))
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = words
    importlib.import_module("luthier.cli").main()


if __name__ == "__main__":
    serve(sys.argv[1])
