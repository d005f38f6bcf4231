"""Old trials and events of a log, made small."""

from __future__ import annotations

from luthier.history.packed.packed_list import CHUNK, PackedList
from luthier.history.packed.packing import PackedTrials, ReadAgain, StoredEvents, is_pickled, packed_configs

__all__ = [
    "CHUNK",
    "PackedList",
    "PackedTrials",
    "ReadAgain",
    "StoredEvents",
    "is_pickled",
    "packed_configs",
]
