"""Reports in a real headless Chromium: no error, no request to any host, and a table that sorts and filters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from chromium import Page

import luthier as lt
from hostile import TEXTS, hostile_study
from luthier.render import escaped

SHOTS = Path(__file__).parents[2] / "out" / "screenshots"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROWS = "Array.from(document.querySelectorAll('table.virtual tbody tr:not(.filler)'))"
CELLS = f"{ROWS}.map(row => Array.from(row.children).map(cell => cell.textContent))"


def _type(place: int, text: str) -> str:
    """Give JavaScript that types into the filter of a column, and waits until it was heeded."""
    return f"""new Promise(done => {{
        const input = document.querySelectorAll('table.virtual .filters input')[{place}];
        input.value = {text!r};
        input.dispatchEvent(new Event('input'));
        setTimeout(done, 400);
    }})"""


def _is_quiet(page: Page, path: Path) -> None:
    assert page.complaints == []
    assert {url for url in page.requests if not url.startswith("data:")} == {path.absolute().as_uri()}


def _study(store: Path | None = None) -> lt.Study:
    space = {
        "kernel": lt.Choice("rbf", "poly", "linear"),
        "C": lt.Float(1e-2, 1e2, log=True, default=1.0),
        "gamma": lt.Float(1e-4, 1.0, log=True, when="kernel != 'linear'"),
    }
    study = lt.Study("digits", space, maximize="accuracy", method=lt.Random(), seed=2, store=store)

    def accuracy(trial: lt.RunningTrial) -> float:
        if trial["kernel"] == "poly" and trial["C"] > 10:
            raise ValueError("C is too large")
        for step in range(3):
            trial.report(0.3 * (step + 1))
        return 0.9 - abs(trial["C"] - 60) / 200 - 0.05 * abs(trial.get("gamma", 0.5) - 0.1)

    study.run(accuracy, trials=40, give_up_after=None)
    return study


def test_a_report_opens_without_a_complaint_or_a_request(tmp_path: Path) -> None:
    with _study() as study:
        path = study.report(tmp_path / "report.html")
    with Page() as page:
        page.open(path)
        page.screenshot(SHOTS / "report-light.png")
        assert page.evaluate("document.querySelectorAll('.picture svg.main-svg').length") >= 3
        numbers = [row[0] for row in page.evaluate(CELLS)]
        assert numbers[:3] == ["0", "1", "2"]
        page.evaluate("document.querySelectorAll('table.virtual thead button')[2].click()")  # accuracy: the best first
        values = [float(row[2]) for row in page.evaluate(CELLS) if row[2]]
        assert values == sorted(values, reverse=True) and len(values) > 5
        page.evaluate(_type(2, "> 0.7"))
        kept = page.evaluate(CELLS)
        assert kept and all(float(row[2]) > 0.7 for row in kept)
        page.evaluate(_type(3, "!rbf"))
        assert all(row[3] != "rbf" for row in page.evaluate(CELLS))
        page.evaluate(f"{ROWS}[0].querySelector('button').click()")
        assert "accuracy" in page.evaluate("document.querySelector('.detail').textContent")
        assert len(page.pdf()) > 10_000
        page.show(1100, 900, dark=True)
        page.open(path)
        page.screenshot(SHOTS / "report-dark.png")
        light_or_dark = "getComputedStyle(document.querySelector('.picture .main-svg')).backgroundColor"
        assert page.evaluate(light_or_dark) != "rgb(255, 255, 255)"
        page.show(390, 844, dark=False)
        page.open(path)
        page.screenshot(SHOTS / "report-phone.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        _is_quiet(page, path)


def test_hostile_texts_do_nothing_in_a_browser(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    with hostile_study(12) as study:
        study.report(path)
    with Page() as page:
        page.open(path)
        page.screenshot(SHOTS / "report-hostile.png")
        shown = page.evaluate("document.body.textContent")
        assert all(escaped(text) in shown for text in TEXTS)
        assert page.evaluate("document.querySelectorAll('img, iframe, form, object, embed').length") == 0
        assert (
            page.evaluate("Array.from(document.scripts).filter(one => one.textContent.includes('alert(1)')).length")
            <= 2
        )
        page.evaluate(f"{ROWS}[0].querySelector('button').click()")
        _is_quiet(page, path)


def test_without_plotly_the_pictures_are_images(tmp_path: Path) -> None:
    from luthier.report import drawings

    path = tmp_path / "report.html"
    with pytest.MonkeyPatch.context() as patch, _study() as study:
        patch.setattr(drawings, "check_backend", lambda backend: "matplotlib")
        study.report(path)
    with Page() as page:
        page.open(path)
        loaded = page.evaluate("Array.from(document.images).map(one => one.complete && one.naturalWidth > 0)")
        assert len(loaded) >= 3 and all(loaded)
        page.screenshot(SHOTS / "report-images.png")
        _is_quiet(page, path)


_LARGE = """
import sys, time
import luthier as lt

space = {"x": lt.Float(0, 1), "y": lt.Float(1e-3, 1, log=True), "k": lt.Choice("a", "b")}
study = lt.Study("large", space, minimize="loss", method=lt.Random(), seed=0, store=sys.argv[1])
rows = [{"x": (n * 0.618) % 1, "y": 0.001 + (n * 0.414) % 0.999, "k": "ab"[n % 2]} for n in range(50_000)]
study.add_many(rows, [(row["x"] - 0.3) ** 2 + row["y"] for row in rows])
study.close()
"""

_REPORT = """
import sys, time

start = time.process_time()
from luthier.cli import execute

assert execute(["report", sys.argv[1], "--out", sys.argv[2]]) == 0
seconds = time.process_time() - start
with open("/proc/self/status") as status:  # getrusage would count the memory of the process that started this one
    megabytes = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024
print(seconds, megabytes)
"""


def test_50_000_trials(tmp_path: Path) -> None:
    store, path = str(tmp_path / "large.db"), tmp_path / "large.html"
    subprocess.run([sys.executable, "-c", _LARGE, store], check=True)
    done = subprocess.run([sys.executable, "-c", _REPORT, store, str(path)], check=True, capture_output=True, text=True)
    seconds, megabytes = map(float, done.stdout.splitlines()[-1].split())
    print(f"{seconds:.1f} s of processor time, {megabytes:.0f} MB, a page of {path.stat().st_size / 1e6:.1f} MB")
    assert megabytes < 500
    with Page() as page:
        page.open(path)
        assert page.evaluate("document.querySelectorAll('table.virtual tr').length") < 100  # those in view alone
        page.evaluate("document.querySelectorAll('table.virtual thead button')[2].click()")
        page.evaluate("document.querySelector('.view').scrollTop = 1e9; new Promise(done => setTimeout(done, 300))")
        values = [float(row[2]) for row in page.evaluate(CELLS) if len(row) > 2]
        assert values == sorted(values) and values[-1] > 1.2
        assert page.evaluate("document.querySelector('.count').textContent") == "50,000 trials"
        _is_quiet(page, path)
