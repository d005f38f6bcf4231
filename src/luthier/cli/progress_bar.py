"""The progress of a run: a live bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import math
import sys
import threading
import time
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from luthier.render import assignments, clean, one_line

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from luthier.analysis import Forecast
    from luthier.run import Tally
    from luthier.study import ActiveTrial, StudyReader, TrialResult

LINE_EVERY_S = 5.0
STILL_EVERY_S = 30.0
"""Seconds between two lines where nothing happened."""

_COMPLAINTS = 5
"""The number of different failures that are shown; further ones are only counted."""


class LiveProgress:
    """Show a tally during a run.

    Args:
        name: of the study.
        tally: the counts that are shown.
        stream: by default standard error.
    """

    def __init__(self, name: str, tally: Tally, stream: IO[str] | None = None) -> None:
        self._name = one_line(name, 40)
        self._tally = tally
        self._stream = stream if stream is not None else sys.stderr
        self._lock = threading.Lock()
        self._said: set[str] = set()
        self._live: Live | None = None
        self._stop = threading.Event()
        self._ticker: threading.Thread | None = None
        self._last_s = -math.inf
        self._shown = -1

    def __enter__(self) -> Self:
        if self._stream.isatty():
            self._live = self._begin()
        else:
            self._ticker = threading.Thread(target=self._tick, name="luthier-progress", daemon=True)
            self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._live is not None:
            self._live.stop()
        if self._ticker is not None:
            self._ticker.join()

    def began(self, study: StudyReader, trial: ActiveTrial) -> None:
        """See `ProgressReporter.began`."""
        with self._lock:
            self._tally.begin(trial.number)

    def ended(self, study: StudyReader, result: TrialResult) -> None:
        """See `ProgressReporter.ended`."""
        with self._lock:
            improved = self._tally.add(result)
            improved = self._tally.follow(study) or improved
            self._tally.spend(study.history.spent)
            outcome = result.trial.outcome
            if outcome is not None and outcome.reason.is_crash:
                self._complain(result)
            if self._live is None and improved:
                self._line()

    def forecast(self, found: Forecast) -> None:
        """See `luthier.run.progress.live_forecast.ShowsForecast`."""
        with self._lock:
            self._tally.forecast(found)

    def notice(self, text: str) -> None:
        """See `ProgressReporter.notice`."""
        self._say(f"{self._name}: {text}")

    def _say(self, text: str) -> None:
        """Write a line; above the bar, where there is one."""
        if self._live is not None:
            from rich.text import Text

            self._live.console.print(Text(clean(text)), soft_wrap=True)
        else:
            self._stream.write(f"{clean(text)}\n")
            self._stream.flush()

    def _complain(self, trial: TrialResult) -> None:
        reason = str(trial.reason)
        head = next(iter(trial.error.strip().splitlines()), "")
        what = one_line(f"{reason}: {head}" if head else reason, 300)
        if what not in self._said and len(self._said) < _COMPLAINTS:
            self._said.add(what)
            self._say(f"{self._name}: trial {trial.number} {what}")

    # --- lines ----------------------------------------------------------------------------------------

    def _tick(self) -> None:
        while not self._stop.wait(0.25):
            with self._lock:
                quiet_s = time.monotonic() - self._last_s
                if quiet_s >= (LINE_EVERY_S if self._tally.ended != self._shown else STILL_EVERY_S):
                    self._line()

    def _line(self) -> None:
        best = self._tally.leader()
        values = assignments(self._tally.best.config) if self._tally.best is not None else ""
        parts = [self._name, self._tally.count(), *([f"best {best}: {values}"] if best else []), *self._tally.pace()]
        parts += [self._tally.ahead] if self._tally.ahead else []
        self._last_s, self._shown = time.monotonic(), self._tally.ended
        self._say("  ".join(parts))

    # --- the bar ----------------------------------------------------------------------------------------

    def _begin(self) -> Live:
        from rich.console import Console
        from rich.live import Live

        console = Console(file=self._stream, markup=False, highlight=False, emoji=False)
        live = Live(
            get_renderable=self._render, console=console, refresh_per_second=4, transient=True,
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip
        live.start()
        return live

    def _render(self) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        tally = self._tally
        bar: Any = ProgressBar(total=tally.trials, completed=tally.ended, width=30, pulse=tally.trials is None)
        row = Table.grid(padding=(0, 2))
        row.add_row(Text(self._name, style="bold"), bar, Text(tally.count()), Text("  ".join(tally.pace())))
        best = tally.best
        if best is None:
            return Group(row)
        below = Text("best ", style="dim")
        below.append(tally.leader(), style="bold green")
        below.append(f"  {assignments(best.config)}", style="default")
        return Group(row, below, *([Text(tally.ahead, style="dim")] if tally.ahead else []))
