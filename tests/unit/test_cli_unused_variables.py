"""A variable that the command of a study file never gets is said, where that can be known."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from luthier.cli.program import program
from luthier.cli.studyfile.read import read_study
from luthier.cli.studyfile.unused_variables import unused_variables

SPACE = """
w = {float = [0, 1]}
v = {choice = ["a", "b"]}
"deep v" = {int = [1, 3], when = "v == 'a'"}
c = {constant = 3}
"""


@pytest.mark.parametrize(
    ("command", "unused"),
    [
        ("echo {w}", ("v", "deep v")),
        ("echo {w} {deep v}", ()),  # v decides whether 'deep v' is active
        ("echo {w} {v}", ("deep v",)),
        ("echo 1", ()),  # it reads the environment, or nothing
        ("echo {luthier.number}", ()),
        ("echo {w} {luthier.params}", ()),
        ("env LUTHIER_PARAM_v=1 echo {w}", ("deep v",)),
        ("env LUTHIER_PARAM_v2=1 echo {w}", ("v", "deep v")),
    ],
)
def test_unused_variables(command: str, unused: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(
        f'[study]\nminimize = "loss"\n[objective]\ncommand = "{command}"\n[space]\n{SPACE}', "utf-8"
    )
    plan = read_study(tmp_path / "s.toml")
    assert unused_variables(plan.objective, plan.space) == unused  # type: ignore[arg-type]


def test_a_run_says_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = '[study]\nminimize = "loss"\n[objective]\ncommand = "echo {w}"\n'
    text += '[budget]\ntrials = 1\n[executor]\nkind = "inline"\n[space]\n'
    Path("s.toml").write_text(text + SPACE, "utf-8")
    said = CliRunner().invoke(program, ["run", "s.toml"]).output
    assert said.count("no place for 'v'") == 1 and "LUTHIER_PARAM_v" in said and "{v}" in said
    assert Path(tmp_path, "s.db.trials/s-1/00000/stdout.txt").read_text().strip() != ""
    assert "give a path" in str(CliRunner().invoke(program, ["run", "s.toml", "--store", ""]).exception)
    assert "no place" not in CliRunner().invoke(program, ["run", "s.toml", "-q", "--trials", "2"]).output


def test_of_many_some_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = '[study]\nminimize = "loss"\n[objective]\ncommand = "echo {x0}"\n[method]\nuse = "Random"\n'
    text += '[budget]\ntrials = 1\n[executor]\nkind = "inline"\n[space]\n'
    Path("s.toml").write_text(text + "".join(f"x{place} = {{float = [0, 1]}}\n" for place in range(500)), "utf-8")
    said = CliRunner().invoke(program, ["run", "s.toml"]).output
    assert said.count("no place for") == 5 and "nor for 494 more variables" in said
