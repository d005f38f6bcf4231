"""HTML for notebooks; every text in it is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable


def html_heading(title: str, text: str) -> str:
    """Write a heading and a paragraph."""
    return f"<h4>{html.escape(title)}</h4><p>{html.escape(text)}</p>"


def html_table(caption: str, rows: Iterable[tuple[str, str]]) -> str:
    """Write labels and texts as a table of two columns."""
    body = "".join(f"<tr><th>{html.escape(label)}</th><td>{html.escape(text)}</td></tr>" for label, text in rows)
    return f"<table><caption>{html.escape(caption)}</caption>{body}</table>"
