"""The progress of a run: a live bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Iterable
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from luthier.history import is_feasible
from luthier.render import assignments, clean, number, one_line, seconds

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from luthier.problem import Problem
    from luthier.study import ActiveTrial, StudyReader, TrialResult

LINE_EVERY_S = 5.0
STILL_EVERY_S = 30.0
"""Seconds between two lines where nothing happened."""

_COMPLAINTS = 5
"""The number of different failures that are shown; further ones are only counted."""


class Tally:
    """Count the trials that ended, and keep the best.

    Args:
        problem: names the objectives.
        trials: the number of trials that the study is to have, where that is known.
        time_s: the seconds that it may take, where that is known.
    """

    def __init__(self, problem: Problem, trials: int | None, time_s: float | None) -> None:
        self._goal = problem.objectives[0] if len(problem.objectives) == 1 else None
        self.trials = trials
        self.time_s = time_s
        self.ended = self.failed = self.new = 0
        self.best: TrialResult | None = None
        self._began_s = time.monotonic()

    def add(self, trial: TrialResult, *, new: bool = True) -> bool:
        """Count a trial that ended; tell whether it is the best so far."""
        outcome = trial.trial.outcome
        if outcome is None:
            return False
        self.ended += 1
        self.new += new
        self.failed += outcome.reason.is_crash
        if self._goal is None or not trial.is_done or not is_feasible(outcome):
            return False
        if self.best is None or self._goal.loss(trial.value) < self._goal.loss(self.best.value):
            self.best = trial
            return True
        return False

    def elapsed_s(self) -> float:
        """Give the seconds since this run began."""
        return time.monotonic() - self._began_s

    def count(self) -> str:
        """Write the number that ended: ``23/60``."""
        return f"{self.ended}/{self.trials}" if self.trials is not None else f"{self.ended} trials"

    def pace(self) -> list[str]:
        """Write rate, time left, and failures."""
        parts: list[str] = []
        passed_s = self.elapsed_s()
        if self.new and passed_s > 0:
            rate = self.new / passed_s
            parts.append(f"{rate:.2g}/s" if rate < 99.5 else f"{rate:.0f}/s")
        left_s = self._left_s(passed_s)
        if left_s is not None:
            parts.append(f"eta {seconds(left_s)}")
        if self.failed:
            parts.append(f"{self.failed} failed")
        return parts

    def _left_s(self, passed_s: float) -> float | None:
        bounds = []
        if self.trials is not None and self.new and self.trials > self.ended:
            bounds.append((self.trials - self.ended) * passed_s / self.new)
        if self.time_s is not None:
            bounds.append(max(0.0, self.time_s - passed_s))
        return min(bounds, default=None)

    def leader(self) -> str:
        """Write the best so far: ``accuracy 0.98 (trial 14)``; empty before the first value."""
        if self.best is None or self._goal is None:
            return ""
        return f"{one_line(self._goal.name, 40)} {number(self.best.value)} (trial {self.best.number})"


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

    def ended(self, study: StudyReader, result: TrialResult) -> None:
        """See `ProgressReporter.ended`."""
        with self._lock:
            improved = self._tally.add(result)
            outcome = result.trial.outcome
            if outcome is not None and outcome.reason.is_crash:
                self._complain(result)
            if self._live is None and improved:
                self._line()

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
        return Group(row, below)


def tally_of(problem: Problem, trials: int | None, time_s: float | None, before: Iterable[TrialResult]) -> Tally:
    """Begin a tally with the trials that a study has already."""
    tally = Tally(problem, trials, time_s)
    for trial in before:
        tally.add(trial, new=False)
    return tally
