"""One fit of a search: rounds of jobs run by joblib, with their record, progress and results."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from luthier.sklearn import private_api
from luthier.sklearn.evaluation import (
    Candidate,
    EvaluationSettings,
    Evaluator,
    Job,
    Scores,
    evaluate_batch,
    is_left_out,
)
from luthier.sklearn.fold_schedule import AllFolds, FoldSchedule
from luthier.sklearn.search_progress import SearchProgress
from luthier.sklearn.spaces import check_names, is_estimator


class SearchRecord(Protocol):
    """Remembers what earlier runs found, and records what this one finds."""

    def known(
        self, candidates: Sequence[Candidate], folds: Sequence[Any], more: Mapping[str, Any]
    ) -> Mapping[int, Any]:
        """Return the scores of all folds of the candidates that were evaluated before, by position.

        Args:
            candidates: the parameters of each candidate.
            folds: the rows of each fold.
            more: further columns of the results, one value per candidate.
        """
        ...

    def done(self, place: int, scores: Sequence[Scores]) -> None:
        """Record the scores of a candidate, by its position in the batch of the last call of `known`."""
        ...


@dataclass
class Session:
    """One fit of a search.

    Args:
        search: the search that is fitted; formats the results.
        estimator: a clone of its estimator, which is cloned again for each job.
        settings: what all jobs share.
        evaluator: evaluates a job.
        schedule: decides which jobs there are.
        cv: the splitter.
        split_params: keyword arguments of its ``split``.
        folds: number of folds.
        record: of earlier runs, and for later ones; None to record nothing.
        progress: shows the progress.
        parallel: makes the runner of jobs, a `joblib.Parallel`, from further arguments.
        streams: whether each result is wanted as soon as it is there.

    Attributes:
        candidates: all candidates so far.
        out: the scores of all folds of each candidate, one candidate after the other.
        more: further columns of the results.
        results: in the form of ``cv_results_``.
    """

    search: Any
    estimator: Any
    settings: EvaluationSettings
    evaluator: Evaluator
    schedule: FoldSchedule
    cv: Any
    split_params: Mapping[str, Any]
    folds: int
    record: SearchRecord | None
    progress: SearchProgress
    parallel: Callable[..., Any]
    streams: bool = False
    candidates: list[Candidate] = field(default_factory=list)
    out: list[Scores] = field(default_factory=list)
    more: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    results: dict[str, Any] = field(default_factory=dict)
    _checked: set[Any] = field(default_factory=set)
    _joblib: Any = None
    _slice: int | None = None

    def __enter__(self) -> Session:
        self._joblib, self._slice = self._runner()
        self._joblib.__enter__()
        return self

    def _runner(self) -> tuple[Any, int | None]:
        """Make the runner of jobs; return also how many batches it is given at once, None for all.

        If each result is wanted as soon as it is there, results come as they are done; or in slices, if the joblib
        backend cannot do that.
        """
        if not self.streams:
            return self.parallel(), None
        try:
            return self.parallel(return_as="generator_unordered"), None
        except ValueError:
            made = self.parallel()
            return made, max(self.folds, 2 * private_api.effective_n_jobs(made))

    def __exit__(self, *error: Any) -> None:
        self._joblib.__exit__(*error)
        self.progress.close()

    def evaluate(
        self,
        candidate_params: Iterable[Candidate],
        cv: Any = None,
        more_results: Mapping[str, Sequence[Any]] | None = None,
        callback_ctx: Any = None,
        *,
        done: Callable[[int, Sequence[Scores]], None] | None = None,
        settle: bool = True,
    ) -> dict[str, Any]:
        """Evaluate a batch of candidates: scikit-learn's ``evaluate_candidates``.

        Args:
            candidate_params: the parameters of each candidate.
            cv: a splitter to use instead of the search's.
            more_results: further columns of ``cv_results_``, one value per candidate.
            callback_ctx: the context of the callbacks.
            done: called with the position and the scores of each candidate as soon as it is done.
            settle: whether to check the batch for failed fits, and make results, now.

        Returns:
            The results of all candidates so far, in the form of ``cv_results_``; empty without `settle`.

        Raises:
            ValueError: the splitter is inconsistent, or all fits of the batch failed.
        """
        candidates = list(candidate_params)
        folds = list((cv or self.cv).split(self.settings.X, self.settings.y, **self.split_params))
        if candidates and len(folds) != self.folds:
            raise ValueError(
                f"cv.split and cv.get_n_splits {private_api.RETURN} inconsistent results. "
                f"Expected {self.folds} splits, got {len(folds)}"
            )
        if self.settings.verbose > 0:
            most = "" if isinstance(self.schedule, AllFolds) else "at most "
            _print(
                f"Fitting {self.folds} folds for each of {len(candidates)} candidates,"
                f" totalling {most}{len(candidates) * self.folds} fits"
            )
        self._check_names(candidates)
        known = self.record.known(candidates, folds, more_results or {}) if self.record else {}
        self.progress.expect(len(candidates), len(known))
        contexts = self._contexts(callback_ctx, len(candidates) * len(folds))
        out = self._rounds(candidates, folds, contexts, known, done)
        self.add(candidates, out, more_results)
        return self.settle(out) if settle else {}

    def add(
        self,
        candidates: Sequence[Candidate],
        out: list[Scores],
        more_results: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        """Add a batch of candidates, with the scores of all folds of each, one candidate after the other."""
        self.candidates.extend(candidates)
        self.out.extend(out)
        for key, values in (more_results or {}).items():
            self.more[key].extend(values)

    def settle(self, out: list[Scores]) -> dict[str, Any]:
        """Check scores that were added for failed fits, and make the results of all candidates so far.

        Raises:
            ValueError: all of these fits failed; if only some did, there is a warning.
        """
        if not out:
            raise ValueError("No fits were performed. Was the CV iterator empty? Were there no candidates?")
        private_api.warn_or_raise_about_fit_failures(
            [one for one in out if not is_left_out(one)], self.settings.error_score
        )
        if callable(self.search.scoring):
            private_api.insert_error_scores(out, self.settings.error_score)
        self.results = private_api.format_results(self.search, self.candidates, self.folds, self.out, self.more)
        return self.results

    def _check_names(self, candidates: Sequence[Candidate]) -> None:
        """Check each combination of parameters, and of estimator classes among their values, once."""
        for candidate in candidates:
            kinds = tuple((name, type(value)) for name, value in candidate.items() if is_estimator(value))
            if (frozenset(candidate), kinds) not in self._checked:
                check_names(self.estimator, candidate)
                self._checked.add((frozenset(candidate), kinds))

    def _contexts(self, context: Any, count: int) -> list[Any]:
        """Make the contexts of all jobs beforehand: that changes the estimator, which joblib pickles later."""
        if context is None:
            return [None] * count
        return [context.subcontext(task_name="candidate-split-evaluation", task_id=place) for place in range(count)]

    def _rounds(
        self,
        candidates: Sequence[Candidate],
        folds: Sequence[Any],
        contexts: Sequence[Any],
        known: Mapping[int, Sequence[Scores]],
        done: Callable[[int, Sequence[Scores]], None] | None,
    ) -> list[Scores]:
        table: list[dict[int, Scores]] = [dict(enumerate(known.get(place, ()))) for place in range(len(candidates))]

        def finish(place: int) -> None:
            scores = [table[place][fold] for fold in sorted(table[place])]
            if self.record:
                self.record.done(place, scores)
            if done is not None:
                done(place, scores)
            self.progress.done(scores)

        rounds = self.schedule.rounds(candidates, len(folds))
        pairs = next(rounds, None)
        while pairs is not None:
            wanted = [(c, f) for c, f in pairs if c not in known]
            jobs = [Job(c, candidates[c], f, folds[f][0], folds[f][1], len(candidates), len(folds)) for c, f in wanted]
            for place, scores in self._run(jobs, [contexts[c * len(folds) + f] for c, f in wanted]):
                candidate, fold = wanted[place]
                table[candidate][fold] = scores
                if len(table[candidate]) == len(folds):
                    finish(candidate)
            try:
                pairs = rounds.send({(c, f): table[c][f] for c, f in pairs})
            except StopIteration:
                pairs = None
            for (candidate, fold), scores in self.schedule.left_out().items():
                if fold not in table[candidate]:
                    table[candidate][fold] = scores
                    if len(table[candidate]) == len(folds):
                        finish(candidate)
        for place, found in enumerate(table):
            if place not in known and len(found) < len(folds):
                finish(place)
        return [found[fold] for found in table for fold in sorted(found)]

    def _run(self, jobs: Sequence[Job], contexts: Sequence[Any]) -> Iterator[tuple[int, Scores]]:
        """Run jobs, and yield the position and the scores of each."""
        workers = private_api.effective_n_jobs(self._joblib)
        batches = self.evaluator.batches(self.estimator, jobs, self.settings, workers, self.streams)
        size = self._slice or len(batches) or 1
        for first in range(0, len(batches), size):
            for found in self._joblib(
                private_api.delayed(evaluate_batch)(
                    self.evaluator,
                    self.settings,
                    self.search,
                    self.estimator,
                    [(place, job, contexts[place]) for place, job in batch],
                )
                for batch in batches[first : first + size]
            ):
                yield from found


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
