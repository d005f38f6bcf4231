"""Pictures as files: the gallery of studies, and interactive pages in a real browser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from chromium import Page

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "unit"))

import plotted_studies  # noqa: E402


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_gallery_draws_every_kind_that_a_study_has(tmp_path: Path) -> None:
    command = [sys.executable, "gallery.py", str(tmp_path), "only_failures", "one_trial", "constrained"]
    done = subprocess.run(command, cwd=REPOSITORY / "examples", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    names = {path.name for path in tmp_path.iterdir()}
    for name, kinds in (
        ("only_failures", {"history", "timeline", "cost", "failures"}),
        ("one_trial", {"history", "slice", "parallel", "rank", "edf", "timeline", "cost"}),
        ("constrained", {"history", "slice", "importance", "dependence", "contour", "ablation", "failures"}),
    ):
        drawn = {one.removeprefix(f"{name}-").removesuffix(".html") for one in names if one.startswith(f"{name}-")}
        assert kinds <= drawn
        assert "front" not in drawn
        assert all({f"{name}-{kind}.png", f"{name}-{kind}-dark.png"} <= names for kind in kinds)
    assert "it needs two objectives" in (tmp_path / "index.html").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_pages_are_drawn_without_a_complaint_or_a_request_and_show_texts_as_they_are(tmp_path: Path) -> None:
    """A browser would run what a name smuggled in, and say what plotly cannot draw."""
    pages = [(plotted_studies.hostile(), kind) for kind in ("history", "parallel")]
    pages.append((plotted_studies.conditional(), "contour"))
    with Page() as browser:
        for study, kind in pages:
            file = tmp_path / f"{kind}.html"
            figure = study.plot.draw(kind, backend="plotly", theme="dark")
            file.write_text(figure.to_html(include_plotlyjs=True), "utf-8")
            browser.open(file)
            drawn = "document.querySelectorAll('.plotly .main-svg').length"
            assert browser.evaluate(drawn) > 0, kind
            smuggled = "document.querySelectorAll('a[href^=javascript], img[src=x], b, .plotly script').length"
            assert browser.evaluate(smuggled) == 0, kind
            if study.name.startswith("<b>"):
                assert "<b>bold</b>" in browser.evaluate("document.querySelector('.infolayer').textContent"), kind
    assert browser.complaints == []
    assert {url.partition("/")[0] for url in browser.requests} <= {"file:", "data:", "blob:"}
