"""Whole logs in a store: copies of them, snapshots beside them, the times of their events."""

from __future__ import annotations

from luthier.study.stored.event_times import EventTimes
from luthier.study.stored.log_copy import copy_log
from luthier.study.stored.log_snapshots import LogSnapshots, find_snapshot

__all__ = ["EventTimes", "LogSnapshots", "copy_log", "find_snapshot"]
