"""Explanations and predictions of a study, by the models of its method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NoReturn, TypeVar, overload

from luthier._hints import translating_methods
from luthier._runtime.single_thread import on_one_thread
from luthier.analysis import (
    AblationPath,
    AcquisitionSurface,
    Calibration,
    Dependence,
    DependenceSurface,
    ExpectedBest,
    Explanation,
    Forecast,
    Importance,
    ImportanceMethod,
    ImportanceRequest,
    Prediction,
    Predictions,
    SingleObjective,
    SmallestChange,
    ablation_path,
    acquisition_surface,
    calibrate,
    calibrate_ahead,
    check_level,
    dependence_surface,
    expected_best,
    explain,
    find_smallest_change,
    forecast_gain,
    known_results,
    measure_importance,
    partial_dependence,
    predict,
    predicted_columns,
)
from luthier.errors import InvalidSetting, TrialNotFound
from luthier.history import History
from luthier.key import Key
from luthier.method import ModelBased
from luthier.run.analyses.front_analysis import FrontAnalysis
from luthier.run.analyses.listed_configs import listed_configs
from luthier.run.analyses.thinned_study import AnalysedStudy, ThinnedStudy
from luthier.scalar import short, to_whole
from luthier.study import ActiveTrial, TrialResult, checked_config
from luthier.trial import Config

T = TypeVar("T")


@translating_methods
class StudyAnalysis:
    """Explain and predict from a study's log; nothing is written to it.

    Trials are explained by the models that proposed them (`Auto`, `Bayes` with a Gaussian process, a forest, …).
    Predictions are those of the surrogate of `Bayes`, and else of a Gaussian process that averages over its
    hyperparameters; where there is noise, values far from what the others say count less for it (see
    `luthier.analysis.outliers`). A model works on a scale of its own, and its predictions are read in the objective's
    units: medians and intervals pass through the scale as they are, means do not. So the predictions are medians.

    Args:
        study: gives the history, the method, the key and the cache.
    """

    def __init__(self, study: AnalysedStudy) -> None:
        self._study, self.fronts = study, FrontAnalysis(study)

    def __reduce__(self) -> NoReturn:
        self._study.reader.__reduce__()

    def explain(self, trial: ActiveTrial | TrialResult | int, level: float = 0.9) -> Explanation:
        """Explain why a trial was made, and what was expected of it before there was a result.

        Args:
            trial: a trial or its number; it may be running.
            level: the probability that the interval holds the value, in (0, 1).

        Returns:
            Its purpose, what the models predicted then, how that compares with the measured value, and the trials near
            it. It follows from the log, so it stays the same however the study goes on.

        Raises:
            TrialNotFound: there is no such trial.
            InvalidSetting: `level` is not a probability.

        Cost: that of the proposal, without the search.

        Example:
            >>> import luthier as lt
            >>> study = lt.Study("doc", {"x": lt.Float(-5, 5)}, minimize="y", seed=0)
            >>> _ = study.run(lambda trial: trial["x"] ** 2, trials=3)
            >>> study.explain(0).purpose
            'design'
        """
        check_level(level)
        study, history = self._study, self._study.history
        number = trial.number if isinstance(trial, ActiveTrial | TrialResult) else to_whole(trial)
        if number is None:
            raise TrialNotFound(f"give a trial or its number, not {short(trial)}")
        return self._steady(lambda: explain(history, number, study.method, study.key, study.memo, level))

    @overload
    def predict(self, params: Mapping[str, Any], level: float = 0.9, *, observed: bool = False) -> Prediction: ...

    @overload
    def predict(
        self, params: Sequence[Mapping[str, Any]], level: float = 0.9, *, observed: bool = False
    ) -> tuple[Prediction, ...]: ...

    def predict(
        self,
        params: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        level: float = 0.9,
        *,
        observed: bool = False,
    ) -> Prediction | tuple[Prediction, ...]:
        """Predict the objectives at configurations, tried or not.

        Args:
            params: a configuration; or several, also as a pandas DataFrame with the variables among its columns. Those
                that are missing are the defaults.
            level: the probability that each interval holds what it is about, in (0, 1).
            observed: whether that is the value of one more measurement, noise included, and not the objective itself.

        Returns:
            A prediction, or several in the same order.

        Raises:
            InvalidConfig: the space cannot hold one of the configurations.
            InvalidSetting: `level` is not a probability.
            NoResult: there are too few trials with values (fewer than 3), or all values are equal.

        Cost O(n³ + q n²) for n trials with values and q configurations.
        """
        check_level(level)
        space = self._study.reader.space
        configs = [checked_config(space, one, fill=True) for one in listed_configs(space, params)]
        history = self._study.history
        found = self._steady(lambda: self._predictions(history).predict(configs, level, observed))
        return found[0] if isinstance(params, Mapping) else found

    def expected_best(self, level: float = 0.9, *, anywhere: bool = False) -> ExpectedBest:
        """Give the configuration with the best predicted median: where measurements are noisy, the one to use.

        The best measured value is partly luck, and the configuration that was lucky need not be the best one.

        Args:
            level: the probability that the interval holds the objective's true value there, in (0, 1).
            anywhere: whether to search the whole space, and not only what was tried.

        Raises:
            InvalidSetting: there are several objectives, or `level` is not a probability.
            NoResult: there are too few trials with values (fewer than 3), all values are equal, or no trial kept the
                outcome constraints.

        Cost O(n³); with `anywhere` that of a proposal.
        """
        check_level(level)
        history = self._study.history
        if len(history.problem().objectives) > 1:
            raise InvalidSetting(
                "several objectives have no one best: choose() takes one trial of the front (luthier choose), and "
                "predict([trial.params for trial in study.front]) predicts all of them"
            )
        key = self._study.key.fold("expected best")
        return self._steady(lambda: expected_best(self._predictions(history), history, level, anywhere, key))

    def calibration(self, objective: str | None = None, *, ahead: bool = False) -> Calibration:
        """Judge the models' intervals: each value against what is predicted without it.

        Args:
            objective: its name, where there are several.
            ahead: predict each value from the trials before it alone, at up to 24 times of the study, and not from all
                the others: slower, and as honest as it gets.

        Returns:
            Standardised residuals, the number of 50 % and 90 % intervals that hold, and a verdict in
            words. The counts are compared with binomial ones, as if the residuals were independent.

        Raises:
            InvalidSetting: there is no such objective.
            NoResult: there are too few trials with values (fewer than 3), or all values are equal.

        Cost O(n³), `ahead` 24 times as much.

        Source: Rasmussen and Williams (2006), section 5.4.2; Jones, Schonlau and Welch (1998), section 4.2; Dawid
        (1984), Statistical theory: the prequential approach.
        """
        study, history = self._study, self._study.history
        problem = history.problem()
        data, numbers = known_results(history, problem)
        judge = calibrate_ahead if ahead else calibrate
        return self._steady(lambda: judge(problem, data, numbers, study.method, objective, self._model_key, study.memo))

    def predicted_columns(self) -> dict[str, list[float | None]]:
        """Give mean and standard deviation of each objective at every trial, from all that is known now.

        Returns:
            The columns ``predicted.NAME`` and ``predicted_std.NAME`` for each objective, in order of number; None where
            the present space cannot hold a trial. They are of the objective itself, without the noise of a measurement.

        Raises:
            NoResult: see `predict`.

        Cost O(n³) for n trials with values.
        """
        history = self._study.history
        return self._steady(lambda: predicted_columns(self._predictions(history), history))

    def thinned(self, most: int) -> StudyAnalysis:
        """Give the analyses of at most `most` trials, where there are more: the best tenth, and others spread evenly.

        Their cost depends on `most` then, and no longer on the number of trials.
        """
        return StudyAnalysis(ThinnedStudy(self._study, most))

    # --- what matters, and what next ------------------------------------------------------------------

    def importance(
        self,
        objective: str | None = None,
        method: ImportanceMethod | None = None,
        *,
        groups: Mapping[str, Sequence[str]] | None = None,
        interactions: bool = False,
        failures: Literal["ignore", "worst"] = "ignore",
        level: float = 0.95,
    ) -> Importance:
        """Measure how much each variable matters for an objective.

        Args:
            objective: its name, where there are several.
            method: how importance is measured; None chooses ``fanova``.

                - ``fanova``: the share of the objective's variance over the whole space that a variable causes alone,
                  by exact marginals of a forest; with interactions as `VariableImportance.total`;
                - ``shapley``: the same variance, each interaction divided evenly among its variables; sums to 1;
                - ``permutation``: the share of the variance that the models lose when the variable is shuffled among
                  held-out trials: importance among the trials as they lie, the best region counting most;
                - ``ped-anova``: how far the values of the best 10 % of the trials differ from those of all; no model,
                  and only what tells good from bad counts;
                - ``local``: the share of the change when each variable alone leaves the best trial.
            groups: names of groups, and the variables of each: they are scored together, too.
            interactions: whether pairs are scored, of ``fanova``: those of the ten most important variables.
            failures: ``ignore`` crashed trials, or count them as the ``worst`` value.
            level: the probability of each interval, in (0, 1).

        Returns:
            Scores with intervals. A variable that is not always active is scored where it is active. Constraints on the
            space are left aside: the variance is that over all values.

        Raises:
            InvalidSetting: there is no such objective, method or variable.
            NoResult: there are too few trials with values (fewer than 8), or all values are equal.

        Cost O(n d log² n) for n trials of d variables: about a second for 1,000 trials.

        Source: see `luthier.analysis.importance`.

        Example:
            >>> import luthier as lt
            >>> study = lt.Study("doc", {"x": lt.Float(-5, 5), "y": lt.Float(-5, 5)}, minimize="loss", seed=0)
            >>> _ = study.run(lambda trial: trial["x"] ** 2, trials=30)
            >>> next(iter(study.importance().scores))
            'x'
        """
        request = ImportanceRequest(method, groups, interactions, failures, level)
        study, history = self._study, self._study.history
        problem = history.problem()
        data, _ = known_results(history, problem)
        return self._steady(lambda: measure_importance(problem, data, objective, request, self._model_key, study.memo))

    def dependence(
        self, name: str, objective: str | None = None, *, points: int = 40, lines: int = 20, level: float = 0.9
    ) -> Dependence:
        """Predict an objective along one variable, on average over the others, and for single configurations.

        Args:
            name: the variable.
            objective: its name, where there are several.
            points: the number of values of a variable of numbers, at least 2; of options all are taken.
            lines: the number of single configurations that are shown beside the average, at least 0.
            level: the probability of each interval, in (0, 1): that the average lies in it, if the model is right.

        Raises:
            InvalidSetting: there is no such variable or objective.
            NoResult: there are too few trials with values (fewer than 3), or all values are equal.

        Cost O(n³), and O(n²) for each of the points.

        Source: Friedman (2001), Greedy function approximation, section 8.2; Goldstein et al. (2015), Peeking inside the
        black box, for the lines; Moosbauer et al. (2021), Explaining hyperparameter optimization via partial dependence
        plots, for the intervals.
        """
        check_level(level)
        key, memo = self._model_key.fold("dependence"), self._study.memo
        return self._steady(lambda: partial_dependence(self._one(objective), name, points, lines, level, key, memo))

    def dependence_surface(
        self, first: str, second: str, objective: str | None = None, *, points: int = 25, level: float = 0.9
    ) -> DependenceSurface:
        """Predict an objective over two variables, on average over the others; see `dependence`.

        Args:
            first: a variable.
            second: another.
            objective: its name, where there are several.
            points: the number of values of each variable of numbers, at least 2; of options all are taken.
            level: the probability of each interval, in (0, 1).

        Raises:
            InvalidSetting, NoResult: see `dependence`; or the two variables are never active together.
        """
        check_level(level)
        key, memo = self._model_key.fold("dependence"), self._study.memo
        names = (first, second)
        return self._steady(lambda: dependence_surface(self._one(objective), names, points, level, key, memo))

    def forecast(self, trials: int = 20, objective: str | None = None, level: float = 0.9) -> Forecast:
        """Forecast how much better the best value becomes by further trials, beside the noise of one measurement.

        The model's own functions are drawn, and a search by expected improvement is run on each of them.

        Args:
            trials: the number of further trials, from 1 to 200.
            objective: its name, where there are several; each is forecast as if it alone were optimized.
            level: the probability of each interval, in (0, 1).

        Raises:
            InvalidSetting: there is no such objective, or `trials` is out of range.
            NoResult: there are too few trials with values (fewer than 3), all values are equal, or none is feasible.

        Cost O(n³), and O(trials²) for each of some hundred points and 64 functions.
        """
        check_level(level)
        key, memo = self._model_key.fold("forecast"), self._study.memo
        return self._steady(lambda: forecast_gain(self._one(objective), trials, level, key, memo))

    def ablation(
        self, objective: str | None = None, *, start: Mapping[str, Any] | None = None, level: float = 0.9
    ) -> AblationPath:
        """Go from the defaults to the best trial, a variable at a time, the most rewarding first.

        Args:
            objective: its name, where there are several.
            start: the configuration to begin at; None for the defaults of the space (the middle of a range that has no
                default), or the first trial where these break a constraint. What it lacks is filled with defaults.
            level: the probability of each interval, in (0, 1).

        Raises:
            InvalidConfig: the space cannot hold `start`.
            InvalidSetting: there is no such objective.
            NoResult: there are too few trials with values (fewer than 3), all values are equal, or none is feasible.

        Cost O(n³), and O(n²) for each of at most d² predictions.

        Source: Fawcett and Hoos (2016), Analysing differences between algorithm configurations through ablation;
        Biedenkapp et al. (2017), Efficient parameter importance analysis via ablation with surrogates.
        """
        check_level(level)
        given = self._given(start)
        return self._steady(lambda: ablation_path(self._one(objective), given, level))

    def smallest_change(
        self,
        objective: str | None = None,
        *,
        start: Mapping[str, Any] | None = None,
        tolerance: float | None = None,
        level: float = 0.9,
    ) -> SmallestChange:
        """Find the configuration nearest to the defaults that is as good as the best trial, within noise.

        Fewest variables changed first, and then the changed numbers moved back as far as that is as good.

        Args:
            objective: its name, where there are several.
            start: see `ablation`.
            tolerance: how much worse counts as equal, in the objective's units, at least 0; None for the standard
                deviation of one measurement as the model sees it, and at least 1 % of the gain.
            level: the probability of each interval, in (0, 1).

        Raises:
            InvalidConfig, InvalidSetting, NoResult: see `ablation`.

        Cost O(n³), and O(n²) for each of at most 4096 predictions.
        """
        check_level(level)
        given = self._given(start)
        return self._steady(lambda: find_smallest_change(self._one(objective), given, tolerance, level))

    def acquisition_surface(
        self, names: str | Sequence[str], trial: ActiveTrial | TrialResult | int | None = None, *, points: int = 40
    ) -> AcquisitionSurface:
        """Evaluate the acquisition function of one moment over one or two variables, the others fixed.

        Args:
            names: a variable, or two.
            trial: a trial or its number: the moment at which it was proposed. None: the next proposal.
            points: the number of values of a variable of numbers, at least 2.

        Raises:
            TrialNotFound: there is no such trial.
            InvalidSetting: there is no such variable, or the method has no acquisition function (`Random`, `Grid`, …).
            NoResult: the trial was not proposed by a model (it was one of the first, or given).

        Cost: that of the proposal, without the search.
        """
        study, history = self._study, self._study.history
        chosen = (names,) if isinstance(names, str) else tuple(names)
        number = trial.number if isinstance(trial, ActiveTrial | TrialResult) else trial
        return self._steady(
            lambda: acquisition_surface(history, chosen, number, points, study.method, study.key, study.memo)
        )

    @property
    def acquires(self) -> bool:
        """Whether the study's method makes proposals by an acquisition function."""
        return isinstance(self._study.method, ModelBased)

    def _one(self, objective: str | None) -> SingleObjective:
        study = self._study
        return SingleObjective.of(study.history, objective, study.method, self._model_key, study.memo)

    def _given(self, start: Mapping[str, Any] | None) -> Config | None:
        return None if start is None else checked_config(self._study.reader.space, start, fill=True)

    @property
    def _model_key(self) -> Key:
        return self._study.key.fold("insight")

    def _predictions(self, history: History) -> Predictions:
        study, problem = self._study, history.problem()
        return predict(
            problem, known_results(history, problem)[0], study.method, self._model_key, study.memo, robust=True
        )

    def _steady(self, compute: Callable[[], T]) -> T:
        """Compute on one thread: the models are those of the proposals, to the bit."""
        return on_one_thread(compute, self._study.memo.clear, "scipy.linalg")
