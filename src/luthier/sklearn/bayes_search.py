"""`BayesSearchCV`: candidates chosen by Bayesian optimization."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from scipy.stats import rankdata
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from luthier._hints import translating_settings
from luthier.errors import InvalidSetting, InvalidSpace
from luthier.run import Budget, Study
from luthier.scalar import short
from luthier.sklearn import private_api
from luthier.sklearn.bayes_loop import BayesLoop
from luthier.sklearn.record import StudyRecord, add_results, open_study
from luthier.sklearn.search import CACHE_MB, LIMITS, PATHS, RACING, SIMPLICITY, STORE, Search
from luthier.sklearn.search_budget import SearchBudget, budget_of
from luthier.sklearn.session import Session
from luthier.sklearn.spaces import (
    ParsedSpace,
    check_settings,
    constrained,
    default_params,
    enqueue_initial,
    optimize_result,
    parse_space,
    skopt_method,
)
from luthier.space import Space


@translating_settings
class BayesSearchCV(Search, private_api.BaseSearchCV):  # type: ignore[misc]
    """Find good parameters by Bayesian optimization of the cross-validated score.

    It has the arguments and attributes of skopt's ``BayesSearchCV``; everything else is as in scikit-learn's search
    classes.

    Args:
        estimator: the estimator to tune.
        search_spaces: parameters and their values: a mapping to lists of values, distributions of scipy.stats,
            Luthier variables, dimensions of skopt, or skopt's tuples (``(1, 8)``, ``(1e-6, 1e3, "log-uniform")``);
            a `luthier.Space`; or a list of these, or of pairs of one and its number of candidates, which are searched
            one after the other.
        optimizer_kwargs: as in skopt: `base_estimator`, `n_initial_points`, `initial_point_generator`, `acq_func`,
            `acq_optimizer`, `space_constraint` and so on.
        n_iter: number of candidates of each space; with racing, the number that could be evaluated on all folds.
        scoring: as in scikit-learn. Of several metrics, the one named by `refit` is optimized.
        fit_params: passed to the estimator's ``fit``.
        n_jobs: number of folds that joblib evaluates at once.
        n_points: number of candidates that are chosen at once.
        refit: as in scikit-learn.
        cv: as in scikit-learn.
        verbose: as in scikit-learn.
        pre_dispatch: as in scikit-learn.
        random_state: seeds the choice of candidates.
        error_score: as in scikit-learn: a candidate that fails does not end the search.
        return_train_score: as in scikit-learn.
        method: chooses the candidates: any Luthier method, `luthier.Auto` by default.
        budget: as in `GridSearchCV`; several spaces share its seconds and trials, and each has its own plateau.
        store: a store or its path; results are stored as they come, and the same search continues from there.
        cache_mb: as in `GridSearchCV`.
        workers: as in `GridSearchCV`.
        racing: whether candidates that are beaten after some folds are not evaluated on the others; or the settings, a
            `Racing`. Only with 5 folds or more, and one score that decides. The time saved goes to more candidates
            than `n_iter`, so it is off by default.
        one_standard_error: as in `GridSearchCV`.
        paths: as in `GridSearchCV`.
        trial_time_s: as in `GridSearchCV`.
        trial_memory_mb: as in `GridSearchCV`.

    Raises:
        InvalidSpace: `search_spaces` cannot be a search space; as in skopt, this is found at once.

    Attributes (besides those of scikit-learn's search classes):
        study_: the study of the space; of several spaces, that of the first.
        studies_: the studies of all spaces.
        optimizer_results_: an ``OptimizeResult`` of scipy's for each space, as in skopt.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.svm import SVC
        >>> X, y = load_iris(return_X_y=True)
        >>> space = {"C": (1e-3, 1e3, "log-uniform"), "kernel": ["linear", "rbf"]}
        >>> search = BayesSearchCV(SVC(), space, n_iter=8, random_state=0).fit(X, y)
        >>> bool(search.best_score_ > 0.95)
        True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **private_api.BaseSearchCV._parameter_constraints,
        "search_spaces": [dict, list, tuple, Space],
        "optimizer_kwargs": [dict, None],
        "n_iter": [private_api.Interval(Integral, 1, None, closed="left")],
        "fit_params": [dict, None],
        "n_points": [private_api.Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "method": [private_api.HasMethods(["suggest"]), None],
        "store": STORE,
        "cache_mb": CACHE_MB,
        "paths": PATHS,
        "racing": RACING,
        "one_standard_error": SIMPLICITY,
        **LIMITS,
    }

    def __init__(
        self,
        estimator: Any,
        search_spaces: Any,
        optimizer_kwargs: Mapping[str, Any] | None = None,
        n_iter: int = 50,
        scoring: Any = None,
        fit_params: Mapping[str, Any] | None = None,
        n_jobs: int | None = None,
        n_points: int = 1,
        *,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        method: Any = None,
        budget: Any = None,
        store: Any = None,
        cache_mb: float = 512,
        workers: int | None = None,
        racing: Any = False,
        one_standard_error: Any = False,
        paths: str = "exact",
        trial_time_s: float | None = None,
        trial_memory_mb: float | None = None,
    ) -> None:
        super().__init__(
            estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.search_spaces = search_spaces
        self.optimizer_kwargs = optimizer_kwargs
        self.n_iter = n_iter
        self.fit_params = fit_params
        self.n_points = n_points
        self.random_state = random_state
        self.method = method
        self.budget = budget
        self.store = store
        self.cache_mb = cache_mb
        self.paths = paths
        self.workers = workers
        self.racing = racing
        self.one_standard_error = one_standard_error
        self.trial_time_s = trial_time_s
        self.trial_memory_mb = trial_memory_mb
        # A mistake in the spaces is said at once, as skopt does; where nothing is what it should be, scikit-learn wants
        # an estimator to be made without complaint, and to refuse the fit.
        if search_spaces is not None and hasattr(estimator, "fit"):
            self._study_spaces(None)

    def _more_candidates_follow(self) -> bool:
        """See `Search`: the next batches are not known yet."""
        return True

    def fit(self, X: Any, y: Any = None, *, groups: Any = None, callback: Any = None, **params: Any) -> Any:
        """Search, and fit the best candidate to all data.

        Args:
            X: the data, one row a sample.
            y: the targets.
            groups: of the samples, for the splitter.
            callback: a function of an ``OptimizeResult``, or a list of functions, called after each batch of
                candidates; if one returns True, the search of that space ends.
            params: as in `GridSearchCV`.

        Returns:
            The search.
        """
        self._callbacks = _checked_callbacks(callback)
        given = {**(self.fit_params or {}), **params, **({} if groups is None else {"groups": groups})}
        try:
            Search.fit(self, X, y, **given)
        finally:
            del self._callbacks
        return self

    def _publish(self, results: dict[str, Any], scorers: Any) -> None:
        """See `Search`: skopt ranks the scores of the training parts, too."""
        for name in [name for name in results if name.startswith("mean_train_")]:
            ranks = rankdata(-np.asarray(results[name]), method="min").astype(int)
            results[name.replace("mean_", "rank_", 1)] = ranks
        super()._publish(results, scorers)

    @property
    def total_iterations(self) -> int:
        """The number of candidates of all spaces together."""
        return sum(count for _, count in self._spaces())

    @property
    def optimizer_results_(self) -> list[Any]:
        """The results of each space, as in skopt."""
        check_is_fitted(self)
        spaces = self._study_spaces(self.estimator)
        return [optimize_result(study, space) for study, space in zip(self.studies_, spaces, strict=True)]

    @property
    def studies_(self: Any) -> list[Study]:
        """The studies, one for each space."""
        check_is_fitted(self)
        if getattr(self, "_study", None) is None:
            self._study = self._reopen()
        studies: list[Study] = self._study
        return studies

    @property
    def study_(self) -> Study:
        """The study of the search; of several spaces, of the first."""
        return self.studies_[0]

    # --- the parts of the fit -----------------------------------------------------------------------------

    def _total(self) -> int:
        return self.total_iterations

    def _spaces(self) -> list[tuple[Any, int]]:
        """Return each space with its number of candidates.

        Raises:
            InvalidSpace: there is no space, an empty one, or an invalid number.
        """
        given = self.search_spaces
        listed = [given] if isinstance(given, Mapping | Space) else list(given)
        found = []
        for one in listed:
            space, count = one if isinstance(one, tuple) and len(one) == 2 else (one, self.n_iter)
            if not isinstance(count, Integral) or isinstance(count, bool) or count < 0:
                raise InvalidSpace(f"the number of candidates of a search space is a whole number, not {short(count)}")
            if not isinstance(space, Mapping | Space):
                raise SpaceTypeError(
                    "a search space is a mapping, a Space or a pair of one and a number of candidates, "
                    f"not {short(one)}"
                )
            if not len(space):
                raise InvalidSpace(f"search_spaces={short(given)}: a search space has at least one parameter")
            found.append((space, int(count)))
        if not found:
            raise InvalidSpace(f"search_spaces={short(given)}: give at least one search space")
        return found

    def _study_spaces(self, estimator: Any) -> list[Any]:
        defaults = {} if estimator is None else default_params(estimator)
        parsed = [parse_space(space, defaults, ranges=True) for space, _ in self._spaces()]
        return [constrained(space, self.optimizer_kwargs) for space in parsed]

    def _record(self, estimator: Any) -> StudyRecord | None:
        """Return None: the studies that propose the candidates record everything."""
        return None

    def _streams(self) -> bool:
        return True

    def _limit(self) -> None:
        """Return None: each space has its share of the budget, which its loop keeps."""

    def _explore(self: Any, session: Session, context: Any) -> None:
        spaces, parsed = self._spaces(), self._study_spaces(session.estimator)
        limits = budget_of(self.budget)
        budget = SearchBudget(limits)
        part = context.subcontext(task_name="search", max_subtasks=None).call_on_fit_task_begin(estimator=self)
        self._study = self._open_studies(parsed)
        self._counts = [0] * len(spaces)
        for place, (_, count) in enumerate(spaces):
            study, before = self._study[place], len(session.candidates)
            most = budget.share_trials(place, len(spaces), before)
            wanted = count if most is None else min(count, most)
            if wanted == 0 or any(_is_reached(limits, other) for other in self._study[:place]):
                continue
            share = replace(limits, trials=None, time_s=budget.share_s(place, len(spaces)))
            stop = self._stop_condition(study, parsed[place])
            loop = BayesLoop(session, study, parsed[place], self.refit, wanted, self.n_points, share, stop, most)
            try:
                if self._processes() is None:
                    loop.run_by_joblib(part)
                else:
                    loop.run_in_workers(self._processes(), self._limits(), self.error_score == "raise")
            finally:
                self._counts[place] = len(session.candidates) - before
        session.settle(session.out)
        part.call_on_fit_task_end(estimator=self)

    def _open_studies(self: Any, parsed: Sequence[ParsedSpace]) -> list[Study]:
        """Open the study of each space."""
        method, seed = self._method(), self.random_state
        if seed is None:
            seed = (self.optimizer_kwargs or {}).get("random_state")
        if seed is not None and not isinstance(seed, Integral):
            seed = check_random_state(seed).randint(2**31 - 1)
        title, parts = self._title
        seed = None if seed is None else int(seed)
        studies = [
            open_study(self.store, title, parts, space.space, method=method, seed=seed, noisy=False, place=place)
            for place, space in enumerate(parsed)
        ]
        for study in studies:
            enqueue_initial(study, self.optimizer_kwargs)
        return studies

    def _stop_condition(self, study: Study, space: ParsedSpace) -> Callable[[], bool]:
        """Return a function that calls the callbacks, and returns whether one of them ends the search."""
        callbacks = self._callbacks

        def should_stop() -> bool:
            if not callbacks:
                return False
            result = optimize_result(study, space)
            answers = [callback(result) for callback in callbacks]  # all of them, for every batch
            return any(map(bool, answers))

        return should_stop

    def _method(self) -> Any:
        check_settings(self.optimizer_kwargs)
        if self.method is None:
            return skopt_method(self.optimizer_kwargs)
        if self.optimizer_kwargs and self.optimizer_kwargs.keys() - {"space_constraint", "random_state"}:
            raise InvalidSetting("give Luthier's method=… or skopt's optimizer_kwargs=…, not both")
        return self.method

    def _check_refit_for_multimetric(self, scores: Any) -> None:
        """Check that `refit` names one of several metrics."""
        if not isinstance(self.refit, str) or self.refit not in scores:
            raise InvalidSetting(
                "For multi-metric scoring, the parameter refit must be set to a scorer key, which is optimized and by "
                f"which the best parameters are chosen. {self.refit!r} was passed; there is {', '.join(scores)}."
            )

    def _reopen(self) -> list[Study]:
        """Open the studies again: from the store or, without a store, from the results."""
        spaces = self._study_spaces(self.estimator)
        title, parts = self._title
        made = [open_study(self.store, title, parts, s.space, noisy=False, place=i) for i, s in enumerate(spaces)]
        if self.store is None:
            begin = 0
            for study, space, count in zip(made, spaces, self._counts, strict=True):
                some = {name: values[begin : begin + count] for name, values in self.cv_results_.items()}
                add_results(study, space, some, self.refit)
                begin += count
        return made


def _is_reached(budget: Budget, study: Study) -> bool:
    """Return whether a study has reached the target of a budget."""
    return budget.target is not None and Budget(target=budget.target).spent(study.history, 0.0) is not None


class SpaceTypeError(InvalidSpace, TypeError):
    """A search space has a type that no search space can have."""


def _checked_callbacks(given: Any) -> list[Any]:
    found = [] if given is None else list(given) if isinstance(given, list | tuple) else [given]
    if not all(map(callable, found)):
        raise InvalidSetting(f"callback={short(given)}: give a function, or a list of functions")
    return found
