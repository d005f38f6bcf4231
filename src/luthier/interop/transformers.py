"""Callback for the Trainer of transformers."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, final

from transformers import TrainerCallback

from luthier.errors import InvalidSetting
from luthier.interop.pruning_callback import PruningCallback, Trainable, metric_of

_STATE = "trainer"


@final
class TransformersPruningCallback(PruningCallback, TrainerCallback):  # type: ignore[misc]
    """Report each evaluation of a ``transformers.Trainer`` to a trial, and end the training where the rule says so.

    Give it in `callbacks` of the trainer, whose arguments say when it evaluates (``eval_strategy="epoch"``).

    Args:
        trial, checkpoint: see `PruningCallback`; a checkpoint is the trainer's own, which it writes into its output
            folder first: model, optimizer, schedule, random numbers. It is made at every evaluation, or never.
        metric: such as ``"eval_loss"``.
        unit: what a step is: ``"epochs"`` or ``"steps"`` (of the optimizer).

    Raises:
        InvalidSetting: as `PruningCallback`; while training, where no such metric was evaluated.
    """

    def __init__(
        self,
        trial: Trainable,
        metric: str = "eval_loss",
        *,
        unit: Literal["epochs", "steps"] = "epochs",
        checkpoint: bool = False,
    ) -> None:
        PruningCallback.__init__(self, trial, metric, checkpoint=int(bool(checkpoint)))
        TrainerCallback.__init__(self)
        if unit not in ("epochs", "steps"):
            raise InvalidSetting(f"unit={unit!r}: it is 'epochs' or 'steps'")
        self._unit = unit
        self._evaluated: tuple[int, float] | None = None

    @property
    def resume_from(self) -> str | None:
        """The state to go on from: `resume_from_checkpoint` of ``Trainer.train``."""
        path = self._file(_STATE)
        return None if path is None else str(path)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Mapping[str, float], **rest: Any) -> Any:
        """Take an evaluation; where there are checkpoints, the trainer is to save first. It calls this."""
        step = round(state.epoch) if self._unit == "epochs" else state.global_step
        value = metric_of(metrics, self._metric, "the Trainer")
        if self._saving:
            self._evaluated, control.should_save = (step, value), True
        elif self._reached(step, value):
            control.should_training_stop = True
        return control

    def on_save(self, args: Any, state: Any, control: Any, **rest: Any) -> Any:
        """Take what the trainer has saved after an evaluation. It calls this."""
        if self._evaluated is not None:
            (step, value), self._evaluated = self._evaluated, None
            saved = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            if self._reached(step, value, lambda folder: shutil.copytree(saved, folder / _STATE)):
                control.should_training_stop = True
        return control
