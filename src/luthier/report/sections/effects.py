"""Section of effects: importance of the variables, and the way from the defaults to the best."""

from __future__ import annotations

from luthier.analysis import AblationPath, Importance
from luthier.render import number
from luthier.report.document import Block, DataTable, Inline, Mono, Paragraph, ReportSection, Share
from luthier.report.findings import Findings, Lack
from luthier.report.percentage import percent

_MOST = 40
"""Variables that are listed."""


def effects(findings: Findings) -> ReportSection:
    """Say which variables mattered, and what each change from the defaults brought."""
    path, blocks = findings.ablation, list[Block]()
    reasons = []
    for found in findings.importances.values():
        if isinstance(found, Lack):
            reasons.append(found.why)
        else:
            blocks += _importance(found, findings.single)
    for why in dict.fromkeys(reasons):
        blocks.append(Paragraph((f"What mattered cannot be told yet: {why}.",), "note"))
    if isinstance(path, AblationPath) and len(path.steps) > 1:
        blocks.append(_path(path))
    if findings.thinning:
        blocks.append(Paragraph((findings.thinning,), "note"))
    return ReportSection("effects", "What mattered", tuple(blocks))


def _importance(found: Importance, alone: bool) -> list[Block]:
    shown = found.variables[:_MOST]
    rows = tuple(
        (
            Mono(one.name),
            Share(one.score.value),
            f"{percent(one.score.low)} to {percent(one.score.high)}",
            None if one.total is None else percent(one.total.value),
            percent(one.active) if one.active < 1 else "always",
            "yes" if one.matters else "cannot be told from 0",
        )
        for one in shown
    )
    head = ("variable", "importance", f"{percent(found.level)} interval", "with interactions", "active", "matters")
    fit = "" if found.fit is None else f" The model explains {percent(max(found.fit, 0.0))} of values held out."
    left = f" {len(found.variables) - _MOST} less important variables are left out." if len(shown) == _MOST else ""
    more = "".join(f" {remark[:1].upper()}{remark[1:]}." for remark in found.remarks)
    text = f", by {found.method}, from {found.trials} trials.{fit}{more}{left}"
    about: Inline = ("Share of the variance of ", Mono(found.objective), text)
    weak: list[Block] = []
    if found.fit is not None and found.fit < 0.3:
        weak.append(Paragraph(("The model explains little: these figures say little, too.",), "warning"))
    title: list[Block] = [] if alone else [Paragraph(("For ", Mono(found.objective), ":"))]
    grid = DataTable("Importance of the variables, the most important first", head, rows)
    return [*title, *weak, grid, Paragraph(about, "note")]


def _path(path: AblationPath) -> DataTable:
    rows = tuple(
        (Mono(", ".join(map(str, step.changes))), step.predicted.median, f"{100 * step.share:+.0f} %")
        for step in path.steps
    )
    start = f"Change by change from {path.origin} ({number(path.predicted.median)} predicted) to the best trial"
    return DataTable(start, ("change", "then predicted", "of the gain"), rows)
