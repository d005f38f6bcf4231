"""Whole logs in a store: copies of them, and snapshots beside them."""

from __future__ import annotations

from luthier.study.stored.log_copy import copy_log
from luthier.study.stored.log_snapshots import LogSnapshots, find_snapshot

__all__ = ["LogSnapshots", "copy_log", "find_snapshot"]
