"""Reports: one page about a study that can be sent to a colleague, as HTML or Markdown."""

from __future__ import annotations

from luthier.report.drawings import image_url
from luthier.report.protocol import Reportable
from luthier.report.unmodelled import UnmodelledStudy
from luthier.report.write_report import FORMATS, ReportFormat, report_format, report_text, write_report

__all__ = [
    "FORMATS",
    "ReportFormat",
    "Reportable",
    "UnmodelledStudy",
    "image_url",
    "report_format",
    "report_text",
    "write_report",
]
