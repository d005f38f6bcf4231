"""Tracker for Weights & Biases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, final

import wandb

from luthier.interop.tracker import TrackedTrial, Tracker
from luthier.study import StudyReader


@final
class WandbTracker(Tracker):
    """Record each trial of a study as a run of Weights & Biases, in one group for the study.

    A run has the parameters as its configuration, ``reports/OBJECTIVE`` by ``step`` as its history, and in its summary
    each objective, ``duration_s``, ``violations/…``, ``extra/…``, ``state``, ``error`` and ``attributes/…``. A trial
    that failed is a run that failed. Which trials are recorded stands in ``FOLDER/wandb/luthier-IDENTITY.json``.

    Args:
        project: its name; None: the name of the study.
        folder: in which wandb makes its folder ``wandb``; None: the present one.
        mode: ``"online"``, ``"offline"`` or None: as the environment variable ``WANDB_MODE`` says. What was recorded
            offline is sent by ``wandb sync``.
        entity: the user or team; None: wandb's default.
    """

    def __init__(
        self,
        project: str | None = None,
        *,
        folder: str | Path | None = None,
        mode: Literal["online", "offline"] | None = None,
        entity: str | None = None,
    ) -> None:
        super().__init__()
        self._project, self._mode, self._entity = project, mode, entity
        self._folder = Path.cwd() if folder is None else Path(folder)
        self._recorded: dict[str, dict[int, tuple[str, int]]] = {}  # marks, and how many reports were written

    def _find_marks(self, study: StudyReader, identity: str) -> dict[int, str]:
        place = self._place(identity)
        written = json.loads(place.read_text(encoding="utf-8")) if place.is_file() else {}
        self._recorded[identity] = {int(number): (mark, reports) for number, (mark, reports) in written.items()}
        return {number: mark for number, (mark, _) in self._recorded[identity].items()}

    def _record(self, study: StudyReader, trial: TrackedTrial) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        recorded = self._recorded[trial.identity]
        run: Any = wandb.init(
            project=self._project or study.name,
            entity=self._entity,
            dir=str(self._folder),
            mode=self._mode,
            id=f"{trial.identity}-{trial.number}",
            resume="allow",
            name=f"{trial.study}-{trial.number}",
            group=trial.study,
            job_type=trial.state,
            config=dict(trial.params),
            reinit="create_new",  # the program's own run, if it has one, stays as it is
            settings=wandb.Settings(silent=True, console="off", x_disable_stats=True, disable_git=True),
        )
        try:
            run.define_metric("reports/*", step_metric="step")
            for step, values in trial.curve[recorded.get(trial.number, ("", 0))[1] :]:
                run.log({**{f"reports/{name}": value for name, value in values.items()}, "step": step})
            noted = {f"attributes/{name}": text for name, text in trial.attributes.items()}
            run.summary.update({**trial.metrics, "state": trial.state, "error": trial.error, **noted})
        finally:
            run.finish(exit_code=int(trial.failed))
        recorded[trial.number] = (trial.mark, len(trial.curve))
        place = self._place(trial.identity)
        unfinished = place.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(recorded), encoding="utf-8")
        unfinished.replace(place)

    def _place(self, identity: str) -> Path:
        folder = self._folder / "wandb"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"luthier-{identity}.json"
