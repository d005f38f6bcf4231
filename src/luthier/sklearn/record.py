"""What makes a search durable: a study in which each candidate is a trial, with the scores of all its folds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from luthier.errors import StudyMismatch
from luthier.method import Method
from luthier.run import Study
from luthier.sklearn.evaluation import Scores
from luthier.sklearn.reuse.digest import digest
from luthier.sklearn.search_progress import score_of
from luthier.sklearn.spaces.candidate_space import CandidateSpace
from luthier.sklearn.spaces.parse_space import ParsedSpace
from luthier.space import Space
from luthier.store import Store, open_store

SCORE = "score"
"""The objective of the studies of searches."""


def result_of(scores: Sequence[Scores], metric: Any) -> dict[str, Any]:
    """Write the scores of a candidate as the result of a trial: their mean as the value, and all of them.

    Args:
        scores: of each fold.
        metric: which is the value, where there are several.
    """
    return {SCORE: score_of(scores, metric), "folds": [dict(fold) for fold in scores]}


def seconds_of(scores: Sequence[Scores]) -> float:
    """Give the seconds that the evaluation of a candidate took."""
    return math.fsum(float(fold["fit_time"]) + float(fold["score_time"]) for fold in scores)


def scores_of(trial: Any) -> list[Scores]:
    """Read the scores of the folds of a trial."""
    return folds_of(trial.extra)


def folds_of(result: object) -> list[Scores]:
    """Read the scores of the folds in what came of a trial; none where it failed."""
    return [dict(fold) for fold in result.get("folds", ())] if isinstance(result, Mapping) else []


class StudyRecord:
    """Keeps candidates in a study.

    Args:
        study: where.
        reading: how candidates are configurations of its space.
        metric: which score is the value, where there are several.
    """

    def __init__(self, study: Study, reading: ParsedSpace | CandidateSpace, metric: Any) -> None:
        self.study = study
        self._reading = reading
        self._metric = metric
        self._times: Counter[str] = Counter()
        self._batch: list[tuple[dict[str, Any], str]] = []

    def known(
        self, candidates: Sequence[Mapping[str, Any]], folds: Sequence[Any], more: Mapping[str, Sequence[Any]]
    ) -> Mapping[int, list[Scores]]:
        """See `session.Record.known`: a candidate is the same where its configuration and the rows of its folds are."""
        rows = digest([tuple(fold) for fold in folds], 16)
        self._batch = []
        found = {}
        history = self.study.history
        for place, candidate in enumerate(candidates):
            config = self._config(candidate, place, more)
            name = f"{digest([self.study.space.identity(config), rows], 24)}"
            self._times[name] += 1
            ticket = f"{name}:{self._times[name]}"
            self._batch.append((config, ticket))
            number = history.ticket(ticket)
            if number is not None:
                found[place] = scores_of(self.study.trial(number))
        return found

    def done(self, place: int, scores: Sequence[Scores]) -> None:
        """See `session.Record.done`."""
        config, ticket = self._batch[place]
        self.study.add(config, result_of(scores, self._metric), duration_s=seconds_of(scores), ticket=ticket)

    def _config(self, candidate: Mapping[str, Any], place: int, more: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Give the configuration; the resource of a halving search is part of it."""
        extra = {}
        if "n_resources" in more:
            name = next(reversed(self.study.space.names))
            extra = {name: int(more["n_resources"][place])}
        return self._reading.config({**extra, **candidate})


def add_results(study: Study, reading: ParsedSpace | CandidateSpace, results: Mapping[str, Any], metric: Any) -> None:
    """Add the candidates of ``cv_results_`` to a study, with their mean scores as values."""
    key = f"mean_test_{metric}" if isinstance(metric, str) and f"mean_test_{metric}" in results else "mean_test_score"
    if key not in results:
        key = next(key for key in results if key.startswith("mean_test_"))
    resources = results.get("n_resources")
    for place, candidate in enumerate(results["params"]):
        extra = {} if resources is None else {next(reversed(study.space.names)): int(resources[place])}
        seconds = float(results["mean_fit_time"][place] + results["mean_score_time"][place])
        study.add(
            reading.config({**extra, **candidate}), float(results[key][place]), duration_s=seconds, ticket=f"{place}"
        )


def open_study(
    store: str | Path | Store | None,
    title: str,
    parts: Mapping[str, str],
    space: Space,
    *,
    method: Method | None = None,
    seed: int | None = None,
    noisy: bool = True,
    place: int = 0,
) -> Study:
    """Open the study of a search, and see that the store has no other search.

    Args:
        store: where; a path belongs to one search.
        title: what the search is: its class and its estimator's.
        parts: digests of what makes it this search and no other.
        space: of the candidates.
        method: as of `Study`.
        seed: as of `Study`.
        noisy: as of `Study`.
        place: which of the studies of one search.

    Raises:
        StudyMismatch: the store belongs to another search; says in what they differ.
        StoreError: the store cannot be used.
    """
    name = study_name(title, parts)
    if store is not None:
        own = not isinstance(store, Store)
        opened = open_store(store)
        try:
            _check_names(opened.names(), name, store)
        finally:
            if own:
                opened.close()
    return Study(
        f"{name} {place + 1}" if place else name,
        space,
        maximize=SCORE,
        method=method,
        store=store,
        seed=seed,
        noisy=noisy,
    )


def study_name(title: str, parts: Mapping[str, str]) -> str:
    """Write the name of a search's study: ``GridSearchCV of SVC [data=1f0c22ab …]``."""
    return title if not parts else f"{title} [{' '.join(f'{key}={value}' for key, value in parts.items())}]"


def _check_names(names: Sequence[str], name: str, store: object) -> None:
    others = [other for other in names if not other.startswith(name)]
    if not others:
        return
    mine = _parts(name)
    theirs = max((_parts(other) for other in others), key=lambda found: len(found.items() & mine.items()))
    differ = [key for key in mine if theirs.get(key) != mine[key]]
    what = f"of which other things were given: {', '.join(differ)}" if theirs else f"the study {others[0]!r}"
    raise StudyMismatch(
        f"the store {store!s} belongs to another search, {what}. Give this search a store of its own, "
        "or repeat the other one exactly"
    )


def _parts(name: str) -> dict[str, str]:
    title, bracket, rest = name.partition(" [")
    if not bracket:
        return {}
    found = dict(item.split("=", 1) for item in rest.partition("]")[0].split() if "=" in item)
    return {"search": title, **found}
