"""Snapshots: the state of a log as bytes, so that a long log need not be folded again."""

from __future__ import annotations

from luthier.history.snapshot.log_snapshot import LogSnapshot, take_snapshot

__all__ = ["LogSnapshot", "take_snapshot"]
