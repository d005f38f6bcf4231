"""Instances in study files, and commands that are run on them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import luthier as lt
from luthier.cli.objective.shell_command import Command, LastLine, WallTime
from luthier.cli.objective.template import words
from luthier.cli.program import program
from luthier.cli.studyfile.read import StudyFile, read_study
from luthier.errors import InvalidFile
from luthier.executor.protocol import Task
from luthier.executor.running_trial import RunningTrial
from luthier.instances import Case

FILE = """[study]
minimize = "cost"
seed = 0
instances = INSTANCES
[objective]
command = "sh solve.sh {x} {instance} {seed} {cap}"
[space]
x = {float = [0, 1]}
[method]
use = "Random"
[executor]
kind = "threads"
"""


def read(folder: Path, instances: str, text: str = FILE) -> StudyFile:
    (folder / "study.toml").write_text(text.replace("INSTANCES", instances), encoding="utf-8")
    return read_study(folder / "study.toml")


def test_forms_of_instances(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# of the competition\na b.cnf\n\n  c.cnf  \n", encoding="utf-8")
    (tmp_path / "features.csv").write_text('name,size,kind\n"a b.cnf", 1, 2.5\nc.cnf,3,4\n', encoding="utf-8")
    assert read(tmp_path, '["a", "b"]').instances == lt.Instances(["a", "b"])
    assert read(tmp_path, "{names = [1, 2], seeds = 3}").instances == lt.Instances([1, 2], seeds=3)
    given = read(tmp_path, '{file = "list.txt", features = "features.csv", cutoff = "1m", par = 2}').instances
    features = {"a b.cnf": [1.0, 2.5], "c.cnf": [3.0, 4.0]}
    assert given == lt.Instances(["a b.cnf", "c.cnf"], features, cutoff_s=60.0, par=2)
    (tmp_path / "features.csv").write_text("a b.cnf,1\nc.cnf,2\n", encoding="utf-8")  # without a head
    given = read(tmp_path, '{file = "list.txt", features = "features.csv"}').instances
    assert given is not None and given.features == {"a b.cnf": (1.0,), "c.cnf": (2.0,)}
    rule = read(tmp_path, '["a", "b"]', f'{FILE}[stop]\nuse = "Intensify"\np = 0.2\n').stop
    assert rule == lt.Intensify(p=0.2)


@pytest.mark.parametrize(
    ("instances", "message"),
    [
        ('"list.txt"', "a list of names, or a table"),
        ('["a"]', "at least 2 cases"),
        ('{file = "none.txt"}', "'none.txt' cannot be read: No such file"),
        ('{file = "list.txt", names = ["a"]}', "one of both"),
        ("{seeds = 2}", "one of both"),
        ('{names = ["a", "b"], seed = 2}', "did you mean 'seeds'"),
        ('{names = ["a", "b"], cutoff = "1 y"}', "1 y"),
        ('{file = "list.txt", features = "wrong.csv"}', "row 2 of the file 'wrong.csv'"),
    ],
)
def test_mistakes_have_their_line(tmp_path: Path, instances: str, message: str) -> None:
    (tmp_path / "list.txt").write_text("a\nb\n", encoding="utf-8")
    (tmp_path / "wrong.csv").write_text("a,1\nb,x\n", encoding="utf-8")
    with pytest.raises(InvalidFile, match="line 4: ") as error:
        read(tmp_path, instances)
    assert message in str(error.value)


def test_places_are_those_of_a_study_with_instances(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"\{instance\} is not a variable"):
        read(tmp_path, "", FILE.replace("instances = INSTANCES\n", ""))
    with pytest.raises(InvalidFile, match="races over instances"):
        plain = FILE.replace("instances = INSTANCES\n", "").replace("{instance} {seed} {cap}", "")
        read(tmp_path, "", f'{plain}[stop]\nuse = "Intensify"\n')
    with pytest.raises(InvalidFile, match='"seconds" is one result'):
        two = FILE.replace('"cost"', '["cost", "size"]').replace("instances = INSTANCES\n", "")
        read(tmp_path, "", two.replace("{instance} {seed} {cap}", '"\nresult = "seconds'))


def running(case: Case) -> RunningTrial:
    trial = RunningTrial(Task(3, 1, {"seed": 0.5}), lambda step, value: None, lambda: False)
    trial._case = case
    return trial


def run(command: str, folder: Path, case: Case, result: LastLine | WallTime) -> object:
    return Command(words(command), False, folder, result)(running(case))


def test_a_command_gets_its_case(tmp_path: Path) -> None:
    shown = (
        """sh -c 'echo "[\\"$0\\", \\"$1\\", \\"$LUTHIER_INSTANCE\\", $LUTHIER_SEED, $LUTHIER_CAP]" > seen; echo 1'"""
    )
    case = Case(2, "a b", 77, cap_s=30.0)
    assert run(f"{shown} {{instance}} {{luthier.seed}}", tmp_path, case, LastLine()) == 1.0
    assert (tmp_path / "seen").read_text() == '["a b", "77", "a b", 77, 30.0]\n'
    assert run(f"{shown} {{seed}} {{cap}}", tmp_path, case, LastLine()) == 1.0
    assert (tmp_path / "seen").read_text().startswith('["0.5", "30.0"')  # a variable has that name


@pytest.mark.skipif(sys.platform == "win32", reason="it ends processes by their group")
def test_a_command_is_ended_at_its_cap(tmp_path: Path) -> None:
    case = Case(1, "a", 7, cap_s=0.3)
    assert run("sh -c 'sleep 600; echo 1'", tmp_path, case, LastLine()) == 0.3
    seconds = run("sh -c 'sleep 0.05; echo 99'", tmp_path, Case(1, "a", 7, cap_s=600.0), WallTime())
    assert isinstance(seconds, float) and 0.05 <= seconds < 99.0


def test_a_study_file_races_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "solve.sh").write_text(
        'echo "$2 $3" >> runs.txt\nawk -v x="$1" -v n="$2" \'BEGIN { print (x - 0.5) ^ 2 + n }\'\n', encoding="utf-8"
    )
    (tmp_path / "study.toml").write_text(FILE.replace("INSTANCES", "[1, 2, 3]"), encoding="utf-8")
    done = CliRunner().invoke(program, ["run", "study.toml", "--trials", "6"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    study = lt.Study("study", store=tmp_path / "study.db")
    runs = [line.split() for line in (tmp_path / "runs.txt").read_text().splitlines()]
    assert len(runs) == study.history.evaluations < 6 * 3
    assert len({instance for instance, _ in runs}) == len({seed for _, seed in runs}) == 3
    assert study.best.params["x"] == min(
        (trial.params["x"] for trial in study.trials), key=lambda x: (float(f"{x:.6g}") - 0.5) ** 2
    )
    assert (study.folder(study.best) / "stdout-case-1.txt").exists()
    again = CliRunner().invoke(program, ["best", "study.db"], catch_exceptions=False)
    assert again.exit_code == 0 and "x" in again.output
    assert "of 3 cases" in repr(study)
    assert CliRunner().invoke(program, ["verify", "study.db"]).exit_code == 0


def test_an_incumbent_with_some_of_the_cases_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "solve.sh").write_text("awk -v x=\"$1\" 'BEGIN { print (x - 0.5) ^ 2 }'\n", encoding="utf-8")
    many = '{names = ["a", "b", "c"], seeds = 9}'
    (tmp_path / "study.toml").write_text(FILE.replace("INSTANCES", many), encoding="utf-8")
    done = CliRunner().invoke(program, ["run", "study.toml", "--trials", "4"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    with lt.Study("study", store=tmp_path / "study.db") as study:
        best = study.best
        assert not best.is_done
        on = f"{len(best.reports)} of 27 cases"
    assert f"trial {best.number} on {on}" in done.output and f"(trial {best.number}): x=" in done.output
    shown = CliRunner().invoke(program, ["best", "study.db"], catch_exceptions=False)
    assert f"# the incumbent of the race, on {on}" in shown.output
    plain = CliRunner().invoke(program, ["best", "study.db", "--json"], catch_exceptions=False)
    assert json.loads(plain.output)["why"] == {"cases": len(best.reports), "of": 27}


def test_a_budget_of_evaluations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "solve.sh").write_text("echo $1\n", encoding="utf-8")
    text = FILE.replace(" {cap}", "") + "[budget]\nevaluations = 12\n"
    assert read(tmp_path, '["a", "b", "c"]', text).budget.evaluations == 12
    ran = CliRunner().invoke(program, ["run", "study.toml"])
    assert ran.exit_code == 0 and "all wanted evaluations are done" in ran.output
    with lt.Study("study", store=tmp_path / "study.db") as study:
        assert 12 <= study.history.evaluations < 15
    more = CliRunner().invoke(program, ["run", "study.toml", "--evaluations", "20", "--quiet"])
    assert more.exit_code == 0
    joined = CliRunner().invoke(program, ["worker", "study.toml", "--evaluations", "26", "--no-wait"])
    assert joined.exit_code == 0 and "all wanted evaluations are done" in joined.output
    with lt.Study("study", store=tmp_path / "study.db") as study:
        assert 26 <= study.history.evaluations < 29
    without = text.replace("instances = INSTANCES\n", "").replace("{instance} {seed}", "")
    (tmp_path / "plain.toml").write_text(without, encoding="utf-8")
    refused = CliRunner().invoke(program, ["run", "plain.toml"])
    assert refused.exit_code and "line 13: evaluations are those of cases" in str(refused.exception)
