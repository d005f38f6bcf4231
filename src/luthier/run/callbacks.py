"""Check of the callbacks of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from luthier.errors import InvalidSetting
from luthier.scalar import short


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
