"""Reuse of fits that candidates have in common, with results equal to the bit.

The only entry is `SharedSteps`, an evaluator that `luthier.sklearn.search` makes if ``cache_mb`` is positive. With
``cache_mb=0`` no file of this package is imported.
"""

from __future__ import annotations

from luthier.sklearn.reuse.shared_steps import SharedSteps

__all__ = ["SharedSteps"]
