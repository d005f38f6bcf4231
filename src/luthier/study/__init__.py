"""Studies to ask, tell and read: a log, a method and a store."""

from __future__ import annotations

from luthier.study.active_trial import ActiveTrial
from luthier.study.ask_tell import AskTell, Given
from luthier.study.editor import StudyEditor
from luthier.study.edits import preferences
from luthier.study.elapsed import TrialTimes
from luthier.study.known_results import checked_config, table_rows
from luthier.study.listing import StudyEntry, studies
from luthier.study.parse_result import parse_result
from luthier.study.reader import StudyReader
from luthier.study.retraction import TrialSelection, has_failed
from luthier.study.trial_files import folder_name
from luthier.study.trial_result import TrialResult
from luthier.study.verify import Mismatch, Verification
from luthier.study.workers import Direction, Order, Roster, Worker

__all__ = [
    "ActiveTrial",
    "AskTell",
    "Direction",
    "Given",
    "Mismatch",
    "Order",
    "Roster",
    "StudyEditor",
    "StudyEntry",
    "StudyReader",
    "TrialResult",
    "TrialSelection",
    "TrialTimes",
    "Verification",
    "Worker",
    "checked_config",
    "folder_name",
    "has_failed",
    "parse_result",
    "preferences",
    "studies",
    "table_rows",
]


def __dir__() -> list[str]:
    return sorted(__all__)
