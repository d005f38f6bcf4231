"""Ask, report, tell, verify: a log, a method and a store, glued together."""

from __future__ import annotations

from luthier.study.base import DEFAULT_METHOD, BaseStudy
from luthier.study.live import LiveTrial
from luthier.study.result import Result
from luthier.study.verify import Mismatch, Verification

__all__ = ["DEFAULT_METHOD", "BaseStudy", "LiveTrial", "Mismatch", "Result", "Verification"]
