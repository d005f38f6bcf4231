"""Worth of further trials and of a lead: rules that end a run, and the noise of folds."""

from __future__ import annotations

from luthier.analysis.worth.end_rule import WORD, EndEvidence, EndFinding, EndRule, describe_end, parse_end_rule
from luthier.analysis.worth.fold_losses import fold_error, fold_losses
from luthier.analysis.worth.lead import Lead, default_trial, lead_over
from luthier.analysis.worth.no_progress import NoProgress
from luthier.analysis.worth.not_worth_it import NotWorthIt
from luthier.analysis.worth.regret_bound import RegretBound

__all__ = [
    "WORD",
    "EndEvidence",
    "EndFinding",
    "EndRule",
    "Lead",
    "NoProgress",
    "NotWorthIt",
    "RegretBound",
    "default_trial",
    "describe_end",
    "fold_error",
    "fold_losses",
    "lead_over",
    "parse_end_rule",
]


def __dir__() -> list[str]:
    return sorted(__all__)
