"""Base of the callbacks that report the steps of a training, save checkpoints and stop it."""

from __future__ import annotations

import math
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from luthier.errors import InvalidSetting
from luthier.executor import RunningTrial
from luthier.scalar import short, to_whole
from luthier.study import ActiveTrial

Trainable: TypeAlias = RunningTrial | ActiveTrial
"""A trial whose training is followed: an objective's, or one of ask and tell."""

Save: TypeAlias = Callable[[Path], object]
"""Writes what training can go on from into an empty folder."""

_VALUE = "value"


class PruningCallback(ABC):
    """What the callbacks of all libraries share. Abstract.

    At each step (epoch, round, iteration) the trial's value is reported, under the number of steps that are done, and
    the study's rule is asked; if the trial is to stop, or to pause, the library's own way to end a training is used, so
    that the objective goes on after it, and returns the value so far.

    Args:
        trial: whose training it is.
        metric: the name of the reported metric, as the library has it.
        every: report only steps that are a multiple of this, from 1 on.
        checkpoint: save what training can go on from before the report of every such many steps, and when the trial is
            told to stop; True for each step, 0 for never.

    Raises:
        InvalidSetting: a number outside its range; or a checkpoint of a trial of ask and tell, which has no folder.
    """

    def __init__(self, trial: Trainable, metric: str, *, every: int = 1, checkpoint: int = 0) -> None:
        if not isinstance(trial, RunningTrial | ActiveTrial):
            raise InvalidSetting(f"a callback needs the running trial of an objective, not {short(trial)}")
        if not isinstance(metric, str) or not metric:
            raise InvalidSetting(f"metric={short(metric)}: give the name of a metric that the library evaluates")
        given = int(checkpoint) if isinstance(checkpoint, bool) else checkpoint
        for name, number, least in (("every", every, 1), ("checkpoint", given, 0)):
            if (whole := to_whole(number)) is None or whole < least:
                raise InvalidSetting(f"{name}={short(number)}: give a whole number of steps, from {least} on")
        if given and not isinstance(trial, RunningTrial):
            raise InvalidSetting("checkpoint: a trial of ask and tell has no folder for one; run it by study.run")
        self._trial, self._metric, self._every, self._saving = trial, metric, every, given
        self._content = trial.resume_from if isinstance(trial, RunningTrial) else None
        self._start = trial.start if isinstance(trial, RunningTrial) else 0
        self._saved = self._step = self._start
        self._value = _read_value(self._content)

    @property
    def _lacking(self) -> str:
        """What is to be done where there is no value."""
        return "read it after training"

    @property
    def start(self) -> int:
        """The step of the checkpoint that training goes on from; 0 where it starts at the beginning."""
        return self._start

    @property
    def value(self) -> float:
        """The value at the latest step, that of the checkpoint included.

        Raises:
            InvalidSetting: there was no step yet.
        """
        if self._value is None:
            raise InvalidSetting(f"{self._metric!r} has no value yet: {self._lacking}")
        return self._value

    @property
    @abstractmethod
    def resume_from(self) -> str | None:
        """What to go on from, in the form that the library takes; None where training starts at the beginning."""

    def _file(self, name: str) -> Path | None:
        """Give a file of the checkpoint to go on from; None where training starts at the beginning."""
        return None if self._content is None else self._content / name

    def _reached(self, step: int, value: float, save: Save | None = None) -> bool:
        """Report a step, and tell whether the training is to stop.

        Args:
            step: how many steps are done, those before the checkpoint included.
            value: of the metric now.
            save: makes a checkpoint; None where there is to be none.
        """
        self._step, self._value = step, float(value)
        if step % self._every:
            return False
        save = save if self._saving else None
        if save is not None and step - self._saved >= self._saving:
            self._keep(step, save)
        self._trial.report(self._value, step=step)
        stop = self._trial.should_stop()
        if stop and save is not None and self._saved != step:
            self._keep(step, save)
        return stop

    def _check_goal(self, higher: bool, library: str) -> None:
        """Refuse a metric of which the library says that it is better in the other direction than the objective.

        Args:
            higher: whether more is better.
            library: named in messages.

        Raises:
            InvalidSetting: the study wants less of what is better by more, or the reverse.
        """
        if higher is not self._trial.maximize:
            better, goal = ("higher", "minimizes") if higher else ("lower", "maximizes")
            raise InvalidSetting(
                f"metric={self._metric!r}: {library} says that it is better the {better} it is, and the study {goal} "
                "its objective, so a rule would keep the worst trials: turn the study around, or take another metric"
            )

    def _keep(self, step: int, save: Save) -> None:
        """Save a checkpoint, with the value beside it."""
        assert isinstance(self._trial, RunningTrial)
        folder = self._trial.folder / "unsaved-checkpoint"
        shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed
        folder.mkdir()
        save(folder)
        (folder / _VALUE).write_text(repr(math.nan if self._value is None else self._value), encoding="utf-8")
        self._trial.checkpoint(folder, step=step)
        self._saved = step
        shutil.rmtree(folder, ignore_errors=True)


def _read_value(content: Path | None) -> float | None:
    """Read the value that stands beside a checkpoint."""
    place = None if content is None else content / _VALUE
    return float(place.read_text(encoding="utf-8")) if place is not None and place.is_file() else None


def metric_of(found: Mapping[str, float], metric: str, library: str) -> float:
    """Give the value of a metric by its name.

    Raises:
        InvalidSetting: there is no such metric.
    """
    if metric not in found:
        there = ", ".join(map(repr, sorted(found))) or "none: give it data to validate with"
        raise InvalidSetting(f"metric={metric!r} is not among those that {library} has at this step: {there}")
    return float(found[metric])


def metric_on(found: Mapping[tuple[str, str], float], metric: str, data: str | None, library: str) -> float:
    """Give the value of a metric by its name and that of the data that it is measured on.

    Args:
        found: the values by (data, metric).
        metric, data: the two names; `data` may be None where the metric is measured on one data set.
        library: named in messages.

    Raises:
        InvalidSetting: there is no such metric, or there are several.
    """
    fitting = [value for (on, name), value in found.items() if name == metric and data in (None, on)]
    if len(fitting) != 1:
        there = ", ".join(f"{name!r} on {on!r}" for on, name in found) or "nothing: give it data to validate with"
        wanted = f"metric={metric!r}" + ("" if data is None else f", data={data!r}")
        several = "; say which by data=…" if fitting else ""
        raise InvalidSetting(f"{wanted}: {library} evaluates {there}{several}")
    return float(fitting[0])
