"""The Sphinx extension of the site: generated references, links from code in text, blocks without a lexer."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments.lexers.special import TextLexer
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

from site_pages import api
from site_pages.command_line import command_line
from site_pages.study_file import study_file

REFERENCES: dict[str, Callable[[], str]] = {"study-file": study_file, "command-line": command_line}
_CODE = re.compile(r"(?:lt\.|luthier\.|(study)\.)(\w+(?:\.\w+)*)(?:\(.*\)| = .*)?", re.DOTALL)


class Reference(SphinxDirective):
    """A reference that is made from the code: ``{reference} study-file``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make it, and parse it as a part of the page."""
        return self.parse_text_to_nodes(REFERENCES[self.arguments[0]](), allow_section_headings=True)


class CodeLinks(SphinxTransform):
    """Make ``lt.Float`` and ``study.tell(…)`` in a page lead to their pages."""

    default_priority = 200

    def apply(self, **kwargs: Any) -> None:
        """Wrap each literal that names something public."""
        for literal in list(self.document.findall(nodes.literal)):
            match = _CODE.fullmatch(literal.astext())
            if match is None or isinstance(literal.parent, nodes.reference | pending_xref):
                continue
            target = f"luthier.Study.{match[2]}" if match[1] else f"luthier.{match[2]}"
            link = pending_xref(
                "", refdomain="py", reftype="obj", reftarget=target, refdoc=self.env.docname, refexplicit=True,
                refwarn=False,
            )  # fmt: skip
            literal.replace_self(link)
            link += literal


_COLON = "\ue000"
"""Stands for a colon in the docstring of an attribute until Napoleon, for which a type ends there, has read it."""


def hide_colons(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Keep what the docstring of an attribute says before a colon from being taken for its type."""
    if what in ("attribute", "property", "data"):
        lines[:1] = [line.replace(":", _COLON) for line in lines[:1]]


def escape_docstring(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Escape what a docstring of the house means literally, and reStructuredText would take for a mark."""
    text = re.sub(r"`` (`[^`]+`) ``", r"``\1``", "\n".join(lines).replace(_COLON, ":"))
    pieces = re.split(r"(``.+?``(?!`)|`[^`]+`)", text, flags=re.DOTALL)
    pieces[::2] = [re.sub(r"\||(?<=\w)_(?=\W|$)", lambda found: f"\\{found[0]}", piece) for piece in pieces[::2]]
    lines[:] = "".join(pieces).split("\n")


def write_pages(app: Sphinx) -> None:
    """Write the page of every public name, those that changed only."""
    folder = Path(app.srcdir) / "docs" / "reference" / "api"
    folder.mkdir(exist_ok=True)
    wanted = api.pages()
    for old in folder.iterdir():
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        page = folder / name
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def lead_to_index(app: Sphinx, error: Exception | None) -> None:
    """Have the top of the site lead to the documents' first page."""
    if error is None and app.builder.format == "html":
        target = '<meta http-equiv="refresh" content="0; url=docs/index.html">'
        (Path(app.outdir) / "index.html").write_text(f"<!doctype html><title>Luthier</title>{target}\n", "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything."""
    app.add_directive("reference", Reference)
    app.add_transform(CodeLinks)
    for language in ("mermaid",):
        app.add_lexer(language, TextLexer)
    app.connect("autodoc-process-docstring", hide_colons, priority=100)
    app.connect("autodoc-process-docstring", escape_docstring, priority=900)
    app.connect("builder-inited", write_pages)
    app.connect("build-finished", lead_to_index)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
