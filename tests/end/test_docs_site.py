"""The site of the documents: built without a warning, with links that lead somewhere and a search that finds."""

from __future__ import annotations

import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from chromium import Page

REPOSITORY = Path(__file__).parents[2]
WORDS = ("learn_from", "change", "add", "front", "report", "violations", "retry", "noisy")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "--fail-on-warning", "--keep-going", "--quiet"]
    done = subprocess.run(
        [*command, "--conf-dir", "docs", ".", str(folder)], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return folder


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_search_finds_what_people_look_for(site: Path) -> None:
    from sphinx.search.en import SearchEnglish

    stem = SearchEnglish({}).stem
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    found = {word: stem(word.lower()) in index["terms"] or stem(word.lower()) in index["titleterms"] for word in WORDS}
    assert [word for word, is_there in found.items() if not is_there] == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_references_and_links_from_code_are_there(site: Path) -> None:
    page = (site / "docs" / "reference" / "study-file.html").read_text(encoding="utf-8")
    assert "whole number from 1 on" in page
    spaces = (site / "docs" / "guide" / "spaces.html").read_text(encoding="utf-8")
    assert 'href="../reference/api/Float.html#luthier.Float"' in spaces
    assert (site / "index.html").is_file()


class Anchors(HTMLParser):
    """The anchors and links of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        given = dict(attrs)
        self.anchors |= {given[key] or "" for key in ("id", "name") if given.get(key)}
        self.links += [unquote(given[key] or "") for key in ("href", "src") if given.get(key)]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_link_leads_to_a_page_and_an_anchor_that_are_there(site: Path) -> None:
    pages = {page.resolve(): Anchors(page) for page in site.rglob("*.html")}
    wrong = []
    for page, found in pages.items():
        for link in found.links:
            if link.startswith(("http:", "https:", "mailto:", "data:")):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path.partition("?")[0]).resolve() if path else page
            if not target.exists() or (anchor and target in pages and anchor not in pages[target].anchors):
                wrong.append(f"{page.name}: {link}")
    assert wrong == []
    assert sum(len(found.links) for found in pages.values()) > 10_000


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_search_page_leads_to_guides(site: Path) -> None:
    guides = {
        "learn_from": "Old results and warm starts", "change": "Changing a space", "add": "luthier.Study.add",
        "front": "Several objectives", "report": "Reports: one page about a study", "violations": "Outcome constraints",
        "retry": "Trials that fail, are pruned, or were wrong", "noisy": "Noise: noisy objectives",
    }  # fmt: skip
    found = "new Promise(done => setTimeout(() => done([...document.querySelectorAll('#search-results li > a')]" + (
        ".slice(0, 3).map(link => link.textContent)), 50))"
    )
    with Page() as page:
        for word, title in guides.items():
            page.open(site / "search.html", f"q={word}")
            while len(first := page.evaluate(found)) < 3:
                pass
            assert title in first, word
