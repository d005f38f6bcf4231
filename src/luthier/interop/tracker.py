"""Base of the trackers, which record the trials of studies elsewhere."""

from __future__ import annotations

import hashlib
import json
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from luthier import codec
from luthier.run import Study
from luthier.scalar import to_float
from luthier.study import StudyReader, TrialResult
from luthier.trial import State


@dataclass(frozen=True, slots=True)
class TrackedTrial:
    """What a tracker records of a trial, in plain values.

    Args:
        study: the study's name.
        identity: a text that no other study has.
        number: of the trial.
        params: the active variables: numbers, truth values and text; others as JSON.
        curve: the reports, as the step and the values by the names of their objectives.
        metrics: what was measured in the end, by name: objectives, ``violations/NAME``, ``extra/NAME``, ``duration_s``.
        state: ``done``, ``failed``, ``pruned``, …: the reason why it ended; or ``paused``, or ``waiting``.
        error: of a failure.
        attributes: what its objective noted of it, as JSON by name.
        mark: a text that changes when any of this does.
    """

    study: str
    identity: str
    number: int
    params: Mapping[str, Any]
    curve: tuple[tuple[int, Mapping[str, float]], ...]
    metrics: Mapping[str, float]
    state: str
    error: str
    attributes: Mapping[str, str]
    mark: str

    @property
    def failed(self) -> bool:
        """Whether it ended as a failure."""
        return self.state in ("failed", "timeout", "memory", "nonfinite", "lost")


class Tracker(ABC):
    """Record the trials of a study elsewhere: parameters, reports, values, failures. Abstract.

    A tracker is a callback of a run: ``study.run(objective, callbacks=[tracker])`` has each trial recorded when it
    ends or is paused, and when the run ends whatever is missing, such as what an earlier run that was killed could not
    record. With ask and tell: ``tracker(study, study.tell(trial, value))``. A stored study: ``tracker.sync(study)``. No
    trial is recorded twice.

    What goes wrong in a tracker harms no trial and ends no run: it is said once, by a warning, and recording stops
    until the run ends, when it is tried once more.
    """

    def __init__(self) -> None:
        self._marks: dict[str, dict[int, str]] = {}
        self._broken = self._warned = False

    def __call__(self, study: Study, result: TrialResult) -> None:
        """Record a trial that ended or was paused."""
        if not self._broken:
            self._try(study, lambda: self._record_all(study.reader, (result,)))

    def ended(self, study: Study) -> None:
        """Record what is missing, at the end of a run, which calls this."""
        self._broken = False
        self._try(study, lambda: self.sync(study))

    def sync(self, study: Study | StudyReader) -> int:
        """Record all trials of a study that ended or are paused, and are not recorded as they are now.

        Returns:
            How many were recorded.

        Raises:
            Exception: what the library of the tracker raises.
        """
        reader = study.reader if isinstance(study, Study) else study
        self._marks.pop(identity_of(reader), None)  # another process may have recorded some meanwhile
        return self._record_all(reader, reader.trials)

    @abstractmethod
    def _find_marks(self, study: StudyReader, identity: str) -> dict[int, str]:
        """Give the marks of the trials that were recorded before, perhaps by another process, by number."""

    @abstractmethod
    def _record(self, study: StudyReader, trial: TrackedTrial) -> None:
        """Record one trial, in place of what was recorded of it before."""

    def _try(self, study: Study, record: Callable[[], object]) -> None:
        try:
            record()
        except Exception as error:  # noqa: BLE001 - a tracker is not worth a trial
            self._broken = True
            if not self._warned:
                self._warned = True
                warnings.warn(
                    f"{type(self).__name__} could not record trials of study {study.name!r}: "
                    f"{type(error).__name__}: {error}. The study goes on; tracker.sync(study) records what is missing",
                    RuntimeWarning,
                    stacklevel=3,
                )

    def _record_all(self, study: StudyReader, results: tuple[TrialResult, ...]) -> int:
        identity = identity_of(study)
        if identity not in self._marks:
            self._marks[identity] = self._find_marks(study, identity)
        marks, count = self._marks[identity], 0
        for result in results:
            if result.state not in (State.FINISHED, State.PAUSED):
                continue
            trial = tracked_trial(study.name, identity, result)
            if marks.get(trial.number) != trial.mark:
                self._record(study, trial)
                marks[trial.number] = trial.mark
                count += 1
        return count


def identity_of(study: StudyReader) -> str:
    """Name a study so that no other one of its name, in another store, has that name; a copy of it has."""
    return hashlib.sha256(f"{study.name}\0{study.seed}\0{study.stamps[0]!r}".encode()).hexdigest()[:12]


def tracked_trial(study: str, identity: str, result: TrialResult) -> TrackedTrial:
    """Give what is recorded of a trial."""
    names = [objective.name for objective in result.objectives]
    reports = tuple((report.step, dict(zip(names, report.values, strict=False))) for report in result.reports)
    metrics = dict(result.values)
    metrics |= {f"violations/{name}": value for name, value in result.violations.items()}
    for name, value in result.extra.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            metrics[f"extra/{name}"] = to_float(value) or 0.0
    if result.duration_s is not None:
        metrics["duration_s"] = result.duration_s
    form = json.dumps(result.to_dict(), sort_keys=True)
    return TrackedTrial(
        study=study,
        identity=identity,
        number=result.number,
        params={name: _plain(value) for name, value in result.config.items()},
        curve=reports,
        metrics=metrics,
        state=str(result.reason or result.state),
        error=result.error,
        attributes={name: codec.dumps(value).decode() for name, value in result.attributes.items()},
        mark=hashlib.sha256(form.encode()).hexdigest()[:12],
    )


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else codec.dumps(value).decode()
