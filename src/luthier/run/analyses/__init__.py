"""The analyses of a study by its own name: one objective, a front, the lead over another trial."""

from __future__ import annotations

from luthier.run.analyses.front_analysis import FrontAnalysis
from luthier.run.analyses.study_analysis import StudyAnalysis
from luthier.run.analyses.study_lead import study_lead
from luthier.run.analyses.thinned_study import thinned

__all__ = ["FrontAnalysis", "StudyAnalysis", "study_lead", "thinned"]
