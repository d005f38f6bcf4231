"""Cache of pure computations, which skips work and never changes a result.

A memo maps a key that contains everything its value depends on to that value. Clearing it at any moment changes only
the time that is taken (law 3); so it can be bounded, and shared by everything that runs in one process.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

_UNKNOWN = object()


class Memo:
    """Keep the values of pure computations; the least recently used are dropped first.

    Args:
        capacity: the largest number of values; 0 keeps none (to test law 3).
    """

    __slots__ = ("_capacity", "_lock", "_values")

    def __init__(self, capacity: int = 256) -> None:
        self._capacity = capacity
        self._values: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Give the value of `key`, by `compute` if it is not known, which must depend only on `key`."""
        with self._lock:
            found: Any = self._values.get(key, _UNKNOWN)
            if found is not _UNKNOWN:
                self._values.move_to_end(key)
                return found  # type: ignore[no-any-return]
        value = compute()
        if self._capacity:
            with self._lock:
                self._values[key] = value
                while len(self._values) > self._capacity:
                    self._values.popitem(last=False)
        return value

    def find(self, key: Hashable) -> Any:
        """Give the value of `key` if it is known, else None."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def clear(self) -> None:
        """Drop all values."""
        with self._lock:
            self._values.clear()
