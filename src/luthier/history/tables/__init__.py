"""The trials of a study as arrays: losses, costs, reports, and what partial results extrapolate to."""

from __future__ import annotations

from luthier.history.tables.arrays import TrialArrays

__all__ = ["TrialArrays"]
