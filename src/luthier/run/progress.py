"""Who is told how a run goes."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Protocol, TextIO, final

from luthier.study import ActiveTrial, TrialResult

if TYPE_CHECKING:
    from luthier.run.study import Study

_log = logging.getLogger("luthier")


class ProgressReporter(Protocol):
    """Something that shows a person how a run goes. It is called in the thread of the run."""

    def began(self, study: Study, trial: ActiveTrial) -> None:
        """Hear that a trial was handed to a worker."""
        ...

    def ended(self, study: Study, result: TrialResult) -> None:
        """Hear that a trial ended."""
        ...

    def notice(self, text: str) -> None:
        """Hear something that the person should know now."""
        ...


@final
class SilentReporter:
    """Show nothing; what the person should know goes to the logger ``luthier`` as a warning."""

    def began(self, study: Study, trial: ActiveTrial) -> None:
        """See `ProgressReporter.began`."""

    def ended(self, study: Study, result: TrialResult) -> None:
        """See `ProgressReporter.ended`."""

    def notice(self, text: str) -> None:
        """See `ProgressReporter.notice`."""
        _log.warning("%s", text)


@final
class LineReporter:
    """Write a line every few seconds: how many trials ended, how many of them in failure, and the best value.

    Args:
        stream: where to; standard error by default.
        every_s: seconds between two lines.
        total: how many trials the study is to have, where known.
    """

    def __init__(self, stream: TextIO | None = None, every_s: float = 2.0, total: int | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._every_s = every_s
        self._total = "" if total is None else f"/{total}"
        self._next_s = time.monotonic()
        self._ended = self._failed = 0

    def began(self, study: Study, trial: ActiveTrial) -> None:
        """See `ProgressReporter.began`."""

    def ended(self, study: Study, result: TrialResult) -> None:
        """See `ProgressReporter.ended`."""
        self._ended += 1
        self._failed += result.reason is not None and result.reason.is_crash
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + self._every_s
            self._write(self._line(study))

    def notice(self, text: str) -> None:
        """See `ProgressReporter.notice`."""
        self._write(text)

    def _line(self, study: Study) -> str:
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
