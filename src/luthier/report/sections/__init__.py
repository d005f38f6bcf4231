"""Sections of a report, each made from a study."""

from __future__ import annotations

from luthier.report.sections.best_values import best_values
from luthier.report.sections.effects import effects
from luthier.report.sections.failed_trials import failed_trials
from luthier.report.sections.next_steps import next_steps
from luthier.report.sections.reproduction import reproduction
from luthier.report.sections.search_space import search_space
from luthier.report.sections.time_use import time_use
from luthier.report.sections.trial_list import trial_list

__all__ = [
    "best_values",
    "effects",
    "failed_trials",
    "next_steps",
    "reproduction",
    "search_space",
    "time_use",
    "trial_list",
]
