"""Studies to ask, tell and read: a log, a method and a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luthier._runtime.lazy_names import lazy_name

if TYPE_CHECKING:
    from luthier.study.active_trial import ActiveTrial
    from luthier.study.ask_tell import AskTell, Given
    from luthier.study.editor import StudyEditor
    from luthier.study.edits import preferences
    from luthier.study.elapsed import TrialTimes
    from luthier.study.known_results import checked_config, table_rows
    from luthier.study.listing import StudyEntry, studies
    from luthier.study.reader import StudyReader
    from luthier.study.retraction import TrialSelection, has_failed
    from luthier.study.returned_values import parse_result
    from luthier.study.summary import own_name
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
    "own_name",
    "parse_result",
    "preferences",
    "studies",
    "table_rows",
]

_LAZY = {
    "ActiveTrial": "active_trial",
    "AskTell": "ask_tell",
    "Direction": "workers",
    "Given": "ask_tell",
    "Mismatch": "verify",
    "Order": "workers",
    "Roster": "workers",
    "StudyEditor": "editor",
    "StudyEntry": "listing",
    "StudyReader": "reader",
    "TrialResult": "trial_result",
    "TrialSelection": "retraction",
    "TrialTimes": "elapsed",
    "Verification": "verify",
    "Worker": "workers",
    "checked_config": "known_results",
    "folder_name": "trial_files",
    "has_failed": "retraction",
    "own_name": "summary",
    "parse_result": "returned_values",
    "preferences": "edits",
    "studies": "listing",
    "table_rows": "known_results",
}


def __getattr__(name: str) -> Any:
    """Import a class or function when it is first used: who only reads a study needs no method."""
    return lazy_name(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return sorted(__all__)
