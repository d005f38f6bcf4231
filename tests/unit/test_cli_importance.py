"""The command ``importance``, in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import luthier as lt
from luthier.cli import execute

Say = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scored")
    space = {"x\x1b[31m": lt.Float(-1, 1), "k": lt.Choice("a", "b")}
    with lt.Study("st\x1budy", space, maximize=["y", "z"], store=path / "one.db", method=lt.Random(), seed=1) as study:
        study.run(lambda trial: {"y": trial["x\x1b[31m"], "z": float(trial["k"] == "a")}, trials=20)
    with lt.Study("few", {"x": lt.Float(0, 1)}, minimize="y", store=path / "few.db", method=lt.Random(), seed=1) as few:
        few.run(lambda trial: trial["x"], trials=2)
    return path


@pytest.fixture(autouse=True)
def _inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def out(capsys: Say, *arguments: str, code: int = 0) -> str:
    assert execute(arguments) == code
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    return captured.out if code == 0 else captured.err


def test_each_objective_is_printed(capsys: Say) -> None:
    lines = out(capsys, "importance", "one.db").splitlines()
    heads = [place for place, line in enumerate(lines) if line.startswith("study: importance for ")]
    assert len(heads) == 2
    assert lines[heads[0] + 1].startswith("  x")
    assert lines[heads[1] + 1].startswith("  k")


def test_json_has_what_the_result_has(capsys: Say, folder: Path) -> None:
    plain = json.loads(
        out(capsys, "importance", "one.db", "--objective", "y", "--method", "shapley", "--failures", "worst", "--json")
    )
    assert plain["method"] == "shapley" and plain["objective"] == "y"
    with lt.Study("st\x1budy", store=folder / "one.db") as study:
        expected = study.importance("y", "shapley").to_dict()
    assert plain["variables"] == json.loads(json.dumps(expected))["variables"]
    both = json.loads(out(capsys, "importance", "one.db", "--interactions", "--json"))
    assert [one["objective"] for one in both] == ["y", "z"]
    assert both[0]["interactions"][0]["names"] == ["x\x1b[31m", "k"]


def test_what_cannot_be_scored_is_said(capsys: Say) -> None:
    assert "at least 8 trials with values; there are 2" in out(capsys, "importance", "few.db", code=1)
    assert "choose one of 'y', 'z'" in out(capsys, "importance", "one.db", "--objective", "x", code=1)
    assert "shapley" in out(capsys, "importance", "one.db", "--method", "shap", code=2)
