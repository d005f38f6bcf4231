"""Objectives that are programs in any language.

It gets its parameters in its arguments, in environment variables and in a JSON file, runs in a process group of its
own, and its result is read from what it prints or writes. Environment:

- ``LUTHIER_PARAM_<name>``: each active value; characters other than letters, digits and ``_`` become ``_``; also with
  the name in capitals, where that is not another one's;
- ``LUTHIER_PARAMS``: the path of a JSON file with all of them;
- ``LUTHIER_TRIAL``, ``LUTHIER_ATTEMPT``, ``LUTHIER_SEED``, ``LUTHIER_STUDY``, and ``LUTHIER_FOLDER``: a folder of the
  trial's own, kept beside the store (see `RunningTrial.folder`); an earlier attempt may have left files there;
- ``LUTHIER_UNTIL``: the units of the study's fidelity (epochs, …) up to which to train now; empty without a fidelity;
- ``LUTHIER_FIDELITY``: in a study with a fidelity the units of each by name, as JSON: ``{"epochs": 9, "share": 32}``;
- ``LUTHIER_INSTANCE``, ``LUTHIER_CAP``: in a study with instances the one to run on, and the seconds after which the
  command is ended, which may be empty; ``LUTHIER_SEED`` is then that of the case.

What it prints is kept in that folder: ``stdout.txt`` and ``stderr.txt``, of a second attempt ``stdout-2.txt``, …, and
of the cases of a study with instances ``stdout-case-1.txt``, ….
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from luthier._runtime.temporary_folder import temporary_folder
from luthier.cli.objective.template import Template, drop_inactive, written
from luthier.errors import CommandFailed, InvalidResult, TrialPruned
from luthier.executor import RunningTrial

KEPT_BYTES = 1_000_000
"""Bytes at the end of the output that are read."""

WRITTEN_BYTES = 100_000_000
"""Bytes at the beginning of the output that are written to the trial's folder."""

_CUT = b"\n[... it printed more, which is not kept]\n"
_GRACE_S = 2.0
_LOOK_S = 0.1
"""Seconds between two looks at `should_stop`, by which a trial in a thread learns that it is to stop."""

_SHOWN = 2000
SPECIAL = (
    "luthier.number",
    "luthier.seed",
    "luthier.folder",
    "luthier.params",
    "luthier.until",
    "luthier.instance",
    "luthier.cap",
)
"""Places that are not variables: the trial's number and seed, its folder, the JSON file with the parameters, the units
of the study's fidelity up to which to train, the instance, and the seconds that it may take (empty where there are
none)."""
SHORT = {"instance": "luthier.instance", "seed": "luthier.seed", "cap": "luthier.cap"}
"""Shorter names for some of them in a study with instances, where no variable has that name."""


@dataclass(frozen=True)
class LastLine:
    """The result is the last line of the standard output that is not empty: a number, or a JSON object."""

    def read(self, output: str, folder: Path, places: Mapping[str, str]) -> object:
        """Read the result."""
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        if not lines:
            raise InvalidResult("the command printed nothing: its last line has to be the result")
        return _number_or_object(lines[-1], "the last line of the output")


@dataclass(frozen=True)
class Pattern:
    """The result is what a regular expression last matches: its one group, or a group named after each objective."""

    regex: str

    def read(self, output: str, folder: Path, places: Mapping[str, str]) -> object:
        """Read the result."""
        matches = list(re.finditer(self.regex, output, re.MULTILINE))
        if not matches:
            raise InvalidResult(f"the output holds nothing that matches {self.regex!r}; it ends: {_tail(output)}")
        match = matches[-1]
        named = match.groupdict()
        if named:
            return {name: _number(text, f"the group {name!r}") for name, text in named.items()}
        return _number(match[1], f"what {self.regex!r} matched")


@dataclass(frozen=True)
class JsonFile:
    """The result is a JSON file that the command writes: a number, or an object with the objectives by name."""

    path: Template

    def read(self, output: str, folder: Path, places: Mapping[str, str]) -> object:
        """Read the result."""
        place = self.place(folder, places)
        try:
            text = place.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise InvalidResult(f"the command did not write its result to {str(place)!r}: {why}") from None
        return _number_or_object(text.strip(), f"the file {str(place)!r}")

    def place(self, folder: Path, places: Mapping[str, str]) -> Path:
        """Give the path of the file."""
        return folder / self.path.fill(places)


@dataclass(frozen=True)
class WallTime:
    """The result is the seconds that the command ran, whatever it prints."""


class _Capped(Exception):
    """The command was ended at its cap."""


