"""A search as a program: run by processes that are killed, and gone on with by this one."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import runpy
import signal
import sys
from pathlib import Path

import pytest
from awaiting import until

import luthier as lt


def lines(file: Path) -> int:
    """Count the lines of a file, which need not be there."""
    return file.read_text().count("\n") if file.exists() else 0


class KilledSearch:
    """A program whose arguments are a kind of search, a store and a log to which each fit adds a line.

    For the store and the log, ``-`` stands for none.

    Attributes:
        fits: the number of lines in the log.
    """

    def __init__(self, program: str, kind: str, folder: Path) -> None:
        self._script = folder / "search.py"
        self._script.write_text(program, encoding="utf-8")
        self._kind = kind
        self._store = folder / "search.db"
        self._log = folder / "fits.log"

    @property
    def fits(self) -> int:
        return lines(self._log)

    def kill(self, fits: int) -> None:
        """Run it in a process of its own, a fork of this one, that is killed once the log has so many lines."""
        process = multiprocessing.get_context("fork").Process(target=self.go_on)
        process.start()
        until(lambda: self.fits >= fits or not process.is_alive(), f"{fits} fits", 120)
        assert process.is_alive(), f"it ended before it was killed, with {process.exitcode}"
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL

    def go_on(self) -> str:
        """Run it in this process, which is another one than those that were killed; gives what it prints."""
        return self._printed(str(self._store), str(self._log)).replace(f"'{self._log}'", "None")

    def whole(self) -> str:
        """Run it in this process, without a store and a log; gives what it prints."""
        return self._printed("-", "-")

    def stored(self) -> int:
        """Count the trials in the store."""
        with lt.Study(lt.store.open_store(self._store).names()[0], store=self._store) as study:
            return len(study)

    def _printed(self, *arguments: str) -> str:
        printed = io.StringIO()
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
            patch.setattr(sys, "argv", [self._script.name, self._kind, *arguments])
            runpy.run_path(str(self._script), run_name="__main__")
        return printed.getvalue()
