"""What is known of a study: an immutable view of the first events of its log."""

from __future__ import annotations

from luthier.history.history import History

__all__ = ["History"]
