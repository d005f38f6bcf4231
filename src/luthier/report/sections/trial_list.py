"""Section of all trials, in a table that sorts and filters."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from luthier.render import short
from luthier.report.document import Block, Paragraph, ReportSection, TrialList
from luthier.report.findings import Findings
from luthier.report.wording import counted
from luthier.study import own_name

_DETAIL = 2000
"""Characters of an error that are kept."""
_OWN = ("number", "state", "reason", "worker", "reports")


def trial_list(findings: Findings) -> ReportSection:
    """List every trial."""
    table = findings.reader.columns()
    number, state, reason, worker, reports = (own_name(table, name) for name in _OWN)
    total = len(table[number])
    if not total:
        return ReportSection("trials", "All trials", (Paragraph(("There are no trials.",), "note"),))
    outcomes = [why or now for why, now in zip(table[reason], table[state], strict=True)]
    columns: dict[str, list[Any]] = {number: table[number], "outcome": outcomes}
    columns |= {name: values for name, values in table.items() if name not in (number, state, reason, reports)}
    workers = {owner: f"worker {place}" for place, owner in enumerate(dict.fromkeys(filter(None, table[worker])))}
    columns[worker] = [workers.get(owner) for owner in table[worker]]  # and not the names of machines
    if any(table[reports]):
        columns[reports] = [_reports(one) for one in table[reports]]
    shown = {name: _cells(column) for name, column in columns.items()}
    kept = {name: column for name, column in shown.items() if any(item is not None for item in column)}
    blocks: tuple[Block, ...] = (TrialList(kept, total),)
    return ReportSection("trials", f"All trials ({counted(total, 'trial')})", blocks)


def _cells(column: list[Any]) -> list[Any]:
    """Give a column as the table takes it: numbers, texts, and None for nothing."""
    kinds = set(map(type, column))
    if kinds <= {int, float, type(None)}:
        return column
    if kinds <= {str, type(None)}:
        return [value[:_DETAIL] if value else None for value in column]
    known: dict[str, str] = {}  # texts that are alike, such as the times of trials of one second, are kept once
    return [known.setdefault(cell, cell) if isinstance(cell, str) else cell for cell in map(_cell, column)]


def _cell(value: Any) -> Any:
    if value is None or (not value and isinstance(value, str | dict | list)):
        return None
    if isinstance(value, str):
        return value[:_DETAIL]
    if isinstance(value, datetime):
        return str(value)[:19]  # to the second; all are UTC
    return value if type(value) in (int, float) else short(value)


def _reports(reports: list[list[float]]) -> str:
    return f"{len(reports)}, the last {reports[-1][1]:.6g} at step {reports[-1][0]}" if reports else ""
