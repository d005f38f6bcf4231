"""Interception of a pipeline step's methods, to cache its outputs for other candidates."""

from __future__ import annotations

import copy
import threading
import time
import warnings
from collections.abc import Callable, Hashable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from luthier.sklearn import private_api
from luthier.sklearn.reuse.byte_cache import ByteBoundedCache, copied, copyable, size_of
from luthier.sklearn.reuse.continued_fit import ContinuedFit
from luthier.sklearn.reuse.step_fingerprint import StepFingerprint, content_hash, generator_states

_NOT_STATE = frozenset({"fit_transform", "transform", private_api.CONTEXT})
"""Attributes of a step that are not part of its state."""


class CachedOutput(NamedTuple):
    """What a step made of a part of a fold.

    Args:
        state: the step's attributes; empty for a transformation.
        out: the transformed rows.
        seconds: how long that took.
        warned: the warnings that were raised.
        held: objects that the cache key identifies by address.
    """

    state: dict[str, Any]
    out: Any
    seconds: float
    warned: tuple[Any, ...]
    held: tuple[Any, ...]


class Uncacheable(NamedTuple):
    """Mark for an output that cannot be cached.

    Args:
        ends: whether the outputs of later steps cannot be cached either, since this one is not the same each time.
    """

    ends: bool


@dataclass
class WatchedPipeline:
    """State of one evaluation of a pipeline.

    Args:
        cache: where outputs are kept.
        transforms: whether the transformed rows may be given to the scorer.
        train: the training part, once it is known.
        part: which part is being transformed: "train", "test", or None if that is unknown.
        ended: whether a step was met that is not the same each time.
        fit_s: seconds that were saved in fitting.
        score_s: seconds that were saved in scoring.
        steps: the steps that are watched.
        continued_fit: the fit of the last step, if it may continue another one.
    """

    cache: ByteBoundedCache
    transforms: bool
    train: Any = None
    part: str | None = None
    ended: bool = False
    fit_s: float = 0.0
    score_s: float = 0.0
    steps: list[WatchedStep] = field(default_factory=list)
    continued_fit: ContinuedFit | None = None

    def close(self) -> None:
        """Release the steps: reference cycles would keep the data alive until the next garbage collection."""
        self.train = None
        for watched in self.steps:
            for name in ("fit_transform", "transform"):
                vars(watched.step).pop(name, None)
        self.steps.clear()
        if self.continued_fit is not None:
            self.continued_fit.close()


class WatchedStep:
    """Replaces the methods of one step of one pipeline by attributes of the instance, so that its class stays.

    Nothing is cached of a step that drew from a global random number generator, that changed its input, or whose output
    is not an array that can be copied with its layout. Of code other than scikit-learn's it is also checked that
    transforming leaves the step unchanged.

    Args:
        step: the step, not fitted.
        key: the cache key of its output on the training part.
        fingerprint: the step's fingerprint.
        pipeline: the evaluation that it belongs to.
        first: whether it is the first watched step.
    """

    def __init__(
        self, step: Any, key: Hashable, fingerprint: StepFingerprint, pipeline: WatchedPipeline, first: bool
    ) -> None:
        self.step = step
        self.key = key
        self.fingerprint = fingerprint
        self.pipeline = pipeline
        self.first = first
        self._transform: Callable[..., Any] = step.transform
        self._fit_transform: Callable[..., Any] | None = getattr(step, "fit_transform", None)
        vars(step)["fit_transform"] = self.fit_transform

    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit on the training part and transform it, or use the cached output of another candidate."""
        del vars(self.step)["fit_transform"]
        pipeline = self.pipeline
        if self.first:
            pipeline.train = X
        found = pipeline.cache.get(self.key)
        if params or pipeline.ended or isinstance(found, Uncacheable):
            pipeline.ended = pipeline.ended or bool(params) or found.ends
            out = self._fitted(X, y, params)
        elif found is not None:
            pipeline.fit_s += found.seconds
            state = copy.deepcopy(found.state) if self.fingerprint.foreign else found.state
            vars(self.step).update(state)
            out = self._output(found)
        else:
            out = self._observed(self.key, lambda: self._fitted(X, y, params), X, y, fits=True)
        if pipeline.transforms and not pipeline.ended:
            vars(self.step)["transform"] = self.transform
        return out

    def transform(self, X: Any, **params: Any) -> Any:
        """Transform a part of the fold, or use the cached output of another candidate.

        The rows are those of the training part (by identity), or else those of the test part: this method is called for
        scikit-learn's own scorers only, which are given nothing else and pass their input on unchanged.
        """
        pipeline = self.pipeline
        if self.first:
            pipeline.part = "train" if X is pipeline.train else "test"
        if params or pipeline.part is None:
            pipeline.part = None
            return self._transform(X, **params)
        found = pipeline.cache.get((self.key, pipeline.part))
        if isinstance(found, Uncacheable):
            pipeline.part = None if found.ends else pipeline.part
            return self._transform(X)
        if found is None:
            return self._observed((self.key, pipeline.part), lambda: self._transform(X), X, None, fits=False)
        if pipeline.part == "test":
            pipeline.score_s += found.seconds
        return self._output(found)

    def _fitted(self, X: Any, y: Any, params: dict[str, Any]) -> Any:
        if self._fit_transform is not None:
            return self._fit_transform(X, y, **params)
        return self.step.fit(X, y, **params).transform(X)

    def _output(self, found: CachedOutput) -> Any:
        for warning in found.warned:
            warnings.showwarning(
                warning.message, warning.category, warning.filename, warning.lineno, warning.file, warning.line
            )
        return copied(found.out)

    def _observed(self, key: Hashable, call: Callable[[], Any], X: Any, y: Any, *, fits: bool) -> Any:
        """Call the step, and cache its output if it would be the same again."""
        foreign = self.fingerprint.foreign
        before = self._traces(X, y, fits)
        start_s = time.perf_counter()
        with _recorded_warnings() as warned:
            out = call()
        seconds = time.perf_counter() - start_s
        steady = self._traces(X, y, fits) == before
        if not steady:
            self.pipeline.ended = self.pipeline.ended or fits
            self.pipeline.part = None
        state = _fitted_state(self.step, foreign) if fits else {}
        if not steady or state is None or not copyable(out, X):
            self.pipeline.cache.put(key, Uncacheable(not steady), 0)
            return out
        made = CachedOutput(state, out, seconds, tuple(warned), self.fingerprint.held)
        if self.pipeline.cache.put(key, made, size_of((out, state))):
            return copied(out)
        return out

    def _traces(self, X: Any, y: Any, fits: bool) -> Any:
        """Return a value that is unchanged by a call without side effects."""
        if not (self.fingerprint.foreign or self.fingerprint.draws):
            return None
        own = content_hash([X, y, None if fits else _state(self.step)]) if self.fingerprint.foreign else ""
        return generator_states(), own if own is not None else object()


def _state(step: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(step).items() if name not in _NOT_STATE}


def _fitted_state(step: Any, foreign: bool) -> dict[str, Any] | None:
    """Return the attributes of a fitted step; of foreign code copies, or None if they cannot be copied."""
    state = _state(step)
    if not foreign:
        return state
    try:
        return copy.deepcopy(state)
    except Exception:  # noqa: BLE001 - copying runs the user's code
        return None


@contextmanager
def _recorded_warnings() -> Any:
    """Record the warnings, and show them afterwards; not in threads, since recording changes a global module."""
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
