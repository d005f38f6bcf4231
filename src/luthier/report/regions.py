"""Regions of the space in which trials fail more often than by chance."""

from __future__ import annotations

from luthier.analysis import FailureSummary, RegionRate

_EXCESS = 3.0
"""The least excess of an axis (see `luthier.analysis.VariableFailures`) that is more than chance."""


def telling_region(found: FailureSummary) -> tuple[str, RegionRate] | None:
    """Give the axis and the region in which failures are most frequent; None where they are spread evenly."""
    if not found.variables or found.variables[0].excess < _EXCESS:
        return None
    axis = found.variables[0]
    region = max(axis.regions, key=lambda one: one.lower)
    return (axis.title, region) if region.lower > found.failed / found.total else None
