"""Forecasts of the next trials during a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, runtime_checkable

from luthier.analysis import Forecast

AHEAD = 20
"""The number of further trials that are forecast."""
_FEWEST = 10
"""With fewer trials with values than this nothing is forecast."""
_SHARE = 0.02
"""The share of a run's time that forecasts may take."""


@runtime_checkable
class ShowsForecast(Protocol):
    """A `ProgressReporter` that shows what the next trials may bring."""

    def forecast(self, found: Forecast) -> None:
        """Show a new forecast."""
        ...


class LiveForecast:
    """Forecast the next trials now and then: within a fiftieth of the time of a run, and only what is shown.

    Args:
        make: makes a forecast of a number of trials; see `luthier.Study.forecast`.
        shown: shows it.
        clock: seconds.
    """

    def __init__(
        self, make: Callable[[int], Forecast], shown: ShowsForecast, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._make = make
        self._shown = shown
        self._clock = clock
        self._begun_s = clock()
        self._spent_s = 0.0
        self._took_s = 0.0

    def look(self, finished: int) -> None:
        """Forecast, where it is time and enough is known. The first forecast waits for a second of running."""
        passed_s = self._clock() - self._begun_s
        if finished < _FEWEST or self._spent_s + max(self._took_s, _SHARE) > _SHARE * passed_s:
            return
        begun_s = self._clock()
        found: Forecast | None = None
        with suppress(Exception):  # too little is known, there are several objectives: no forecast may end a run
            found = self._make(AHEAD)
        self._took_s = self._clock() - begun_s
        self._spent_s += self._took_s
        if found is not None:
            self._shown.forecast(found)
