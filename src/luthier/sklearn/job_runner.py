"""Runners of jobs: joblib, which survives workers that die, and supervised processes with limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

from luthier._runtime.logger import silent_logger
from luthier.errors import TrialFailed
from luthier.executor import Limits, Processes, Task, TaskResult
from luthier.sklearn import private_api
from luthier.sklearn.evaluation import (
    EvaluationSettings,
    Evaluator,
    Job,
    JobBatch,
    Scores,
    evaluate_batch,
    failed_scores,
)

_POLL_S = 0.5
"""Seconds after which a runner that waits for its processes looks for Ctrl-C."""

_DEATH = (
    "the process that evaluated this candidate ended without a result: the candidate made it crash, or the system "
    "ended it, often for lack of memory"
)

_log = silent_logger(__name__)

Stops: TypeAlias = Callable[[], bool]
"""Returns whether no more candidates are to be begun; those that have begun are finished."""


class JobRunner(Protocol):
    """Evaluates jobs."""

    evaluator: Evaluator
    """Evaluates one job."""

    def run(
        self, jobs: Sequence[Job], contexts: Sequence[Any], stops: Stops, spent_s: Mapping[int, float]
    ) -> Iterator[tuple[int, Scores]]:
        """Evaluate jobs, and yield the position and the scores of each, in any order.

        A job whose process dies has the scores of a failed fit, and so have the other jobs of its candidate.

        Args:
            jobs: the jobs.
            contexts: the callback context of each.
            stops: asked before a candidate is begun.
            spent_s: seconds that candidates have taken before, by their position.

        Raises:
            TrialFailed: a process died, and the error score is "raise".
        """
        ...

    def __enter__(self) -> Any:
        """Start."""
        ...

    def __exit__(self, *error: Any) -> None:
        """Release everything."""
        ...


@dataclass
class JoblibRunner:
    """Runs jobs by joblib.

    If one of its worker processes dies, joblib's pool is lost with all that ran in it, and nobody knows which candidate
    it died of. All that has no result yet is then run by a `ProcessRunner`, which loses no more than the candidate.

    Args:
        search: the search, for callbacks.
        estimator: the estimator of all jobs.
        settings: what all jobs share.
        evaluator: evaluates a job.
        parallel: makes the runner of jobs, a `joblib.Parallel`, from further arguments.
        folds: number of folds.
        streams: whether each result is wanted as soon as it is there, even if that costs a little time.
    """

    search: Any
    estimator: Any
    settings: EvaluationSettings
    evaluator: Evaluator
    parallel: Callable[..., Any]
    folds: int
    streams: bool
    _joblib: Any = None
    _slice: int | None = None
    _processes: ProcessRunner | None = None

    def __enter__(self) -> JoblibRunner:
        """Make the `Parallel`: its results come as they are done; or in slices, if its backend cannot do that."""
        try:
            self._joblib, self._slice = self.parallel(return_as="generator_unordered"), None
        except ValueError:
            self._joblib = self.parallel()
            self._slice = max(self.folds, 2 * private_api.effective_n_jobs(self._joblib))
        self._joblib.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        if self._processes is not None:
            self._processes.__exit__(*error)
        with suppress(BrokenExecutor):
            self._joblib.__exit__(*error)

    def run(
        self, jobs: Sequence[Job], contexts: Sequence[Any], stops: Stops, spent_s: Mapping[int, float]
    ) -> Iterator[tuple[int, Scores]]:
        """See `JobRunner.run`."""
        done: set[int] = set()
        if self._processes is None:
            try:
                for place, scores in self._run_by_joblib(jobs, contexts, stops):
                    done.add(place)
                    yield place, scores
                return
            except BrokenExecutor as error:
                _log.warning("a worker of joblib died (%s); the rest runs in supervised processes", error)
                workers = private_api.effective_n_jobs(self._joblib)
                self._processes = ProcessRunner(self.estimator, self.settings, self.evaluator, workers, Limits())
        rest = [place for place in range(len(jobs)) if place not in done]
        found = self._processes.run([jobs[place] for place in rest], [None] * len(rest), stops, spent_s)
        yield from ((rest[index], scores) for index, scores in found)

    def _run_by_joblib(
        self, jobs: Sequence[Job], contexts: Sequence[Any], stops: Stops
    ) -> Iterator[tuple[int, Scores]]:
        workers = private_api.effective_n_jobs(self._joblib)
        batches = self.evaluator.batches(self.estimator, jobs, self.settings, workers, self.streams)
        size = self._slice or len(batches) or 1
        begun: set[int] = set()

        def calls(some: Sequence[JobBatch]) -> Iterator[Any]:
            for batch in some:
                candidates = {job.candidate for _, job in batch}
                if candidates.isdisjoint(begun) and stops():
                    continue
                begun.update(candidates)
                tasks = [(place, job, contexts[place]) for place, job in batch]
                yield private_api.delayed(evaluate_batch)(
                    self.evaluator, self.settings, self.search, self.estimator, tasks
                )

        for first in range(0, len(batches), size):
            for found in self._joblib(calls(batches[first : first + size])):
                yield from found


@dataclass
class ProcessRunner:
    """Runs each candidate in a supervised process, with limits of time and memory.

    Args:
        estimator: the estimator of all jobs.
        settings: what all jobs share.
        evaluator: evaluates a job.
        workers: number of processes.
        limits: of each candidate.
    """

    estimator: Any
    settings: EvaluationSettings
    evaluator: Evaluator
    workers: int
    limits: Limits
    _executor: Processes | None = None
    _like: Scores | None = None

    def __enter__(self) -> ProcessRunner:
        return self

    def __exit__(self, *error: Any) -> None:
        if self._executor is not None:
            self._executor.close()

    def run(
        self, jobs: Sequence[Job], contexts: Sequence[Any], stops: Stops, spent_s: Mapping[int, float]
    ) -> Iterator[tuple[int, Scores]]:
        """See `JobRunner.run`."""
        if self._executor is None:
            objective = JobObjective(self.evaluator.split(self.workers), self.estimator, self.settings)
            self._executor = Processes(objective, self.workers)
        waiting: dict[int, list[tuple[int, Job]]] = {}
        for place, job in enumerate(jobs):
            waiting.setdefault(job.candidate, []).append((place, job))
        running: dict[int, list[tuple[int, Job]]] = {}
        while waiting or running:
            while waiting and len(running) < self._executor.capacity and not stops():
                candidate = next(iter(waiting))
                running[candidate] = waiting.pop(candidate)
                self._executor.submit(self._task(candidate, running[candidate], spent_s.get(candidate, 0.0)))
            if not running:
                return
            for update in self._executor.poll(_POLL_S):
                if isinstance(update, TaskResult):
                    yield from self._scores(update, running.pop(update.number))

    def _task(self, candidate: int, jobs: list[tuple[int, Job]], spent_s: float) -> Task:
        limit = self.limits.time_s
        limits = self.limits if limit is None else replace(self.limits, time_s=max(limit - spent_s, 1e-3))
        return Task(candidate, 1, {}, limits, context={"jobs": jobs})

    def _scores(self, result: TaskResult, jobs: list[tuple[int, Job]]) -> Iterator[tuple[int, Scores]]:
        found = dict(result.value) if isinstance(result.value, list | tuple) else {}
        error = result.error or _DEATH
        if not found and self.settings.error_score == "raise":
            raise TrialFailed(f"the candidate {dict(jobs[0][1].params)!r:.200} failed ({result.reason}): {error}")
        for place, _ in jobs:
            scores = found[place] if place in found else failed_scores(error, self.settings, self._like)
            self._like = self._like if scores["fit_error"] is not None else scores
            yield place, scores


@dataclass(frozen=True)
class JobObjective:
    """Evaluation of the jobs in the context of a task: the objective of `ProcessRunner`'s processes.

    Args:
        evaluator: evaluates a job.
        estimator: the estimator of all jobs.
        settings: what all jobs share.
    """

    evaluator: Evaluator
    estimator: Any
    settings: EvaluationSettings

    def __call__(self, trial: Any) -> list[Any]:
        """Return the position and the scores of each job."""
        places = [place for place, _ in trial.context["jobs"]]
        jobs = [job for _, job in trial.context["jobs"]]
        batches = self.evaluator.batches(self.estimator, jobs, self.settings, 1, True)
        found = [
            (places[index], self.evaluator(self.estimator, self.settings, job, None, None))
            for batch in batches
            for index, job in batch
        ]
        return [[place, dict(scores)] for place, scores in found]
