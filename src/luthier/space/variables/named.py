"""Named objects: a study stores the name, an objective receives the object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from luthier._hints import translating_settings
from luthier.errors import InvalidSpace
from luthier.scalar import short
from luthier.space.variables.base import check_text


@translating_settings
@dataclass(frozen=True)
class Named:
    """An object under a name: studies store the name, objectives receive the object.

    Two of one name are equal, whatever the objects: a space that was read from text has only the names.

    Args:
        name: what is stored and shown.
        object: anything.

    Raises:
        InvalidSpace: the name is empty or not a text.
    """

    name: str
    object: Any = field(compare=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InvalidSpace(f"Named(name, object): the name is a text, not {short(self.name)}")
        check_text(self.name, "the name")
