"""One thread for the libraries beneath numpy, scipy and scikit-learn: what they give must not depend on how many cores
there are. A sum that several threads share is added up in another order, and its last bits differ.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class single_thread:  # noqa: N801  read as a verb: with single_thread(): …
    """Hold BLAS and OpenMP to one thread while the context lasts.

    BLAS has one number of threads for the whole process: it is held from the first context that begins to the last one
    that ends, in whatever threads, and then is again what it was, unless somebody else changed it meanwhile. OpenMP has
    a number for each thread, which is held in this one.

    Args:
        modules: imported first. A library that is loaded within the context is seen by the next one that begins.

    Attributes:
        complete: after the end of the outermost context of a thread: whether all libraries that are loaded by then
            were held, by this context or by one within it.

    Cost: some five microseconds; milliseconds where modules were imported since the last time.
    """

    __slots__ = ("_modules", "complete")

    def __init__(self, *modules: str) -> None:
        self._modules = modules
        self.complete = False

    def __enter__(self) -> Self:
        for name in self._modules:
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
        if not _mine.limit.depth:
            self.complete = _mine.held is _found.libraries()


def on_one_thread(compute: Callable[[], T], forget: Callable[[], object], *modules: str) -> T:
    """Compute something on one thread; once more where that loaded a library which could not be held from the start.

    Args:
        compute: a pure computation.
        forget: drops what is remembered of the first time.
        modules: see `single_thread`. What is named here need not be computed twice.
    """
    while True:
        with single_thread(*modules) as held:
            value = compute()
        if held.complete:
            return value
        forget()


class _Library:
    """The number of threads of one library, by a controller of threadpoolctl's."""

    __slots__ = ("get", "set")

    def __init__(self, controller: Any) -> None:
        self.get: Callable[[], int] = controller.get_num_threads
        self.set: Callable[[int], object] = controller.set_num_threads
        if controller.internal_api == "openblas":  # threadpoolctl 3.8 lets but one thread of the process set it
            for name in _OPENBLAS:
                self.set = getattr(controller.dynlib, name, self.set)


_OPENBLAS = tuple(
    f"{prefix}openblas_set_num_threads{suffix}" for prefix in ("", "scipy_") for suffix in ("", "64_", "_64")
)


class _Libraries:
    """What is loaded: libraries whose number of threads is the process's, and such as have one for each thread."""

    __slots__ = ("of_process", "of_thread")

    def __init__(self, controllers: Iterable[Any] = ()) -> None:
        found = [(one, _Library(one)) for one in controllers]
        self.of_thread = tuple(library for one, library in found if one.user_api == "openmp")
        # A BLAS that computes with OpenMP asks that for the number.
        self.of_process = tuple(
            library
            for one, library in found
            if one.user_api == "blas" and getattr(one, "threading_layer", None) != "openmp"
        )


class _Limit:
    """How many threads libraries had before they were held to one."""

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
        if not self.depth:
            self.release()

    def release(self) -> None:
        while self._before:
            library, threads = self._before.popitem()
            if library.get() == 1:
                library.set(threads)


class _Found:
    """The libraries of this process, looked for again when modules were imported; and the limit on BLAS."""

    __slots__ = ("_files", "_libraries", "_modules", "limit", "lock")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.limit = _Limit()
        self._files: frozenset[str] = frozenset()
        self._libraries = _Libraries()
        self._modules = 0

    def libraries(self) -> _Libraries:
        """Give what is loaded now; the same object for as long as that is the same."""
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
    """What a thread holds."""

    def __init__(self) -> None:
        self.limit = _Limit()
        self.held = _Libraries()


_found = _Found()
_mine = _Mine()


def _after_fork() -> None:
    """Forget the contexts of threads that are not in this process; only the one that forked goes on."""
    _found.lock = threading.RLock()
    _found.limit.depth = _mine.limit.depth
    if not _found.limit.depth:
        _found.limit.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
