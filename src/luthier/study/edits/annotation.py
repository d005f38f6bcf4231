"""Annotations: the notes and tags of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from luthier.errors import InvalidSetting
from luthier.event import Annotated, Event
from luthier.history import History
from luthier.scalar import short


def annotated(history: History, notes: object, tags: object) -> list[Event]:
    """Decide what to note; nothing where all is as it was. None leaves notes or tags as they are.

    Raises:
        InvalidSetting: they are no texts.
    """
    if notes is not None and not isinstance(notes, str):
        raise InvalidSetting(f"notes={short(notes)}: give a text")
    given = None if tags is None else _tags(tags)
    news = Annotated(
        None if notes == history.remarks.notes else notes, None if given == history.remarks.tags else given
    )
    return [] if news == Annotated() else [news]


def _tags(given: object) -> tuple[str, ...]:
    """Check tags; each of them counts once."""
    tags: tuple[Any, ...] = (None,)
    if isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping):
        with suppress(Exception):  # of an array without dimensions, or a foreign object
            tags = tuple(given)
    for tag in tags:
        if not isinstance(tag, str) or not tag.strip() or "\n" in tag:
            raise InvalidSetting(f"tags={short(given)}: give a list of texts of one line, such as ['paper', 'gpu']")
    return tuple(dict.fromkeys(tag.strip() for tag in tags if tag is not None))
