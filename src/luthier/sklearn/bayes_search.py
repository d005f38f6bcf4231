"""`BayesSearchCV`: candidates chosen by Bayesian optimization."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from scipy.stats import rankdata
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from luthier.errors import InvalidSetting, InvalidSpace
from luthier.run import Budget, Study
from luthier.sklearn import private_api
from luthier.sklearn.bayes_loop import BayesLoop
from luthier.sklearn.record import StudyRecord, add_results, open_study
from luthier.sklearn.search import CACHE_MB, PATHS, RACING, SIMPLICITY, STORE, Search
from luthier.sklearn.session import Session
from luthier.sklearn.spaces import ParsedSpace, default_params, optimize_result, parse_space, skopt_method
from luthier.space import Space


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
        optimizer_kwargs: as in skopt; see `luthier.sklearn.spaces.skopt_method`.
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
        budget: ends the search before it has `n_iter` candidates: seconds, or a `luthier.run.Budget`, or its arguments
            as a mapping (``{"time_s": 600, "target": 0.99, "plateau": 20}``).
        store: a store or its path; results are stored as they come, and the same search continues from there.
        cache_mb: as in `GridSearchCV`.
        workers: number of candidates that are evaluated at once, each in a supervised process of its own, where a crash
            costs one candidate; None for joblib. Fits are reused within each process only.
        racing: whether candidates that are beaten after some folds are not evaluated on the others; or the settings, a
            `Racing`. Only with 5 folds or more, and one score that decides. The time saved goes to more candidates.
        one_standard_error: as in `GridSearchCV`.
        paths: as in `GridSearchCV`.

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
        "budget": [private_api.Interval(Real, 0, None, closed="neither"), dict, Budget, None],
        "store": STORE,
        "cache_mb": CACHE_MB,
        "paths": PATHS,
        "workers": [private_api.Interval(Integral, 1, None, closed="left"), None],
        "racing": RACING,
        "one_standard_error": SIMPLICITY,
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
        racing: Any = True,
        one_standard_error: Any = False,
        paths: str = "exact",
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
        if self.return_train_score:  # skopt ranks these, too
            for name in [name for name in self.cv_results_ if name.startswith("mean_train_")]:
                ranks = rankdata(-np.asarray(self.cv_results_[name]), method="min").astype(int)
                self.cv_results_[name.replace("mean_", "rank_", 1)] = ranks
        return self

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
                raise InvalidSpace(f"the number of candidates of a search space is a whole number, not {count!r}")
            if not isinstance(space, Mapping | Space):
                raise SpaceTypeError(
                    f"a search space is a mapping, a Space or a pair of one and a number of candidates, not {one!r:.80}"
                )
            if not len(space):
                raise InvalidSpace(f"search_spaces={given!r:.80}: a search space has at least one parameter")
            found.append((space, int(count)))
        if not found:
            raise InvalidSpace(f"search_spaces={given!r:.80}: give at least one search space")
        return found

    def _study_spaces(self, estimator: Any) -> list[Any]:
        defaults = default_params(estimator)
        return [parse_space(space, defaults, ranges=True) for space, _ in self._spaces()]

    def _record(self, estimator: Any) -> StudyRecord | None:
        """Return None: the studies that propose the candidates record everything."""
        return None

    def _streams(self) -> bool:
        return True

    def _explore(self: Any, session: Session, context: Any) -> None:
        spaces, parsed = self._spaces(), self._study_spaces(session.estimator)
        budget, method = _budget_of(self.budget), self._method()
        seed = self.random_state
        if seed is not None and not isinstance(seed, Integral):
            seed = check_random_state(seed).randint(2**31 - 1)
        part = context.subcontext(task_name="search", max_subtasks=None).call_on_fit_task_begin(estimator=self)
        self._study, self._counts = [], []
        for place, ((_, count), space) in enumerate(zip(spaces, parsed, strict=True)):
            study = open_study(
                self.store,
                self._title[0],
                self._title[1],
                space.space,
                method=method,
                seed=None if seed is None else int(seed),
                noisy=False,
                place=place,
            )
            self._study.append(study)
            before = len(session.candidates)
            wanted = min(count, budget.trials or count)
            loop = BayesLoop(
                session,
                study,
                space,
                self.refit,
                wanted,
                self.n_points,
                budget,
                self._stop_condition(study, space),
                budget.trials,
            )
            if self.workers is None:
                loop.run_by_joblib(part)
            elif wanted:
                loop.run_in_workers(int(self.workers), self.error_score == "raise")
            self._counts.append(len(session.candidates) - before)
        session.settle(session.out)
        part.call_on_fit_task_end(estimator=self)

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
        if self.method is None:
            return skopt_method(self.optimizer_kwargs)
        if self.optimizer_kwargs:
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


class SpaceTypeError(InvalidSpace, TypeError):
    """A search space has a type that no search space can have."""


def _budget_of(given: Any) -> Budget:
    if given is None or isinstance(given, Budget):
        return given or Budget()
    if isinstance(given, Mapping):
        names = ("trials", "time_s", "target", "plateau")
        for name in given:
            if name not in names:
                raise InvalidSetting(f"budget has {name!r}; there is {', '.join(names)}")
        return Budget(**given)
    return Budget(time_s=float(given))


def _checked_callbacks(given: Any) -> list[Any]:
    found = [] if given is None else [given] if callable(given) else list(given)
    for callback in found:
        if not callable(callback):
            raise InvalidSetting(f"callback={given!r}: give a function, or a list of functions")
    return found
