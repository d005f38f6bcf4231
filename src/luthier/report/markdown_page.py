"""Markdown of a report, for a pull request: without pictures and the table of all trials.

What a user wrote stands in code spans, so that it mentions nobody, links nothing and is no markup.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from luthier.render import clean, number
from luthier.report.document import (
    Block,
    Cell,
    Code,
    DataTable,
    Document,
    Facts,
    Figure,
    Inline,
    Mono,
    Paragraph,
    Share,
    StepList,
    TrialList,
)
from luthier.report.percentage import percent

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~@])")


def markdown_page(document: Document) -> str:
    """Write a report as Markdown (GitHub's)."""
    parts = [f"# Tuning report: {code_span(document.name)}", _inline(document.summary)]
    for section in document.sections:
        blocks = [text for text in map(_block, section.blocks) if text]
        if blocks:
            parts += [f"## {_plain(section.title)}", *blocks]
    return "\n\n".join([*parts, f"*{_plain(document.made)}*"]) + "\n"


def _block(block: Block) -> str:
    match block:
        case Paragraph(text, "warning"):
            return f"> **Note:** {_inline(text)}"
        case Paragraph(text):
            return _inline(text)
        case Facts(rows):
            return "\n".join(f"- {_plain(label)}: {_inline(text)}" for label, text in rows)
        case StepList(items):
            return "\n".join(_step(place, *item) for place, item in enumerate(items, 1))
        case Code(text, language, label):
            return f"{_plain(label)}:\n\n{code_block(text, language)}"
        case DataTable():
            return _table(block)
        case Figure() | TrialList():
            return ""


def _inline(text: Inline) -> str:
    return "".join(code_span(part.text) if isinstance(part, Mono) else _plain(part) for part in text)


def _plain(text: str) -> str:
    """Write our own words, which have no markup."""
    return _MARKUP.sub(r"\\\1", text)


def code_span(text: str) -> str:
    """Write a user's text as a code span: within a fence of more backticks than it has in a row."""
    flat = " ".join(clean(text).split()) or " "
    longest = max(map(len, re.findall(r"`+", flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def code_block(text: str, language: str) -> str:
    """Write code within a fence of more backticks than it has in a row."""
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{clean(text)}\n{fence}"


def _step(place: int, headline: Inline, why: Inline, code: str) -> str:
    lead = f"{place}. "
    shown = f"\n\n{code_block(code, 'python')}".replace("\n", f"\n{' ' * len(lead)}") if code else ""
    return f"{lead}**{_inline(headline)}** {_inline(why)}{shown}"


def _table(table: DataTable) -> str:
    heads = [_cell(cell) for cell in table.head]
    numeric = [
        all(isinstance(row[place], int | float | Share | None) for row in table.rows) and bool(table.rows)
        for place in range(len(heads))
    ]
    rule = ["---:" if one else "---" for one in numeric]
    rows = [_row([_cell(cell) for cell in row]) for row in table.rows]
    return "\n".join([f"{_plain(table.caption)}:", "", _row(heads), _row(rule), *rows])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Share):
        return percent(cell.value)
    if isinstance(cell, Mono):
        return code_span(cell.text).replace("|", "\\|")  # which GitHub reads before it reads the code span
    return _plain(number(cell) if isinstance(cell, float) else str(cell))
