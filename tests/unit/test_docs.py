"""The documents: their links and the names of modules and files in them lead somewhere, and they have one form."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted(
    str(path.relative_to(REPOSITORY))
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/results/*.md")
    for path in REPOSITORY.glob(pattern)
    if path.parent.name != "api"  # made by `make docs`
)
DECISIONS = sorted((REPOSITORY / "docs" / "decisions").glob("0*.md"))
WIDTH = 100


def text(page: str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


def prose(page: str) -> str:
    """Give a page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text(page), flags=re.MULTILINE | re.DOTALL)


def slug(heading: str) -> str:
    """Give the anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def is_there(dotted: str) -> bool:
    """Tell whether a dotted name is a module, or an attribute of one."""
    module, _, attribute = dotted.rpartition(".")
    try:
        if find_spec(dotted) is not None:
            return True
    except ModuleNotFoundError:
        pass
    try:
        return bool(module) and hasattr(import_module(module), attribute)
    except ModuleNotFoundError:
        return False


def long_lines(page: str) -> list[str]:
    """Give the lines of prose that are too long."""
    lines = prose(page).splitlines()
    return [line for line in lines if len(line) > WIDTH and not line.startswith("|") and " " in line.strip()]


def lost_links(page: str) -> list[str]:
    """Give the links to files and headings that are not there."""
    wrong = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if link.startswith(("https://", "http://")):
            continue
        file, _, anchor = link.partition("#")
        target = (REPOSITORY / page).parent / file if file else REPOSITORY / page
        if not target.exists():
            wrong.append(link)
        elif anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            wrong += [link] if anchor not in map(slug, headings) else []
    return wrong


def lost_names(page: str) -> list[str]:
    """Give the names of modules and files that are not there."""
    quoted = re.findall(r"`([^`\n]+)`", prose(page))
    modules = {name for name in quoted if re.fullmatch(r"luthier(\.\w+)+", name)}
    files = {name for name in quoted if re.fullmatch(r"(src|tests|benchmarks|docs|examples|luthier)(/[\w.-]+)+", name)}
    roots = (REPOSITORY, REPOSITORY / "src")
    return [
        *sorted(name for name in modules if not is_there(name)),
        *sorted(name for name in files if not any((root / name).exists() for root in roots)),
    ]


@pytest.mark.parametrize("wrong", [long_lines, lost_links, lost_names], ids=lambda find: find.__name__)
def test_pages_have_short_lines_and_what_they_name_is_there(wrong: Callable[[str], list[str]]) -> None:
    assert {page: found for page in PAGES if (found := wrong(page))} == {}


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name[:4])
def test_a_decision_has_the_one_form_and_is_listed(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    title, *headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    assert headings == ["Context", "Choice", "What it gave", "Rejected", "Consequences"]
    assert title.startswith(f"{path.name[:4]} ")
    index = (path.parent / "README.md").read_text(encoding="utf-8")
    assert f"| [{path.name[:4]}]({path.name}) | {title[5:]} |" in index


def test_each_decision_is_listed_once_and_in_order() -> None:
    listed = re.findall(r"^\| \[\d+\]\(([^)]+)\)", text("docs/decisions/README.md"), re.MULTILINE)
    assert listed == [path.name for path in DECISIONS]
