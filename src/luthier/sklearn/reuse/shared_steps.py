"""Evaluator that fits shared pipeline steps once per fold, with results equal to the bit.

Candidates that differ only in later steps of a pipeline have its first steps in common. What such a step made of a fold
(its fitted attributes, the transformed training part, the transformed test part) is cached under the fingerprints of
all steps up to it and the rows of the fold, and copied for the next candidate. Whatever cannot be known to be the same
is computed anew, by the same calls as without this module: see `step_fingerprint` and `WatchedStep`.
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
from luthier.sklearn.evaluation import EvaluationSettings, Job, JobBatch, PlainEvaluator, Scores
from luthier.sklearn.reuse import warm_start
from luthier.sklearn.reuse.byte_cache import ByteBoundedCache
from luthier.sklearn.reuse.continued_fit import ContinuedFit
from luthier.sklearn.reuse.job_batches import make_batches, step_settings
from luthier.sklearn.reuse.last_step import CachedPrefix, evaluate_last_step, is_usual, last_params, last_step
from luthier.sklearn.reuse.step_fingerprint import step_fingerprint
from luthier.sklearn.reuse.watched_step import CachedOutput, WatchedPipeline, WatchedStep

_FRAMES = re.compile(
    rf'  File "{re.escape(str(Path(__file__).parent))}.(?:shared_steps|watched_step|continued_fit|warm_start).py", '
    r"line .*\n(?:    .*\n)*"
)
"""The lines of a traceback that belong to these modules."""


@dataclass
class SharedSteps:
    """Evaluates pipelines with the cached steps of other candidates, and everything else as `PlainEvaluator` does.

    Args:
        limit_bytes: maximal size of the cache, in all processes together.
        later: whether candidates that are not known yet may share steps with the present ones.
        paths: whether fits of last steps continue one another: "exact" where the result is the same to the bit;
            "close" also where it is the same up to the estimator's tolerance; "none" never.
    """

    limit_bytes: int
    later: bool = False
    paths: str = "exact"
    cache: ByteBoundedCache = field(init=False, repr=False)
    _workers: int = field(init=False, default=1, repr=False)
    _data: Any = field(init=False, default=None, repr=False)
    _rows: dict[int, tuple[Any, bytes]] = field(init=False, default_factory=dict, repr=False)
    _prefixes: dict[Hashable, CachedPrefix] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.cache = ByteBoundedCache(self.limit_bytes)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the cache: sending it to another process would cost more than it saves."""
        return {"limit_bytes": self.limit_bytes // self._workers, "later": self.later, "paths": self.paths}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def batches(
        self, estimator: Any, jobs: Sequence[Job], settings: EvaluationSettings, workers: int, streams: bool
    ) -> Sequence[JobBatch]:
        """See `Evaluator.batches`: jobs that share steps, or are on one path, go together."""
        self._workers = workers
        self._rows.clear()  # the folds of the batch before
        path = self._path(estimator)
        piped = type(estimator) is Pipeline and estimator.memory is None
        if not (piped or path) or self.limit_bytes <= 0:
            return PlainEvaluator().batches(estimator, jobs, settings, workers, streams)
        settled = settings.error_score != "raise" and settings.verbose <= 1 and passes_rows_unchanged(settings.scorer)
        return make_batches(estimator, jobs, workers, settled=settled, streams=streams, later=self.later, path=path)

    def split(self, workers: int) -> SharedSteps:
        """See `Evaluator.split`."""
        return replace(self, limit_bytes=self.limit_bytes // workers)

    def __call__(self, estimator: Any, settings: EvaluationSettings, job: Job, caller: Any, context: Any) -> Scores:
        """See `Evaluator.__call__`."""
        if job.shared == 0 or private_api.has_callbacks(caller):
            return PlainEvaluator()(estimator, settings, job, caller, context)
        if self._data is not settings.X:  # what was cached is of other data
            self.cache.clear()
            self._rows.clear()
            self._prefixes.clear()
            self._data = settings.X
        name = self._prefix_name(estimator, settings, job)
        found = self._evaluate_last_step(name, estimator, settings, job) if name in self._prefixes else None
        return self._evaluate_all(name, estimator, settings, job, caller, context) if found is None else found

    def _evaluate_all(
        self, name: Any, base: Any, settings: EvaluationSettings, job: Job, caller: Any, context: Any
    ) -> Scores:
        """Evaluate a job by an ordinary fit and score, in which steps are watched."""
        watched = WatchedPipeline(self.cache, passes_rows_unchanged(settings.scorer))
        estimator = clone(base)

        def set_params(**params: Any) -> Any:
            del vars(estimator)["set_params"]
            estimator.set_params(**params)
            self._watch(estimator, job, watched)
            return estimator

        vars(estimator)["set_params"] = set_params
        try:
            found = PlainEvaluator(cloned=True)(estimator, settings, job, caller, context)
            if name is not None and found["fit_error"] is None:
                self._remember_prefix(name, estimator, settings, watched, found)
        finally:
            vars(estimator).pop("set_params", None)
            watched.close()
        if found["fit_error"] is not None:
            found["fit_error"] = _FRAMES.sub("", found["fit_error"])
        found["fit_time"] += watched.fit_s + (watched.continued_fit.saved_s if watched.continued_fit else 0.0)
        found["score_time"] += watched.score_s
        return found

    def _prefix_name(self, estimator: Any, settings: EvaluationSettings, job: Job) -> Hashable:
        """Name the steps before the last and the fold; None if the last one cannot be evaluated by itself."""
        if type(estimator) is not Pipeline or job.shared < len(estimator.steps) - 1 or not is_usual(settings):
            return None
        plain = (
            estimator.memory is None and not estimator.verbose and getattr(estimator, "transform_input", None) is None
        )
        if not plain or private_api.has_callbacks(estimator) or last_params(estimator, job.params) is None:
            return None
        heads = [name for name, _ in estimator.steps[:-1]]
        return self._digest(job.train), self._digest(job.test), step_settings(heads, job.params)

    def _remember_prefix(
        self, name: Hashable, estimator: Any, settings: EvaluationSettings, watched: WatchedPipeline, found: Scores
    ) -> None:
        """Record how the last step can be evaluated by itself, if everything that comes before it is cached."""
        heads = [step for _, step in estimator.steps[:-1] if step is not None and not isinstance(step, str)]
        if not heads or watched.ended or len(watched.steps) != len(heads):
            return
        parts = ("test", "train") if settings.return_train_score else ("test",)
        fits = [self.cache.get(step.key) for step in watched.steps]
        outs = [self.cache.get((step.key, part)) for step in watched.steps for part in parts]
        if any(not isinstance(output, CachedOutput) or output.warned for output in fits + outs):
            return
        fit_s, score_s = (sum(output.seconds for output in some) for some in (fits, outs[:: len(parts)]))
        self._prefixes[name] = CachedPrefix(watched.steps[-1].key, found["n_test_samples"], fit_s, score_s)

    def _evaluate_last_step(
        self, name: Hashable, estimator: Any, settings: EvaluationSettings, job: Job
    ) -> Scores | None:
        """Evaluate the last step by itself; None if that cannot be done."""
        prefix = self._prefixes[name]
        parts = {"fit": prefix.key, "test": (prefix.key, "test")}
        if settings.return_train_score:
            parts["train"] = (prefix.key, "train")
        outputs = {part: self.cache.get(key) for part, key in parts.items()}
        if any(not isinstance(output, CachedOutput) for output in outputs.values()):
            return None
        last = last_step(estimator, last_params(estimator, job.params) or {})
        if last is None:
            return None
        on_path = job.shared >= len(estimator.steps)
        continued = self._continued_fit(last, prefix.key, lambda: False) if on_path else None
        arrays = {part: output.out for part, output in outputs.items()}
        found = evaluate_last_step(prefix, last, settings, job, arrays)
        if found is not None and continued is not None:
            found["fit_time"] += continued.saved_s
        return found

    def _watch(self, estimator: Any, job: Job, watched: WatchedPipeline) -> None:
        """Watch the last step and the first ones, up to one that may not do the same each time."""
        key: Hashable = (self._digest(job.train), self._digest(job.test))
        if type(estimator) is not Pipeline:
            watched.continued_fit = self._continued_fit(estimator, key, lambda: watched.ended)
            return
        if estimator.memory is not None:
            return
        seen: set[int] = set()
        for _, step in estimator.steps[:-1][: job.shared]:
            if step is None or isinstance(step, str):
                continue
            fingerprint = step_fingerprint(step) if hasattr(step, "transform") and id(step) not in seen else None
            if fingerprint is None:
                return
            key = (key, fingerprint.key)
            watched.steps.append(WatchedStep(step, key, fingerprint, watched, first=not seen))
            seen.add(id(step))
        if job.shared >= len(estimator.steps) and id(estimator.steps[-1][1]) not in seen:
            watched.continued_fit = self._continued_fit(estimator.steps[-1][1], key, lambda: watched.ended)

    def _path(self, estimator: Any) -> warm_start.WarmStartPath | None:
        """Return the path of an estimator, or of the last step of a pipeline."""
        last = estimator.steps[-1][1] if type(estimator) is Pipeline and estimator.steps else estimator
        return None if self.paths == "none" else warm_start.path_of(last, self.paths == "close")

    def _continued_fit(self, estimator: Any, key: Hashable, unsound: Callable[[], bool]) -> ContinuedFit | None:
        """Intercept the fit of a last step, if it is on a path."""
        path = self._path(estimator)
        common = None if path is None else warm_start.key_of(estimator, path)
        if path is None or common is None:
            return None
        own, held = common
        return ContinuedFit(estimator, path, (key, own), held, self.cache, unsound)

    def _digest(self, rows: Any) -> bytes:
        known = self._rows.get(id(rows))
        if known is None:
            array = np.asarray(rows)
            made = hashlib.blake2b(
                np.ascontiguousarray(array).tobytes(), digest_size=20, person=array.dtype.str[:16].encode()
            )
            known = self._rows[id(rows)] = rows, made.digest()
        return known[1]


def passes_rows_unchanged(scorer: Any) -> bool:
    """Return whether a scorer is scikit-learn's own, which gives the estimator the rows that it is given."""
    named = private_api.scorers_by_name(scorer)
    if named is not None:
        return all(passes_rows_unchanged(one) for one in named.values())
    return private_api.is_builtin_scorer(scorer)
