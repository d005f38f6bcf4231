"""Results that are shown: a heading and rows of two texts for people, plain values for programs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from luthier.render.html import html_table
from luthier.render.text import labelled, one_line


class ResultForm(ABC):
    """A result with a text, an HTML and a JSON form; its repr is one line, however many points it has. Abstract."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "__repr__" not in vars(cls):  # a dataclass keeps what is there
            cls.__repr__ = _short  # type: ignore[assignment]

    @abstractmethod
    def heading(self) -> str:
        """Summarize the result in one line."""

    @abstractmethod
    def rows(self) -> list[tuple[str, str]]:
        """Give labels and texts."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Give the result as plain values for JSON.

        A NaN is written as ``{"$float": "nan"}``, a tuple as ``{"$tuple": […]}``: see `luthier.codec`.
        """

    def __str__(self) -> str:
        return labelled(self.heading(), self.rows())

    def _repr_html_(self) -> str:
        return html_table(self.heading(), self.rows())


def _short(result: ResultForm) -> str:
    return f"<{type(result).__name__}: {one_line(result.heading(), 200)}>"
