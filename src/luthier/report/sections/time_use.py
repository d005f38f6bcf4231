"""Section of time: how long the study ran, and on what its time was spent."""

from __future__ import annotations

import statistics

from luthier.analysis import describe_end
from luthier.problem import SECONDS
from luthier.render import number as number_text
from luthier.render import seconds
from luthier.report.document import Block, Cell, DataTable, Facts, Inline, Mono, Paragraph, ReportSection, Share
from luthier.report.findings import Findings, Lack
from luthier.report.percentage import percent
from luthier.report.wording import counted, numbers


def time_use(findings: Findings) -> ReportSection:
    """Say how long the study ran, how well its workers were used, and which outcomes cost most."""
    reader = findings.reader
    begun, latest = reader.span
    rows: list[tuple[str, Inline]] = [
        ("from", (f"{begun:%Y-%m-%d %H:%M} to {latest:%Y-%m-%d %H:%M} UTC",)),
        ("running", (f"{seconds(reader.elapsed_s())}, pauses left out",)),
    ]
    spans = findings.timeline
    if not isinstance(spans, Lack):
        workers = counted(spans.workers, "trial")
        use = f"{seconds(spans.busy_s)} in all trials together, at most {workers} at once; workers were busy "
        rows.append(("evaluating", (f"{use}{percent(spans.use)} of the time",)))
    timed = [(spent, number) for number, spent in findings.run_seconds.items()]
    if timed:
        longest, number = max(timed)
        middle = statistics.median(duration for duration, _ in timed)
        text = f"{seconds(middle)} in the middle, {seconds(longest)} at most (trial {number})"
        rows.append(("one trial", (text,)))
    problem, history = findings.problem, reader.history
    if problem.cost is not None and problem.cost != SECONDS:
        rows.append(("spent", (f"{number_text(history.spent)} ", Mono(problem.cost))))
    if history.ended is not None:
        rows.append(("a run was ended", (describe_end(history.ended),)))
    again = [trial.number for trial in findings.trials if trial.attempts > 1]
    if again:
        rows.append(("begun again", (f"{counted(len(again), 'trial')}: {numbers(again)}",)))
    blocks: list[Block] = [Facts(tuple(rows))]
    costs = _by_outcome(findings)
    if len(costs) > 1:
        blocks.append(DataTable("Time by outcome", ("outcome", "trials", "time", "share"), tuple(costs)))
    if not findings.trials:
        blocks = [Paragraph(("No trial was begun.",), "note")]
    return ReportSection("time", "How time was spent", tuple(blocks))


def _by_outcome(findings: Findings) -> list[tuple[Cell, ...]]:
    spent: dict[str, list[float]] = {}
    for trial in findings.trials:
        spent.setdefault(str(trial.reason or trial.state), []).append(findings.run_seconds.get(trial.number, 0.0))
    total = sum(map(sum, spent.values()))
    if total <= 0:
        return []
    ordered = sorted(spent.items(), key=lambda item: -sum(item[1]))
    return [(kind, len(each), seconds(sum(each)), Share(sum(each) / total)) for kind, each in ordered]
