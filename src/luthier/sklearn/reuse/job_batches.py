"""Which jobs go together, so that pipelines' shared steps are fitted in as few places as possible."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from sklearn.pipeline import Pipeline

from luthier.sklearn.evaluation import Job, Piece
from luthier.sklearn.reuse.step_fingerprint import PLAIN, StateReader
from luthier.sklearn.reuse.warm_start import WarmStartPath

Levels: TypeAlias = tuple[Hashable, ...]
"""What a candidate says about each of the first steps of a pipeline."""

_EACH = 3
"""How many pieces each worker gets at least: so that none waits long for the others."""

_DOING = ("random_state", "selection", "solver")
"""Parameters that say whether linear models draw random numbers."""

_SOON = 8
"""How many candidates are in a piece at most where somebody waits for each."""


def cut(
    estimator: Any,
    jobs: Sequence[Job],
    workers: int,
    *,
    settled: bool,
    streams: bool,
    later: bool,
    path: WarmStartPath | None = None,
) -> list[Piece]:
    """Cut jobs into pieces, each for one process, and say of each job how many steps it shares.

    The last step of a pipeline, or an estimator by itself, counts as shared where jobs differ in the parameter of its
    path only; these jobs are put in the order of the path.

    Args:
        estimator: a pipeline, or an estimator.
        jobs: of a batch.
        workers: how many pieces are evaluated at the same time.
        settled: whether one job after the other may be done in another order than theirs.
        streams: whether results are wanted as soon as they are there.
        later: whether jobs that are not known yet may share steps with these.
        path: that of the last step, if it is on one.

    Cost: O(jobs × steps).
    """
    candidates = {job.candidate: job.params for job in jobs}
    said, order = _said(estimator, candidates, path)
    places: Sequence[int] = range(len(jobs))
    if workers == 1:
        found = _shared(jobs, places, said, later)
        if settled and any(job.shared for job in found.values()) and _repeatable(estimator, candidates.values(), path):
            rank = {candidate: place for place, candidate in enumerate(_sorted(said, order))}
            # One fold after the other, so that little is kept at once; where somebody waits, candidate by candidate.
            places = sorted(places, key=lambda place: (0 if streams else jobs[place].fold, rank[jobs[place].candidate]))
        return [[(place, found[place])] for place in places]
    if not any(job.shared for job in _shared(jobs, places, said, False).values()):
        return [[(place, job)] for place, job in enumerate(jobs)]
    of: dict[int, list[int]] = defaultdict(list)
    for place in places:
        of[jobs[place].candidate].append(place)
    folds = len({job.fold for job in jobs})
    chunks = _chunks(said, order, workers, folds, streams)
    return [piece for chunk in chunks for piece in _pieces(jobs, [of[candidate] for candidate in chunk], said)]


def _pieces(jobs: Sequence[Job], groups: Iterable[Sequence[int]], said: Mapping[int, Levels]) -> Iterator[Piece]:
    """Put the jobs of each fold together where some of them share a step."""
    by_fold: dict[int, list[int]] = defaultdict(list)
    for place in (place for group in groups for place in group):
        by_fold[jobs[place].fold].append(place)
    for places in by_fold.values():
        shared = _shared(jobs, places, said, False)
        piece = [(place, shared[place]) for place in places]
        if any(job.shared for job in shared.values()):
            yield piece
        else:
            yield from ([one] for one in piece)


def _said(
    estimator: Any, candidates: Mapping[int, Mapping[str, Any]], path: WarmStartPath | None
) -> tuple[dict[int, Levels], dict[int, float]]:
    """Sort what candidates say by step, and give the places on the path of those that say one."""
    heads = [name for name, _ in estimator.steps[:-1]] if type(estimator) is Pipeline else []
    said = {candidate: levels(heads, params) for candidate, params in candidates.items()}
    name = "" if path is None else f"{_ending(estimator)[1]}{path.parameter}"
    order: dict[int, float] = {}
    for candidate, params in candidates.items():
        if path is not None and name in params and (said[candidate] or not heads):
            order[candidate] = path.order(params[name])
            rest = ((key, _mark(value)) for key, value in params.items() if key != name)
            said[candidate] += (
                tuple(sorted((item for item in rest if item[0].partition("__")[0] not in heads), key=repr)),
            )
    return said, order


def levels(heads: Sequence[str], params: Mapping[str, Any]) -> Levels:
    """Sort what a candidate says by step; nothing where it changes the pipeline itself."""
    by_step: dict[str, list[Hashable]] = {name: [] for name in heads}
    for name, value in params.items():
        head, deeper, _ = name.partition("__")
        if head in by_step:
            by_step[head].append((name, _mark(value)))
        elif not deeper and head in ("steps", "memory", "verbose", "transform_input"):
            return ()
    return tuple(tuple(sorted(items, key=repr)) for items in by_step.values())


def _mark(value: Any) -> Hashable:
    return (type(value), repr(value)) if type(value) in PLAIN or isinstance(value, np.generic) else id(value)


def _shared(jobs: Sequence[Job], places: Iterable[int], said: Mapping[int, Levels], later: bool) -> dict[int, Job]:
    """Note of each job how many first steps some other has, too, or may have."""
    places = list(places)
    counts: Counter[Hashable] = Counter()
    if not later:
        for place in places:
            found = said[jobs[place].candidate]
            counts.update((jobs[place].fold, found[:depth]) for depth in range(1, len(found) + 1))
    made = {}
    for place in places:
        job, found = jobs[place], said[jobs[place].candidate]
        depths = range(1, len(found) + 1)
        shared = len(found) if later else sum(counts[job.fold, found[:depth]] > 1 for depth in depths)
        made[place] = job._replace(shared=shared) if shared else job
    return made


def _sorted(said: Mapping[int, Levels], order: Mapping[int, float]) -> list[int]:
    """Put candidates side by side that share steps, in the order in which what they say was first said.

    Those that share all go in the order of their path.
    """
    first: dict[Levels, int] = {}
    for found in said.values():
        for depth in range(1, len(found) + 1):
            first.setdefault(found[:depth], len(first))
    ranks = {
        candidate: [*[first[found[:depth]] for depth in range(1, len(found) + 1)], order.get(candidate, 0.0)]
        for candidate, found in said.items()
    }
    return sorted(said, key=lambda candidate: ranks[candidate])


def _chunks(
    said: Mapping[int, Levels], order: Mapping[int, float], workers: int, folds: int, streams: bool
) -> list[list[int]]:
    """Cut candidates into runs: at the borders of what they share where that leaves enough runs for the workers."""
    size = math.ceil(len(said) / math.ceil(_EACH * workers / max(folds, 1))) if said else 1
    if streams:
        size = min(size, _SOON)
    groups: list[list[int]] = []
    for candidate in _sorted(said, order):
        if groups and said[groups[-1][0]] == said[candidate]:
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
    """Say whether jobs come out the same in any order: only scikit-learn's code, and all its random states integers.

    An estimator that its path allows draws nothing without one, so long as candidates leave what it does as it is.
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
    last, prefix = _ending(estimator)
    quiet = path is not None and path.allows(last)
    if quiet and not any(f"{prefix}{name}" in params for params in states[1:] for name in _DOING):
        states = [{key: value for key, value in found.items() if key != f"{prefix}random_state"} for found in states]
    drawn = (
        name.rpartition("__")[2] == "random_state" and value is None
        for found in states
        for name, value in found.items()
    )
    return reader.sound and not reader.foreign and not any(drawn)


def _ending(estimator: Any) -> tuple[Any, str]:
    """Give the last step of a pipeline and what the names of its parameters begin with; or an estimator by itself."""
    if type(estimator) is not Pipeline:
        return estimator, ""
    name, last = estimator.steps[-1]
    return last, f"{name}__"
