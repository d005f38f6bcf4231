"""The lead of a study's best trial, by its folds or its models."""

from __future__ import annotations

from luthier.analysis import Lead, default_trial, lead_over
from luthier.errors import InvalidSetting, NoResult
from luthier.run.analyses.study_analysis import StudyAnalysis
from luthier.scalar import to_whole
from luthier.study import ActiveTrial, StudyReader, TrialResult

_MOST = 200
"""The number of trials from which the noise is estimated: more would cost more than they tell."""


def study_lead(reader: StudyReader, analysis: StudyAnalysis, over: ActiveTrial | TrialResult | int | None) -> Lead:
    """Give the lead of the best trial; see `luthier.Study.lead`."""
    best, history = reader.best, reader.history
    if over is None:
        other = default_trial(history)
        if other is None:
            raise NoResult("no trial has the defaults and a value: name the trial to compare with, study.lead(over=3)")
    else:
        number = over.number if isinstance(over, ActiveTrial | TrialResult) else to_whole(over)
        other = history.trial(-1 if number is None else number)
        if not other.is_done:
            raise NoResult(f"trial {other.number} has no value to compare with")
    return lead_over(history.problem(), best.trial, other, lambda: _noise(analysis))


def _noise(analysis: StudyAnalysis) -> float:
    """Give the standard deviation of one measurement as the models see it; 0 where they see nothing."""
    try:
        return analysis.thinned(_MOST).forecast(1).noise
    except (NoResult, InvalidSetting):
        return 0.0
