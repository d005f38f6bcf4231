"""Tracker for MLflow."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any, final

from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

from luthier.interop.tracker import TrackedTrial, Tracker
from luthier.study import StudyReader

_STUDY, _TRIAL, _MARK, _STATE, _ERROR = (f"luthier.{name}" for name in ("study", "trial", "mark", "state", "error"))
_PARENT, _NAME = "mlflow.parentRunId", "mlflow.runName"
_LONG_PARAM, _LONG_TAG = 6000, 5000
"""Characters of a parameter and of a tag that MLflow keeps."""

_PARAMS, _METRICS, _TAGS = 100, 1000, 100
"""How many of them MLflow takes in one request."""


@final
class MLflowTracker(Tracker):
    """Record a study as a run of MLflow, and each of its trials as a run inside it.

    A trial's run has its parameters; the metrics ``reports/OBJECTIVE`` by step, each objective, ``duration_s``,
    ``violations/…`` and ``extra/…``; and the tags ``luthier.state`` (done, failed, pruned, paused, …),
    ``luthier.error`` and ``luthier.attribute.…``. Its status is FAILED where the trial failed, KILLED where it was
    interrupted, otherwise FINISHED. ``mlflow-skinny`` with SQLAlchemy and Alembic suffices.

    Args:
        uri: of the tracking server or store, such as ``"sqlite:///mlflow.db"``; None: MLflow's own default.
        experiment: its name; made where there is none. None: the name of the study.
    """

    def __init__(self, uri: str | None = None, *, experiment: str | None = None) -> None:
        super().__init__()
        self._uri, self._experiment = uri, experiment
        self._made: MlflowClient | None = None
        self._parents: dict[str, tuple[str, str]] = {}
        self._runs: dict[tuple[str, int], str] = {}

    @property
    def _client(self) -> Any:
        if self._made is None:
            self._made = MlflowClient(self._uri)
        return self._made

    def _find_marks(self, study: StudyReader, identity: str) -> dict[int, str]:
        experiment, parent = self._parent(study, identity)
        marks = {}
        for run in self._search(experiment, f"tags.`{_PARENT}` = '{parent}'"):
            number = int(run.data.tags[_TRIAL])
            self._runs[identity, number] = run.info.run_id
            marks[number] = run.data.tags.get(_MARK, "")
        return marks

    def _record(self, study: StudyReader, trial: TrackedTrial) -> None:
        experiment, parent = self._parent(study, trial.identity)
        run = self._runs.get((trial.identity, trial.number))
        if run is not None and self._client.get_run(run).data.metrics:  # it went on, or was run again
            self._client.delete_run(run)
            run = None
        if run is None:
            tags = {_PARENT: parent, _NAME: f"{trial.study}-{trial.number}", _TRIAL: str(trial.number)}
            run = self._client.create_run(experiment, tags=tags).info.run_id
            self._runs[trial.identity, trial.number] = run
        now = int(time.time() * 1000)
        reports = [(f"reports/{name}", value, step) for step, values in trial.curve for name, value in values.items()]
        metrics = [Metric(_name(name), value, now, step) for name, value, step in reports]
        metrics += [Metric(_name(name), value, now, 0) for name, value in trial.metrics.items()]
        params = [Param(_name(name), str(value)[:_LONG_PARAM]) for name, value in trial.params.items()]
        noted = {f"luthier.attribute.{_name(name)}": value for name, value in trial.attributes.items()}
        tags = {_STATE: trial.state, _ERROR: trial.error, **noted}
        written = [RunTag(name, value[:_LONG_TAG]) for name, value in tags.items() if value]
        for some in _parts(params, _PARAMS):
            self._client.log_batch(run, params=some)
        for some in _parts(metrics, _METRICS):
            self._client.log_batch(run, metrics=some)
        for some in _parts(written, _TAGS):
            self._client.log_batch(run, tags=some)
        status = "FAILED" if trial.failed else "KILLED" if trial.state == "interrupted" else "FINISHED"
        self._client.set_terminated(run, status)
        self._client.set_tag(run, _MARK, trial.mark)  # the last word: without it, the trial is recorded again

    def _parent(self, study: StudyReader, identity: str) -> tuple[str, str]:
        """Give the experiment and the run of a study; make them where there are none."""
        if identity not in self._parents:
            name = self._experiment or study.name
            found = self._client.get_experiment_by_name(name)
            experiment = found.experiment_id if found is not None else self._client.create_experiment(name)
            runs = list(self._search(experiment, f"tags.`{_STUDY}` = '{identity}'"))
            if runs:
                parent = runs[0].info.run_id
            else:
                tags = {_STUDY: identity, _NAME: study.name}
                parent = self._client.create_run(experiment, tags=tags).info.run_id
                self._client.set_terminated(parent)
            self._parents[identity] = experiment, parent
        return self._parents[identity]

    def _search(self, experiment: str, query: str) -> Iterator[Any]:
        token = None
        while True:
            page = self._client.search_runs([experiment], query, max_results=1000, page_token=token)
            yield from page
            token = page.token
            if not token:
                return


def _name(name: str) -> str:
    """Give a name that MLflow allows, made of letters, digits and ``_-. :/``."""
    return re.sub(r"[^\w\-. :/]", "_", name, flags=re.ASCII)[:250] or "_"


def _parts(items: list[Any], most: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), most):
        yield items[start : start + most]
