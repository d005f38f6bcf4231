"""Racing of candidates over folds: a beaten candidate is not evaluated on the remaining ones."""

from __future__ import annotations

from luthier.sklearn.racing.missing_folds import impute_scores, mark_left_out, without_marks
from luthier.sklearn.racing.race import Race, RaceSnapshot, Racing, deciding_score

__all__ = ["Race", "RaceSnapshot", "Racing", "deciding_score", "impute_scores", "mark_left_out", "without_marks"]
