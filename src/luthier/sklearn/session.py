"""One fit of a search: rounds of jobs, run by joblib; what comes of them is recorded, shown and put into a table."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from luthier.sklearn import private_api
from luthier.sklearn.evaluation import EvaluationSettings, Evaluator, Job, Scores, evaluated
from luthier.sklearn.racing.missing_folds import is_left_out
from luthier.sklearn.search_progress import SearchProgress
from luthier.sklearn.spaces.names import check_names, is_estimator

Pair: TypeAlias = tuple[int, int]
"""A candidate and a fold, by their places in the batch."""

Candidate: TypeAlias = Mapping[str, Any]


class Schedule(Protocol):
    """Says which candidates are evaluated on which folds."""

    def rounds(
        self, candidates: Sequence[Candidate], folds: int
    ) -> Generator[Sequence[Pair], Mapping[Pair, Scores], None]:
        """Yield the pairs of each round; what came of them is sent back before the next one.

        A pair is given at most once. What a candidate is not evaluated on has to be `left_out`, since
        ``_format_results`` expects as many scores of each.
        """
        ...

    def left_out(self) -> Mapping[Pair, Scores]:
        """Give what stands for pairs of this batch that will not be evaluated, as decided since this was last asked."""
        ...

    def recall(self, results: Iterable[Sequence[Scores]]) -> None:
        """Hear of candidates that were evaluated in an earlier run: the scores of all folds of each."""
        ...


@dataclass(frozen=True)
class Everything:
    """Evaluates every candidate on every fold, in one round."""

    def rounds(
        self, candidates: Sequence[Candidate], folds: int
    ) -> Generator[Sequence[Pair], Mapping[Pair, Scores], None]:
        """See `Schedule.rounds`."""
        yield [(candidate, fold) for candidate in range(len(candidates)) for fold in range(folds)]

    def left_out(self) -> Mapping[Pair, Scores]:
        """See `Schedule.left_out`: nothing."""
        return {}

    def recall(self, results: Iterable[Sequence[Scores]]) -> None:
        """See `Schedule.recall`: they change nothing."""


class SearchRecord(Protocol):
    """Knows what earlier runs found, and keeps what this one finds."""

    def known(
        self, candidates: Sequence[Candidate], folds: Sequence[Any], more: Mapping[str, Any]
    ) -> Mapping[int, Any]:
        """Give the scores of all folds of those candidates that were evaluated before, by their places."""
        ...

    def done(self, place: int, scores: Sequence[Scores]) -> None:
        """Keep what came of a candidate of the batch that `known` was asked for last."""
        ...


@dataclass
class Session:
    """One fit.

    Args:
        search: the search that is fitted; formats the results.
        estimator: a clone of its estimator, of which each job gets a clone.
        setting: what is the same for all jobs.
        evaluator: evaluates a job.
        schedule: says which jobs there are.
        cv: the splitter.
        split_params: keyword arguments of its ``split``.
        folds: how many folds it makes.
        record: of an earlier run, and for a later one; None to keep nothing.
        progress: shows how it goes.
        parallel: makes the runner of jobs, with arguments of joblib's.
        streams: whether results are wanted as soon as they are there.
    """

    search: Any
    estimator: Any
    setting: EvaluationSettings
    evaluator: Evaluator
    schedule: Schedule
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
        """Make the runner of jobs, and say how many it is given at once; None for all.

        Where somebody waits for each result, they come as they are done; or, of a backend of joblib's that cannot do
        that, in slices.
        """
        if not self.streams:
            return self.parallel(), None
        try:
            return self.parallel(return_as="generator_unordered"), None
        except ValueError:
            made = self.parallel()
            return made, max(self.folds, 2 * made._effective_n_jobs())

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
        """Evaluate a batch of candidates: what scikit-learn calls ``evaluate_candidates``.

        Args:
            candidate_params: the parameters of each.
            cv: another splitter than the search's.
            more_results: further columns of ``cv_results_``, one value a candidate.
            callback_ctx: the context of the callbacks.
            done: is told the place and the scores of each candidate as soon as it is done.
            settle: whether failed fits of this batch are judged now, and results made.

        Returns:
            The results of all candidates so far, in the form of ``cv_results_``.
        """
        candidates = list(candidate_params)
        folds = list((cv or self.cv).split(self.setting.X, self.setting.y, **self.split_params))
        if candidates and len(folds) != self.folds:
            raise ValueError(
                f"cv.split and cv.get_n_splits {private_api.RETURN} inconsistent results. "
                f"Expected {self.folds} splits, got {len(folds)}"
            )
        if self.setting.verbose > 0:
            most = "" if isinstance(self.schedule, Everything) else "at most "
            _say(
                f"Fitting {self.folds} folds for each of {len(candidates)} candidates,"
                f" totalling {most}{len(candidates) * self.folds} fits"
            )
        self._check_names(candidates)
        known = self.record.known(candidates, folds, more_results or {}) if self.record else {}
        self.progress.expect(len(candidates), len(known))
        contexts = self._contexts(callback_ctx, len(candidates) * len(folds))
        out = self._rounds(candidates, folds, contexts, known, done)
        self.take(candidates, out, more_results)
        return self.settle(out) if settle else {}

    def take(
        self,
        candidates: Sequence[Candidate],
        out: list[Scores],
        more_results: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        """Take in what came of a batch of candidates: the scores of all folds of each, one after the other."""
        self.candidates.extend(candidates)
        self.out.extend(out)
        for key, values in (more_results or {}).items():
            self.more[key].extend(values)

    def settle(self, out: list[Scores]) -> dict[str, Any]:
        """Judge scores that were taken in, and make the results of all candidates so far.

        Raises:
            ValueError: all of these fits failed; where only some did, there is a warning.
        """
        if not out:
            raise ValueError("No fits were performed. Was the CV iterator empty? Were there no candidates?")
        private_api.warn_or_raise_about_fit_failures(
            [one for one in out if not is_left_out(one)], self.setting.error_score
        )
        if callable(self.search.scoring):
            private_api.insert_error_scores(out, self.setting.error_score)
        self.results = self.search._format_results(self.candidates, self.folds, self.out, self.more)
        return self.results

    def _check_names(self, candidates: Sequence[Candidate]) -> None:
        """Check each combination of parameters, and of kinds of estimators among their values, once."""
        for candidate in candidates:
            kinds = tuple((name, type(value)) for name, value in candidate.items() if is_estimator(value))
            if (frozenset(candidate), kinds) not in self._checked:
                check_names(self.estimator, candidate)
                self._checked.add((frozenset(candidate), kinds))

    def _contexts(self, context: Any, count: int) -> list[Any]:
        """Make the contexts of the jobs beforehand: that changes the estimator, which is then being pickled."""
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
        """Run jobs, and give the place and the scores of each."""
        workers = self._joblib._effective_n_jobs()
        pieces = self.evaluator.pieces(self.estimator, jobs, self.setting, workers, self.streams)
        size = self._slice or len(pieces) or 1
        for first in range(0, len(pieces), size):
            for found in self._joblib(
                private_api.delayed(evaluated)(
                    self.evaluator,
                    self.setting,
                    self.search,
                    self.estimator,
                    [(place, job, contexts[place]) for place, job in piece],
                )
                for piece in pieces[first : first + size]
            ):
                yield from found


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
