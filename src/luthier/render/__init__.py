"""Text, HTML and JSON: the forms in which everything is shown."""

from __future__ import annotations

from luthier.render.html import html_heading, html_table
from luthier.render.json import json_text
from luthier.render.output_file import check_output, replace_file
from luthier.render.result_form import ResultForm
from luthier.render.text import (
    assignments,
    clean,
    columns,
    dictionary,
    escaped,
    labelled,
    literal,
    number,
    one_line,
    seconds,
    short,
    table_lines,
)

__all__ = [
    "ResultForm",
    "assignments",
    "check_output",
    "clean",
    "columns",
    "dictionary",
    "escaped",
    "html_heading",
    "html_table",
    "json_text",
    "labelled",
    "literal",
    "number",
    "one_line",
    "replace_file",
    "seconds",
    "short",
    "table_lines",
]


def __dir__() -> list[str]:
    return sorted(__all__)
