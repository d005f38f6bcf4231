"""Callback for CatBoost."""

from __future__ import annotations

from typing import Any, final

from luthier.errors import InvalidSetting
from luthier.executor import RunningTrial
from luthier.interop.pruning_callback import PruningCallback, Trainable, metric_on

_MODEL = "model.cbm"


@final
class CatBoostPruningCallback(PruningCallback):
    """Report each iteration of CatBoost to a trial, and end the training where the study's rule says so.

    Give it in `callbacks` of a model's ``fit``, or of ``catboost.train``. CatBoost shows its model to no callback: call
    `keep` after ``fit``, so that a trial that is promoted goes on from there.

    Args:
        trial, every: see `PruningCallback`.
        metric: such as ``"Logloss"``.
        data: the name of the data it is measured on, ``"validation"``, or ``"validation_0"``, … where there are
            several; ``"learn"`` is the training data. None: the one that is not the training data.

    Raises:
        InvalidSetting: as `PruningCallback`; while training, where CatBoost evaluates no such metric.
    """

    def __init__(self, trial: Trainable, metric: str, *, data: str | None = None, every: int = 1) -> None:
        super().__init__(trial, metric, every=every)
        self._data = data

    @property
    def resume_from(self) -> str | None:
        """The model to go on from: CatBoost's `init_model`. The iterations that are left are those after `start`."""
        path = self._file(_MODEL)
        return None if path is None else str(path)

    def after_iteration(self, info: Any) -> bool:
        """Take an iteration, and tell whether training goes on. CatBoost calls this."""
        latest = {(on, name): values[-1] for on, metrics in info.metrics.items() for name, values in metrics.items()}
        if self._data is None and any(on != "learn" for on, _ in latest):
            latest = {place: value for place, value in latest.items() if place[0] != "learn"}
        value = metric_on(latest, self._metric, self._data, "CatBoost")
        return not self._reached(self.start + info.iteration, value)

    def keep(self, model: Any) -> None:
        """Save a model that ``fit`` has returned: the checkpoint from which a later attempt of the trial goes on.

        Fit it with ``use_best_model=False``, so that it has all iterations.

        Raises:
            InvalidSetting: the trial is one of ask and tell, which has no folder.
        """
        if not isinstance(self._trial, RunningTrial):
            raise InvalidSetting("keep: a trial of ask and tell has no folder; run it by study.run")
        self._keep(self._step, lambda folder: model.save_model(str(folder / _MODEL)))
