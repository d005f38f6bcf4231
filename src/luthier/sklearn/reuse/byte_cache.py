"""Cache bounded by the bytes that it holds; the least recently used values are dropped first."""

from __future__ import annotations

import copy
import sys
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp

_SPARSE = (sp.csr_matrix, sp.csc_matrix, sp.csr_array, sp.csc_array)
_BASE_BYTES = 200


class ByteBoundedCache:
    """Values by key, with a limit on their total size. Threads may share it.

    Args:
        limit_bytes: maximal total size.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.held_bytes = 0
        self.peak_bytes = 0
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any:
        """Return the value of a key, or None. Cost: O(1)."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def take(self, key: Hashable) -> Any:
        """Remove and return the value of a key, or return None: only one caller gets it. Cost: O(1)."""
        with self._lock:
            found = self._values.pop(key, None)
            if found is None:
                return None
            self.held_bytes -= found[1]
            return found[0]

    def put(self, key: Hashable, value: Any, size_bytes: int) -> bool:
        """Add a value, and drop the least recently used ones to make room; return False if it is too large."""
        size_bytes += _BASE_BYTES
        if size_bytes > self.limit_bytes:
            return False
        with self._lock:
            if key in self._values:
                self.held_bytes -= self._values.pop(key)[1]
            while self.held_bytes + size_bytes > self.limit_bytes:
                self.held_bytes -= self._values.popitem(last=False)[1][1]
            self._values[key] = value, size_bytes
            self.held_bytes += size_bytes
            self.peak_bytes = max(self.peak_bytes, self.held_bytes)
            return True

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._values.clear()
            self.held_bytes = 0


def copyable(value: Any, source: Any) -> bool:
    """Return whether a copy of an array can replace the array: equal bits and equal layout in memory.

    Args:
        value: the array, made from `source`; a view of it is not copyable.
        source: the input of the computation that made the array.
    """
    if type(value) in _SPARSE:
        return value is not source and not (type(source) in _SPARSE and np.may_share_memory(value.data, source.data))
    if type(value) is not np.ndarray or value.dtype.hasobject or not value.flags.writeable:
        return False
    if not (value.flags.c_contiguous or value.flags.f_contiguous):
        return False
    if isinstance(source, np.ndarray):
        return not np.may_share_memory(value, source)
    return bool(value.flags.owndata) or type(source) in _SPARSE


def copied(value: Any) -> Any:
    """Copy an array that is `copyable`, with its layout."""
    if type(value) is np.ndarray:
        return value.copy(order="K")
    made = copy.copy(value)
    made.data, made.indices, made.indptr = value.data.copy(), value.indices.copy(), value.indptr.copy()
    return made


def size_of(value: Any, seen: set[int] | None = None) -> int:
    """Estimate the bytes of a value and of everything that it holds. Cost: O(number of objects)."""
    seen = set() if seen is None else seen
    if id(value) in seen or isinstance(value, type):
        return 0
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        own = value.nbytes + _BASE_BYTES
        return own + (sum(size_of(item, seen) for item in value.ravel().tolist()) if value.dtype.hasobject else 0)
    own = sys.getsizeof(value, _BASE_BYTES)
    if isinstance(value, Mapping):
        return own + sum(size_of(name, seen) + size_of(item, seen) for name, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return own + sum(size_of(item, seen) for item in value)
    if hasattr(value, "__dict__"):
        return own + size_of(vars(value), seen)
    if type(value).__module__.startswith("sklearn.tree"):  # its arrays are made anew at each access
        return own + sum(item.nbytes for item in value.__getstate__().values() if isinstance(item, np.ndarray))
    return own
