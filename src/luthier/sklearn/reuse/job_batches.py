"""Division of jobs into batches that share pipeline steps, each for one process."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from sklearn.pipeline import Pipeline

from luthier.sklearn.evaluation import Job, JobBatch
from luthier.sklearn.reuse.step_fingerprint import PLAIN, StateReader
from luthier.sklearn.reuse.warm_start import WarmStartPath

StepSettings: TypeAlias = tuple[Hashable, ...]
"""The parameters that a candidate sets, by pipeline step, from the first step on."""

_BATCHES_PER_WORKER = 3
"""Minimal number of batches for each worker, so that no worker waits long for the others."""

_RANDOMNESS = ("random_state", "selection", "solver")
"""Parameters that decide whether a linear model draws random numbers."""

_STREAMED = 8
"""Maximal number of candidates in a batch if each result is wanted as soon as it is there."""


def make_batches(
    estimator: Any,
    jobs: Sequence[Job],
    workers: int,
    *,
    settled: bool,
    streams: bool,
    later: bool,
    path: WarmStartPath | None = None,
) -> list[JobBatch]:
    """Divide jobs into batches, each for one process, and count for each job the steps that it shares.

    The last step of a pipeline, or an estimator by itself, counts as shared by jobs that differ in the parameter of its
    path only; these jobs are put in the order of the path.

    Args:
        estimator: a pipeline, or another estimator.
        jobs: the jobs.
        workers: number of batches that are evaluated at the same time.
        settled: whether the order of the jobs may be changed.
        streams: whether each result is wanted as soon as it is there.
        later: whether jobs that are not known yet may share steps with these.
        path: the path of the last step, if it has one.

    Cost: O(jobs × steps).
    """
    candidates = {job.candidate: job.params for job in jobs}
    by_step, order = _by_step(estimator, candidates, path)
    places: Sequence[int] = range(len(jobs))
    if workers == 1:
        found = _count_shared(jobs, places, by_step, later)
        if settled and any(job.shared for job in found.values()) and _repeatable(estimator, candidates.values(), path):
            rank = {candidate: place for place, candidate in enumerate(_sorted(by_step, order))}
            # Fold by fold, so that little is cached at once; candidate by candidate if results are streamed.
            places = sorted(places, key=lambda place: (0 if streams else jobs[place].fold, rank[jobs[place].candidate]))
        return [[(place, found[place])] for place in places]
    if not any(job.shared for job in _count_shared(jobs, places, by_step, False).values()):
        return [[(place, job)] for place, job in enumerate(jobs)]
    places_of: dict[int, list[int]] = defaultdict(list)
    for place in places:
        places_of[jobs[place].candidate].append(place)
    folds = len({job.fold for job in jobs})
    chunks = _chunks(by_step, order, workers, folds, streams)
    return [
        batch
        for chunk in chunks
        for batch in _batches_by_fold(jobs, [places_of[candidate] for candidate in chunk], by_step)
    ]


def _batches_by_fold(
    jobs: Sequence[Job], groups: Iterable[Sequence[int]], by_step: Mapping[int, StepSettings]
) -> Iterator[JobBatch]:
    """Make a batch of the jobs of each fold, if some of them share a step; else a batch of each job."""
    by_fold: dict[int, list[int]] = defaultdict(list)
    for place in (place for group in groups for place in group):
        by_fold[jobs[place].fold].append(place)
    for places in by_fold.values():
        shared = _count_shared(jobs, places, by_step, False)
        batch = [(place, shared[place]) for place in places]
        if any(job.shared for job in shared.values()):
            yield batch
        else:
            yield from ([one] for one in batch)


def _by_step(
    estimator: Any, candidates: Mapping[int, Mapping[str, Any]], path: WarmStartPath | None
) -> tuple[dict[int, StepSettings], dict[int, float]]:
    """Group each candidate's parameters by step; return also its position on the path, if it has one."""
    heads = [name for name, _ in estimator.steps[:-1]] if type(estimator) is Pipeline else []
    by_step = {candidate: step_settings(heads, params) for candidate, params in candidates.items()}
    name = "" if path is None else f"{_last_step(estimator)[1]}{path.parameter}"
    order: dict[int, float] = {}
    for candidate, params in candidates.items():
        if path is not None and name in params and (by_step[candidate] or not heads):
            order[candidate] = path.order(params[name])
            rest = ((key, _hashable(value)) for key, value in params.items() if key != name)
            by_step[candidate] += (
                tuple(sorted((item for item in rest if item[0].partition("__")[0] not in heads), key=repr)),
            )
    return by_step, order


