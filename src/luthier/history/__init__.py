"""The state of a study: an immutable view of the first events of its log."""

from __future__ import annotations

from luthier.history.history import History
from luthier.history.incumbent import is_feasible

__all__ = ["History", "is_feasible"]
