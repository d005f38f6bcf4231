"""Pictures whose numbers all have a finite distance from each other, as libraries that draw want them."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from luthier.plot.axis_range import LARGEST
from luthier.plot.picture import Picture

_NOTE = f"numbers beyond {LARGEST:.0e} are drawn there"


def bounded_picture(picture: Picture) -> Picture:
    """Put numbers near the largest ones that there are where they can be drawn, and say so. Cost O(marks)."""
    bounded: Picture = _bounded(picture)
    return picture if bounded is picture else replace(bounded, notes=(*picture.notes, _NOTE))


def _bounded(value: Any) -> Any:
    """Give a value with no number beyond the limit; the very same one where it has none."""
    if isinstance(value, float):
        return max(-LARGEST, min(LARGEST, value)) if abs(value) > LARGEST else value
    if isinstance(value, tuple):
        if value and isinstance(value[0], float) and isinstance(value[-1], float):  # numbers: the most there is
            if not any(number > LARGEST or number < -LARGEST for number in value):
                return value
        elif not value or isinstance(value[0], str):
            return value
        found = tuple(map(_bounded, value))
        return found if any(new is not old for new, old in zip(found, value, strict=True)) else value
    if not is_dataclass(value) or isinstance(value, type):
        return value
    own = {one.name: getattr(value, one.name) for one in fields(value) if one.name != "hover"}
    changed = {name: new for name, old in own.items() if (new := _bounded(old)) is not old}
    return replace(value, **changed) if changed else value
