"""Callback for LightGBM."""

from __future__ import annotations

from typing import Any, final

from lightgbm import EarlyStopException

from luthier.interop.pruning_callback import PruningCallback, Trainable, metric_on

_MODEL = "model.txt"


@final
class LightGBMPruningCallback(PruningCallback):
    """Report each round of LightGBM to a trial, and end the training where the study's rule says so.

    Give it in `callbacks` of ``lightgbm.train``, ``lightgbm.cv`` (without checkpoints) or an estimator's ``fit``. The
    training ends as by early stopping: the booster is returned, with its last round as the best one.

    Args:
        trial, every, checkpoint: see `PruningCallback`.
        metric: such as ``"binary_logloss"``.
        data: the name of the data it is measured on, such as ``"valid_0"``, where there are several.

    Raises:
        InvalidSetting: as `PruningCallback`; while training, where LightGBM evaluates no such metric, or says that more
            of it is better while the study minimizes, or the reverse.
    """

    def __init__(
        self, trial: Trainable, metric: str, *, data: str | None = None, every: int = 1, checkpoint: int = 0
    ) -> None:
        super().__init__(trial, metric, every=every, checkpoint=checkpoint)
        self._data = data
        self.order = 25  # before LightGBM's early stopping, which ends the round; it reads the instance's attribute
        self.before_iteration = False

    @property
    def resume_from(self) -> str | None:
        """The model to go on from: LightGBM's `init_model`. The rounds that are left are those after `start`."""
        path = self._file(_MODEL)
        return None if path is None else str(path)

    def __call__(self, env: Any) -> None:
        """Take a round. LightGBM calls this.

        Raises:
            lightgbm.EarlyStopException: the trial is to stop.
        """
        found = {(result[0], result[1]): result[2] for result in env.evaluation_result_list or ()}
        value = metric_on(found, self._metric, self._data, "LightGBM")
        higher = {result[1]: result[3] for result in env.evaluation_result_list}
        self._check_goal(bool(higher[self._metric]), "LightGBM")
        last = env.iteration + 1 == env.end_iteration  # nothing goes on from there, as it trains no 0 rounds
        save = None if last else lambda folder: env.model.save_model(folder / _MODEL, num_iteration=-1)
        if self._reached(env.iteration + 1, value, save):
            raise EarlyStopException(env.iteration, env.evaluation_result_list)
