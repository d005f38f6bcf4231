"""Display of a space, as text and as HTML for a notebook."""

from __future__ import annotations

import html

from luthier.space.flattening import FlatSpace, FlatVariable


def describe(flat: FlatSpace, size: int | None) -> str:
    """Return a line for each variable and each constraint.

    Args:
        flat: the space.
        size: the number of its configurations; None where it is not finite.
    """
    rows = [_row(part) for part in flat.parts]
    names = [name if name.isidentifier() else repr(name) for name, *_ in rows]
    wide = max(map(len, names))
    kinds = max(len(row[1]) for row in rows)
    lines = [_title(flat, size)]
    for name, (_, kind, domain, default, when) in zip(names, rows, strict=True):
        more = "".join([f", default {default}" if default else "", f"   when {when}" if when else ""])
        lines.append(f"  {name:<{wide}}  {kind:<{kinds}}  {domain}{more}")
    lines += [f"  require {rule.text}" for rule in flat.rules]
    return "\n".join(lines)


def describe_html(flat: FlatSpace, size: int | None) -> str:
    """Return an HTML table with every text in it escaped; see `describe`."""
    heads = "".join(f"<th>{head}</th>" for head in ("variable", "kind", "values", "default", "active when"))
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in _row(part))}</tr>" for part in flat.parts)
    rules = "".join(f"<li><code>{html.escape(rule.text)}</code></li>" for rule in flat.rules)
    tail = f"<p>require</p><ul>{rules}</ul>" if rules else ""
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    return f"<p>{html.escape(_title(flat, size))}</p>{table}{tail}"


def _title(flat: FlatSpace, size: int | None) -> str:
    count = len(flat.names)
    many = "" if size is None else f", {size:,} configurations" + (" before constraints" if flat.rules else "")
    return f"Space of {count} variable{'' if count == 1 else 's'}{many}"


def _row(part: FlatVariable) -> tuple[str, str, str, str, str]:
    variable = part.variable
    default = "" if variable.default is None else repr(variable.plain(variable.default))
    when = "" if part.when is None else part.when.expression.text
    expected = [(name, getattr(variable, name, None)) for name in ("prior", "weights")]
    domain = variable.domain() + "".join(f", {name} {value}" for name, value in expected if value is not None)
    return part.name, type(variable).__name__, domain, default, when
