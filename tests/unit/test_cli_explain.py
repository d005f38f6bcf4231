"""The commands ``explain`` and ``best --expected``, in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import luthier as lt
from luthier.cli import execute

Say = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of one study, of which one trial runs, and another of none."""
    path = tmp_path_factory.mktemp("explained")
    space = {"k": lt.Choice("a\x1b[31m", "=b"), "x": lt.Float(-1, 1), "both": lt.Subset(["p", "q", "r"], size=2)}
    with lt.Study("st\x1budy", space, maximize="y", store=path / "one.db", seed=1, noisy=True) as study:
        study.run(lambda trial: 1 - trial["x"] ** 2 + 0.1 * (trial.number % 3), trials=9)
        study.ask(lease_s=1e6)
    with lt.Study("few", {"x": lt.Float(0, 1)}, minimize="y", store=path / "few.db", seed=1) as study:
        study.run(lambda trial: trial["x"], trials=2)
    with lt.Study("none", {"x": lt.Float(0, 1)}, minimize="y", store=path / "none.db", seed=1):
        pass
    return path


@pytest.fixture(autouse=True)
def _inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def out(capsys: Say, *arguments: str, code: int = 0) -> str:
    assert execute(arguments) == code
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    return captured.out if code == 0 else captured.err


def test_explain(capsys: Say) -> None:
    text = out(capsys, "explain", "one.db", "7")
    lines = text.splitlines()
    assert lines[0].startswith("study: trial 7: expl")
    assert "a chance of" in lines[0]
    labels = {line[2:18].split("  ")[0].strip() for line in lines[1:]}
    assert {"values", "expected y", "measured y", "model", "acquisition", "near", "note"} <= labels
    assert "calibration" not in labels


def test_without_a_number_it_is_the_newest_with_the_calibration(capsys: Say) -> None:
    text = out(capsys, "explain", "one.db")
    assert text.startswith("study: trial 9: ")
    assert "measured y" not in text
    assert "calibration" in text
    assert "of the" in text.splitlines()[-1]


def test_explain_as_json(capsys: Say) -> None:
    found = json.loads(out(capsys, "explain", "one.db", "8", "--json"))
    with lt.Study("st\x1budy", store="one.db") as study:
        own = study.explain(8)
    assert own.prediction is not None
    assert found["expected"] == {"y": own.prediction.interval._asdict()}
    assert (found["number"], found["purpose"], found["why"]) == (8, own.purpose, own.why)
    assert found["params"]["both"] == {"$tuple": list(own.params["both"])}
    assert found["surprises"] == dict(own.surprises)
    assert found["neighbours"][0]["number"] == own.neighbours[0].number
    assert "calibration" not in found
    newest = json.loads(out(capsys, "explain", "one.db", "--json"))
    assert newest["values"] == {}
    assert newest["calibration"]["y"]["verdict"] in ("fits", "narrow", "wide", "tails")
    assert len(newest["calibration"]["y"]["residuals"]) == 9


def test_best_expected(capsys: Say) -> None:
    text = out(capsys, "best", "one.db", "--expected")
    assert text.startswith("# study: y = ")
    assert "expected (90%: " in text.splitlines()[0]
    with lt.Study("st\x1budy", store="one.db") as study:
        own = study.expected_best()
    config = eval("".join(line for line in text.splitlines() if not line.startswith("#")))
    assert config["x"] == own.params["x"]
    found = json.loads(out(capsys, "best", "one.db", "--expected", "--json"))
    assert (found["number"], found["trials"], found["level"]) == (own.number, 10, 0.9)
    assert found["expected"] == {"y": own.prediction.interval._asdict()}
    assert found["best_measured"]["number"] == own.luckiest


def test_best_expected_anywhere(capsys: Say) -> None:
    text = out(capsys, "best", "one.db", "--expected", "--anywhere")
    with lt.Study("st\x1budy", store="one.db") as study:
        own = study.expected_best(anywhere=True)
    config = eval("".join(line for line in text.splitlines() if not line.startswith("#")))
    assert config["x"] == own.params["x"]
    assert ("not among the 10 trials" in text) is (own.number is None)
    found = json.loads(out(capsys, "best", "one.db", "--expected", "--anywhere", "--json"))
    assert found["number"] == own.number
    assert "give --expected with it" in out(capsys, "best", "one.db", "--anywhere", code=2)


def test_too_little_is_known(capsys: Say) -> None:
    assert "at least 3 trials with values; there are 2" in out(capsys, "best", "few.db", "--expected", code=1)
    assert "nothing was expected of it" in out(capsys, "explain", "few.db")
    assert json.loads(out(capsys, "explain", "few.db", "--json"))["calibration"] == {}
    assert "has no trials yet" in out(capsys, "explain", "none.db", code=1)


def test_mistakes(capsys: Say) -> None:
    assert "there is no trial 99; the study has 10" in out(capsys, "explain", "one.db", "99", code=1)
    assert "'last' is not the number of a trial" in out(capsys, "explain", "one.db", "last", code=2)
    assert "name a store or a study file" in out(capsys, "explain", "3", code=2)
    assert "there is no store" in out(capsys, "explain", "two.db", "3", code=1)
