"""Reports: what they say, in HTML and in Markdown, and that users' texts stay texts."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import luthier as lt
from hostile import TEXTS, hostile_study
from luthier.errors import InvalidResult, InvalidSetting, NoResult
from luthier.render import escaped, replace_file
from luthier.report import drawings, figures, html_page, report_text
from luthier.report.advice import at_edges, poor_options
from luthier.report.drawings import differences
from luthier.report.findings import Findings
from luthier.report.markdown_page import code_block, code_span
from luthier.report.sections.reproduction import method_code, study_code
from luthier.report.trial_data import page_json

ALLOWED = set(
    re.findall(
        r"\w+",
        "html head meta link title style script body a header h1 small bdi p code nav ul ol li main section h2 figure "
        "figcaption pre button dl dt dd div table caption thead tbody tr th td span i strong noscript footer",
    )
)
"""The elements of a page without pictures."""


class _Elements(HTMLParser):
    """The elements of a page, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: dict[str, str] = {}
        self._inside: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self._inside = dict(attrs).get("id") or f"script {len(self.scripts)}"

    def handle_endtag(self, tag: str) -> None:
        self._inside = None if tag == "script" else self._inside

    def handle_data(self, data: str) -> None:
        if self._inside is not None:
            self.scripts[self._inside] = self.scripts.get(self._inside, "") + data
        else:
            self.texts.append(data)


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out pictures, which take seconds to draw and have tests of their own."""
    monkeypatch.setattr(figures, "_PICTURES", {})


def _study(**values: Any) -> lt.Study:
    study = lt.Study(
        "s", {"x": lt.Float(0.5, 10), "k": lt.Choice("a", "b")}, minimize="loss", method=lt.Random(), seed=3
    )
    study.add_many([{"x": 1.0, "k": "a"}, {"x": 9.99, "k": "b"}], [2.0, 1.5])
    return study


# --- hostile texts ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_pictures")
def test_hostile_texts_are_texts_in_html() -> None:
    with hostile_study() as study:
        page = _Elements(report_text(study))
    assert {tag for tag, _ in page.tags} <= ALLOWED
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    links = [
        attributes[name] or ""
        for _, attributes in page.tags
        for name in ("href", "src", "srcset")
        if name in attributes
    ]
    assert all(link.startswith(("#", "data:")) for link in links)
    said = "".join(page.texts)
    for text in TEXTS:
        assert escaped(text) in said
    data = json.loads(page.scripts["trial-data"])
    assert {escaped(text) for text in TEXTS} <= {column["name"] for column in data["columns"]}
    assert "\u202e" not in said and "\x1b" not in said


def test_hostile_texts_are_code_in_markdown() -> None:
    with hostile_study() as study:
        page = report_text(study, "md")
    outside = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", page, flags=re.MULTILINE | re.DOTALL)
    outside = re.sub(r"(?<![`\\])(`+)(?!`)(.*?)(?<!`)\1(?!`)", "", outside)
    for sign in ("<", "script", "alert", "@", "http:", "javascript:", "\x1b", "\u202e"):
        assert sign not in outside, (sign, outside)
    widths = [line.replace("\\|", "").count("|") for line in page.splitlines() if line.startswith("| ")]
    assert len(set(widths)) <= 8  # no cell of a table is broken in two


def test_data_in_a_page_cannot_end_its_element() -> None:
    text = page_json({text: [text] for text in TEXTS})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {text: [text] for text in TEXTS}


@pytest.mark.parametrize("text", ["plain", "`", "a``b", "``` fence", "", "two\nlines"])
def test_code_in_markdown_is_fenced_by_more_backticks_than_it_has(text: str) -> None:
    span = code_span(text)
    fence = re.match("`+", span)
    assert fence is not None and span.endswith(fence[0]) and fence[0] not in text and "\n" not in span
    block = code_block(text, "python").splitlines()
    assert block[-1] not in text and block[0] == f"{block[-1]}python"


def test_hostile_texts_are_texts_in_notebooks() -> None:
    with hostile_study(2) as study:
        for shown in (study, study.space, study.trials[0], study.ask()):
            page = _Elements(shown._repr_html_())
            tags = {tag for tag, _ in page.tags}
            assert tags <= {"h4", "p", "table", "caption", "thead", "tbody", "tr", "th", "td", "ul", "li", "code"}
            assert TEXTS[1] in "".join(page.texts)


# --- the page --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_pictures")
def test_only_the_scripts_of_the_page_may_run_and_nothing_is_requested() -> None:
    with _study() as study:
        page = _Elements(report_text(study))
    policy = next(attributes["content"] for _, attributes in page.tags if "http-equiv" in attributes)
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-") and "unsafe-eval" not in policy
    for name, script in page.scripts.items():
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert (f"'sha256-{digest}'" in policy) is name.startswith("script ")
    assert "http://" not in policy and "https://" not in policy and "*" not in policy
    for tag, attributes in page.tags:
        if tag == "th":
            assert attributes["scope"] in ("col", "row")
    assert sum(tag == "main" for tag, _ in page.tags) == sum(tag == "h1" for tag, _ in page.tags) == 1


@pytest.mark.usefixtures("no_pictures")
def test_a_report_says_what_is_best_and_how_to_make_it_again() -> None:
    with _study() as study:
        study.tell(study.ask(), failed="ValueError: no")
        html, markdown = report_text(study, "html", "luthier run s.toml"), report_text(study, "md")
    for text in (
        "Best values",
        "What mattered",
        "What to try next",
        "How time was spent",
        "All trials",
        "luthier run s.toml",
    ):
        assert text in html
    assert "`loss` = 1.5 (minimized), in trial 1 of 3 trials" in markdown
    assert "1 of 3 trials failed (33 %)" in markdown and "| failed | `ValueError` | 1 |" in markdown
    assert "params = {\n    'x': 9.99,\n    'k': 'b',\n}" in markdown


@pytest.mark.usefixtures("no_pictures")
def test_a_report_of_several_objectives_has_the_front() -> None:
    with lt.Study("s", {"x": lt.Float(0, 1)}, minimize=("a", "b"), method=lt.Random()) as study:
        study.add_many([{"x": 0.1}, {"x": 0.2}, {"x": 0.3}], [(1, 3), (2, 2), (3, 3)])
        page = report_text(study, "md")
    assert "2 trials are dominated by no other one in `a` (minimized), `b` (minimized)" in page
    assert "| 0 | 1 | 3 | `0.1` |" in page and "| 2 | 3 |" not in page


@pytest.mark.usefixtures("no_pictures")
def test_a_report_of_failures_alone_says_so() -> None:
    with lt.Study("s", {"x": lt.Float(0, 1)}, minimize="loss", method=lt.Random(), seed=0) as study:
        study.tell(study.ask(), failed="OSError: disk")
        page = report_text(study)
    assert "ended as failed" in page and "OSError" in page


def test_pictures_are_inlined_once_and_differ_by_theme_in_few_places() -> None:
    with _study() as study:
        page = _Elements(report_text(study))
    library = [script for script in page.scripts.values() if "plotly.js" in script[:500]]
    assert len(library) == 1
    shown = json.loads(page.scripts["figure-data"])
    assert "history" in shown and shown["history"]["dark"]
    assert any(attributes.get("id") == "figure-history" and attributes["aria-label"] for _, attributes in page.tags)


def test_without_plotly_pictures_are_images_and_without_both_the_page_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kinds = {"best": (("history", "The values"),)}
    monkeypatch.setattr(figures, "_PICTURES", kinds)
    with _study() as study:
        monkeypatch.setattr(drawings, "check_backend", lambda backend: "matplotlib")
        page = _Elements(report_text(study))
        image = next(attributes for tag, attributes in page.tags if tag == "img")
        assert (image["src"] or "").startswith("data:image/svg+xml;base64,") and "history" in (image["alt"] or "")
        monkeypatch.setattr(figures, "can_draw", lambda: False)
        assert "pip install &#x27;luthier[plot]&#x27;" in report_text(study)


def test_differences_of_plain_values() -> None:
    before, after = {"a": [1, {"b": "x"}], "c": 2}, {"a": [1, {"b": "y"}], "c": 3}
    assert list(differences(before, after)) == [(("a", 1, "b"), "y"), (("c",), 3)]
    assert list(differences({"a": 1}, {"b": 1})) == [((), {"b": 1})]


# --- advice ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "best", "code"),
    [
        (lt.Float(1e-2, 1e2, log=True), 99.9, "'x': lt.Float(0.01, 10000.0, log=True),"),
        (lt.Float(1e-2, 1e2, log=True), 1e-2, "'x': lt.Float(0.0001, 100.0, log=True),"),
        (lt.Float(-1, 1), 1.0, "'x': lt.Float(-1.0, 2.0),"),
        (lt.Int(2, 5), 5, "'x': lt.Int(2, 7),"),
        (lt.Float(0, 1), 1.0, ""),  # a share has no more
        (lt.Float(0, 5), 0.0, ""),
        (lt.Int(1, 9), 1, ""),
        (lt.Float(-1, 1), 0.9, ""),
    ],
)
def test_ranges_are_widened_where_the_best_lies_at_an_end(variable: lt.Float | lt.Int, best: float, code: str) -> None:
    with lt.Study("s", {"x": variable}, minimize="loss", method=lt.Random(), seed=0) as study:
        study.add({"x": best}, 1.0)
        assert [one.code for one in at_edges(Findings(study))] == ([code] if code else [])


def test_options_that_are_worse_than_most_are_left_out() -> None:
    with lt.Study("s", {"k": lt.Choice("a", "b", "c"), "x": lt.Float(0, 1)}, maximize="y", method=lt.Random()) as study:
        rows = [{"k": "abc"[n % 3], "x": n / 20} for n in range(18)]
        study.add_many(rows, [0.1 if row["k"] == "b" else 1.0 + row["x"] for row in rows])
        (one,) = poor_options(Findings(study))
    assert "Leave out " in one.headline and one.why[0].startswith("The best of 6 trials")


# --- reproduction ----------------------------------------------------------------------------------------


def test_the_code_of_a_study_makes_it_again() -> None:
    for study in (_study(), hostile_study()):
        with study:
            code = study_code(Findings(study))
            made: dict[str, Any] = {}
            exec(code, made)
            again: lt.Study = made["study"]
            assert again.space == study.space and again.seed == study.seed and again.name == study.name
            assert again.problem.objectives == study.problem.objectives
            assert study.reader.method_spec is None or again.method == study.method
            again.close()


def test_the_code_of_a_method_gives_it_back() -> None:
    from luthier.method import to_plain

    methods = (lt.Bayes(surrogate=lt.Forest(), acquisition=lt.UCB(2.0)), lt.Random(), lt.Quasi("halton"))
    for method in methods:
        assert eval(method_code(to_plain(method)), {"lt": lt}) == method


# --- bad input -------------------------------------------------------------------------------------------


def test_what_cannot_be_reported_is_refused(tmp_path: Path) -> None:
    with _study() as study, lt.Study("none", {"x": lt.Float(0, 1)}, minimize="y") as empty:
        with pytest.raises(NoResult, match="no trials yet"):
            empty.report(tmp_path / "a.html")
        for path, form, says in (
            ("a.pdf", None, "what format is"),
            ("a.html", "pdf", "html, or md"),
            ("no/a.html", None, "there is no folder"),
            (".", "html", "is a folder"),
        ):
            with pytest.raises(InvalidSetting, match=says):
                study.report(tmp_path / path, form=form)
        with pytest.raises(InvalidResult, match="needs a value"):
            study.report(0)  # type: ignore[call-overload]
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**given: Path) -> None:
        raise PermissionError(13, "Permission denied", str(given["dir"] / "tmpab12"))

    target = tmp_path / "a.html"
    with monkeypatch.context() as patch, _study() as study:
        patch.setattr("tempfile.TemporaryFile", refuse)
        with pytest.raises(PermissionError, match=re.escape(f"[Errno 13] Permission denied: {str(target)!r}")):
            study.report(target)
    monkeypatch.setattr("os.link", lambda *given, **more: (_ for _ in ()).throw(OSError(95, "not supported")))
    replace_file(target, (part.encode() for part in ("one ", "two")))  # where no name can be given to what was written
    assert target.read_text("utf-8") == "one two" and list(tmp_path.iterdir()) == [target]


def test_a_report_never_replaces_a_store(tmp_path: Path) -> None:
    for name in ("mine.html", "other.html"):
        with lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", store=f"sqlite:///{tmp_path / name}") as study:
            study.add({"x": 0.5}, 1.0)
    with lt.Study("s", store=tmp_path / "mine.html") as study:
        for name in ("mine.html", "other.html"):
            before = (tmp_path / name).read_bytes()
            with pytest.raises(InvalidSetting, match=r"store|SQLite"):
                study.report(tmp_path / name)
            assert (tmp_path / name).read_bytes() == before


def test_every_asset_is_there() -> None:
    for name in ("report.css", "page.js", "trial_table.js"):
        assert "\n" in html_page.asset(name)