def step_settings(heads: Sequence[str], params: Mapping[str, Any]) -> StepSettings:
    """Group a candidate's parameters by step; empty if it changes the pipeline itself.

    Args:
        heads: the names of the steps before the last.
        params: the candidate's parameters.
    """
    by_step: dict[str, list[Hashable]] = {name: [] for name in heads}
    for name, value in params.items():
        head, deeper, _ = name.partition("__")
        if head in by_step:
            by_step[head].append((name, _hashable(value)))
        elif not deeper and head in ("steps", "memory", "verbose", "transform_input"):
            return ()
    return tuple(tuple(sorted(items, key=repr)) for items in by_step.values())


def _hashable(value: Any) -> Hashable:
    return (type(value), repr(value)) if type(value) in PLAIN or isinstance(value, np.generic) else id(value)


def _count_shared(
    jobs: Sequence[Job], places: Iterable[int], by_step: Mapping[int, StepSettings], later: bool
) -> dict[int, Job]:
    """Set in each job the number of first steps that another job has, or may have, in common with it."""
    places = list(places)
    counts: Counter[Hashable] = Counter()
    if not later:
        for place in places:
            found = by_step[jobs[place].candidate]
            counts.update((jobs[place].fold, found[:depth]) for depth in range(1, len(found) + 1))
    made = {}
    for place in places:
        job, found = jobs[place], by_step[jobs[place].candidate]
        depths = range(1, len(found) + 1)
        shared = len(found) if later else sum(counts[job.fold, found[:depth]] > 1 for depth in depths)
        made[place] = job._replace(shared=shared) if shared else job
    return made


def _sorted(by_step: Mapping[int, StepSettings], order: Mapping[int, float]) -> list[int]:
    """Sort candidates so that those with equal first steps are neighbours, by the first appearance of their settings.

    Candidates with equal settings of all steps are sorted by their positions on the path.
    """
    first: dict[StepSettings, int] = {}
    for found in by_step.values():
        for depth in range(1, len(found) + 1):
            first.setdefault(found[:depth], len(first))
    ranks = {
        candidate: [*[first[found[:depth]] for depth in range(1, len(found) + 1)], order.get(candidate, 0.0)]
        for candidate, found in by_step.items()
    }
    return sorted(by_step, key=lambda candidate: ranks[candidate])


def _chunks(
    by_step: Mapping[int, StepSettings], order: Mapping[int, float], workers: int, folds: int, streams: bool
) -> list[list[int]]:
    """Divide sorted candidates into runs, between groups of equal settings if that gives the workers enough runs."""
    size = math.ceil(len(by_step) / math.ceil(_BATCHES_PER_WORKER * workers / max(folds, 1))) if by_step else 1
    if streams:
        size = min(size, _STREAMED)
    groups: list[list[int]] = []
    for candidate in _sorted(by_step, order):
        if groups and by_step[groups[-1][0]] == by_step[candidate]:
            groups[-1].append(candidate)
        else:
            groups.append([candidate])
    chunks: list[list[int]] = []
    for group in groups:
        if chunks and len(chunks[-1]) + len(group) <= size:
            chunks[-1].extend(group)
            continue
        count = math.ceil(len(group) / size)
        bounds = [round(len(group) * place / count) for place in range(count + 1)]
        chunks.extend(group[start:end] for start, end in pairwise(bounds))
    return chunks


def _repeatable(estimator: Any, candidates: Iterable[Mapping[str, Any]], path: WarmStartPath | None) -> bool:
    """Return whether jobs give the same in any order: only scikit-learn's code, and integers as all random states.

    An estimator that its path allows draws no random numbers without a random state, unless a candidate changes that.
    """
    reader = StateReader()
    reader.read(estimator)
    states = [estimator.get_params()]
    for params in candidates:
        states.append(params)
        for value in params.values():
            if type(value) not in PLAIN:
                reader.read(value)
                states.append(value.get_params() if hasattr(value, "get_params") else {})
    last, prefix = _last_step(estimator)
    deterministic = path is not None and path.allows(last)
    if deterministic and not any(f"{prefix}{name}" in params for params in states[1:] for name in _RANDOMNESS):
        states = [{key: value for key, value in found.items() if key != f"{prefix}random_state"} for found in states]
    drawn = (
        name.rpartition("__")[2] == "random_state" and value is None
        for found in states
        for name, value in found.items()
    )
    return reader.sound and not reader.foreign and not any(drawn)


def _last_step(estimator: Any) -> tuple[Any, str]:
    """Return the last step of a pipeline and the prefix of its parameters' names; any other estimator and ""."""
    if type(estimator) is not Pipeline:
        return estimator, ""
    name, last = estimator.steps[-1]
    return last, f"{name}__"
