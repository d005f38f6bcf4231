"""Explanations and predictions of a study, by the models of its method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, overload

from luthier._runtime.single_thread import on_one_thread
from luthier.analysis import (
    Calibration,
    ExpectedBest,
    Explanation,
    Prediction,
    Predictions,
    calibrate,
    check_level,
    expected_best,
    explain,
    predict,
)
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.key import Key
from luthier.study import ActiveTrial, AskTell, TrialResult, checked_config

T = TypeVar("T")


class StudyAnalysis:
    """Explain and predict from a study's log; nothing is written to it.

    Trials are explained by the models that proposed them (`Auto`, `Bayes` with a Gaussian process, a forest, …).
    Predictions are those of the surrogate of `Bayes`, and else of a Gaussian process that averages over its
    hyperparameters. A model works on a scale of its own, and its predictions are read in the objective's units: medians
    and intervals pass through the scale as they are, means do not. So the predictions are medians.

    Args:
        study: gives the history, the method, the key and the cache.
    """

    def __init__(self, study: AskTell) -> None:
        self._study = study

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
        number = trial.number if isinstance(trial, ActiveTrial | TrialResult) else int(trial)
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
            params: a configuration, or several.
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
        given = [params] if isinstance(params, Mapping) else params
        configs = [checked_config(self._study.reader.space, one) for one in given]
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
                "several objectives have no one best: predict([trial.params for trial in study.front])"
            )
        key = self._study.key.fold("expected best")
        return self._steady(lambda: expected_best(self._predictions(history), history, level, anywhere, key))

    def calibration(self, objective: str | None = None) -> Calibration:
        """Judge the models' intervals: each value against what is predicted without it.

        Args:
            objective: its name, where there are several.

        Returns:
            Standardised leave-one-out residuals, the number of 50 % and 90 % intervals that hold, and a verdict in
            words. The counts are compared with binomial ones, as if the residuals were independent.

        Raises:
            InvalidSetting: there is no such objective.
            NoResult: there are too few trials with values (fewer than 3), or all values are equal.

        Cost O(n³).

        Source: Rasmussen and Williams (2006), section 5.4.2; Jones, Schonlau and Welch (1998), section 4.2.
        """
        study, history = self._study, self._study.history
        problem = history.problem()
        data, numbers = history.data(problem), history.measured()
        return self._steady(
            lambda: calibrate(problem, data, numbers, study.method, objective, self._model_key, study.memo)
        )

    @property
    def _model_key(self) -> Key:
        return self._study.key.fold("insight")

    def _predictions(self, history: History) -> Predictions:
        study, problem = self._study, history.problem()
        return predict(problem, history.data(problem), study.method, self._model_key, study.memo)

    def _steady(self, compute: Callable[[], T]) -> T:
        """Compute on one thread: the models are those of the proposals, to the bit."""
        return on_one_thread(compute, self._study.memo.clear, "scipy.linalg")
