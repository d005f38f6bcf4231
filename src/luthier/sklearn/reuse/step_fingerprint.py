"""Tell whether two steps of pipelines do the same to the same data: equal fingerprints, equal results to the bit."""

from __future__ import annotations

import functools
import hashlib
import inspect
import random
import re
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from sklearn.base import BaseEstimator

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))
"""Values that are what their text says."""

_KNOWN = ("sklearn", "numpy", "scipy", "builtins")
"""Packages whose code keeps nothing between calls but what it is given."""

_RANDOM = (np.random.RandomState, np.random.Generator, np.random.BitGenerator, np.random.SeedSequence, random.Random)


@dataclass(frozen=True)
class StepFingerprint:
    """What a step does, before it is fitted.

    Args:
        key: equal for steps that do the same.
        foreign: whether code that is not scikit-learn's takes part.
        draws: whether some ``random_state`` is None: what it does is known only if it drew nothing.
        held: objects that the key knows by their identity, and that must live as long as it.
    """

    key: Hashable
    foreign: bool
    draws: bool
    held: tuple[Any, ...]


def step_fingerprint(step: Any) -> StepFingerprint | None:
    """Read a step that is not fitted; None where it cannot be known to do the same each time.

    That is so where it holds a generator of random numbers, changes its input (``copy=False``), keeps something
    elsewhere (``memory``), goes on from an earlier fit (``warm_start``), prints (``verbose``), has callbacks, or may
    draw random numbers in other processes, where nobody sees it.

    Cost: O(size of its parameters).
    """
    reader = StateReader()
    key = reader.read(step)
    elsewhere = reader.parallel or joblib.effective_n_jobs(None) > 1
    if not reader.sound or ((reader.draws or reader.foreign) and elsewhere):
        return None
    return StepFingerprint(key, reader.foreign, reader.draws, tuple(reader.held))


class StateReader:
    """Reads values into hashable keys, and notes what they are made of."""

    def __init__(self) -> None:
        self.sound = True
        self.foreign = False
        self.draws = False
        self.parallel = False
        self.held: list[Any] = []

    def read(self, value: Any) -> Hashable:
        """Give a key that is equal for equal values only."""
        kind = type(value)
        if kind in PLAIN or isinstance(value, np.generic | np.dtype):
            return kind, repr(value)
        if kind in (list, tuple):
            return (kind, *[self.read(item) for item in value])
        if kind is dict:
            return kind, tuple((self.read(name), self.read(item)) for name, item in value.items())
        if kind in (set, frozenset):
            return kind, frozenset(self.read(item) for item in value)
        if kind is np.ndarray:
            return self._array(value)
        if kind in (slice, range):
            return kind, self.read([value.start, value.stop, value.step])
        if kind is functools.partial:
            return kind, self.read([value.func, value.args, value.keywords])
        if kind is re.Pattern:
            return kind, value.pattern, value.flags
        if isinstance(value, _RANDOM):
            self.sound = False
            return None
        named = inspect.isclass(value) or inspect.isroutine(value)
        if not named and (hasattr(value, "get_params") or root(kind) == "sklearn"):
            return self._object(value)
        return self._other(value)

    def _array(self, value: Any) -> Hashable:
        if value.dtype.hasobject:
            return np.ndarray, value.shape, self.read(value.tolist())
        content = hashlib.blake2b(np.ascontiguousarray(value).tobytes(), digest_size=20).digest()
        return np.ndarray, value.dtype.str, value.shape, value.strides, content

    def _object(self, value: Any) -> Hashable:
        kind = type(value)
        cloning = getattr(kind, "__sklearn_clone__", BaseEstimator.__sklearn_clone__)
        if not hasattr(value, "__dict__") or cloning is not BaseEstimator.__sklearn_clone__:
            self.sound = False
            return None
        self.foreign = self.foreign or root(kind) != "sklearn"
        key = []
        for name, item in vars(value).items():
            key.append((name, self.entry(name, item)))
        return (kind, *key)

    def entry(self, name: str, item: Any) -> Hashable:
        """Read an attribute or a parameter of that name."""
        self._note(name, item)
        return self.read(item)

    def _note(self, name: str, item: Any) -> None:
        """Note what an attribute of that name means for what is done."""
        if name == "random_state":
            self.draws = self.draws or item is None
            self.sound = self.sound and (item is None or isinstance(item, int | np.integer))
        elif name == "n_jobs":
            self.parallel = self.parallel or item not in (None, 1)
        elif name.startswith("copy"):
            self.sound = self.sound and item is not False
        elif name in ("verbose", "warm_start", "inplace", "memory"):
            self.sound = self.sound and (item is None or item is False or (type(item) is int and item == 0))
        elif name == "_skl_callbacks":
            self.sound = False

    def _other(self, value: Any) -> Hashable:
        """Know a value by its identity: copies of it are others."""
        known = isinstance(value, np.ufunc) or (
            (inspect.isroutine(value) or inspect.isclass(value))
            and str(getattr(value, "__module__", None) or "").partition(".")[0] in _KNOWN
        )
        self.foreign = self.foreign or not known
        self.held.append(value)
        return type(value), id(value)


def root(kind: type) -> str:
    """Give the package that a class comes from."""
    return kind.__module__.partition(".")[0]


def generators() -> str:
    """Name the states of the generators of random numbers that all code shares: numpy's and Python's."""
    return str(joblib.hash((np.random.get_state(legacy=False), random.getstate())))


def content(value: Any) -> str | None:
    """Name a value by its content; None where it cannot be read."""
    try:
        return str(joblib.hash(value))
    except Exception:  # noqa: BLE001 - pickling runs the user's code
        return None
