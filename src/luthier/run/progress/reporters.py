"""Progress reports of a run: silent, in lines, or of one's own."""

from __future__ import annotations

import logging
import sys
import time
from typing import Protocol, TextIO, final

from luthier._runtime.text_line import write_line
from luthier.analysis import Forecast
from luthier.render import seconds
from luthier.run.progress.failure_text import first_failure
from luthier.run.progress.pace import Pace
from luthier.run.progress.spending_text import forecast_line, spent_text
from luthier.study import ActiveTrial, StudyReader, TrialResult, has_failed

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
    """Show nothing; messages, and the first trial that fails, go to the logger ``luthier`` as warnings."""

    def __init__(self) -> None:
        self._failed = False

    def began(self, study: StudyReader, trial: ActiveTrial) -> None:
        """See `ProgressReporter.began`."""

    def ended(self, study: StudyReader, result: TrialResult) -> None:
        """See `ProgressReporter.ended`."""
        if not self._failed and has_failed(result):
            self._failed = True
            self.notice(f"study {study.name!r}: {first_failure(result)}")

    def notice(self, text: str) -> None:
        """See `ProgressReporter.notice`."""
        _log.warning("%s", text)


@final
class LineReporter:
    """Write a line every few seconds, with the counts, the best value and the time left; and one in the end.

    The first trial that fails is said at once, with its reason; further ones are counted.

    Args:
        stream: by default standard error.
        every_s: seconds between two lines.
        total: the number of trials that the study is to have, where known.
        cost: what they may cost in all, where known.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        every_s: float = 2.0,
        total: int | None = None,
        cost: float | None = None,
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._every_s = every_s
        self._total = total
        self._cost = cost
        self._pace = Pace()
        self._next_s = time.monotonic()
        self._ended = self._failed = 0
        self._said = -1
        self._forecast = ""

    def began(self, study: StudyReader, trial: ActiveTrial) -> None:
        """See `ProgressReporter.began`."""
        self._pace.begin(trial.number)

    def ended(self, study: StudyReader, result: TrialResult) -> None:
        """See `ProgressReporter.ended`."""
        self._ended += 1
        self._pace.end(result.number, result.duration_s)
        if has_failed(result):
            self._failed += 1
            if self._failed == 1:
                self._write(f"{self._line(study)}; {first_failure(result)}")
                return
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + self._every_s
            self._write(self._line(study))

    def notice(self, text: str) -> None:
        """See `ProgressReporter.notice`."""
        self._write(text)

    def forecast(self, found: Forecast) -> None:
        """Have the next lines say what 20 more trials may bring."""
        self._forecast = forecast_line(found)

    def close(self, study: StudyReader) -> None:
        """Write the last line, where anything ended since the one before."""
        if self._ended > max(self._said, 0):
            self._write(self._line(study))

    def _line(self, study: StudyReader) -> str:
        history = study.history
        self._said = self._ended
        paused = len(history.paused)
        parts = [f"{history.finished}{'' if self._total is None else f'/{self._total}'} trials"]
        if paused:
            parts.append(f"{paused} paused")
        if self._failed:
            parts.append(f"{self._failed} failed")
        if history.best is not None:
            best = study.best
            parts.append(f"best {study.problem.objectives[0].name} = {best.value:.6g} (trial {best.number})")
        left = 0 if self._total is None else self._total - history.finished - paused
        left_s = self._pace.left_s(left) if left > 0 else None
        if left_s is not None:
            parts.append(f"about {seconds(left_s)} left")
        if study.problem.cost is not None or self._cost is not None:
            parts.append(spent_text(study.problem, history.spent, self._cost))
        parts += [self._forecast] if self._forecast else []
        return ", ".join(parts)

    def _write(self, text: str) -> None:
        write_line(self._stream, text)
