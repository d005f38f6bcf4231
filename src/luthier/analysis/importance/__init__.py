"""Importance of variables: fANOVA, Shapley, permutation, PED-ANOVA, and local importance."""

from __future__ import annotations

from luthier.analysis.importance.importance_results import (
    GroupImportance,
    Importance,
    ImportanceMethod,
    PairImportance,
    VariableImportance,
)
from luthier.analysis.importance.measure_importance import ImportanceRequest, measure_importance

__all__ = [
    "GroupImportance",
    "Importance",
    "ImportanceMethod",
    "ImportanceRequest",
    "PairImportance",
    "VariableImportance",
    "measure_importance",
]
