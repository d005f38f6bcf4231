"""Studies to ask, tell and read: a log, a method and a store."""

from __future__ import annotations

from luthier.study.active_trial import ActiveTrial
from luthier.study.ask_tell import AskTell
from luthier.study.editor import StudyEditor, checked_config
from luthier.study.parse_result import parse_result
from luthier.study.reader import StudyReader
from luthier.study.trial_result import TrialResult
from luthier.study.verify import Mismatch, Verification

__all__ = [
    "ActiveTrial",
    "AskTell",
    "Mismatch",
    "StudyEditor",
    "StudyReader",
    "TrialResult",
    "Verification",
    "checked_config",
    "parse_result",
]
