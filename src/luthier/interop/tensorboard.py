"""Tracker for TensorBoard."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, final

try:
    from tensorboardX import SummaryWriter
    from tensorboardX.summary import hparams
except ImportError:
    from torch.utils.tensorboard import SummaryWriter
    from torch.utils.tensorboard.summary import hparams

from luthier.interop.tracker import TrackedTrial, Tracker
from luthier.study import StudyReader, folder_name

_MARK = "luthier-mark"


@final
class TensorBoardTracker(Tracker):
    """Write the trials of a study for TensorBoard: ``tensorboard --logdir FOLDER``.

    Each trial has a folder, ``FOLDER/STUDY-IDENTITY/00007``, with its parameters and final metrics for the tab HPARAMS,
    the scalars ``reports/OBJECTIVE`` by step, and the texts ``state``, ``error`` and ``attributes/…``. A trial that
    went on is written anew. It writes by tensorboardX, or by PyTorch where that is missing.

    Args:
        folder: made where there is none.
    """

    def __init__(self, folder: str | Path) -> None:
        super().__init__()
        self._folder = Path(folder)

    def folder(self, study: StudyReader, identity: str) -> Path:
        """Give the folder of a study."""
        name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in study.name)
        return self._folder / f"{name}-{identity}"

    def _find_marks(self, study: StudyReader, identity: str) -> dict[int, str]:
        found = self.folder(study, identity).glob(f"*/{_MARK}")
        return {int(path.parent.name): path.read_text(encoding="utf-8") for path in found}

    def _record(self, study: StudyReader, trial: TrackedTrial) -> None:
        place = self.folder(study, trial.identity) / folder_name(trial.number)
        shutil.rmtree(place, ignore_errors=True)
        writer: Any = SummaryWriter(str(place))
        try:
            for step, values in trial.curve:
                for name, value in values.items():
                    writer.add_scalar(f"reports/{name}", value, step)
            for summary in hparams(dict(trial.params), dict(trial.metrics)):
                writer.file_writer.add_summary(summary)
            for name, value in trial.metrics.items():
                writer.add_scalar(name, value)
            texts = {f"attributes/{name}": text for name, text in trial.attributes.items()}
            for name, text in {"state": trial.state, "error": trial.error, **texts}.items():
                if text:
                    writer.add_text(name, text)
        finally:
            writer.close()
        (place / _MARK).write_text(trial.mark, encoding="utf-8")
