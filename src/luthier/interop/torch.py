"""Epochs of a training loop in PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, final

import torch

from luthier.errors import InvalidSetting
from luthier.interop.pruning_callback import PruningCallback, Trainable

_STATE = "state.pt"


class Stateful(Protocol):
    """A part of a training: a module, an optimizer, a schedule, a gradient scaler, …"""

    def state_dict(self) -> Any:
        """Give everything that it goes on from."""
        ...

    def load_state_dict(self, state: Any, /) -> Any:
        """Go on from what `state_dict` gave."""
        ...


@final
class TorchEpochs(PruningCallback):
    """Count the epochs of a training loop, which begins where an earlier attempt left off, and ends when told to.

    ``for epoch in epochs`` yields 1, 2, 3, …, after the parts and PyTorch's random numbers have been restored. Call
    `report` at the end of each epoch.

    Args:
        trial, every, checkpoint: see `PruningCallback`; a checkpoint is the state of all parts, and of the random
            number generators of PyTorch (CPU and CUDA; not those of NumPy and Python).
        epochs: how many there are in full.
        metric: a name for messages.
        parts: what is saved and restored, by names of your own: ``model=model, optimizer=optimizer``.

    Raises:
        InvalidSetting: as `PruningCallback`; or `epochs` is not from 1 on, or a part has no state.
    """

    def __init__(
        self,
        trial: Trainable,
        epochs: int,
        *,
        metric: str = "value",
        every: int = 1,
        checkpoint: int = 0,
        **parts: Stateful,
    ) -> None:
        super().__init__(trial, metric, every=every, checkpoint=checkpoint)
        if not isinstance(epochs, int) or epochs < 1:
            raise InvalidSetting(f"epochs={epochs!r}: give a whole number, from 1 on")
        for name, part in parts.items():
            if not callable(getattr(part, "state_dict", None)) or not callable(getattr(part, "load_state_dict", None)):
                raise InvalidSetting(f"{name}={part!r}: a part of a training has state_dict() and load_state_dict()")
        if self._saving and not parts:
            raise InvalidSetting("checkpoint: name the parts that are to be saved, as model=model, optimizer=optimizer")
        self._epochs, self._parts = epochs, parts
        self._stop = False

    @property
    def resume_from(self) -> str | None:
        """The file that the loop goes on from; None where it starts at the beginning."""
        path = self._file(_STATE)
        return None if path is None else str(path)

    @property
    def _lacking(self) -> str:
        return "call report(value) in each turn of the loop, and read it afterwards"

    def __iter__(self) -> Iterator[int]:
        if (path := self._file(_STATE)) is not None:
            self._restore(path)
        for epoch in range(self.start + 1, self._epochs + 1):
            if self._stop:
                return
            self._step = epoch
            yield epoch

    def report(self, value: float) -> None:
        """Report the value after the present epoch; where the trial is to stop, the loop ends after it."""
        self._stop = self._reached(self._step, float(value), self._save) or self._stop

    def _save(self, folder: Path) -> None:
        state = {"parts": {name: part.state_dict() for name, part in self._parts.items()}, "cpu": torch.get_rng_state()}
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            state["cuda"] = torch.cuda.get_rng_state_all()
        torch.save(state, folder / _STATE)

    def _restore(self, path: Path) -> None:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if missing := sorted(set(self._parts) ^ set(state["parts"])):
            raise InvalidSetting(f"the checkpoint of trial {self._trial.number} has other parts: {', '.join(missing)}")
        for name, part in self._parts.items():
            part.load_state_dict(state["parts"][name])
        torch.set_rng_state(state["cpu"])
        if "cuda" in state and torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(state["cuda"])
