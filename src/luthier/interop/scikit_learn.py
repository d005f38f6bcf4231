"""Callback for the estimators of scikit-learn 1.9 that iterate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import sklearn.callback  # noqa: F401 - of scikit-learn 1.9 on
from sklearn.metrics import get_scorer

from luthier.errors import TrialPruned
from luthier.interop.pruning_callback import PruningCallback, Trainable


@final
class SklearnPruningCallback(PruningCallback):
    """Score an estimator of scikit-learn after each of its iterations, and end its fit where the study's rule says so.

    Give it to ``estimator.set_callbacks``. In scikit-learn 1.9 few estimators call it (``LogisticRegression`` with
    ``solver="lbfgs"``), and none ends its fit when asked: `luthier.errors.TrialPruned` does, from within ``fit``; let
    it pass. There are no checkpoints, as none goes on with a fit.

    Args:
        trial, every: see `PruningCallback`.
        scoring: the name of a scorer, such as ``"neg_log_loss"``, or a function of the estimator, `X` and `y`.
        X, y: the data to score on, as the estimator itself sees them.

    Raises:
        InvalidSetting: as `PruningCallback`; or the study minimizes, and `scoring` is a name: more is better of each.
    """

    def __init__(
        self, trial: Trainable, scoring: str | Callable[[Any, Any, Any], float], X: Any, y: Any, *, every: int = 1
    ) -> None:
        name = scoring if isinstance(scoring, str) else getattr(scoring, "__name__", "scoring")
        super().__init__(trial, name, every=every)
        if isinstance(scoring, str):  # of all of which more is better
            get_scorer(scoring)
            self._check_goal(higher=True, library="scikit-learn")
        self._scorer = get_scorer(scoring)
        self._X, self._y = X, y

    @property
    def resume_from(self) -> None:
        """None: there are no checkpoints."""
        return

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin. scikit-learn calls this."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """End. scikit-learn calls this."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Begin an iteration. scikit-learn calls this."""

    def on_fit_task_end(self, estimator: Any, context: Any, *, fitted_estimator: Any = None) -> bool:
        """Take an iteration. scikit-learn calls this.

        Raises:
            TrialPruned: the trial is to stop.
        """
        if context.parent is None or context.max_subtasks != 0 or fitted_estimator is None:
            return False  # the fit as a whole, or an iteration that did not take place
        step = context.task_id + 1
        if step % self._every:
            return False
        if self._reached(step, self._scorer(fitted_estimator, self._X, self._y)):
            raise TrialPruned(f"stopped after iteration {step}")
        return False
