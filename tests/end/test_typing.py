"""Type checks of the public face: all code of the documents and examples, and what `Study` gives back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from page_script import PAGES, REPOSITORY, TRAINING, blocks, python, title

import luthier

SOURCE = Path(luthier.__file__).parents[1]

TYPED = """
from typing import assert_type

import luthier as lt
from luthier.analysis import Prediction
from luthier.run import End
from luthier.study import ActiveTrial, StudyReader, TrialResult


class Shown:
    def began(self, study: StudyReader, trial: ActiveTrial) -> None: ...
    def ended(self, study: StudyReader, result: TrialResult) -> None: ...
    def notice(self, text: str) -> None: ...


def objective(trial: lt.RunningTrial) -> float:
    return float(trial["x"])


def after(study: lt.Study, result: TrialResult) -> None:
    study.stop()


def maybe(study: lt.Study, count: int | None) -> None:
    assert_type(study.ask(count), ActiveTrial | list[ActiveTrial])


SPACE = {"x": lt.Float(0, 1), "n": lt.Int(1, 9), "kind": lt.Choice("a", "b")}

study = lt.Study("s", SPACE, minimize="y")
study.change({**SPACE, "flag": lt.Bool(default=True)})
assert_type(study.ask(), ActiveTrial)
assert_type(study.ask(params={"x": 0.5}), ActiveTrial)
assert_type(study.ask(3), list[ActiveTrial])
assert_type(study.tell(study.ask(), 1.0), TrialResult)
assert_type(study.predict({"x": 0.5}), Prediction)
assert_type(study.predict([{"x": 0.5}]), tuple[Prediction, ...])
assert_type(study.run(objective, callbacks=[after, lambda study, result: study.stop()], progress=Shown()), End)
study.method = lt.Random()
study.learn_from(StudyReader.open("study.db"))
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write what is typed, and the Python of all pages, of the README and of the examples, into a folder."""
    folder = tmp_path_factory.mktemp("scripts")
    found = {"typed.py": TYPED}
    for page in [*PAGES, REPOSITORY / "README.md"]:
        name = title(page).removesuffix(".md").replace("/", "_").replace("-", "_").replace(".", "_")
        found |= {
            f"{name}_{block.file.replace('/', '_')}": block.text for block in blocks(page) if block.file.endswith(".py")
        }
        if python(page):
            found[f"{name}.py"] = python(page)
    for example in (REPOSITORY / "examples").glob("*.py"):
        found[f"example_{example.name}"] = example.read_text(encoding="utf-8")
    assert len(found) > 30 and "README.py" in found
    for name, text in found.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in found]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_mypy_has_nothing_to_say(scripts: list[Path], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "--config-file="]
    done = subprocess.run(
        [*command, "--cache-dir", str(tmp_path / "cache"), *map(str, scripts)],
        env={**os.environ, "MYPYPATH": str(SOURCE)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_pyright_has_nothing_to_say(scripts: list[Path]) -> None:
    settings = {"extraPaths": [str(SOURCE), str(TRAINING)], "pythonVersion": "3.11", "reportMissingModuleSource": False}
    folder = scripts[0].parent
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--project", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
