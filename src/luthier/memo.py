"""A cache that may skip work and never changes a result.

A memo maps a key that says everything its value depends on to that value. Clearing it, at any moment, changes
nothing but time (law 3); so it can be bounded, and shared by everything that runs in one process.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Memo:
    """Remember the values of pure computations, the least recently used forgotten first.

    Args:
        capacity: how many values are kept at most; 0 keeps none (useful to test law 3).
    """

    __slots__ = ("_capacity", "_lock", "_values")

    def __init__(self, capacity: int = 256) -> None:
        self._capacity = capacity
        self._values: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Give the value of `key`, computing it where it is not known. `compute` must depend on `key` alone."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return cast(T, self._values[key])
        value = compute()
        if self._capacity:
            with self._lock:
                self._values[key] = value
                while len(self._values) > self._capacity:
                    self._values.popitem(last=False)
        return value

    def find(self, key: Hashable) -> Any:
        """Give the value of `key` where it is known, else None."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
