"""Studies of other tasks that a study file learns from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from luthier._hints import did_you_mean
from luthier.errors import InvalidSetting
from luthier.scalar import short

_KEYS = ("study", "names", "objectives", "ignore", "fill")
ALLOWED = (
    'a list of studies, each a text such as "old.db#name", or a table such as '
    '{study = "old.db#name", names = {lr = "rate"}, objectives = {error = "loss"}, ignore = ["fast"], '
    "fill = {dropout = 0.0}}"
)


@dataclass(frozen=True)
class TransferSource:
    """A study of another task.

    Args:
        place: of the study, as ``store.db`` or ``store.db#name``.
        settings: the arguments of `luthier.Study.transfer_from` that say what is called how.
    """

    place: str
    settings: dict[str, Any] = field(default_factory=dict)


def read_transfer(value: object) -> tuple[TransferSource, ...]:
    """Read the studies of other tasks as they stand in a study file.

    Raises:
        InvalidSetting: they are not what is allowed.
    """
    return tuple(_source(item) for item in (value if isinstance(value, list) else [value]))


def _source(item: object) -> TransferSource:
    table = {"study": item} if isinstance(item, str) else item
    if not isinstance(table, dict):
        raise InvalidSetting(f"{short(item)} is not allowed here: give {ALLOWED}")
    for key in table:
        if key not in _KEYS:
            raise InvalidSetting(f"{key!r} is not known{did_you_mean(key, _KEYS)}: give {ALLOWED}")
    place = table.get("study")
    if not isinstance(place, str) or not place.strip():
        raise InvalidSetting(f"{short(item)} names no study: give {ALLOWED}")
    settings = {key: value for key, value in table.items() if key != "study"}
    for key, value in settings.items():
        if not isinstance(value, list if key == "ignore" else dict):
            raise InvalidSetting(f"{key} = {short(value)}: give {ALLOWED}")
    return TransferSource(place, settings)
