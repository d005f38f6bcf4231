"""Fit the steps that candidates share once a fold: the results are those of a plain run, to the bit.

Candidates that differ only in later steps of a pipeline have its first steps in common. What such a step made of a fold
(its fitted attributes, the transformed training part, the transformed test part) is kept under the fingerprints of
all steps up to it and the rows of the fold, and given to the next candidate as a copy. Whatever cannot be known
to be the same is computed anew, by the same calls as without this module: see `fingerprint` and `Watched`.
"""

from __future__ import annotations

import copy
import hashlib
import os
import re
import threading
import time
import warnings
from collections.abc import Callable, Hashable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline

from luthier.sklearn import scikit
from luthier.sklearn.evaluation import Job, Piece, Plain, Scores, Setting
from luthier.sklearn.fingerprint import Fingerprint, content, fingerprint, generators
from luthier.sklearn.paths import Path, key_of, path_of
from luthier.sklearn.pieces import cut
from luthier.sklearn.shelf import Shelf, copied, copyable, size_of
from luthier.sklearn.tail import Tail

MB = 2**20

_HIDDEN = frozenset({"fit_transform", "transform", "_parent_callback_ctx"})
"""Attributes of a step that are not its own."""

_FRAME = re.compile(
    rf'  File "{re.escape(os.path.dirname(__file__))}/(?:prefix|tail|paths).py", line .*\n(?:    .*\n)*'
)
"""The lines about these modules in a traceback."""


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

    shelf: Shelf
    transforms: bool
    train: Any = None
    part: str | None = None
    ended: bool = False
    fit_s: float = 0.0
    score_s: float = 0.0
    steps: list[Watched] = field(default_factory=list)
    tail: Tail | None = None

    def close(self) -> None:
        """Let go of the steps: they hold the data in circles, which would stay until somebody collects them."""
        self.train = None
        for watched in self.steps:
            for name in ("fit_transform", "transform"):
                vars(watched.step).pop(name, None)
        self.steps.clear()
        if self.tail is not None:
            self.tail.close()


class Watched:
    """Stands before the methods of one step of one pipeline: as attributes of the instance, so that its class stays.

    Nothing is kept of a step that drew from the random generators all code shares, that changed its input, or
    whose output is not an array that can be copied with its layout. Of code that is not scikit-learn's it is
    checked, too, that transforming leaves the step as it was.
    """

    def __init__(self, step: Any, key: Hashable, mark: Fingerprint, watch: Watch, first: bool) -> None:
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


@dataclass
class Prefixes:
    """Evaluates pipelines with what their first steps made for other candidates; everything else as `Plain` does.

    Args:
        limit_bytes: how much may be kept, in all processes together.
        later: whether candidates that are not known yet may share steps with those of now.
        paths: whether last steps go on from one another: "exact" where that changes nothing, "close" where it changes no
            more than the estimator's tolerance allows, too; "none".
    """

    limit_bytes: int
    later: bool = False
    paths: str = "exact"
    shelf: Shelf = field(init=False, repr=False)
    _workers: int = field(init=False, default=1, repr=False)
    _data: Any = field(init=False, default=None, repr=False)
    _rows: dict[int, tuple[Any, bytes]] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.limit_bytes)

    def __getstate__(self) -> dict[str, Any]:
        """Leave behind what is kept: in another process it is worth no more than what it costs to send."""
        return {"limit_bytes": self.limit_bytes // self._workers, "later": self.later, "paths": self.paths}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def pieces(
        self, estimator: Any, jobs: Sequence[Job], setting: Setting, workers: int, streams: bool
    ) -> Sequence[Piece]:
        """See `Evaluator.pieces`: jobs that share steps, or are on one path, go together."""
        self._workers = workers
        self._rows.clear()  # the folds of the batch before
        path = self._path(estimator)
        piped = type(estimator) is Pipeline and estimator.memory is None
        if not (piped or path) or self.limit_bytes <= 0:
            return Plain().pieces(estimator, jobs, setting, workers, streams)
        settled = setting.error_score != "raise" and setting.verbose <= 1 and trusted(setting.scorer)
        return cut(estimator, jobs, workers, settled=settled, streams=streams, later=self.later, path=path)

    def __call__(self, estimator: Any, setting: Setting, job: Job, caller: Any, context: Any) -> Scores:
        """See `Evaluator.__call__`."""
        plain = Plain()
        if job.shared == 0 or getattr(caller, "_skl_callbacks", None):
            return plain(estimator, setting, job, caller, context)
        if self._data is not setting.X:  # what was kept is of other data
            self.shelf.clear()
            self._rows.clear()
            self._data = setting.X
        watch = Watch(self.shelf, trusted(setting.scorer))

        def set_params(**params: Any) -> Any:
            del vars(estimator)["set_params"]
            estimator.set_params(**params)
            self._watch(estimator, job, watch)
            return estimator

        vars(estimator)["set_params"] = set_params
        try:
            found = plain(estimator, setting, job, caller, context)
        finally:
            vars(estimator).pop("set_params", None)
            watch.close()
        if found["fit_error"] is not None:
            found["fit_error"] = _FRAME.sub("", found["fit_error"])
        found["fit_time"] += watch.fit_s + (watch.tail.saved_s if watch.tail is not None else 0.0)
        found["score_time"] += watch.score_s
        return found

    def _watch(self, estimator: Any, job: Job, watch: Watch) -> None:
        """Stand before the first steps, up to one that cannot be known to do the same each time, and before the last."""
        key: Hashable = (self._digest(job.train), self._digest(job.test))
        if type(estimator) is not Pipeline:
            self._watch_tail(estimator, key, watch)
            return
        if estimator.memory is not None:
            return
        watched: set[int] = set()
        for _, step in estimator.steps[:-1][: job.shared]:
            if step is None or isinstance(step, str):
                continue
            mark = fingerprint(step) if hasattr(step, "transform") and id(step) not in watched else None
            if mark is None:
                return
            key = (key, mark.key)
            watch.steps.append(Watched(step, key, mark, watch, first=not watched))
            watched.add(id(step))
        if job.shared >= len(estimator.steps) and id(estimator.steps[-1][1]) not in watched:
            self._watch_tail(estimator.steps[-1][1], key, watch)

    def _path(self, estimator: Any) -> Path | None:
        """Give the path of an estimator, or of the last step of a pipeline."""
        last = estimator.steps[-1][1] if type(estimator) is Pipeline and estimator.steps else estimator
        return None if self.paths == "none" else path_of(last, self.paths == "close")

    def _watch_tail(self, estimator: Any, key: Hashable, watch: Watch) -> None:
        """Stand before the last step, if it is on a path."""
        path = self._path(estimator)
        common = None if path is None else key_of(estimator, path)
        if path is not None and common is not None:
            own, held = common
            watch.tail = Tail(estimator, path, (key, own), held, watch.shelf, lambda: watch.ended)

    def _digest(self, rows: Any) -> bytes:
        known = self._rows.get(id(rows))
        if known is None:
            array = np.asarray(rows)
            made = hashlib.blake2b(
                np.ascontiguousarray(array).tobytes(), digest_size=20, person=array.dtype.str[:16].encode()
            )
            known = self._rows[id(rows)] = rows, made.digest()
        return known[1]


def trusted(scorer: Any) -> bool:
    """Say whether a scorer is scikit-learn's own, which calls methods of the estimator with the rows as they are."""
    if isinstance(scorer, scikit.MultimetricScorer):
        return all(trusted(one) for one in scorer._scorers.values())
    return type(scorer).__module__ == "sklearn.metrics._scorer"
