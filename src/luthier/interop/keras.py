"""Callback for Keras 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from keras.callbacks import Callback

from luthier.interop.pruning_callback import PruningCallback, Trainable, metric_of

_MODEL = "model.keras"


@final
class KerasPruningCallback(PruningCallback, Callback):  # type: ignore[misc]
    """Report each epoch of Keras to a trial, and end the training where the study's rule says so.

    Give it in `callbacks` of ``model.fit``, with any backend.

    Args:
        trial, every, checkpoint: see `PruningCallback`; a checkpoint is the whole model, its optimizer included.
        metric: such as ``"val_loss"``.

    Raises:
        InvalidSetting: as `PruningCallback`; while training, where Keras has no such metric.
    """

    def __init__(self, trial: Trainable, metric: str = "val_loss", *, every: int = 1, checkpoint: int = 0) -> None:
        PruningCallback.__init__(self, trial, metric, every=every, checkpoint=checkpoint)
        Callback.__init__(self)

    @property
    def resume_from(self) -> str | None:
        """The model to go on from, for ``keras.saving.load_model``; train it with ``initial_epoch=callback.start``."""
        path = self._file(_MODEL)
        return None if path is None else str(path)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Take an epoch. Keras calls this."""
        value = metric_of(logs or {}, self._metric, "Keras")
        if self._reached(epoch + 1, value, lambda folder: self.model.save(folder / _MODEL)):
            self.model.stop_training = True
