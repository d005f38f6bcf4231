"""The progress reporter that a run gets, and the page that it shows in a notebook."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

import luthier as lt
from luthier.errors import InvalidSetting, MissingDependency
from luthier.run import Budget, LineReporter, SilentReporter
from luthier.run.progress import notebook, reporter_choice

Pages = list[str]


def _study() -> lt.Study:
    return lt.Study("<b>s</b>", {"x": lt.Float(0, 1)}, minimize="loss", method=lt.Random(), seed=0)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Pages:
    """Stand in for a notebook: what it shows, oldest first."""
    shown: Pages = []

    class Handle:
        def update(self, page: str) -> None:
            shown.append(page)

    def display(page: str, display_id: bool) -> Handle:
        assert display_id
        shown.append(page)
        return Handle()

    ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(HTML=str, display=display))
    return shown


def test_outside_a_notebook_there_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with _study() as study:
        made = [
            reporter_choice.make_reporter(*choice, study.reader, Budget()) for choice in ((False, False), (True, False))
        ]
        assert [type(one) for one in made] == [SilentReporter, LineReporter]
        study.run(lambda trial: trial["x"], trials=2, live=True)
    assert capsys.readouterr().err.startswith("1/2 trials, best loss = ")


def test_what_is_no_reporter_is_refused_before_anything_runs() -> None:
    with _study() as study:
        for settings, says in (
            ({"progress": "bar"}, "a reporter with began, ended, notice"),
            ({"progress": SilentReporter(), "live": True}, "leave progress out"),
            ({"live": 1}, "live=1"),
        ):
            with pytest.raises(InvalidSetting, match=says):
                study.run(lambda trial: 0.0, trials=1, **settings)  # type: ignore[arg-type]
        assert len(study) == 0


def test_a_notebook_has_one_output_in_which_everything_is_escaped(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook, "_EVERY_S", 0.0)

    def loss(trial: lt.RunningTrial) -> float:
        if trial.number == 1:
            raise ValueError("<script>")
        return float(trial["x"])

    with _study() as study:
        study.run(loss, trials=4, progress=True)
    assert len(pages) > 4 and "0/4" in pages[0] and "4/4" in pages[-1]
    assert "best: loss" in pages[-1] and "trial 1 ended as failed: ValueError: &lt;script&gt;" in pages[-1]
    assert not any("<b>" in page or "<script>" in page for page in pages)


def test_a_picture_that_fails_ends_no_run(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(study: Any) -> str:
        raise RuntimeError("no ink")

    monkeypatch.setattr(reporter_choice, "live_history", broken)
    with _study() as study:
        study.run(lambda trial: 0.0, trials=2, live=True)
        assert len(study) == 2
    assert "there is no picture any more: RuntimeError: no ink" in pages[-1]


def test_a_live_picture_needs_matplotlib(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporter_choice, "find_spec", lambda name: None)
    with _study() as study, pytest.raises(MissingDependency, match=r"luthier\[plot\]"):
        study.run(lambda trial: 0.0, trials=2, live=True)