@dataclass(frozen=True)
class Command:
    """An objective that runs a command.

    Args:
        words: the program and its arguments; or one text for a shell.
        shell: whether a POSIX shell runs it.
        folder: its working directory.
        result: the rule to read its result.
        names: the environment names of the variables.
    """

    words: tuple[Template, ...]
    shell: bool
    folder: Path
    result: LastLine | Pattern | JsonFile | WallTime
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __call__(self, trial: RunningTrial) -> object:
        """Run the command for a trial, and read its result.

        Raises:
            CommandFailed: it cannot be started, or ended with an error.
            InvalidResult: its result cannot be read.
        """
        if "folder" in trial.context:
            kept = trial.folder
            mark = "" if trial.attempt == 1 else f"-{trial.attempt}"
            if trial.case is not None:
                mark = f"-case-{trial.case.step}"
            return self._run(trial, kept, kept / f"stdout{mark}.txt", kept / f"stderr{mark}.txt")
        with temporary_folder() as own:
            return self._run(trial, own)

    def _run(self, trial: RunningTrial, own: Path, *files: Path) -> object:
        parameters = own / "params.json"
        parameters.write_text(json.dumps(dict(trial.params), ensure_ascii=False), encoding="utf-8")
        texts = {name: written(value) for name, value in trial.params.items()}
        until = "" if trial.until is None else str(trial.until)
        instance, cap = _case_texts(trial)
        special = (str(trial.number), str(trial.seed), str(own), str(parameters), until, instance, cap)
        known = dict(zip(SPECIAL, special, strict=True))
        places = {**{name: known[whole] for name, whole in SHORT.items()}, **texts, **known}
        if isinstance(self.result, JsonFile):
            self.result.place(self.folder, places).unlink(missing_ok=True)  # of an earlier run
        environment = self._environment(trial, texts, own, parameters)
        begin_s = time.perf_counter()
        try:
            arguments = self._arguments(places)
            output = _execute(arguments, self.folder, environment, trial.should_stop, trial.cap_s, *files)
        except _Capped:
            return trial.cap_s
        if isinstance(self.result, WallTime):
            return time.perf_counter() - begin_s
        return self.result.read(output, self.folder, places)

    def _arguments(self, places: Mapping[str, str]) -> list[str]:
        if not self.shell:
            return drop_inactive(self.words, places)
        quoted = {name: shlex.quote(places.get(name, "")) for name in self.words[0].names}
        return ["/bin/sh", "-c", self.words[0].fill(quoted)]

    def _environment(
        self, trial: RunningTrial, texts: Mapping[str, str], own: Path, parameters: Path
    ) -> dict[str, str]:
        found = {
            **os.environ,
            "PATH": search_path(),
            "LUTHIER_PARAMS": str(parameters),
            "LUTHIER_FOLDER": str(own),
            "LUTHIER_TRIAL": str(trial.number),
            "LUTHIER_ATTEMPT": str(trial.attempt),
            "LUTHIER_SEED": str(trial.seed),
            "LUTHIER_STUDY": str(trial.context.get("study", "")),
            "LUTHIER_UNTIL": "" if trial.until is None else str(trial.until),
        }
        if trial.fidelity:
            found["LUTHIER_FIDELITY"] = json.dumps(trial.fidelity)
        if trial.case is not None:
            found["LUTHIER_INSTANCE"], found["LUTHIER_CAP"] = _case_texts(trial)
        for name, text in texts.items():
            found.update(dict.fromkeys(self.names.get(name, ()), text.replace("\0", "")))
        return found


def _case_texts(trial: RunningTrial) -> tuple[str, str]:
    """Write the instance and its cap; empty where there are none."""
    instance = "" if trial.case is None else str(trial.case.instance).replace("\0", "")
    return instance, "" if trial.cap_s is None else repr(trial.cap_s)


def search_path() -> str:
    """Give the PATH of commands: this Python's own folder comes first, so that ``python`` is this one."""
    return os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))


