"""What a study file says that cannot be done is refused before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import luthier as lt
from luthier.cli.program import program
from luthier.errors import InvalidFile

FILE = """[study]
minimize = "loss"
STUDY

[objective]
OBJECTIVE

[space]
x = {float = [0, 1]}

[method]
use = "Random"

[budget]
trials = 2

[executor]
kind = "inline"
"""
COMMAND = 'command = "echo {x}"'
ON_INSTANCE = 'command = "echo {x} {instance}"\nresult = "seconds"'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(study: str, objective: str = COMMAND) -> Result:
    Path("study.toml").write_text(FILE.replace("STUDY", study).replace("OBJECTIVE", objective), encoding="utf-8")
    return CliRunner().invoke(program, ["run", "study.toml", "--quiet"])


def other(name: str, **goal: str) -> None:
    with lt.Study(name, {"x": lt.Float(0, 1)}, **(goal or {"minimize": "loss"}), store="old.db") as study:  # type: ignore[arg-type]
        study.add_many([{"x": x / 8} for x in range(8)], [x / 8 for x in range(8)])


@pytest.mark.parametrize(
    ("study", "objective", "says"),
    [
        ('transfer = ["none.db"]', COMMAND, "line 3: cannot learn from 'none.db': there is no store"),
        ('transfer = ["old.db#good", "old.db#bad"]', COMMAND, "maximizes 'loss', and this one minimizes"),
        ("", 'python = "no_such_module:loss"', "there is no module 'no_such_module'"),
        ("", 'python = "json:loss"', "has no 'loss'"),
        ('instances = ["a.cnf", "b.cnf"]', ON_INSTANCE, "line 3: instances: 1 of 2 instances are files that are not"),
        ('instances = ["in/a", "in/b"]', ON_INSTANCE, "2 of 2 instances .* 'in/a', 'in/b'; .*files = false"),
        ('instances = {names = ["a", "b"], files = true}', ON_INSTANCE, "2 of 2 instances"),
        ('instances = {names = ["a", "b"], files = 1}', ON_INSTANCE, "files = 1: give true"),
    ],
)
def test_nothing_is_written_where_a_first_run_is_refused(folder: Path, study: str, objective: str, says: str) -> None:
    other("good")
    other("bad", maximize="loss")
    Path("a.cnf").touch()
    run(study, objective)
    done = run(study, objective)
    assert isinstance(done.exception, InvalidFile)
    with pytest.raises(InvalidFile, match=says):
        raise done.exception
    assert not list(folder.glob("study.db*"))


@pytest.mark.parametrize(("kind", "says"), [("spark", "luthier\\[spark\\]"), ("loky", "pip install loky")])
def test_the_library_of_an_executor_is_looked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str, says: str
) -> None:
    monkeypatch.setattr("luthier.cli.opened_plan.find_spec", lambda name: None)
    text = FILE.replace("STUDY", "").replace("OBJECTIVE", COMMAND).replace('"inline"', f'"{kind}"')
    Path("study.toml").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(program, ["run", "study.toml", "--quiet"])
    assert isinstance(done.exception, InvalidFile)
    with pytest.raises(InvalidFile, match=f"line 18: kind = '{kind}' needs .*{says}"):
        raise done.exception
    assert not list(folder.glob("study.db*"))


def test_of_several_sources_all_are_recorded_or_none() -> None:
    other("good")
    other("bad", maximize="loss")
    assert run("").exit_code == 0
    refused = run('transfer = ["old.db#good", "old.db#bad"]')
    assert isinstance(refused.exception, InvalidFile)
    with lt.Study("study", store="study.db") as study:
        assert not study.sources and len(study) == 2
    assert run('transfer = ["old.db#good"]').exit_code == 0
    with lt.Study("study", store="study.db") as study:
        assert [source.source for source in study.sources] == ["good"]


@pytest.mark.parametrize(
    "instances",
    ['["a.cnf", "b.cnf"]', '["a", "b"]', '["s3://x/a.cnf", "https://x/b.cnf"]', "[1, 2]", '["v1.5", "v2.0"]',
     '{names = ["in/a", "b"], files = false}', '{names = ["in", "a.cnf"], files = true}'],
)  # fmt: skip
def test_instances_that_are_no_files_or_are_there(folder: Path, instances: str) -> None:
    for name in ("a.cnf", "b.cnf"):
        Path(name).touch()
    Path("in").mkdir()
    done = run(f"instances = {instances}", ON_INSTANCE)
    assert done.exit_code == 0, done.exception


def test_instances_are_looked_for_again_while_there_are_trials_to_run() -> None:
    given = 'instances = ["a.cnf", "b.cnf"]'
    for name in ("a.cnf", "b.cnf"):
        Path(name).touch()
    assert run(given, ON_INSTANCE).exit_code == 0
    Path("a.cnf").unlink()
    assert run(given, ON_INSTANCE).exit_code == 0  # it is finished
    more = CliRunner().invoke(program, ["run", "study.toml", "--quiet", "--trials", "3"])
    assert isinstance(more.exception, InvalidFile) and "'a.cnf'" in str(more.exception)


def test_a_function_finds_its_instances_beside_the_study_file_or_here(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("objective_of_instances.py").write_text("def loss(trial):\n    return trial['x']\n")
    Path("a.cnf").touch()
    Path("elsewhere").mkdir()
    Path("elsewhere/b.cnf").touch()
    text = FILE.replace("STUDY", 'instances = ["a.cnf", "b.cnf"]')
    Path("study.toml").write_text(text.replace("OBJECTIVE", 'python = "objective_of_instances:loss"'), encoding="utf-8")
    monkeypatch.chdir(folder / "elsewhere")
    done = CliRunner().invoke(program, ["run", "../study.toml", "--quiet"])
    assert done.exit_code == 0, done.exception


def test_a_store_of_a_url_that_is_not_there_yet() -> None:
    other("good")
    done = run('transfer = ["old.db#good"]\n[store]\npath = "sqlite:///new.db"')
    assert done.exit_code == 0, done.exception
    with lt.Study("study", store="new.db") as study:
        assert len(study.sources) == 1
