"""Showing a space: as text and as HTML for a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from luthier.space.flattening import FlatVariable

if TYPE_CHECKING:
    from luthier.space.space import Space


def describe(space: Space) -> str:
    """Write a space in one line a variable and one a constraint."""
    rows = [_row(part) for part in space.structure.parts]
    names = [name if name.isidentifier() else repr(name) for name, *_ in rows]
    wide = max(map(len, names))
    kinds = max(len(row[1]) for row in rows)
    lines = [_title(space)]
    for name, (_, kind, domain, default, when) in zip(names, rows, strict=True):
        more = "".join([f", default {default}" if default else "", f"   when {when}" if when else ""])
        lines.append(f"  {name:<{wide}}  {kind:<{kinds}}  {domain}{more}")
    lines += [f"  require {text}" for text in space.constraints]
    return "\n".join(lines)


def describe_html(space: Space) -> str:
    """Write a space as an HTML table; every text in it is escaped."""
    heads = "".join(f"<th>{head}</th>" for head in ("variable", "kind", "values", "default", "active when"))
    body = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in _row(part))}</tr>" for part in space.structure.parts
    )
    rules = "".join(f"<li><code>{html.escape(text)}</code></li>" for text in space.constraints)
    tail = f"<p>require</p><ul>{rules}</ul>" if rules else ""
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    return f"<p>{html.escape(_title(space))}</p>{table}{tail}"


def _title(space: Space) -> str:
    count = len(space.names)
    size = space.size
    many = "" if size is None else f", {size:,} configurations" + (" before constraints" if space.constraints else "")
    return f"Space of {count} variable{'' if count == 1 else 's'}{many}"


def _row(part: FlatVariable) -> tuple[str, str, str, str, str]:
    variable = part.variable
    default = "" if variable.default is None else repr(variable.plain(variable.default))
    when = "" if part.when is None else part.when.expression.text
    beliefs = [(name, getattr(variable, name, None)) for name in ("prior", "weights")]
    domain = variable.domain() + "".join(f", {name} {value}" for name, value in beliefs if value is not None)
    return part.name, type(variable).__name__, domain, default, when
