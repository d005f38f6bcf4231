"""Results, reports and rulings on running trials: recorded, made, and proved afterwards."""

from __future__ import annotations

from luthier.study.rulings.records import attribute, diverged, tell, told
from luthier.study.rulings.trial_reports import TrialReports
from luthier.study.rulings.verification import ruled, verify_rulings

__all__ = ["TrialReports", "attribute", "diverged", "ruled", "tell", "told", "verify_rulings"]
