"""Stand before the methods of a step of a pipeline: what it makes of a fold is kept, for other candidates."""

from __future__ import annotations

import copy
import threading
import time
import warnings
from collections.abc import Callable, Hashable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from luthier.sklearn.reuse.byte_cache import ByteBoundedCache, copied, copyable, size_of
from luthier.sklearn.reuse.continued_fit import ContinuedFit
from luthier.sklearn.reuse.step_fingerprint import StepFingerprint, content, generators

_HIDDEN = frozenset({"fit_transform", "transform", "_parent_callback_ctx"})
"""Attributes of a step that are not its own."""


class Kept(NamedTuple):
    """What a step made of a part of a fold.

    Args:
        state: its attributes; none for a transformation.
        out: the transformed rows.
        seconds: how long that took.
        warned: the warnings on the way.
        held: what the key knows by identity.
    """

    state: dict[str, Any]
    out: Any
    seconds: float
    warned: tuple[Any, ...]
    held: tuple[Any, ...]


class Refused(NamedTuple):
    """What is not kept.

    Args:
        ends: whether what later steps make of it may not be kept either: it is not the same each time.
    """

    ends: bool


@dataclass
class Watch:
    """One evaluation of a pipeline.

    Args:
        shelf: where things are kept.
        transforms: whether the transformed rows may be given to the scorer.
        train: the training part, once it is known.
        part: which part is being transformed.
        ended: whether a step was met that is not the same each time.
        fit_s: seconds that were saved in fitting.
        score_s: seconds that were saved in scoring.
        steps: those that are watched.
        tail: what stands before the last one.
    """

    shelf: ByteBoundedCache
    transforms: bool
    train: Any = None
    part: str | None = None
    ended: bool = False
    fit_s: float = 0.0
    score_s: float = 0.0
    steps: list[WatchedStep] = field(default_factory=list)
    tail: ContinuedFit | None = None

    def close(self) -> None:
        """Let go of the steps: they hold the data in circles, which would stay until somebody collects them."""
        self.train = None
        for watched in self.steps:
            for name in ("fit_transform", "transform"):
                vars(watched.step).pop(name, None)
        self.steps.clear()
        if self.tail is not None:
            self.tail.close()


class WatchedStep:
    """Stands before the methods of one step of one pipeline: as attributes of the instance, so that its class stays.

    Nothing is kept of a step that drew from the random generators all code shares, that changed its input, or
    whose output is not an array that can be copied with its layout. Of code that is not scikit-learn's it is
    checked, too, that transforming leaves the step as it was.
    """

    def __init__(self, step: Any, key: Hashable, mark: StepFingerprint, watch: Watch, first: bool) -> None:
        self.step = step
        self.key = key
        self.mark = mark
        self.watch = watch
        self.first = first
        self._transform: Callable[..., Any] = step.transform
        self._fit_transform: Callable[..., Any] | None = getattr(step, "fit_transform", None)
        vars(step)["fit_transform"] = self.fit_transform

    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit and transform the training part, or take what another candidate's step made of it."""
        del vars(self.step)["fit_transform"]
        watch = self.watch
        if self.first:
            watch.train = X
        found = watch.shelf.get(self.key)
        if params or watch.ended or isinstance(found, Refused):
            watch.ended = watch.ended or bool(params) or found.ends
            out = self._fitted(X, y, params)
        elif found is not None:
            watch.fit_s += found.seconds
            state = copy.deepcopy(found.state) if self.mark.foreign else found.state
            vars(self.step).update(state)
            out = self._given(found)
        else:
            out = self._observed(self.key, lambda: self._fitted(X, y, params), X, y, fits=True)
        if watch.transforms and not watch.ended:
            vars(self.step)["transform"] = self.transform
        return out

    def transform(self, X: Any, **params: Any) -> Any:
        """Transform a part of the fold, or take what another candidate's step made of it.

        The rows are those of the training part, by identity, or else of the test part: scikit-learn's scorers, the only
        ones for which this method is called, hand on what they are given, and are given nothing else.
        """
        watch = self.watch
        if self.first:
            watch.part = "train" if X is watch.train else "test"
        if params or watch.part is None:
            watch.part = None
            return self._transform(X, **params)
        found = watch.shelf.get((self.key, watch.part))
        if isinstance(found, Refused):
            watch.part = None if found.ends else watch.part
            return self._transform(X)
        if found is None:
            return self._observed((self.key, watch.part), lambda: self._transform(X), X, None, fits=False)
        if watch.part == "test":
            watch.score_s += found.seconds
        return self._given(found)

    def _fitted(self, X: Any, y: Any, params: dict[str, Any]) -> Any:
        if self._fit_transform is not None:
            return self._fit_transform(X, y, **params)
        return self.step.fit(X, y, **params).transform(X)

    def _given(self, kept: Kept) -> Any:
        for warning in kept.warned:
            warnings.showwarning(
                warning.message, warning.category, warning.filename, warning.lineno, warning.file, warning.line
            )
        return copied(kept.out)

    def _observed(self, key: Hashable, call: Callable[[], Any], X: Any, y: Any, *, fits: bool) -> Any:
        """Call the step, and keep what came of it if it would be the same again."""
        foreign = self.mark.foreign
        before = self._traces(X, y, fits)
        start_s = time.perf_counter()
        with _noted() as warned:
            out = call()
        seconds = time.perf_counter() - start_s
        steady = self._traces(X, y, fits) == before
        if not steady:
            self.watch.ended = self.watch.ended or fits
            self.watch.part = None
        state = _state(self.step, foreign) if fits else {}
        if not steady or state is None or not copyable(out, X):
            self.watch.shelf.put(key, Refused(not steady), 0)
            return out
        kept = Kept(state, out, seconds, tuple(warned), self.mark.held)
        if self.watch.shelf.put(key, kept, size_of((out, state))):
            return copied(out)
        return out

    def _traces(self, X: Any, y: Any, fits: bool) -> Any:
        """Give what a call must leave as it was."""
        mark = self.mark
        if not (mark.foreign or mark.draws):
            return None
        own = content([X, y, None if fits else _own(self.step)]) if mark.foreign else ""
        return generators(), own if own is not None else object()


def _own(step: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(step).items() if name not in _HIDDEN}


def _state(step: Any, foreign: bool) -> dict[str, Any] | None:
    """Give the attributes of a fitted step; of foreign code copies, or None where they cannot be copied."""
    own = _own(step)
    if not foreign:
        return own
    try:
        return copy.deepcopy(own)
    except Exception:  # noqa: BLE001 - copying runs the user's code
        return None


@contextmanager
def _noted() -> Any:
    """Note the warnings, and give them on; not in threads, which share the module that would be changed for it."""
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    caught: list[Any] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            yield caught
    finally:
        for one in caught:
            warnings.showwarning(one.message, one.category, one.filename, one.lineno, one.file, one.line)
