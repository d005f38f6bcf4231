"""Fingerprints of pipeline steps: equal fingerprints mean equal results on equal data, to the bit."""

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

from luthier.sklearn import private_api

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))
"""Types whose values are fully described by their text."""

_STATELESS = ("sklearn", "numpy", "scipy", "builtins")
"""Packages whose functions keep no state between calls, apart from their arguments."""

_RANDOM = (np.random.RandomState, np.random.Generator, np.random.BitGenerator, np.random.SeedSequence, random.Random)


@dataclass(frozen=True)
class StepFingerprint:
    """Description of what an unfitted step does.

    Args:
        key: equal for steps that do the same.
        foreign: whether code other than scikit-learn's takes part.
        draws: whether some ``random_state`` is None: the step does the same again only if it drew no random numbers.
        held: objects that the key identifies by address, and that must live as long as the key.
    """

    key: Hashable
    foreign: bool
    draws: bool
    held: tuple[Any, ...]


def step_fingerprint(step: Any) -> StepFingerprint | None:
    """Return the fingerprint of an unfitted step; None if the step may not do the same each time.

    That is so if it holds a random number generator, changes its input (``copy=False``), stores something elsewhere
    (``memory``), continues an earlier fit (``warm_start``), prints (``verbose``), has callbacks, or may draw random
    numbers in other processes, where that cannot be observed.

    Cost: O(size of its parameters).
    """
    reader = StateReader()
    key = reader.read(step)
    elsewhere = reader.parallel or joblib.effective_n_jobs(None) > 1
    if not reader.sound or ((reader.draws or reader.foreign) and elsewhere):
        return None
    return StepFingerprint(key, reader.foreign, reader.draws, tuple(reader.held))


class StateReader:
    """Converts values into hashable keys, and records properties of everything that it reads.

    Attributes:
        sound: whether everything that was read does the same each time.
        foreign: whether code other than scikit-learn's was read.
        draws: whether a ``random_state`` that is None was read.
        parallel: whether an ``n_jobs`` other than 1 was read.
        held: objects that the keys identify by address.
    """

    def __init__(self) -> None:
        self.sound = True
        self.foreign = False
        self.draws = False
        self.parallel = False
        self.held: list[Any] = []

    def read(self, value: Any) -> Hashable:
        """Return a key that is equal for equal values only."""
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
        """Read an attribute or a parameter of that name, and return its key."""
        self._inspect(name, item)
        return self.read(item)

    def _inspect(self, name: str, item: Any) -> None:
        """Record what an attribute of that name implies."""
        if name == "random_state":
            self.draws = self.draws or item is None
            self.sound = self.sound and (item is None or isinstance(item, int | np.integer))
        elif name == "n_jobs":
            self.parallel = self.parallel or item not in (None, 1)
        elif name.startswith("copy"):
            self.sound = self.sound and item is not False
        elif name in ("verbose", "warm_start", "inplace", "memory"):
            self.sound = self.sound and (item is None or item is False or (type(item) is int and item == 0))
        elif name == private_api.CALLBACKS:
            self.sound = False

    def _other(self, value: Any) -> Hashable:
        """Return a key by address: copies of the value have other keys."""
        stateless = isinstance(value, np.ufunc) or (
            (inspect.isroutine(value) or inspect.isclass(value))
            and str(getattr(value, "__module__", None) or "").partition(".")[0] in _STATELESS
        )
        self.foreign = self.foreign or not stateless
        self.held.append(value)
        return type(value), id(value)


def root(kind: type) -> str:
    """Return the top-level package of a class."""
    return kind.__module__.partition(".")[0]


def generator_states() -> str:
    """Return a digest of the states of numpy's and Python's global random number generators."""
    return str(joblib.hash((np.random.get_state(legacy=False), random.getstate())))


def content_hash(value: Any) -> str | None:
    """Return a hash of a value's content; None if the value cannot be pickled."""
    try:
        return str(joblib.hash(value))
    except Exception:  # noqa: BLE001 - pickling runs the user's code
        return None
