"""Callback for XGBoost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

from xgboost.callback import TrainingCallback

from luthier.interop.pruning_callback import PruningCallback, Trainable, metric_on

_MODEL = "model.ubj"


@final
class XGBoostPruningCallback(PruningCallback, TrainingCallback):  # type: ignore[misc]
    """Report each round of XGBoost to a trial, and end the training where the study's rule says so.

    Give it in `callbacks` of ``xgboost.train``, ``xgboost.cv`` (without checkpoints) or an estimator.

    Args:
        trial, every, checkpoint: see `PruningCallback`.
        metric: such as ``"logloss"``.
        data: the name of the data it is measured on, as in `evals`, where there are several; an estimator names them
            ``"validation_0"``, ``"validation_1"``, …

    Raises:
        InvalidSetting: as `PruningCallback`; while training, where XGBoost evaluates no such metric.
    """

    def __init__(
        self, trial: Trainable, metric: str, *, data: str | None = None, every: int = 1, checkpoint: int = 0
    ) -> None:
        PruningCallback.__init__(self, trial, metric, every=every, checkpoint=checkpoint)
        TrainingCallback.__init__(self)
        self._data = data

    @property
    def resume_from(self) -> str | None:
        """The model to go on from: XGBoost's `xgb_model`. The rounds that are left are those after `start`."""
        path = self._file(_MODEL)
        return None if path is None else str(path)

    def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, Sequence[Any]]]) -> bool:
        """Take a round, and tell whether training is to end. XGBoost calls this."""
        latest = {(on, name): values[-1] for on, metrics in evals_log.items() for name, values in metrics.items()}
        means = {place: value[0] if isinstance(value, tuple) else value for place, value in latest.items()}  # of cv
        value = metric_on(means, self._metric, self._data, "XGBoost")
        rounds = int(model.num_boosted_rounds())
        stop = self._reached(rounds, value, lambda folder: model.save_model(folder / _MODEL))
        if stop:
            model.set_attr(best_iteration=str(rounds - 1))  # what ended early has one; `cv` cuts its table there
        return stop
