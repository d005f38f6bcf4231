"""Record of a search: a study in which each candidate is a trial, with the scores of all its folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from luthier.errors import StudyMismatch
from luthier.history import History
from luthier.method import Method
from luthier.run import Study
from luthier.sklearn.content_digest import digest
from luthier.sklearn.evaluation import Candidate, Scores, mean_score, seconds_of
from luthier.sklearn.spaces import CandidateSpace, ParsedSpace
from luthier.space import Space
from luthier.store import Store, open_store, shown_place
from luthier.study import StudyReader, TrialResult

SCORE = "score"
"""The name of the objective in the study of a search."""


def result_of(scores: Sequence[Scores], metric: Any) -> dict[str, Any]:
    """Return the result of a trial: the mean score as its value, and the scores of all folds.

    Args:
        scores: the scores of each fold.
        metric: the metric that is the value, if there are several.
    """
    return {SCORE: mean_score(scores, metric), "folds": [dict(fold) for fold in scores]}


def scores_of(trial: Any) -> list[Scores]:
    """Return the scores of the folds of a trial; empty if it failed."""
    return folds_of(trial.extra)


def folds_of(result: object) -> list[Scores]:
    """Return the scores of the folds in the result of a trial; empty if it failed."""
    return [dict(fold) for fold in result.get("folds", ())] if isinstance(result, Mapping) else []


class StudyRecord:
    """Records candidates in a study (see `session.SearchRecord`).

    Args:
        study: the study.
        space: converts candidates into configurations of the study's space.
        metric: the metric that is the value, if there are several.
        earlier: histories and trials of the same search over other candidates; what they know is copied.
    """

    def __init__(
        self,
        study: Study,
        space: ParsedSpace | CandidateSpace,
        metric: Any,
        earlier: Sequence[tuple[History, Sequence[TrialResult]]] = (),
    ) -> None:
        self.study = study
        self._earlier = earlier
        self._space = space
        self._metric = metric
        self._times: Counter[str] = Counter()
        self._batch: list[tuple[dict[str, Any], str]] = []

    def known(
        self, candidates: Sequence[Candidate], folds: Sequence[Any], more: Mapping[str, Sequence[Any]]
    ) -> Mapping[int, list[Scores]]:
        """See `SearchRecord.known`: a candidate is known by its configuration and the rows of its folds."""
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
            elif scores := self._scores_of_earlier(ticket):
                found[place] = scores
                self.done(place, scores)
        return found

    def _scores_of_earlier(self, ticket: str) -> list[Scores]:
        for history, trials in self._earlier:
            number = history.ticket(ticket)
            if number is not None and (scores := scores_of(trials[number])):
                return scores
        return []

    def done(self, place: int, scores: Sequence[Scores]) -> None:
        """See `SearchRecord.done`."""
        config, ticket = self._batch[place]
        self.study.add(config, result_of(scores, self._metric), duration_s=seconds_of(scores), ticket=ticket)

    def _config(self, candidate: Candidate, place: int, more: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Return the configuration, which includes the resource of a halving search."""
        extra = {}
        if "n_resources" in more:
            name = next(reversed(self.study.space.names))
            extra = {name: int(more["n_resources"][place])}
        return self._space.config({**extra, **candidate})


def add_results(study: Study, space: ParsedSpace | CandidateSpace, results: Mapping[str, Any], metric: Any) -> None:
    """Add the candidates of ``cv_results_`` to a study, with their mean scores as values.

    Args:
        study: the study.
        space: converts candidates into configurations of the study's space.
        results: of a search.
        metric: the metric that is the value, if there are several.
    """
    key = f"mean_test_{metric}" if isinstance(metric, str) and f"mean_test_{metric}" in results else "mean_test_score"
    if key not in results:
        key = next(key for key in results if key.startswith("mean_test_"))
    resources = results.get("n_resources")
    for place, candidate in enumerate(results["params"]):
        extra = {} if resources is None else {next(reversed(study.space.names)): int(resources[place])}
        seconds = float(results["mean_fit_time"][place] + results["mean_score_time"][place])
        study.add(
            space.config({**extra, **candidate}), float(results[key][place]), duration_s=seconds, ticket=f"{place}"
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
    """Open the study of a search, and check that the store holds no other search.

    Args:
        store: a store or its path, which belongs to one search; None for a study in memory.
        title: the class of the search and of its estimator.
        parts: digests of everything that identifies the search, by name.
        space: the space of the candidates.
        method: as in `Study`.
        seed: as in `Study`.
        noisy: as in `Study`.
        place: index of the study among those of one search.

    Raises:
        StudyMismatch: the store belongs to another search; the message names the differences.
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
    called = f"{name} {place + 1}" if place else name
    try:
        return Study(called, space, maximize=SCORE, method=method, store=store, seed=seed, noisy=noisy)
    except StudyMismatch as error:
        raise StudyMismatch(f"{error}; or give this search a store of its own, beside {store!s}") from None


def open_record(
    store: str | Path | Store, title: str, parts: Mapping[str, str], space: ParsedSpace | CandidateSpace, metric: Any
) -> StudyRecord:
    """Open the record of a search over listed candidates, which may be others than those of an earlier run.

    Candidates that the space of the stored study cannot hold make another study beside it, under the name of the search
    followed by a digest of the space. What is known of the candidates that both have is copied.

    Args:
        store: as in `open_study`.
        title: as in `open_study`.
        parts: as in `open_study`.
        space: the space of the candidates.
        metric: the metric that is the value, if there are several.

    Raises:
        StudyMismatch: the store belongs to another search; the message names the differences.
        StoreError: the store cannot be used.
    """
    name, own = study_name(title, parts), not isinstance(store, Store)
    opened = open_store(store)
    try:
        names = opened.names()
        _check_names(names, name, store)
        readers = {other: StudyReader.open(opened, other) for other in names}
        if name in readers and readers[name].space.to_plain() != space.space.to_plain():
            name = f"{name} {digest(space.space.to_plain())}"
        earlier = [(reader.history, reader.trials) for other, reader in readers.items() if other != name]
        study = Study(name, space.space, maximize=SCORE, store=store, noisy=True)
        return StudyRecord(study, space, metric, earlier)
    finally:
        if own:
            opened.close()


def study_name(title: str, parts: Mapping[str, str]) -> str:
    """Return the name of a search's study: ``GridSearchCV of SVC [data=1f0c22ab …]``."""
    return title if not parts else f"{title} [{' '.join(f'{key}={value}' for key, value in parts.items())}]"


def _check_names(names: Sequence[str], name: str, store: object) -> None:
    others = [other for other in names if not other.startswith(name)]
    if not others:
        return
    mine = _parts(name)
    theirs = max((_parts(other) for other in others), key=lambda found: len(found.items() & mine.items()))
    differ = [key for key in mine if theirs.get(key) != mine[key]]
    what = f"with different {', '.join(differ)}" if theirs else f"the study {others[0]!r}"
    raise StudyMismatch(
        f"the store {shown_place(store)} belongs to another search, {what}. Give this search a store of its own, "
        "or repeat the other one exactly"
    )


def _parts(name: str) -> dict[str, str]:
    title, bracket, rest = name.partition(" [")
    if not bracket:
        return {}
    found = dict(item.split("=", 1) for item in rest.partition("]")[0].split() if "=" in item)
    return {"search": title, **found}
