"""HTML of a report: one page that needs no network and lets nothing in.

Every text is escaped, scripts are named by their digests in the page's content security policy, and that policy allows
no request to anywhere: what a user wrote can neither be run nor sent.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Collection, Iterable, Iterator, Sequence
from importlib.resources import files

from luthier.render import escaped, number
from luthier.report.document import (
    Block,
    Cell,
    Code,
    DataTable,
    Document,
    Facts,
    Figure,
    Inline,
    Mono,
    Paragraph,
    ReportSection,
    Share,
    StepList,
    TrialList,
)
from luthier.report.drawings import Drawings
from luthier.report.percentage import percent
from luthier.report.trial_data import page_json, trial_json


def html_page(document: Document, drawings: Drawings, maximized: Collection[str] = ()) -> Iterator[bytes]:
    """Write a report as HTML in UTF-8, part by part: the page of a large study need not be in memory as a whole.

    Args:
        document: the report.
        drawings: its pictures.
        maximized: the objectives that are maximized: their columns are sorted downwards first.
    """
    lists = [block for section in document.sections for block in section.blocks if isinstance(block, TrialList)]
    scripts = [drawings.library] if drawings.interactive else []
    scripts += [asset("trial_table.js").encode() for _ in lists]
    scripts.append(asset("page.js").encode())
    yield _head(document, scripts)
    for section in document.sections:
        yield _encoded(f"{_section(section, drawings)}\n")
    yield _encoded(f"</main>\n<footer>{html.escape(document.made)}</footer>\n")
    for block in lists:
        yield from _data("trial-data", trial_json(block, maximized))
    if drawings.interactive:
        yield from _data("figure-data", [page_json(drawings.interactive)])
    for script in scripts:
        yield from (b"<script>", script, b"</script>")
    yield b"\n</body>\n</html>\n"


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _head(document: Document, scripts: Sequence[bytes]) -> bytes:
    """Write the beginning of the page, up to the first section."""
    title = html.escape(escaped(document.name))
    links = "".join(f'<li><a href="#{one.key}">{html.escape(one.title)}</a></li>' for one in document.sections)
    return _encoded(f"""<!DOCTYPE html>
<html lang="{document.language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="Luthier">
<link rel="icon" href="data:,">
<title>{title}: report</title>
<style>
{asset("report.css")}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header>
<h1><small>Tuning report</small> <bdi>{title}</bdi></h1>
<p class="summary">{_inline(document.summary)}</p>
</header>
<nav aria-label="Sections"><ul>{links}</ul></nav>
<main id="main">
""")


def asset(name: str) -> str:
    """Read a style sheet or a script of the page."""
    return (files("luthier.report") / "assets" / name).read_text(encoding="utf-8")


def _policy(scripts: Sequence[bytes]) -> str:
    """Write the content security policy: these scripts alone run, and nothing is requested from anywhere."""
    digests = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _data(key: str, parts: Iterable[str]) -> Iterator[bytes]:
    yield f'<script type="application/json" id="{key}">'.encode()
    yield from map(_encoded, parts)
    yield b"</script>\n"


def _section(section: ReportSection, drawings: Drawings) -> str:
    blocks = "\n".join(_block(block, f"{section.key}-{place}", drawings) for place, block in enumerate(section.blocks))
    head = f'<h2 id="{section.key}-title">{html.escape(section.title)}</h2>'
    return f'<section id="{section.key}" aria-labelledby="{section.key}-title">\n{head}\n{blocks}\n</section>'


def _block(block: Block, key: str, drawings: Drawings) -> str:
    match block:
        case Paragraph(text, kind):
            return f'<p class="{kind}">{_inline(text)}</p>'
        case Facts(rows):
            lines = "".join(f"<dt>{html.escape(label)}</dt><dd>{_inline(text)}</dd>" for label, text in rows)
            return f'<dl class="facts">{lines}</dl>'
        case StepList(items):
            return f'<ol class="steps">{"".join(_step(*item) for item in items)}</ol>'
        case Code(text, _, label):
            return _code(text, label, key)
        case DataTable():
            return _table(block)
        case Figure():
            return _figure(block, drawings)
        case TrialList(_, total):
            note = f"The table of {total:,} trials needs JavaScript: luthier export writes it to a file."
            hint = "Click a title to sort. Filters take text, and of numbers &gt; 0.5, &lt;= 3 or 0.1..0.9."
            return f'<p class="note">{hint}</p><div id="trial-table"></div><noscript><p>{note}</p></noscript>'


def _inline(text: Inline) -> str:
    return "".join(_mono(part.text) if isinstance(part, Mono) else html.escape(part) for part in text)


def _mono(text: str) -> str:
    return f"<code><bdi>{html.escape(escaped(text))}</bdi></code>"


def _step(headline: Inline, why: Inline, code: str) -> str:
    shown = f"<pre><code>{html.escape(escaped(code))}</code></pre>" if code else ""
    return f"<li><strong>{_inline(headline)}</strong> {_inline(why)}{shown}</li>"


def _code(text: str, label: str, key: str) -> str:
    words, code = html.escape(label), html.escape(escaped(text))
    return (
        f'<figure class="code"><figcaption>{words}</figcaption>'
        f'<pre tabindex="0" aria-label="{words}"><code id="code-{key}">{code}</code></pre>'
        f'<button type="button" class="copy" aria-controls="code-{key}" hidden>Copy</button></figure>'
    )


def _table(table: DataTable) -> str:
    numeric = [
        all(isinstance(row[place], int | float | Share | None) for row in table.rows) and bool(table.rows)
        for place in range(len(table.head))
    ]
    kinds = ["number" if one else "words" for one in numeric]
    heads = "".join(
        f'<th scope="col" class="{kind}">{_cell(cell)}</th>' for cell, kind in zip(table.head, kinds, strict=True)
    )
    body = "".join(f"<tr>{''.join(_cells(row, kinds))}</tr>" for row in table.rows)
    caption = html.escape(table.caption)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{caption}"><table><caption>{caption}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cells(row: Sequence[Cell], kinds: Sequence[str]) -> Iterator[str]:
    for place, (cell, kind) in enumerate(zip(row, kinds, strict=True)):
        tag, scope = ("th", ' scope="row"') if place == 0 else ("td", "")
        yield f'<{tag}{scope} class="{kind}">{_cell(cell)}</{tag}>'


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Mono):
        return _mono(cell.text)
    if isinstance(cell, Share):
        wide = min(1.0, max(0.0, cell.value))
        return f'{percent(cell.value)}<span class="bar" aria-hidden="true"><i style="width: {wide:.1%}"></i></span>'
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}"
    return html.escape(number(cell) if isinstance(cell, float) else str(cell))


def _figure(figure: Figure, drawings: Drawings) -> str:
    key, words = figure.key, html.escape(escaped(figure.alt))
    if key in drawings.interactive:
        inner = f'<div class="picture" id="figure-{key}" role="img" aria-label="{words}"></div>'
    elif key in drawings.images:
        light, dark = drawings.images[key]
        source = f'<source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        inner = f'<div class="picture"><picture>{source}<img src="{light}" alt="{words}"></picture></div>'
    else:
        return ""
    notes = "; ".join(figure.notes)
    below = f'<p class="note">{html.escape(escaped(notes))}</p>' if notes else ""
    return f"<figure><figcaption>{html.escape(figure.caption)}</figcaption>{inner}{below}</figure>"
