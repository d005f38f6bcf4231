"""Callback for Lightning."""

from __future__ import annotations

from typing import Any, final

from lightning.pytorch import Callback

from luthier.errors import InvalidSetting
from luthier.interop.pruning_callback import PruningCallback, Trainable, metric_of

_STATE = "state.ckpt"


@final
class LightningPruningCallback(PruningCallback, Callback):  # type: ignore[misc]
    """Report each epoch of a Lightning trainer to a trial, and end the training where the study's rule says so.

    Give it in `callbacks` of ``lightning.Trainer``. The metric is one that the module logs in ``training_step``,
    ``validation_step`` or ``on_validation_epoch_end``. Training in several processes (DDP) is refused.

    Args:
        trial, every, checkpoint: see `PruningCallback`; a checkpoint is the trainer's: model, optimizers, loops.
        metric: such as ``"val_loss"``.

    Raises:
        InvalidSetting: as `PruningCallback`; while training, where no such metric was logged.
    """

    def __init__(self, trial: Trainable, metric: str = "val_loss", *, every: int = 1, checkpoint: int = 0) -> None:
        PruningCallback.__init__(self, trial, metric, every=every, checkpoint=checkpoint)
        Callback.__init__(self)

    @property
    def resume_from(self) -> str | None:
        """The state to go on from: `ckpt_path` of ``Trainer.fit``."""
        path = self._file(_STATE)
        return None if path is None else str(path)

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Refuse several processes. Lightning calls this."""
        if trainer.world_size > 1:
            raise InvalidSetting(
                f"LightningPruningCallback: {trainer.world_size} processes train this trial, and each would report; "
                "give the trainer devices=1, and the study more workers"
            )

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Take an epoch, unless it had no validation where others have. Lightning calls this."""
        epochs = trainer.current_epoch + 1
        if trainer.enable_validation and epochs % (trainer.check_val_every_n_epoch or 1):
            return
        value = metric_of(trainer.callback_metrics, self._metric, "Lightning")
        if self._reached(epochs, value, lambda folder: trainer.save_checkpoint(folder / _STATE)):
            trainer.should_stop = True
