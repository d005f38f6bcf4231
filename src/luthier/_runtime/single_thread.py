"""Limit of one thread for the libraries beneath numpy, scipy and scikit-learn.

Results must not depend on the number of cores: several threads add the parts of a sum in another order, which changes
its last bits.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable, Iterable
from contextvars import Context
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np

T = TypeVar("T")

_IS_IN_CONTEXT = not np.__version__.startswith("1.")
"""Whether numpy keeps it in a context variable, so that it is the default one in an empty context."""
_NUMPY_DEFAULT: dict[str, Any] = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}


class single_thread:  # noqa: N801  read as a verb: with single_thread(): …
    """Hold BLAS and OpenMP to one thread while the context lasts.

    BLAS has one number of threads for the whole process: it is held from the beginning of the first context to the end
    of the last one, in any thread, and then restored, unless it was changed by others meanwhile. OpenMP has a number
    for each thread, which is held in this one.

    Args:
        modules: imported first. A library that is loaded within the context is found by the next one that begins.

    Attributes:
        complete: after its end: whether all libraries that are loaded by then were held, by this context or by one
            within it. Of a context within another one that is for the outermost one to find out; it counts as complete.

    Cost: about five microseconds; milliseconds if modules were imported since the last time.
    """

    __slots__ = ("_modules", "complete")

    def __init__(self, *modules: str) -> None:
        self._modules = modules
        self.complete = False

    def __enter__(self) -> Self:
        for name in self._modules:
            if name not in sys.modules:
                importlib.import_module(name)
        _mine.held = libraries = _found.libraries()
        _mine.limit.begin(libraries.of_thread)
        with _found.lock:
            _found.limit.begin(libraries.of_process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _found.lock:
            _found.limit.end()
        _mine.limit.end()
        self.complete = _mine.limit.depth > 0 or _mine.held is _found.libraries()


def on_one_thread(compute: Callable[[], T], forget: Callable[[], object], *modules: str) -> T:
    """Compute a value on one thread; repeat that if it loaded a library, which was not held from the start.

    What numpy does at a division by zero and the like is its own default, whatever the program has set by its `seterr`.

    Args:
        compute: a pure computation.
        forget: clears the caches that the first computation filled.
        modules: see `single_thread`. A library of these does not cause a second computation.
    """
    while True:
        with single_thread(*modules) as held:
            value = _by_default(compute)
        if held.complete:
            return value
        forget()


def _by_default(compute: Callable[[], T]) -> T:
    """Compute with what numpy does by default where numbers overflow or are none."""
    if _IS_IN_CONTEXT:
        return Context().run(compute)
    with np.errstate(**_NUMPY_DEFAULT):
        return compute()


class _Library:
    """The number of threads of one library, by a controller of threadpoolctl."""

    __slots__ = ("get", "set")

    def __init__(self, controller: Any) -> None:
        self.get: Callable[[], int] = controller.get_num_threads
        self.set: Callable[[int], object] = controller.set_num_threads
        if controller.internal_api == "openblas":  # threadpoolctl 3.8 sets it for one thread of the process only
            for name in _OPENBLAS:
                self.set = getattr(controller.dynlib, name.format("set"), self.set)
                self.get = getattr(controller.dynlib, name.format("get"), self.get)


_OPENBLAS = tuple(
    f"{prefix}openblas_{{}}_num_threads{suffix}" for prefix in ("", "scipy_") for suffix in ("", "64_", "_64")
)


class _Libraries:
    """The loaded libraries: those with one number of threads for the process, and those with one for each thread."""

    __slots__ = ("of_process", "of_thread")

    def __init__(self, controllers: Iterable[Any] = ()) -> None:
        found = [(one, _Library(one)) for one in controllers]
        self.of_thread = tuple(library for one, library in found if one.user_api == "openmp")
        # A BLAS that computes with OpenMP uses its number of threads.
        self.of_process = tuple(
            library
            for one, library in found
            if one.user_api == "blas" and getattr(one, "threading_layer", None) != "openmp"
        )


class _Limit:
    """The numbers of threads that libraries had before they were held to one."""

    __slots__ = ("_before", "depth")

    def __init__(self) -> None:
        self.depth = 0
        self._before: dict[_Library, int] = {}

    def begin(self, libraries: tuple[_Library, ...]) -> None:
        self.depth += 1
        for library in libraries:
            threads = library.get()
            if threads != 1:
                self._before.setdefault(library, threads)
                library.set(1)

    def end(self) -> None:
        self.depth -= 1
        if self._before and not self.depth:
            self.release()

    def release(self) -> None:
        while self._before:
            library, threads = self._before.popitem()
            if library.get() == 1:
                library.set(threads)


class _Found:
    """The libraries of this process, searched again when modules were imported, and the limit on BLAS."""

    __slots__ = ("_files", "_libraries", "_modules", "limit", "lock")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.limit = _Limit()
        self._files: frozenset[str] = frozenset()
        self._libraries = _Libraries()
        self._modules = 0

    def libraries(self) -> _Libraries:
        """Give the libraries that are loaded now; the same object for as long as they are the same."""
        if len(sys.modules) != self._modules:
            with self.lock:
                self._search()
        return self._libraries

    def _search(self) -> None:
        from threadpoolctl import ThreadpoolController

        modules = len(sys.modules)
        found = ThreadpoolController().lib_controllers
        files = frozenset(one.filepath for one in found)
        if files != self._files:
            self._files, self._libraries = files, _Libraries(found)
        self._modules = modules


class _Mine(threading.local):
    """The limit that a thread holds."""

    def __init__(self) -> None:
        self.limit = _Limit()
        self.held = _Libraries()


_found = _Found()
_mine = _Mine()


def _after_fork() -> None:
    """Drop the contexts of threads that do not exist in this process; only that of the forking thread goes on."""
    _found.lock = threading.RLock()
    _found.limit.depth = _mine.limit.depth
    if not _found.limit.depth:
        _found.limit.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
