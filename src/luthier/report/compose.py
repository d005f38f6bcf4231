"""Composition of a report: its sections in order, with their pictures."""

from __future__ import annotations

from datetime import UTC, datetime

from luthier.report import sections
from luthier.report.document import Document, Inline, Mono
from luthier.report.figures import add_figures
from luthier.report.findings import Findings
from luthier.report.protocol import Reportable
from luthier.report.wording import counted, direction, joined
from luthier.version import VERSION


def compose(study: Reportable, command: str = "", pictures: bool = True) -> Document:
    """Make the report of a study as of now.

    Args:
        study: that is reported.
        command: that ran it; empty where it was run by a program.
        pictures: whether there are to be any.

    Cost: that of the analyses; see `luthier.Study.importance` and `forecast`.
    """
    findings = Findings(study)
    parts = (
        sections.best_values(findings),
        sections.effects(findings),
        sections.next_steps(findings),
        sections.time_use(findings),
        sections.failed_trials(findings),
        sections.search_space(findings),
        sections.trial_list(findings),
        sections.reproduction(findings, command),
    )
    made = f"Made by Luthier {VERSION} on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    document = Document(findings.reader.name, _summary(findings), parts, made)
    return add_figures(document, findings) if pictures else document


def _summary(findings: Findings) -> Inline:
    goals = joined([(Mono(goal.name), f" {direction(goal)}") for goal in findings.problem.objectives])
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in findings.reader.counts.items())
    return (*goals, f"; {counted(len(findings.trials), 'trial')}{f' ({kinds})' if kinds else ''}")
