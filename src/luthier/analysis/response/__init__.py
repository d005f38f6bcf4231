"""Predicted response to changes of variables: dependence, ablation, smallest change."""

from __future__ import annotations

from luthier.analysis.response.ablation import ablation_path
from luthier.analysis.response.axes import gridded_axis
from luthier.analysis.response.change_results import AblationPath, AblationStep, SmallestChange, ValueChange
from luthier.analysis.response.partial_dependence import dependence_surface, partial_dependence
from luthier.analysis.response.response_results import (
    AcquisitionSurface,
    Dependence,
    DependenceSurface,
    ResponsePoint,
)
from luthier.analysis.response.smallest_change import find_smallest_change

__all__ = [
    "AblationPath",
    "AblationStep",
    "AcquisitionSurface",
    "Dependence",
    "DependenceSurface",
    "ResponsePoint",
    "SmallestChange",
    "ValueChange",
    "ablation_path",
    "dependence_surface",
    "find_smallest_change",
    "gridded_axis",
    "partial_dependence",
]