def environment_names(variables: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Name the environment variables of each variable; a name that two of them would share is left out."""
    exact = {name: "LUTHIER_PARAM_" + re.sub(r"\W", "_", name, flags=re.ASCII) for name in variables}
    taken = list(exact.values())
    found: dict[str, tuple[str, ...]] = {}
    capitals = [text.upper() for text in exact.values()]
    for name, text in exact.items():
        own = [text] if taken.count(text) == 1 else []
        if text.upper() != text and text.upper() not in taken and capitals.count(text.upper()) == 1:
            own.append(text.upper())
        found[name] = tuple(own)
    return found


# --- running --------------------------------------------------------------------------------------


_alive: set[subprocess.Popen[bytes]] = set()
_starting = threading.Lock()


@atexit.register
def _end_all() -> None:
    """End the commands of threads that Python does not wait for; the lock is kept, so that no more are started."""
    _starting.acquire()
    for process in tuple(_alive):
        _signal(process, "SIGKILL")


def _execute(
    arguments: list[str],
    folder: Path,
    environment: dict[str, str],
    stop: Callable[[], bool],
    cap_s: float | None,
    *files: Path,
) -> str:
    """Run a program in a process group of its own to its end, and give the end of its standard output.

    Args:
        arguments: the program, and what it gets.
        folder: its working directory.
        environment: its environment.
        stop: says whether it is to be ended.
        cap_s: the seconds after which it is ended in any case; None: no limit.
        files: take what it writes to its standard output and error; none: it is not kept.
    """
    own_group: dict[str, Any] = {} if sys.platform == "win32" else {"process_group": 0}
    program = shutil.which(arguments[0], path=environment["PATH"]) if os.sep not in arguments[0] else None
    try:
        with _starting:
            process = subprocess.Popen(
                [program or arguments[0], *arguments[1:]], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **own_group,
            )  # fmt: skip
            _alive.add(process)
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise CommandFailed(f"the command {shlex.join(arguments)} cannot be started: {said}") from None
    try:
        streams = zip((process.stdout, process.stderr), files or (None, None), strict=True)
        readers = [_Reader(stream, file) for stream, file in streams if stream is not None]
        code = _wait(process, readers[0], stop, cap_s)
    except BaseException:  # the trial is over its limit, or stopped
        _end(process)
        raise
    finally:
        _alive.discard(process)
    _signal(process, "SIGKILL")  # what it left behind would keep its output open, and the machine busy
    output, complaints = (reader.text() for reader in readers)
    if code != 0:
        how = f"ended with exit code {code}" if code > 0 else f"was killed by {signal.Signals(-code).name}"
        said = _tail(complaints) or _tail(output) or "it printed nothing"
        last = said.splitlines()[
            -1
        ].strip()  # first, for a run shows one line: that of a traceback which says what it is
        said = said if last == said.strip() else f"{last}\n{said}"
        where = f" (what it printed is in {files[0].parent})" if files else ""
        raise CommandFailed(f"the command {shlex.join(arguments)} {how}{where}: {said}")
    return output


def _wait(process: subprocess.Popen[bytes], reader: _Reader, stop: Callable[[], bool], cap_s: float | None) -> int:
    """Wait for the end of a process; the end of its output announces it."""
    deadline_s = None if cap_s is None else time.monotonic() + cap_s
    while (code := process.poll()) is None:
        left_s = _LOOK_S if deadline_s is None else max(0.001, min(_LOOK_S, deadline_s - time.monotonic()))
        if reader.is_alive():
            reader.join(left_s)
        else:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(left_s)
        if deadline_s is not None and time.monotonic() >= deadline_s and process.poll() is None:
            raise _Capped
        if stop():
            raise TrialPruned("the trial was stopped while its command ran")
    return code


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and its whole group: by SIGTERM, and by SIGKILL after a grace period."""
    _signal(process, "SIGTERM")
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _signal(process, "SIGKILL")
        process.wait()


def _signal(process: subprocess.Popen[bytes], name: str) -> None:
    if sys.platform == "win32":
        process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):  # no process is left
        os.killpg(process.pid, getattr(signal, name))


class _Reader(threading.Thread):
    """Read a stream to its end, keep the end of it, and write its beginning to a file, if there is one, as it comes."""

    def __init__(self, stream: IO[bytes], file: Path | None) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._file = file
        self._room = WRITTEN_BYTES
        self._kept = bytearray()
        self.start()

    def run(self) -> None:
        with self._stream:
            while chunk := os.read(self._stream.fileno(), 65536):
                if self._file is not None:
                    self._write(self._file, chunk)
                self._kept += chunk
                if len(self._kept) > 2 * KEPT_BYTES:
                    del self._kept[:-KEPT_BYTES]

    def _write(self, path: Path, chunk: bytes) -> None:
        """Write what there is room for; the file is made by the first piece."""
        if self._room > 0:
            with suppress(OSError), path.open("wb" if self._room == WRITTEN_BYTES else "ab") as file:  # a full disk
                file.write(chunk if len(chunk) <= self._room else chunk[: self._room] + _CUT)
            self._room -= len(chunk)

    def text(self) -> str:
        """Wait for the end, and give the text."""
        self.join(_GRACE_S)
        return bytes(self._kept[-KEPT_BYTES:]).decode("utf-8", "backslashreplace")


# --- reading results ------------------------------------------------------------------------------


def _number_or_object(text: str, where: str) -> object:
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except ValueError as error:
            raise InvalidResult(f"{where} is not JSON ({error}): {_tail(text)}") from None
        return found
    return _number(text, where)


def _number(text: str | None, where: str) -> float:
    try:
        return float(text or "")
    except ValueError:
        raise InvalidResult(f"{where} is not a number: {_tail(text or '') or 'nothing'}") from None


def _tail(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _SHOWN else "…" + text[-_SHOWN:]
