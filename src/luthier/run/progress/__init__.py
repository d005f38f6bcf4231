"""Progress of a run: counts, the time left, and what shows them in lines or in a notebook."""

from __future__ import annotations

from luthier.run.progress.notebook import NotebookReporter
from luthier.run.progress.pace import Pace
from luthier.run.progress.reporter_choice import make_reporter
from luthier.run.progress.reporters import LineReporter, ProgressReporter, SilentReporter
from luthier.run.progress.tally import Tally, tally_of

__all__ = [
    "LineReporter",
    "NotebookReporter",
    "Pace",
    "ProgressReporter",
    "SilentReporter",
    "Tally",
    "make_reporter",
    "tally_of",
]
