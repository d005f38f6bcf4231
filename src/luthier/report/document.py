"""Document of a report: sections of blocks, of which HTML and Markdown are made alike.

What a user wrote (names, options, values, errors) is marked as `Mono`; everything else is Luthier's own text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from luthier.plot import Picture


@dataclass(frozen=True, slots=True)
class Mono:
    """A user's text or value, as it is; nothing in it is markup."""

    text: str


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a whole, in [0, 1] but for errors of estimation; a bar is drawn beside it."""

    value: float


Inline: TypeAlias = tuple[str | Mono, ...]
"""A line of text: own words, and users' texts between them."""
Cell: TypeAlias = str | float | int | Mono | Share | None


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; ``lead`` is set larger, ``note`` smaller, ``warning`` with a mark."""

    text: Inline
    kind: Literal["plain", "lead", "note", "warning"] = "plain"


@dataclass(frozen=True, slots=True)
class StepList:
    """A list of points, each with a headline, further words, and code where there is something to be done."""

    items: tuple[tuple[Inline, Inline, str], ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels and what they say."""

    rows: tuple[tuple[str, Inline], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Code to be copied: its language, and what it is for."""

    text: str
    language: str
    label: str


@dataclass(frozen=True, slots=True)
class DataTable:
    """A table.

    Args:
        caption: says what it shows.
        head: the titles of the columns.
        rows: as long as `head` each.
    """

    caption: str
    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture.

    Args:
        key: names it in the page.
        picture: the description, to be drawn by whichever library there is.
        caption: above it.
        alt: says in words what it shows.
        notes: below it: what a reader must know, such as that not all trials are drawn.
    """

    key: str
    picture: Picture
    caption: str
    alt: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrialList:
    """The table of all trials, which sorts and filters.

    Args:
        columns: by name, each as long as there are trials; numbers, texts or None.
        total: the number of trials.
    """

    columns: dict[str, list[Any]]
    total: int


Block: TypeAlias = Paragraph | StepList | Facts | Code | DataTable | Figure | TrialList


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A section.

    Args:
        key: names it in links.
        title: its heading.
        blocks: its content.
    """

    key: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A report.

    Args:
        name: of the study.
        summary: what was optimized, and how far it came.
        sections: in order.
        made: when, and by which version.
    """

    name: str
    summary: Inline
    sections: tuple[ReportSection, ...]
    made: str
    language: str = field(default="en")

    @property
    def has_figures(self) -> bool:
        """Whether there are pictures to be drawn."""
        return any(isinstance(block, Figure) for section in self.sections for block in section.blocks)
