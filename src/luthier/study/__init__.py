"""Studies to ask and tell: a log, a method and a store."""

from __future__ import annotations

from luthier.study.active_trial import ActiveTrial
from luthier.study.ask_tell import DEFAULT_METHOD, BaseStudy
from luthier.study.parse_result import parse_result
from luthier.study.summary import counts, rows
from luthier.study.trial_result import TrialResult
from luthier.study.verify import Mismatch, Verification

__all__ = [
    "DEFAULT_METHOD",
    "ActiveTrial",
    "BaseStudy",
    "Mismatch",
    "TrialResult",
    "Verification",
    "counts",
    "parse_result",
    "rows",
]
