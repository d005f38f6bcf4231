"""The part of a study that explains and predicts. It reads the log, and never writes to it."""

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
from luthier.memo import Memo
from luthier.method import Method
from luthier.study.active_trial import ActiveTrial
from luthier.study.intake import StudyIntake
from luthier.study.trial_result import TrialResult

T = TypeVar("T")


class StudyInsight(StudyIntake):
    """A study that can be asked what its models believe, and why its trials were made.

    Trials are explained by the models that proposed them (`Auto`, `Bayes` with a Gaussian process, a forest, …).
    Predictions are those of the surrogate of `Bayes`, and else of a Gaussian process that averages over its
    hyperparameters. A model works on a scale of its own, and is read in the objective's units: medians and intervals
    pass through the scale as they are, means do not. So medians are what is given.
    """

    method: Method
    _key: Key
    _memo: Memo

    def explain(self, trial: ActiveTrial | TrialResult | int, level: float = 0.9) -> Explanation:
        """Say why a trial was made, and what was expected of it before there was a result.

        Args:
            trial: a trial or its number; it may be running.
            level: the probability that the interval holds the value, in (0, 1).

        Returns:
            What it was for, what the models believed of it then, how it compares with what was measured, and what was
            tried near it. It follows from the log, so it stays the same however the study goes on.

        Raises:
            TrialNotFound: there is no such trial.
            InvalidSetting: `level` is no probability.

        Cost: that of the proposal, without the search.

        Example:
            >>> import luthier as lt
            >>> study = lt.Study("doc", {"x": lt.Float(-5, 5)}, minimize="y", seed=0)
            >>> _ = study.run(lambda trial: trial["x"] ** 2, trials=3)
            >>> study.explain(0).purpose
            'design'
        """
        check_level(level)
        history = self._now()
        number = trial.number if isinstance(trial, ActiveTrial | TrialResult) else int(trial)
        return self._steady(lambda: explain(history, number, self.method, self._key, self._memo, level))

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
            InvalidConfig: the space cannot hold one of them.
            InvalidSetting: `level` is no probability.
            NoResult: there are too few trials with values (fewer than 3), or all values are equal.

        Cost O(n³ + q n²) for n trials with values and q configurations.
        """
        check_level(level)
        given = [params] if isinstance(params, Mapping) else params
        configs = [self._plain(one) for one in given]
        history = self._now()
        found = self._steady(lambda: self._believe(history).predict(configs, level, observed))
        return found[0] if isinstance(params, Mapping) else found

    def expected_best(self, level: float = 0.9, *, anywhere: bool = False) -> ExpectedBest:
        """Give the configuration that is believed best: where measurements are noisy, the one to use.

        The best measured value is partly luck, and the configuration that was lucky need not be the best one.

        Args:
            level: the probability that the interval holds the objective's true value there, in (0, 1).
            anywhere: whether to look at the whole space, and not only at what was tried.

        Raises:
            InvalidSetting: there are several objectives, or `level` is no probability.
            NoResult: there are too few trials with values (fewer than 3), all values are equal, or no trial kept the
                outcome constraints.

        Cost O(n³); with `anywhere` that of a proposal.
        """
        check_level(level)
        history = self._now()
        if len(history.problem().objectives) > 1:
            raise InvalidSetting(
                "several objectives have no one best: predict([trial.params for trial in study.front])"
            )
        key = self._key.fold("expected best")
        return self._steady(lambda: expected_best(self._believe(history), history, level, anywhere, key))

    def calibration(self, objective: str | None = None) -> Calibration:
        """Judge whether the models' intervals can be believed: each value against what is expected without it.

        Args:
            objective: which, where there are several.

        Returns:
            Standardised leave-one-out residuals, how many of the 50 % and 90 % intervals hold, and a verdict in words.
            The counts are compared with binomial ones, as if the residuals were independent.

        Raises:
            InvalidSetting: there is no such objective.
            NoResult: there are too few trials with values (fewer than 3), or all values are equal.

        Cost O(n³).

        Source: Rasmussen and Williams (2006), section 5.4.2; Jones, Schonlau and Welch (1998), section 4.2.
        """
        history = self._now()
        problem = history.problem()
        data, numbers = history.data(problem), history.measured()
        return self._steady(
            lambda: calibrate(problem, data, numbers, self.method, objective, self._model_key, self._memo)
        )

    @property
    def _model_key(self) -> Key:
        return self._key.fold("insight")

    def _steady(self, compute: Callable[[], T]) -> T:
        """Compute on one thread: the models are those of the proposals, to the bit."""
        return on_one_thread(compute, self._memo.clear, "scipy.linalg")

    def _now(self) -> History:
        with self._ledger.lock:
            return self.history

    def _believe(self, history: History) -> Predictions:
        problem = history.problem()
        return predict(problem, history.data(problem), self.method, self._model_key, self._memo)
