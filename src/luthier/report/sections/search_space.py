"""Section of the search space: the variables, where the best lies in them, and the constraints."""

from __future__ import annotations

from luthier.render import short
from luthier.report.document import Block, Cell, DataTable, Mono, Paragraph, ReportSection
from luthier.report.findings import Findings
from luthier.report.wording import counted


def search_space(findings: Findings) -> ReportSection:
    """List the variables with their values, conditions and defaults, and the constraints."""
    space = findings.problem.space
    best = findings.leaders[0].config if findings.single and findings.leaders else {}
    conditions = any(space.condition(name) is not None for name in space.names)
    head: list[Cell] = ["variable", "kind", "values", "default"]
    head += ["best"] if best else []
    head += ["active when"] if conditions else []
    rows = []
    for name, variable in space.variables.items():
        when = space.condition(name)
        default = None if variable.default is None else Mono(short(variable.plain(variable.default)))
        row: list[Cell] = [Mono(name), type(variable).__name__, Mono(variable.domain()), default]
        row += [Mono(short(best[name])) if name in best else None] if best else []
        row += [Mono(when.text) if when is not None else None] if conditions else []
        rows.append(tuple(row))
    size = "" if space.size is None else f" It has {space.size:,} configurations, constraints left aside."
    blocks: list[Block] = [
        Paragraph((f"The space has {counted(len(space), 'variable')}.{size}",)),
        DataTable("Variables", tuple(head), tuple(rows)),
    ]
    if space.constraints:
        rules = tuple((Mono(rule),) for rule in space.constraints)
        blocks.append(DataTable("Constraints that every trial keeps", ("constraint",), rules))
    return ReportSection("space", "The space", tuple(blocks))
