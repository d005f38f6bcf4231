"""Base of the search classes: their common ``fit``."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import indexable
from sklearn.utils.validation import check_is_fitted

from luthier.errors import Interrupted, InvalidSetting
from luthier.executor import Limits
from luthier.run import Budget, Study
from luthier.sklearn import private_api
from luthier.sklearn.content_digest import digest
from luthier.sklearn.evaluation import EvaluationSettings, Evaluator, PlainEvaluator, is_left_out
from luthier.sklearn.fold_schedule import AllFolds, FoldSchedule
from luthier.sklearn.job_runner import JoblibRunner, JobRunner, ProcessRunner
from luthier.sklearn.racing import Race, Racing, mark_left_out, without_marks
from luthier.sklearn.record import StudyRecord, add_results, open_record, open_study
from luthier.sklearn.search_budget import SearchBudget, budget_of
from luthier.sklearn.search_progress import SearchProgress
from luthier.sklearn.selection import Estimate, OneStandardErrorRule, complexities, estimate, simplest
from luthier.sklearn.session import BudgetSpent, Session
from luthier.sklearn.spaces import CandidateSpace, ParsedSpace
from luthier.sklearn.store_argument import StoreArgument

_BYTES_PER_MB = 2**20

STORE = [str, private_api.HasMethods(["__fspath__"]), private_api.HasMethods(["append", "read", "names"]), None]
"""Constraint of `store`, in scikit-learn's form."""

LIMITS: Mapping[str, Any] = {
    "budget": [private_api.Interval(Real, 0, None, closed="neither"), dict, Budget, None],
    "workers": [private_api.Interval(Integral, 1, None, closed="left"), None],
    "trial_time_s": [private_api.Interval(Real, 0, None, closed="neither"), None],
    "trial_memory_mb": [private_api.Interval(Real, 0, None, closed="neither"), None],
}
"""Constraints of the arguments that limit a search, in scikit-learn's form."""

CACHE_MB = [private_api.Interval(Real, 0, None, closed="left")]
"""Constraint of `cache_mb`, in scikit-learn's form."""

PATHS = [private_api.StrOptions({"exact", "close", "none"})]
"""Constraint of `paths`, in scikit-learn's form."""

RACING = ["boolean", Racing]
"""Constraint of `racing`, in scikit-learn's form."""

SIMPLICITY = ["boolean", str, list, tuple, callable]
"""Constraint of `one_standard_error`, in scikit-learn's form."""


