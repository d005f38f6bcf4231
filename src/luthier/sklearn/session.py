"""One fit of a search: rounds of jobs, with their record, progress, budget and results."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from luthier._runtime.text_line import write_line
from luthier.sklearn import private_api
from luthier.sklearn.evaluation import Candidate, EvaluationSettings, Job, Scores, is_left_out, seconds_of
from luthier.sklearn.fold_schedule import AllFolds, FoldSchedule
from luthier.sklearn.job_runner import JobRunner
from luthier.sklearn.racing import impute_scores
from luthier.sklearn.search_budget import SearchBudget
from luthier.sklearn.search_progress import SearchProgress
from luthier.sklearn.spaces import check_names, is_estimator

Table: TypeAlias = list[dict[int, Scores]]
"""The scores of each candidate of a batch, by fold."""


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
        schedule: decides which jobs there are.
        cv: the splitter.
        split_params: keyword arguments of its ``split``.
        folds: number of folds.
        record: of earlier runs, and for later ones; None to record nothing.
        progress: shows the progress.
        runner: runs the jobs.
        budget: ends the search before all candidates are evaluated; None for no limit.

    Attributes:
        candidates: all candidates so far.
        out: the scores of all folds of each candidate, one candidate after the other.
        more: further columns of the results.
        results: in the form of ``cv_results_``.
    """

    search: Any
    estimator: Any
    settings: EvaluationSettings
    schedule: FoldSchedule
    cv: Any
    split_params: Mapping[str, Any]
    folds: int
    record: SearchRecord | None
    progress: SearchProgress
    runner: JobRunner
    budget: SearchBudget | None = None
    candidates: list[Candidate] = field(default_factory=list)
    out: list[Scores] = field(default_factory=list)
    more: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    results: dict[str, Any] = field(default_factory=dict)
    _checked: set[Any] = field(default_factory=set)
    _splits: list[Any] | None = None

    def __enter__(self) -> Session:
        self.runner.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.runner.__exit__(*error)
        self.progress.close()

    @property
    def splits(self) -> list[Any]:
        """The rows of each fold, drawn once: all candidates see the same folds, also where each split would differ."""
        if self._splits is None:
            self._splits = self._split(self.cv)
        return self._splits

    def _split(self, cv: Any) -> list[Any]:
        return list(cv.split(self.settings.X, self.settings.y, **self.split_params))

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
            BudgetSpent: the budget was spent before all candidates were evaluated; those that were are in the results.
        """
        given = list(candidate_params)
        candidates = given if self.budget is None else given[: self.budget.take(len(given))]
        folds = self.splits if cv is None or cv is self.cv else self._split(cv)
        if candidates and len(folds) != self.folds:
            raise ValueError(
                f"cv.split and cv.get_n_splits {private_api.RETURN} inconsistent results. "
                f"Expected {self.folds} splits, got {len(folds)}"
            )
        if self.settings.verbose > 0:
            most = "" if isinstance(self.schedule, AllFolds) else "at most "
            write_line(
                sys.stdout,
                f"Fitting {self.folds} folds for each of {len(candidates)} candidates,"
                f" totalling {most}{len(candidates) * self.folds} fits",
            )
        self._check_names(candidates)
        known = self.record.known(candidates, folds, more_results or {}) if self.record else {}
        self.progress.expect(len(candidates), known.values())
        if self.budget is not None:
            for scores in known.values():
                self.budget.count(scores)
        contexts = self._contexts(callback_ctx, len(candidates) * len(folds))
        table: Table = [dict(enumerate(known.get(place, ()))) for place in range(len(candidates))]
        try:
            self._rounds(table, candidates, folds, contexts, known, done)
        except BaseException:  # what was evaluated is kept, whatever ended the rest
            self._keep(table, candidates, more_results or {}, partly=True)
            raise
        out = self._keep(table, candidates, more_results or {})
        results = self.settle(out) if settle else {}
        if len(out) < len(given) * len(folds):
            raise BudgetSpent
        return results

    def _keep(
        self,
        table: Table,
        candidates: Sequence[Candidate],
        more_results: Mapping[str, Sequence[Any]],
        partly: bool = False,
    ) -> list[Scores]:
        """Add the candidates of a batch that have scores of all folds, and return these scores.

        With `partly`, if there are none at all, those that have scores of some folds are added, and the others marked.
        """
        if partly and not self.candidates and all(len(found) < self.folds for found in table):
            table = [{**found, **impute_scores(found, (), self.folds)} if found else {} for found in table]
        kept = [place for place, found in enumerate(table) if len(found) == self.folds]
        out = [table[place][fold] for place in kept for fold in range(self.folds)]
        more = {key: [values[place] for place in kept] for key, values in more_results.items()}
        self.add([candidates[place] for place in kept], out, more)
        return out

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
        table: Table,
        candidates: Sequence[Candidate],
        folds: Sequence[Any],
        contexts: Sequence[Any],
        known: Mapping[int, Sequence[Scores]],
        done: Callable[[int, Sequence[Scores]], None] | None,
    ) -> None:
        """Evaluate candidates in rounds, and fill the table; a budget that is spent leaves some of it empty."""

        def fill(candidate: int, fold: int, scores: Scores) -> None:
            table[candidate][fold] = scores
            if len(table[candidate]) == len(folds):
                self._finish(candidate, [table[candidate][each] for each in range(len(folds))], done)

        rounds = self.schedule.rounds(candidates, len(folds))
        pairs = next(rounds, None)
        while pairs is not None:
            wanted = [(c, f) for c, f in pairs if c not in known]
            jobs = [Job(c, candidates[c], f, folds[f][0], folds[f][1], len(candidates), len(folds)) for c, f in wanted]
            spent_s = {c: seconds_of([*table[c].values()]) for c, _ in wanted}
            begun = [contexts[c * len(folds) + f] for c, f in wanted]
            for place, scores in self.runner.run(jobs, begun, self._stops, spent_s):
                fill(*wanted[place], scores)
            if any(f not in table[c] for c, f in wanted):
                return
            try:
                pairs = rounds.send({(c, f): table[c][f] for c, f in pairs})
            except StopIteration:
                pairs = None
            for (candidate, fold), scores in self.schedule.left_out().items():
                if fold not in table[candidate]:
                    fill(candidate, fold, scores)

    def _finish(
        self, place: int, scores: Sequence[Scores], done: Callable[[int, Sequence[Scores]], None] | None
    ) -> None:
        if self.record:
            self.record.done(place, scores)
        if done is not None:
            done(place, scores)
        if self.budget is not None:
            self.budget.count(scores)
        self.progress.done(scores)

    def _stops(self) -> bool:
        return self.budget is not None and self.budget.spent


class BudgetSpent(Exception):
    """The budget was spent before all candidates were evaluated."""
