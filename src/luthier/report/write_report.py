"""Writing of a report into a file: HTML or Markdown, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from luthier._hints import did_you_mean
from luthier._runtime.collection_pause import COLLECTION_PAUSE
from luthier.errors import InvalidSetting, NoResult
from luthier.render import check_output, replace_file
from luthier.report.compose import compose
from luthier.report.drawings import Drawings, draw_figures
from luthier.report.html_page import html_page
from luthier.report.markdown_page import markdown_page
from luthier.report.protocol import Reportable

ReportFormat: TypeAlias = Literal["html", "md"]
FORMATS: tuple[str, ...] = get_args(ReportFormat)
_ENDINGS = {".html": "html", ".htm": "html", ".md": "md", ".markdown": "md"}


def report_text(study: Reportable, form: str = "html", command: str = "") -> str:
    """Make the report of a study.

    Args:
        study: that is reported.
        form: ``html`` or ``md``.
        command: that ran it; empty where it was run by a program.

    Raises:
        InvalidSetting: there is no such format.
        NoResult: the study has no trials.
    """
    report_format("", form)
    with COLLECTION_PAUSE:
        return b"".join(_parts(study, form, command)).decode()


def _parts(study: Reportable, form: str, command: str) -> Iterator[bytes]:
    """Make a report in UTF-8; the analyses at once, the text as it is asked for."""
    reader = study.reader
    if not len(reader):
        raise NoResult(f"study {reader.name!r} has no trials yet: there is nothing to report")
    document = compose(study, command, pictures=form == "html")
    if form == "md":
        return iter([markdown_page(document).encode("utf-8", "replace")])
    maximized = [goal.name for goal in reader.problem.objectives if goal.maximize]
    drawings = draw_figures(document) if document.has_figures else Drawings()
    return html_page(document, drawings, maximized)


def write_report(study: Reportable, path: str | Path, form: str | None = None, command: str = "") -> Path:
    """Write the report of a study into a file; one that exists is replaced.

    Args:
        study: that is reported.
        path: of the file; its name ends in ``.html`` or ``.md``, or `form` is given.
        form: ``html`` or ``md``.
        command: that ran it; empty where it was run by a program.

    Returns:
        The path.

    Raises:
        InvalidSetting: the format cannot be told; or the file is a store, or its folder is missing.
        NoResult: the study has no trials.
        OSError: the file cannot be written.
    """
    target, chosen = Path(path), report_format(path, form)
    check_output(study.reader, target)
    with COLLECTION_PAUSE:
        replace_file(target, _parts(study, chosen, command))
    return target


def report_format(path: str | Path, form: str | None = None) -> str:
    """Give the format of a report that is to be written: ``html`` or ``md``.

    Raises:
        InvalidSetting: there is no such format, or it cannot be told.
    """
    chosen = form if form is not None else _ENDINGS.get(Path(path).suffix.lower())
    if chosen is None:
        raise InvalidSetting(
            f"what format is {str(path)!r}? Give it a name that ends in .html or .md, or give the format: html, md"
        )
    if chosen not in FORMATS:
        hint = did_you_mean(str(chosen), FORMATS)
        raise InvalidSetting(f"form={form!r}{hint}: a report is html, or md for Markdown")
    return chosen
