"""Fit the steps that candidates share once a fold: the results are those of a plain run, to the bit.

Candidates that differ only in later steps of a pipeline have its first steps in common. What such a step made of a fold
(its fitted attributes, the transformed training part, the transformed test part) is kept under the fingerprints of
all steps up to it and the rows of the fold, and given to the next candidate as a copy. Whatever cannot be known
to be the same is computed anew, by the same calls as without this module: see `step_fingerprint` and `WatchedStep`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from luthier.sklearn import private_api
from luthier.sklearn.evaluation import EvaluationSettings, Job, Piece, PlainEvaluator, Scores
from luthier.sklearn.reuse import warm_start
from luthier.sklearn.reuse.byte_cache import ByteBoundedCache
from luthier.sklearn.reuse.continued_fit import ContinuedFit
from luthier.sklearn.reuse.job_batches import cut, levels
from luthier.sklearn.reuse.last_step import Stem, ending, evaluate, last_step, usual
from luthier.sklearn.reuse.step_fingerprint import step_fingerprint
from luthier.sklearn.reuse.watched_step import Kept, Watch, WatchedStep

MB = 2**20

_FRAMES = re.compile(
    rf'  File "{re.escape(str(Path(__file__).parent))}.(?:shared_steps|watched_step|continued_fit|warm_start).py", '
    r"line .*\n(?:    .*\n)*"
)
"""The lines about these modules in a traceback."""


@dataclass
class SharedSteps:
    """Evaluates pipelines with what their first steps made for other candidates, all else as `PlainEvaluator`.

    Args:
        limit_bytes: how much may be kept, in all processes together.
        later: whether candidates that are not known yet may share steps with those of now.
        along: whether last steps go on from one another: "exact" where that changes nothing; "close" where it changes
            no more than the estimator's tolerance allows, too; "none" nowhere.
    """

    limit_bytes: int
    later: bool = False
    along: str = "exact"
    shelf: ByteBoundedCache = field(init=False, repr=False)
    _workers: int = field(init=False, default=1, repr=False)
    _data: Any = field(init=False, default=None, repr=False)
    _rows: dict[int, tuple[Any, bytes]] = field(init=False, default_factory=dict, repr=False)
    _stems: dict[Hashable, Stem] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.shelf = ByteBoundedCache(self.limit_bytes)

    def __getstate__(self) -> dict[str, Any]:
        """Leave behind what is kept: in another process it is worth no more than what it costs to send."""
        return {"limit_bytes": self.limit_bytes // self._workers, "later": self.later, "along": self.along}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def pieces(
        self, estimator: Any, jobs: Sequence[Job], setting: EvaluationSettings, workers: int, streams: bool
    ) -> Sequence[Piece]:
        """See `Evaluator.pieces`: jobs that share steps, or are on one path, go together."""
        self._workers = workers
        self._rows.clear()  # the folds of the batch before
        path = self._path(estimator)
        piped = type(estimator) is Pipeline and estimator.memory is None
        if not (piped or path) or self.limit_bytes <= 0:
            return PlainEvaluator().pieces(estimator, jobs, setting, workers, streams)
        settled = setting.error_score != "raise" and setting.verbose <= 1 and trusted(setting.scorer)
        return cut(estimator, jobs, workers, settled=settled, streams=streams, later=self.later, path=path)

    def part(self, workers: int) -> SharedSteps:
        """See `Evaluator.part`."""
        return replace(self, limit_bytes=self.limit_bytes // workers)

    def __call__(self, estimator: Any, setting: EvaluationSettings, job: Job, caller: Any, context: Any) -> Scores:
        """See `Evaluator.__call__`."""
        if job.shared == 0 or getattr(caller, "_skl_callbacks", None):
            return PlainEvaluator()(estimator, setting, job, caller, context)
        if self._data is not setting.X:  # what was kept is of other data
            self.shelf.clear()
            self._rows.clear()
            self._stems.clear()
            self._data = setting.X
        name = self._name(estimator, setting, job)
        found = self._direct(name, estimator, setting, job) if name in self._stems else None
        return self._whole(name, estimator, setting, job, caller, context) if found is None else found

    def _whole(self, name: Any, base: Any, setting: EvaluationSettings, job: Job, caller: Any, context: Any) -> Scores:
        """Evaluate a job by an ordinary run, in which steps stand before others."""
        watch = Watch(self.shelf, trusted(setting.scorer))
        estimator = clone(base)

        def set_params(**params: Any) -> Any:
            del vars(estimator)["set_params"]
            estimator.set_params(**params)
            self._watch(estimator, job, watch)
            return estimator

        vars(estimator)["set_params"] = set_params
        try:
            found = PlainEvaluator(cloned=True)(estimator, setting, job, caller, context)
            if name is not None and found["fit_error"] is None:
                self._note(name, estimator, setting, job, watch, found)
        finally:
            vars(estimator).pop("set_params", None)
            watch.close()
        if found["fit_error"] is not None:
            found["fit_error"] = _FRAMES.sub("", found["fit_error"])
        found["fit_time"] += watch.fit_s + (watch.tail.saved_s if watch.tail is not None else 0.0)
        found["score_time"] += watch.score_s
        return found

    def _name(self, estimator: Any, setting: EvaluationSettings, job: Job) -> Hashable:
        """Name the steps before the last and the fold; None where the last one cannot be evaluated by itself."""
        if type(estimator) is not Pipeline or job.shared < len(estimator.steps) - 1 or not usual(setting):
            return None
        plain = (
            estimator.memory is None and not estimator.verbose and getattr(estimator, "transform_input", None) is None
        )
        if not plain or getattr(estimator, "_skl_callbacks", None) or ending(estimator, job.params) is None:
            return None
        heads = [name for name, _ in estimator.steps[:-1]]
        return self._digest(job.train), self._digest(job.test), levels(heads, job.params)

    def _note(
        self, name: Hashable, estimator: Any, setting: EvaluationSettings, job: Job, watch: Watch, found: Scores
    ) -> None:
        """Note how the last step can be evaluated by itself, where all that comes before it is kept."""
        heads = [step for _, step in estimator.steps[:-1] if step is not None and not isinstance(step, str)]
        if not heads or watch.ended or len(watch.steps) != len(heads):
            return
        parts = ("test", "train") if setting.return_train_score else ("test",)
        fits = [self.shelf.get(watched.key) for watched in watch.steps]
        outs = [self.shelf.get((watched.key, part)) for watched in watch.steps for part in parts]
        if any(not isinstance(kept, Kept) or kept.warned for kept in fits + outs):
            return
        fit_s, score_s = (sum(kept.seconds for kept in some) for some in (fits, outs[:: len(parts)]))
        self._stems[name] = Stem(watch.steps[-1].key, found["n_test_samples"], fit_s, score_s)

    def _direct(self, name: Hashable, estimator: Any, setting: EvaluationSettings, job: Job) -> Scores | None:
        """Evaluate the last step by itself; None where that cannot be done."""
        stem = self._stems[name]
        parts = {"fit": stem.key, "test": (stem.key, "test")}
        if setting.return_train_score:
            parts["train"] = (stem.key, "train")
        kept = {part: self.shelf.get(key) for part, key in parts.items()}
        if any(not isinstance(one, Kept) for one in kept.values()):
            return None
        last = last_step(estimator, ending(estimator, job.params) or {})
        if last is None:
            return None
        tail = self._tail(last, stem.key, lambda: False) if job.shared >= len(estimator.steps) else None
        found = evaluate(stem, last, setting, job, {part: one.out for part, one in kept.items()})
        if found is not None and tail is not None:
            found["fit_time"] += tail.saved_s
        return found

    def _watch(self, estimator: Any, job: Job, watch: Watch) -> None:
        """Stand before the last step and the first ones, up to one that cannot be known to do the same each time."""
        key: Hashable = (self._digest(job.train), self._digest(job.test))
        if type(estimator) is not Pipeline:
            watch.tail = self._tail(estimator, key, lambda: watch.ended)
            return
        if estimator.memory is not None:
            return
        watched: set[int] = set()
        for _, step in estimator.steps[:-1][: job.shared]:
            if step is None or isinstance(step, str):
                continue
            mark = step_fingerprint(step) if hasattr(step, "transform") and id(step) not in watched else None
            if mark is None:
                return
            key = (key, mark.key)
            watch.steps.append(WatchedStep(step, key, mark, watch, first=not watched))
            watched.add(id(step))
        if job.shared >= len(estimator.steps) and id(estimator.steps[-1][1]) not in watched:
            watch.tail = self._tail(estimator.steps[-1][1], key, lambda: watch.ended)

    def _path(self, estimator: Any) -> warm_start.WarmStartPath | None:
        """Give the path of an estimator, or of the last step of a pipeline."""
        last = estimator.steps[-1][1] if type(estimator) is Pipeline and estimator.steps else estimator
        return None if self.along == "none" else warm_start.path_of(last, self.along == "close")

    def _tail(self, estimator: Any, key: Hashable, unsound: Callable[[], bool]) -> ContinuedFit | None:
        """Stand before the fit of a last step, if it is on a path."""
        path = self._path(estimator)
        common = None if path is None else warm_start.key_of(estimator, path)
        if path is None or common is None:
            return None
        own, held = common
        return ContinuedFit(estimator, path, (key, own), held, self.shelf, unsound)

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
    if isinstance(scorer, private_api.MultimetricScorer):
        return all(trusted(one) for one in scorer._scorers.values())
    return type(scorer).__module__ == "sklearn.metrics._scorer"
