"""Progress and a live picture of a run in a notebook: one output that is updated in place."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias, final

from luthier.analysis import Forecast
from luthier.render import html_table, one_line, short
from luthier.run.progress.failure_text import first_failure
from luthier.run.progress.tally import Tally
from luthier.study import ActiveTrial, StudyReader, TrialResult, has_failed

DrawStudy: TypeAlias = Callable[[StudyReader], str]
"""Draws a study as HTML or SVG."""

_EVERY_S = 0.5
_SHARE = 0.1
"""The share of a run's time that drawing may take; a picture that takes longer to draw is drawn less often."""
_NOTICES = 5


def notebook_shell() -> Any:
    """Give IPython's shell where this program is the kernel of a notebook; None elsewhere. Imports nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if getattr(shell, "kernel", None) is not None else None


def live_history(study: StudyReader) -> str:
    """Draw the optimization history as an image. Raises MissingDependency without matplotlib."""
    from luthier.plot import StudyPlots
    from luthier.report import image_url

    image = image_url(StudyPlots(study).history(backend="picture"))
    return f'<img src="{image}" alt="optimization history" style="max-width: 100%; background: #fff">'


@final
class NotebookReporter:
    """Show a bar, the best trial and what failed in the output of a notebook's cell, with a live picture if wanted.

    It uses IPython's display protocol alone: no widget has to be installed in the notebook's server, and what was shown
    last stays in the file of the notebook.

    Args:
        name: of the study.
        tally: the counts that are shown.
        picture: draws the study; None for no picture.
    """

    def __init__(self, name: str, tally: Tally, picture: DrawStudy | None = None) -> None:
        self._name = one_line(name, 60)
        self._tally = tally
        self._picture = picture
        self._drawn = ""
        self._notices: list[str] = []
        self._handle: Any = None
        self._failed = False
        self._next_s = self._next_picture_s = -float("inf")

    def began(self, study: StudyReader, trial: ActiveTrial) -> None:
        """See `ProgressReporter.began`."""
        self._tally.begin(trial.number)
        self._show(study)

    def ended(self, study: StudyReader, result: TrialResult) -> None:
        """See `ProgressReporter.ended`."""
        self._tally.add(result)
        self._tally.follow(study)
        self._tally.spend(study.history.spent)
        if not self._failed and has_failed(result):
            self._failed = True
            self._notices.append(first_failure(result))
        self._show(study)

    def forecast(self, found: Forecast) -> None:
        """Show what 20 more trials may bring."""
        self._tally.forecast(found)
        self._update()

    def notice(self, text: str) -> None:
        """See `ProgressReporter.notice`."""
        self._notices.append(text)
        self._update()

    def close(self, study: StudyReader) -> None:
        """Show how the run ended."""
        self._next_picture_s = -float("inf")
        self._draw(study)
        self._update(ended=True)

    def _show(self, study: StudyReader) -> None:
        """Show the present state, unless that was done a moment ago."""
        if time.monotonic() < self._next_s:
            return
        self._draw(study)
        self._update()
        self._next_s = time.monotonic() + _EVERY_S

    def _draw(self, study: StudyReader) -> None:
        """Draw the picture anew, where it is time; one that fails is left out, and the run goes on."""
        begun_s = time.monotonic()
        if self._picture is None or begun_s < self._next_picture_s:
            return
        try:
            self._drawn = self._picture(study)
        except Exception as error:  # noqa: BLE001 - no picture may end a run
            self._picture = None
            self._notices.append(f"there is no picture any more: {type(error).__name__}: {error}")
        ended_s = time.monotonic()
        self._next_picture_s = ended_s + max(_EVERY_S, (ended_s - begun_s) / _SHARE)

    def _update(self, ended: bool = False) -> None:
        ipython: Any = import_module("IPython.display")  # which is there, as this is a notebook
        shown = ipython.HTML(self._page(ended))
        if self._handle is None:
            self._handle = ipython.display(shown, display_id=True)
        else:
            self._handle.update(shown)

    def _page(self, ended: bool) -> str:
        tally = self._tally
        count = html.escape(tally.count())
        value = "" if tally.trials is None and not ended else f' value="{tally.ended}" max="{tally.trials or 1}"'
        pace = html.escape("  ".join(tally.pace(ended)))
        parts = [
            f'<div><strong>{html.escape(self._name)}</strong> <progress aria-label="trials"{value}>{count}</progress> '
            f"{count} <small>{pace}</small></div>"
        ]
        if tally.best is not None:
            rows = [(name, short(value)) for name, value in tally.best.config.items()]
            parts.append(html_table(f"best: {tally.leader()}", rows))
        if self._tally.ahead:
            parts.append(f"<p><small>{html.escape(self._tally.ahead)}</small></p>")
        parts += [f'<p role="status">{html.escape(one_line(text, 300))}</p>' for text in self._notices[-_NOTICES:]]
        return f"<div>{''.join(parts)}{self._drawn}</div>"
