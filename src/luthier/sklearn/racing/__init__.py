"""Racing of candidates over folds: candidates that cannot win are not evaluated on the remaining folds."""

from __future__ import annotations

from luthier.sklearn.racing.missing_folds import mark_left_out, without_marks
from luthier.sklearn.racing.race import Race, RaceSnapshot, Racing, deciding_score

__all__ = ["Race", "RaceSnapshot", "Racing", "deciding_score", "mark_left_out", "without_marks"]
