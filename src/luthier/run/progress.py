"""Progress reports of a run: silent, in lines, or of one's own."""

from __future__ import annotations

import logging
import sys
import time
from typing import Protocol, TextIO, final

from luthier.study import ActiveTrial, StudyReader, TrialResult

_log = logging.getLogger("luthier")


class ProgressReporter(Protocol):
    """Show the progress of a run. It is called in the thread of the run."""

    def began(self, study: StudyReader, trial: ActiveTrial) -> None:
        """Show that a trial was handed to a worker."""
        ...

    def ended(self, study: StudyReader, result: TrialResult) -> None:
        """Show that a trial ended."""
        ...

    def notice(self, text: str) -> None:
        """Show a message that the person should see at once."""
        ...


@final
class SilentReporter:
    """Show nothing; messages go to the logger ``luthier`` as warnings."""

    def began(self, study: StudyReader, trial: ActiveTrial) -> None:
        """See `ProgressReporter.began`."""

    def ended(self, study: StudyReader, result: TrialResult) -> None:
        """See `ProgressReporter.ended`."""

    def notice(self, text: str) -> None:
        """See `ProgressReporter.notice`."""
        _log.warning("%s", text)


@final
class LineReporter:
    """Write a line every few seconds: the number of trials that ended and that failed, and the best value.

    Args:
        stream: by default standard error.
        every_s: seconds between two lines.
        total: the number of trials that the study is to have, where known.
    """

    def __init__(self, stream: TextIO | None = None, every_s: float = 2.0, total: int | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._every_s = every_s
        self._total = "" if total is None else f"/{total}"
        self._next_s = time.monotonic()
        self._ended = self._failed = 0

    def began(self, study: StudyReader, trial: ActiveTrial) -> None:
        """See `ProgressReporter.began`."""

    def ended(self, study: StudyReader, result: TrialResult) -> None:
        """See `ProgressReporter.ended`."""
        self._ended += 1
        self._failed += result.reason is not None and result.reason.is_crash
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + self._every_s
            self._write(self._line(study))

    def notice(self, text: str) -> None:
        """See `ProgressReporter.notice`."""
        self._write(text)

    def _line(self, study: StudyReader) -> str:
        history = study.history
        parts = [f"{history.finished}{self._total} trials"]
        if self._failed:
            parts.append(f"{self._failed} failed")
        if history.best is not None:
            best = study.best
            parts.append(f"best {study.problem.objectives[0].name} = {best.value:.6g} (trial {best.number})")
        return ", ".join(parts)

    def _write(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()
