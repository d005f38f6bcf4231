"""Check of the callbacks of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Protocol, runtime_checkable

from luthier.errors import InvalidSetting
from luthier.scalar import short
from luthier.study import TrialResult


@runtime_checkable
class RunObserver(Protocol):
    """A callback of a run that is called for paused trials, too, and when the run ends."""

    def __call__(self, study: Any, result: TrialResult) -> object:
        """Take the result of a trial that ended or was paused."""
        ...

    def ended(self, study: Any) -> object:
        """Take note that the run ends, by whatever reason; an exception is raised where the run has raised none."""
        ...


def checked_callbacks(callbacks: object) -> tuple[Callable[..., object], ...]:
    """Refuse what is not a list of functions."""
    given: tuple[Any, ...] | None = None
    if isinstance(callbacks, Iterable) and not isinstance(callbacks, Mapping):
        with suppress(TypeError):
            given = tuple(callbacks)
    if given is None or not all(map(callable, given)):
        raise InvalidSetting(
            f"callbacks={short(callbacks)}: give a list of functions of the study and the trial's result, callbacks=[f]"
        )
    return given
