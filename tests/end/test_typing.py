"""Type checks of the public face: the README's examples, and what `Study` gives back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import luthier

README = Path(__file__).parents[2] / "README.md"

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


@pytest.mark.slow
@pytest.mark.parametrize("face", ["README", "Study"])
def test_mypy_has_nothing_to_say(tmp_path: Path, face: str) -> None:
    blocks = README.read_text(encoding="utf-8").split("```python\n")[1:]
    script = tmp_path / "script.py"
    script.write_text(TYPED if face == "Study" else "\n".join(block.partition("```")[0] for block in blocks), "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "--config-file="]
    run = subprocess.run(
        [*command, "--cache-dir", str(tmp_path / "cache"), str(script)],
        env={**os.environ, "MYPYPATH": str(Path(luthier.__file__).parents[1])},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
