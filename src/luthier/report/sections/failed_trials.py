"""Section of failures: by reason, and where they were."""

from __future__ import annotations

from luthier.analysis import FailureSummary
from luthier.report.document import Block, DataTable, Inline, Mono, Paragraph, ReportSection
from luthier.report.findings import Findings, Lack
from luthier.report.percentage import percent
from luthier.report.regions import telling_region
from luthier.report.wording import counted, message, numbers

_MOST = 20


def failed_trials(findings: Findings) -> ReportSection:
    """Say how many trials failed, for which reasons, and in which part of the space."""
    found = findings.failures
    if isinstance(found, Lack):
        return ReportSection("failures", "Failures", (Paragraph(("No trial failed.",), "note"),))
    rows = tuple(
        (
            kind.reason,
            Mono(kind.error) if kind.error else None,
            len(kind.numbers),
            message(kind.example),
            numbers(kind.numbers),
        )
        for kind in found.kinds[:_MOST]
    )
    left = len(found.kinds) - _MOST
    text = f"{found.failed} of {counted(found.total, 'trial')} failed ({percent(found.failed / found.total)})."
    blocks: list[Block] = [
        Paragraph((text, f" {counted(left, 'rarer reason')} are left out." if left > 0 else "")),
        DataTable("Failures by reason", ("reason", "exception", "trials", "first message", "which trials"), rows),
    ]
    where = _where(found)
    if where:
        blocks.append(Paragraph(where, "note"))
    return ReportSection("failures", "Failures", tuple(blocks))


def _where(found: FailureSummary) -> Inline:
    """Say in which region failures are more frequent than by chance; nothing where there is none."""
    region = telling_region(found)
    if region is None:
        return ()
    title, one = region
    place: Inline = (
        (Mono(title), " = ", Mono(one.label)) if one.label else (Mono(title), f" from {one.low:.4g} to {one.high:.4g}")
    )
    return ("Most frequent where ", *place, f": {one.failed} of {one.total} trials there failed.")
