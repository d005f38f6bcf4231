"""``luthier report``, and the report at the end of ``luthier run``."""

from __future__ import annotations

from pathlib import Path

import pytest

import luthier as lt
from luthier.cli import execute
from luthier.report import figures

Say = pytest.CaptureFixture[str]

STUDY = """\
[study]
name = "small"
minimize = "loss"
report = "pages/small.md"

[objective]
python = "objective:loss"

[space]
x = {float = [0, 1]}

[method]
use = "Random"

[budget]
trials = 2

[executor]
kind = "inline"
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with one study, in the current folder; no pictures are drawn."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(figures, "_PICTURES", {})
    with lt.Study("one", {"x": lt.Float(0, 1)}, minimize="loss", store="one.db", seed=1) as study:
        study.add_many([{"x": 0.5}, {"x": 0.25}], [2.0, 1.0])
    return tmp_path / "one.db"


def test_a_report_is_written_where_one_says(store: Path, capsys: Say) -> None:
    assert execute(["report"]) == 0 and "wrote report.html" in capsys.readouterr().out
    assert Path("report.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert execute(["report", "one.db", "--out", "pull.md"]) == 0
    assert Path("pull.md").read_text("utf-8").startswith("# Tuning report: `one`")
    assert execute(["report", "one.db", "--format", "md"]) == 0
    assert "`loss` = 1 (minimized)" in capsys.readouterr().out


def test_a_mistake_is_told_and_nothing_is_written(store: Path, capsys: Say) -> None:
    before, there = store.read_bytes(), sorted(Path().iterdir())
    for out, says in (
        ("one.db", "is the store of study"),
        ("a.pdf", "what format is"),
        ("no/a.html", "create it first"),
        (".", "is a folder"),
    ):
        assert execute(["report", "one.db", "--out", out]) == 2
        assert says in capsys.readouterr().err
    with lt.Study("none", {"x": lt.Float(0, 1)}, minimize="loss", store="none.db"):
        pass
    assert execute(["report", "none.db"]) == 1 and "nothing to report" in capsys.readouterr().err
    assert store.read_bytes() == before and {*Path().iterdir()} - {*there} == {Path("none.db")}


def test_a_run_writes_the_report_that_its_study_file_names(store: Path, capsys: Say) -> None:
    Path("objective.py").write_text("def loss(trial):\n    return trial['x']\n", "utf-8")
    Path("small.toml").write_text(STUDY, "utf-8")
    assert execute(["run", "small.toml"]) == 2
    assert "there is no folder 'pages' for the report" in capsys.readouterr().err
    assert not Path("small.db").exists()
    Path("pages").mkdir()
    assert execute(["run", "small.toml"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-2:] == ["kept in small.db", "report in pages/small.md"]
    page = Path("pages/small.md").read_text("utf-8")
    assert "luthier run small.toml" in page and "of 2 trials" in page
    assert execute(["run", "small.toml", "--report", "x.pdf"]) == 2 and "what format" in capsys.readouterr().err
    assert execute(["run", "small.toml", "--report", "small.toml"]) != 0
    assert Path("small.toml").read_text("utf-8") == STUDY


def test_a_report_key_that_is_no_page_is_refused(store: Path, capsys: Say) -> None:
    Path("objective.py").write_text("def loss(trial):\n    return trial['x']\n", "utf-8")
    Path("small.toml").write_text(STUDY.replace("small.md", "small.pdf"), "utf-8")
    assert execute(["run", "small.toml"]) == 2
    said = capsys.readouterr().err
    assert "small.toml, line 4" in said and "ends in .html" in said
