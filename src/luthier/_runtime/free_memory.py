"""Free memory of this process, which the C library keeps for later, given back to the system."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress


def give_back_memory() -> None:
    """Have the C library give free memory back, after something large that is not made again soon; glibc only."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
