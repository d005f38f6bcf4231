"""Reuse of fits: what candidates have in common is computed once a fold, with results equal to the bit.

The one entry is `SharedSteps`, an evaluator that `luthier.sklearn.search` makes where ``cache_mb`` is above 0. With
``cache_mb=0`` no file of this package is imported.
"""

from __future__ import annotations

from luthier.sklearn.reuse.shared_steps import SharedSteps

__all__ = ["SharedSteps"]
