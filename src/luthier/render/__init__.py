"""Text, HTML and JSON: the forms in which everything is shown."""

from __future__ import annotations

from luthier.render.html import html_heading, html_table
from luthier.render.json import json_text
from luthier.render.result_form import ResultForm
from luthier.render.text import (
    assignments,
    clean,
    columns,
    dictionary,
    labelled,
    literal,
    number,
    one_line,
    seconds,
    short,
)

__all__ = [
    "ResultForm",
    "assignments",
    "clean",
    "columns",
    "dictionary",
    "html_heading",
    "html_table",
    "json_text",
    "labelled",
    "literal",
    "number",
    "one_line",
    "seconds",
    "short",
]