class Search:
    """Common base of the search classes, to be listed before the scikit-learn class among their bases."""

    store = StoreArgument()
    racing: Any = False
    one_standard_error: Any = False
    cache_mb: float
    paths: str
    budget: Any = None
    workers: Any = None
    trial_time_s: Any = None
    trial_memory_mb: Any = None

    # --- the parts that a class may replace -------------------------------------------------------------

    def _schedule(self: Any) -> FoldSchedule:
        """Make the schedule: which candidates are evaluated on which folds."""
        settings = self._racing()
        return AllFolds() if settings is None else Race(settings, self.refit)

    def _racing(self: Any) -> Racing | None:
        """Return the settings of the race; None if there is none, or if no single score decides."""
        several = isinstance(self.scoring, list | tuple | set | dict)
        if not self.racing or callable(self.refit) or (several and not isinstance(self.refit, str)):
            return None
        settings = Racing() if self.racing is True else self.racing
        return replace(settings, margin=-1.0) if self.one_standard_error is not False else settings

    def _evaluator(self) -> Evaluator:
        """Make the evaluator of a candidate on a fold; reuse is imported only if it is on."""
        if self.cache_mb <= 0:
            return PlainEvaluator()
        from luthier.sklearn.reuse import SharedSteps

        return SharedSteps(int(self.cache_mb * _BYTES_PER_MB), later=self._more_candidates_follow(), paths=self.paths)

    def _more_candidates_follow(self) -> bool:
        """Return whether candidates that are not known yet may share fits with those of a batch."""
        return False

    def _total(self) -> int | None:
        """Return the number of candidates, if it is known before they are made."""
        return None

    def _streams(self: Any) -> bool:
        """Return whether each result is wanted as soon as it is there, even if that costs a little time."""
        return self.store is not None or self.verbose > 0 or self.budget is not None

    def _limit(self: Any) -> SearchBudget | None:
        """Return the budget of this fit; None for no limit."""
        return None if self.budget is None else SearchBudget(budget_of(self.budget), self.refit)

    def _limits(self: Any) -> Limits:
        """Return the limits of each candidate."""
        return Limits(self.trial_time_s, self.trial_memory_mb)

    def _processes(self: Any) -> int | None:
        """Return the number of supervised processes; None if joblib runs everything.

        Raises:
            InvalidSetting: both kinds of processes were asked for.
        """
        limited = self.trial_time_s is not None or self.trial_memory_mb is not None
        if self.workers is None and not limited:
            return None
        if self.n_jobs not in (None, 1):
            raise InvalidSetting(
                f"n_jobs={self.n_jobs} is of joblib, which keeps no limits of time or memory: give workers=… instead, "
                "the number of candidates that are evaluated at once, each in a supervised process"
            )
        return 1 if self.workers is None else int(self.workers)

    def _runner(self: Any, estimator: Any, settings: EvaluationSettings) -> JobRunner:
        """Make the runner of jobs."""
        processes = self._processes()
        if processes is not None:
            return ProcessRunner(estimator, settings, self._evaluator(), processes, self._limits())

        def parallel(**options: Any) -> Any:
            return private_api.Parallel(**{"n_jobs": self.n_jobs, "pre_dispatch": self.pre_dispatch, **options})

        return JoblibRunner(self, estimator, settings, self._evaluator(), parallel, self.n_splits_, self._streams())

    @abstractmethod
    def _study_spaces(self, estimator: Any) -> list[ParsedSpace | CandidateSpace]:
        """Return the spaces of the studies that record the search: in most searches, one."""

    def _identity(self) -> dict[str, Any]:
        """Return the settings that identify the search, besides estimator, data, folds and scoring."""
        settings = self._racing()
        return {} if settings is None else {"racing": repr(settings)}

    def _explore(self: Any, session: Session, context: Any) -> None:
        """Evaluate all candidates."""
        private_api.run_search(self, session.evaluate, context)

    # --- the fit --------------------------------------------------------------------------------------------

    @private_api.fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(self: Any, X: Any, y: Any = None, **params: Any) -> Any:
        """Evaluate the candidates by cross-validation, and fit the best one to all data.

        Args:
            X: the data, one row per sample; or what the estimator takes.
            y: the targets; None for estimators that need none.
            params: passed to the estimator's ``fit``, the scorer and the splitter. Those with one row per sample are
                split with the data.

        Returns:
            The search.
        """
        scorers, metric = self._get_scorers()
        X, y = indexable(X, y)
        params = private_api.check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        weight = params.get("sample_weight")
        data = {"X": X, "y": y, "metadata": None if weight is None else {"sample_weight": weight}}
        context = private_api.begin_callbacks(self, 1 + (self.refit is not False), **data)
        self._checked_cv_orig = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        private_api.check_before(self, X, y, routed.splitter.split)
        self.n_splits_ = self._checked_cv_orig.get_n_splits(X, y, **routed.splitter.split)
        estimator = clone(self.estimator)

        self._study = None
        with self._begin(estimator, X, y, scorers, routed) as session:
            try:
                self._explore(session, context)
            except BudgetSpent:
                pass
            except KeyboardInterrupt as error:
                raise Interrupted(f"the search was interrupted: {self._keep(session, metric, scorers)}") from error
            except Exception as error:
                kept = self._keep(session, metric, scorers)
                if hasattr(self, "cv_results_"):
                    error.add_note(f"{type(self).__name__}: {kept}.")
                raise
            metric = self._deciding_metric(session, metric)
        self._choose(session.results, metric)
        if self.refit:
            self._refit(estimator, routed.estimator.fit, context, data)
        self._publish(session.results, scorers)
        context.call_on_fit_task_end(estimator=self, **data)
        return self

    def _publish(self: Any, results: dict[str, Any], scorers: Any) -> None:
        several = private_api.scorers_by_name(scorers)
        self.scorer_ = scorers if several is None else several
        self.cv_results_ = results

    def _keep(self: Any, session: Session, metric: Any, scorers: Any) -> str:
        """Keep the results of what was evaluated before an exception, and say what is there."""
        for name in ("cv_results_", "best_estimator_", "best_index_", "best_params_", "best_score_", "refit_time_"):
            vars(self).pop(name, None)  # of an earlier fit
        with suppress(Exception):
            session.settle(session.out)
            self._publish(session.results, scorers)
            self._choose(session.results, self._deciding_metric(session, metric))
        resume = "the same fit goes on from there" if self.store is not None else "give store=… so that a fit can go on"
        if not hasattr(self, "cv_results_"):
            return f"there are no results yet; {resume}"
        return (
            f"cv_results_ and best_params_ are of the {len(session.candidates)} candidates that were evaluated, and "
            "best_estimator_ was not fitted: clone(estimator).set_params(**search.best_params_).fit(X, y) does that; "
            f"{resume}"
        )

    def _begin(self: Any, estimator: Any, X: Any, y: Any, scorers: Any, routed: Any) -> Session:
        settings = EvaluationSettings(
            X,
            y,
            scorers,
            routed.estimator.fit,
            routed.scorer.score,
            self.error_score,
            self.return_train_score,
            self.verbose,
        )

        parts = self._parts(estimator, settings, routed)
        self._title = f"{type(self).__name__} of {type(estimator).__name__}", parts
        record = self._record(estimator) if self.store is not None else None
        return Session(
            self,
            estimator,
            settings,
            self._schedule(),
            self._checked_cv_orig,
            routed.splitter.split,
            self.n_splits_,
            record,
            SearchProgress(self.verbose > 0, self.refit, self._total()),
            self._runner(estimator, settings),
            self._limit(),
        )

    def _parts(self: Any, estimator: Any, settings: EvaluationSettings, routed: Any) -> dict[str, str]:
        """Return digests of everything that identifies the search; empty if it has no store.

        Raises:
            InvalidSetting: the search has a store, and its folds would differ in another process.
        """
        if self.store is None:
            return {}
        cv = self._checked_cv_orig
        if not private_api.yields_constant_splits(cv):
            raise InvalidSetting(
                "store=… needs folds that are the same when the search is resumed: "
                f"give {cv} a random_state that is an integer, or shuffle=False"
            )
        identity = {**self._identity(), **({"paths": "close"} if self.paths == "close" else {})}
        folds = [tuple(fold) for fold in cv.split(settings.X, settings.y, **routed.splitter.split)]
        return {
            "estimator": digest(estimator),
            "data": digest([settings.X, settings.y, dict(settings.fit_params), dict(settings.score_params)]),
            "folds": digest(folds),
            "scoring": digest([self.scoring, self.refit if isinstance(self.refit, str) else None]),
            "settings": digest([self.error_score, self.return_train_score, identity]),
        }

    def _record(self: Any, estimator: Any) -> StudyRecord | None:
        """Open the record of this search in its store."""
        (space,) = self._study_spaces(estimator)
        record = open_record(self.store, self._title[0], self._title[1], space, self.refit)
        self._study = record.study
        return record

    def _recorded(self: Any) -> list[dict[str, Any]]:
        """Return the candidates that the study of this search has."""
        (space,) = self._study_spaces(self.estimator)
        return [space.params(trial.params) for trial in self._study.trials]

    def _seed(self: Any) -> Any:
        """Return the random state; of a search with a store, one that is stored with it."""
        study = getattr(self, "_study", None)
        return self.random_state if self.random_state is not None or study is None else study.seed % 2**32

    # --- the study --------------------------------------------------------------------------------------

    @property
    def study_(self: Any) -> Study:
        """The search as a study: of a search with a store, the study in it, else one made from the results."""
        check_is_fitted(self)
        if getattr(self, "_study", None) is None:
            if self.store is not None:
                self._record(self.estimator)
            else:
                (space,) = self._study_spaces(self.estimator)
                self._study = open_study(None, self._title[0], self._title[1], space.space)
                add_results(self._study, space, self.cv_results_, self.refit)
        study: Study = self._study
        return study

    @property
    def best_estimate_(self: Any) -> Estimate:
        """Estimate of the winner's score on new data: `best_score_` without its optimism, with an interval.

        Raises:
            InvalidSetting: no single score chose the winner.
        """
        check_is_fitted(self)
        several = self.multimetric_ and not isinstance(self.refit, str)
        if callable(self.refit) or several:
            raise InvalidSetting("best_estimate_ exists if one score chooses the winner: give its name as refit=…")
        results = self.cv_results_
        choose = None
        if self.one_standard_error is not False:
            choose = OneStandardErrorRule(self._simplicity(results["params"]))
        return estimate(results, self.refit if self.multimetric_ else "score", self.best_index_, self.n_splits_, choose)

    def __dir__(self: Any) -> list[str]:
        """List the attributes; of a search without a store, those of scikit-learn's class, whose tests compare them."""
        hidden = {"best_estimate_"} if self.store is not None else {"best_estimate_", "study_"}
        return [name for name in super().__dir__() if name not in hidden]

    # --- the parts of the fit -----------------------------------------------------------------------------

    def _deciding_metric(self: Any, session: Session, metric: Any) -> Any:
        """Return the metric that decides; only now it is known whether a callable scorer has several."""
        first = session.out[0]["test_scores"]
        self.multimetric_ = isinstance(first, dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(first)
            return self.refit
        return metric

    def _choose(self: Any, results: dict[str, Any], metric: Any) -> None:
        if not self.refit and self.multimetric_:
            return
        if self.one_standard_error is False:
            self.best_index_ = self._select_best_index(self.refit, metric, results)
        else:
            self.best_index_ = simplest(results, metric, self._simplicity(results["params"]), self.n_splits_)
        if not callable(self.refit):
            self.best_score_ = results[f"mean_test_{metric}"][self.best_index_]
        self.best_params_ = results["params"][self.best_index_]

    def _simplicity(self: Any, params: Any) -> Any:
        """Return the complexity of each candidate.

        Raises:
            InvalidSetting: `refit` is a function, which chooses the winner, too.
        """
        if callable(self.refit):
            raise InvalidSetting("one_standard_error=… chooses the winner, and so does refit=…: give one of the two")
        return complexities(self.one_standard_error, params, self.estimator)

    def _format_results(self: Any, candidates: Any, folds: int, out: Any, more_results: Any = None) -> dict[str, Any]:
        """Make ``cv_results_``, and mark in it the folds that were not run."""
        if self._racing() is None and not any(map(is_left_out, out)):
            return super()._format_results(candidates, folds, out, more_results)  # type: ignore[misc,no-any-return]
        results = super()._format_results(candidates, folds, without_marks(out), more_results)  # type: ignore[misc]
        return mark_left_out(results, out, folds)

    def _refit(self: Any, estimator: Any, fit_params: Any, context: Any, data: dict[str, Any]) -> None:
        X, y = data["X"], data["y"]
        # The parameters are cloned, too: they can be estimators.
        self.best_estimator_ = clone(estimator).set_params(**clone(self.best_params_, safe=False))
        part = context.subcontext(task_name="refit-with-best-params")
        with part.propagate_callback_context(self.best_estimator_):
            part.call_on_fit_task_begin(estimator=self, **data)
            start_s = time.time()
            if y is not None:
                self.best_estimator_.fit(X, y, **fit_params)
            else:
                self.best_estimator_.fit(X, **fit_params)
            self.refit_time_ = time.time() - start_s
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_
        part.call_on_fit_task_end(estimator=self, **data)

    def __getstate__(self) -> Any:
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        return {name: value for name, value in state.items() if name != "_study"}
