"""The command ``compare``: what `luthier.compare` says, for stored studies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import luthier as lt
from luthier.cli.program import program
from luthier.errors import InvalidSetting, StudyNotFound

SPACE = {"x": lt.Float(-1, 1)}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for seed in range(3):
        for name, method in (("random", lt.Random()), ("sobol", lt.Quasi())):
            with lt.Study(name, SPACE, minimize="loss", seed=seed, method=method, store=f"{seed}.db") as study:
                study.run(lambda trial: trial["x"] ** 2, trials=4 + seed)
    return tmp_path


def run(*words: str) -> str:
    done = CliRunner().invoke(program, ["compare", *words], catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_two_studies_of_one_store(folder: Path) -> None:
    said = run("0.db#random", "0.db#sobol")
    assert said.startswith("loss after 4 trials: sobol is ") and "one pair does not tell" in said


def test_repetitions_are_separated_by_commas(folder: Path) -> None:
    random, sobol = (",".join(f"{seed}.db#{name}" for seed in range(3)) for name in ("random", "sobol"))
    assert "90% interval of 3 pairs" in run(random, sobol, "--level", "0.9")
    plain = json.loads(run(random, sobol, "--objective", "loss", "--json"))
    assert (plain["pairs"], plain["names"], plain["trials"]) == (3, ["random", "sobol"], [1, 2, 3, 4])


def test_what_cannot_be_compared_is_refused(folder: Path) -> None:
    with pytest.raises(StudyNotFound, match="has 2 studies"):
        run("0.db", "1.db#sobol")
    with pytest.raises(StudyNotFound, match=r"has no study 'sobel' \(did you mean 'sobol'"):
        run("0.db#random", "1.db#sobel")
    with pytest.raises(InvalidSetting, match="2 studies with 1: give as many of each"):
        run("0.db#random,1.db#random", "0.db#sobol")
    assert "Missing argument" in run("0.db#random")
