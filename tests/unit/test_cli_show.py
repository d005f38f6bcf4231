"""The commands that read and look after a study, in this process."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import luthier as lt
from luthier import codec
from luthier.cli import execute
from luthier.store import SQLite


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with one study of five trials, in the current folder."""
    monkeypatch.chdir(tmp_path)
    space = {
        "kernel": lt.Choice("rbf", "=poly", "1"),
        "C": lt.Float(-10, 10, default=-1.5),
        "degree": lt.Int(2, 5, when="kernel == '=poly'"),
        "picked": lt.Subset(["a", "b", "c"], size=2),
    }
    with lt.Study("st\x1b[31mudy", space, maximize="accuracy", store="one.db", seed=1) as study:
        for value in (0.25, 0.75, float("nan")):
            study.tell(study.ask(params=_params(value)), value)
        study.tell(study.ask(), failed="ValueError: =boom\x07\n\ntraceback")
        study.ask()
    return tmp_path / "one.db"


def _params(value: float) -> dict[str, object]:
    if value == 0.75:
        return {"kernel": "=poly", "C": 0.1, "degree": 3, "picked": ("a", "c")}
    return (
        {"kernel": "rbf", "C": -2.5, "picked": ("a", "b")}
        if value == 0.25
        else {"kernel": "1", "C": 1.0, "picked": ("b", "c")}
    )


Say = pytest.CaptureFixture[str]


def out(capsys: Say, *arguments: str, code: int = 0) -> str:
    assert execute(arguments) == code
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    return captured.out if code == 0 else captured.err


def test_best(store: Path, capsys: Say) -> None:
    text = out(capsys, "best")
    assert text.startswith("# st[31mudy: accuracy = 0.75 (maximized), trial 1 of 5\n")
    assert eval(text) == {"kernel": "=poly", "C": 0.1, "degree": 3, "picked": ("a", "c")}
    assert json.loads(out(capsys, "best", "one.db", "--json")) == {
        "study": "st\x1b[31mudy",
        "number": 1,
        "trials": 5,
        "values": {"accuracy": 0.75},
        "params": {"kernel": "=poly", "C": 0.1, "degree": 3, "picked": {"$tuple": ["a", "c"]}},
        "why": {"next": 0, "by": 0.5, "excluded": []},
    }


def test_best_of_two_objectives(store: Path, capsys: Say) -> None:
    with lt.Study("two", {"x": lt.Float(0, 1)}, minimize="a", maximize="b", store="one.db") as study:
        for x, a, b in ((0.1, 1, 1), (0.2, 2, 2), (0.3, 3, 1)):
            study.tell(study.ask(params={"x": x}), {"a": a, "b": b})
    assert [leader["number"] for leader in json.loads(out(capsys, "best", "one.db", "--study", "two", "--json"))] == [
        0,
        1,
    ]
    assert "a = 2 (minimized), b = 2 (maximized), trial 1 of 3" in out(capsys, "best", "one.db", "--study", "two")


@pytest.mark.parametrize(
    ("values", "front"),
    [
        ("n, -n", "\n2 trials that no other trial dominates; see them with: luthier best study.db\n"),
        ("n, n", "\n1 trial that no other trial dominates; see it with: luthier best study.db\n"),
        ("n, float('nan')", None),
    ],
)
def test_a_run_says_how_many_trials_the_front_has(
    values: str, front: str | None, tmp_path: Path, capsys: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.toml").write_text(
        '[study]\nname = "two"\nminimize = ["y", "z"]\n[objective]\npython = "front_of_two:measure"\n'
        '[space]\nn = {int = [1, 2]}\n[method]\nuse = "Grid"\n[budget]\ntrials = 2\n'
        '[executor]\nkind = "inline"\n',
        encoding="utf-8",
    )
    (tmp_path / "front_of_two.py").write_text(
        f"def measure(trial):\n    n = trial['n']\n    return {values}\n", encoding="utf-8"
    )
    monkeypatch.delitem(sys.modules, "front_of_two", raising=False)
    assert (execute(["run", "study.toml"]) == 0) == (front is not None)
    text = capsys.readouterr().out
    assert "dominates" not in text if front is None else front in text


def test_which_study(store: Path, capsys: Say) -> None:
    assert "no store 'on.db' (did you mean 'one.db'?)" in out(capsys, "best", "on.db", code=1)
    assert "has no study 'x'; it has 'st" in out(capsys, "best", "one.db", "--study", "x", code=1)
    lt.Study("second", {"x": lt.Float(0, 1)}, minimize="loss", store="one.db").close()
    assert "has 2 studies; choose one with --study: " in out(capsys, "best", "one.db", code=1)
    assert "no trial has ended yet" in out(capsys, "best", "one.db", "--study", "second", code=1)
    Path("study.toml").write_text('[study]\nname = "second"\n[store]\npath = "one.db"\n')
    assert out(capsys, "show") == "second: 0 trials\n"
    lt.Study("third", {"x": lt.Float(0, 1)}, minimize="loss", store="two.db").close()
    Path("study.toml").unlink()
    assert "several stores: one.db, two.db" in out(capsys, "show", code=2)


def test_show(store: Path, capsys: Say) -> None:
    lines = out(capsys, "show").splitlines()
    assert lines[0].split() == [
        "number",
        "state",
        "reason",
        "accuracy",
        "kernel",
        "C",
        "degree",
        "picked",
        "duration_s",
        "begun",
    ]
    assert len(lines) == 7
    assert lines[-1] == "st[31mudy: 5 trials: 2 done, 1 nonfinite, 1 failed, 1 waiting"
    rows = json.loads(out(capsys, "show", "--json"))
    assert [row["number"] for row in rows] == [0, 1, 2, 3, 4]
    assert codec.from_plain(rows[1])["picked"] == ("a", "c")
    assert rows[2]["accuracy"] == {"$float": "nan"}
    assert rows[3]["error"].startswith("ValueError: =boom")


def test_sorting_and_filtering(store: Path, capsys: Say) -> None:
    def numbers(*options: str) -> list[int]:
        return [row["number"] for row in json.loads(out(capsys, "show", "--json", *options))]

    assert numbers("--sort", "accuracy") == [1, 0, 2, 3, 4]  # it is maximized: the best first
    assert numbers("--sort", "-accuracy") == [0, 1, 2, 3, 4]
    assert numbers("--sort", "-number", "--limit", "2") == [4, 3]
    assert numbers("--filter", "accuracy > 0.5 or reason == 'failed'") == [1, 3]
    assert numbers("--filter", "degree == 3 and 'a' in picked") == [1]
    assert "; 1 kept by the filter" in out(capsys, "show", "--filter", "C == -2.5")
    assert "; 2 of 5 shown" in out(capsys, "show", "--limit", "2")
    assert "no column 'acuracy' (did you mean 'accuracy'?)" in out(capsys, "show", "--sort", "acuracy", code=2)
    assert "no column 'acuracy' (did you mean 'accuracy'?)" in out(capsys, "show", "--filter", "acuracy > 1", code=2)
    assert "cannot read this expression" in out(capsys, "show", "--filter", "C >", code=2)


def test_csv(store: Path, capsys: Say) -> None:
    table = list(csv.DictReader(io.StringIO(out(capsys, "export"))))
    assert table[0]["C"] == "-2.5"  # a number stays one
    assert table[1]["kernel"] == "'=poly"
    assert table[1]["picked"] == '{"$tuple": ["a", "c"]}'
    assert table[0]["degree"] == ""
    assert table[3]["error"].startswith("ValueError")
    assert len(table) == 5


def test_json_round_trip(store: Path, capsys: Say) -> None:
    assert out(capsys, "export", "-o", "all.json") == ""
    document = json.loads(Path("all.json").read_text())
    assert (document["objectives"], document["seed"]) == ([{"name": "accuracy", "maximize": True}], 1)
    with lt.Study("st\x1b[31mudy", store="one.db") as study:
        assert lt.Space.from_plain(document["space"]) == study.space
        for row, trial in zip(document["trials"], study.trials, strict=True):
            assert codec.from_plain(row["params"]) == dict(trial.params)
            assert (row["number"], row["error"], row["state"]) == (trial.number, trial.error, str(trial.state))
            assert repr(codec.from_plain(row["values"])) == repr(dict(trial.values))


def test_parquet(store: Path, capsys: Say) -> None:
    import pandas

    assert out(capsys, "export", "-o", "all.parquet") == ""
    frame = pandas.read_parquet("all.parquet")
    assert list(frame["accuracy"][:2]) == [0.25, 0.75]
    assert frame["kernel"][1] == "=poly"
    assert frame["picked"][1] == '{"$tuple": ["a", "c"]}'
    assert "name a file" in out(capsys, "export", "--format", "parquet", code=2)


def test_parquet_has_whole_numbers_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Say) -> None:
    import pandas

    monkeypatch.chdir(tmp_path)
    with lt.Study("s", {"x": lt.Float(0, 1)}, minimize="l", method=lt.Random(), seed=0, store="big.db") as study:
        numbers = [{"huge": 10**30, "long": 2**62, "mixed": 2**60}, {"huge": -1, "long": 2**62 + 1, "mixed": 0.5}]
        for more in numbers:
            study.tell(study.ask(), {"l": 1.0, **more})
    out(capsys, "export", "big.db", "-o", "big.parquet")
    frame = pandas.read_parquet("big.parquet")
    assert list(frame["huge"]) == [str(10**30), "-1"]
    assert list(frame["long"]) == [2**62, 2**62 + 1]
    assert list(frame["mixed"]) == [str(2**60), "0.5"]


def test_export_refuses_to_overwrite_the_store(store: Path, capsys: Say) -> None:
    before = store.read_bytes()
    assert "is the store of study" in out(capsys, "export", "-o", "one.db", code=2)
    assert store.read_bytes() == before
    assert "create it first" in out(capsys, "export", "-o", "no/where.csv", code=2)


def test_export_refuses_to_overwrite_the_store_by_another_name(store: Path, capsys: Say) -> None:
    before = store.read_bytes()
    Path("soft.db").symlink_to("one.db")
    Path("hard.db").hardlink_to("one.db")
    Path("sub").mkdir()
    for where, output in (
        ("sqlite:///one.db", "one.db"),
        ("one.db", "sub/../one.db"),
        ("soft.db", "one.db"),
        ("one.db", "hard.db"),
        ("one.db", "soft.db"),
    ):
        assert "is the store of study" in out(capsys, "export", where, "-o", output, code=2)
    with SQLite("other.db"):
        pass
    assert "SQLite file" in out(capsys, "export", "one.db", "-o", "other.db", code=2)
    assert store.read_bytes() == before
    out(capsys, "export", "one.db", "-o", "table.csv")
    assert [path.name for path in Path().iterdir() if path.name.startswith(".")] == []


def test_enqueue(store: Path, capsys: Say) -> None:
    assert out(capsys, "enqueue", "kernel=1", "C=3", 'picked=["b", "c"]').endswith(
        "kernel=1  C=3  picked=(b, c): enqueued\n"
    )
    assert "nothing changed" in out(capsys, "enqueue", "one.db", "C=3.0", "kernel=1", 'picked=["b", "c"]')
    with lt.Study("st\x1b[31mudy", store="one.db") as study:
        study.ask()  # the one that waits
        assert study.ask().params["kernel"] == "1"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["kernl=rbf"], 2, "no variable 'kernl' (did you mean 'kernel'?)"),
        (["one.db"], 2, "at least one KEY=VALUE"),
        (["C=1", "x"], 2, "'x' is not KEY=VALUE"),
        (["C=1", "C=2"], 2, "'C' is given twice"),
        (["C=11"], 1, "C"),
        (["C=abc"], 1, "C"),
    ],
)
def test_enqueueing_what_makes_no_sense(store: Path, capsys: Say, words: list[str], code: int, said: str) -> None:
    assert said in out(capsys, "enqueue", *words, code=code)


def test_verify(store: Path, capsys: Say) -> None:
    assert out(capsys, "verify") == "st[31mudy: 2 proposals proved, 3 given, 0 mismatches\n"


def test_verify_finds_a_proposal_that_was_changed(store: Path, capsys: Say) -> None:
    from luthier.event import Asked
    from luthier.store import Memory, open_store

    with lt.Study("other", {"x": lt.Float(0, 1)}, minimize="loss", store="two.db", seed=1) as study:
        study.tell(study.ask(), 1)
    with open_store("two.db") as real:
        events = [record.event for record in real.read("other")]
        real.delete("other")
        forged = [Asked(e.number, {"x": 0.25}, e.seen) if isinstance(e, Asked) else e for e in events]
        real.append("other", forged, 0)
    assert not isinstance(real, Memory)
    assert "trial 0 has x: 0.25 and should have x: " in out(capsys, "verify", "two.db", code=1)


def test_rm(store: Path, capsys: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert "with its 5 trials" in out(capsys, "rm", code=130)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert "nothing was removed, for nobody answered: give --yes" in out(capsys, "rm", code=2)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert out(capsys, "rm").strip() == "st[31mudy: removed"  # click before 8.2 prints a space for the prompt
    assert "has no studies" in out(capsys, "show", code=1)
    lt.Study("a", {"x": lt.Float(0, 1)}, minimize="loss", store="one.db").close()
    assert out(capsys, "rm", "--yes") == "a: removed\n"


def test_doctor(store: Path, capsys: Say) -> None:
    assert "cloudpickle" in out(capsys, "doctor")
    report = json.loads(out(capsys, "doctor", "one.db", "--json"))
    assert report["faults"] == []
    assert "5 trials" in report["study st[31mudy"]
    assert "journal mode" in report["sqlite"]


def test_doctor_finds_damage(store: Path, capsys: Say) -> None:
    content = bytearray(store.read_bytes())
    place = content.index(b'"accuracy":0.75')
    content[place + 12] ^= 1
    store.write_bytes(content)
    assert execute(["doctor", "one.db", "--json"]) == 1
    captured = capsys.readouterr()
    assert len(json.loads(captured.out)["faults"]) == 1
    assert "faults found" in captured.err
    store.write_bytes(b"not a database at all, but long enough to be looked at")
    assert execute(["doctor", "one.db"]) == 1


def test_init_writes_a_study_that_can_be_read_and_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Say
) -> None:
    from luthier.cli.studyfile.read import read_study

    monkeypatch.chdir(tmp_path)
    assert out(capsys, "init") == "wrote study.toml and objective.py; now run: luthier run study.toml\n"
    assert read_study("study.toml").name == "example"
    before = Path("study.toml").read_text()
    assert "exists, and is not overwritten" in out(capsys, "init", code=1)
    assert "'objective.py' exists" in out(capsys, "init", "other.toml", code=1)
    assert "no folder" in out(capsys, "init", "no/where.toml", code=1)
    assert Path("study.toml").read_text() == before


def test_what_init_comments_out_is_right(tmp_path: Path) -> None:
    """Every line of the example that is commented out works when the sign is taken away, one after the other."""
    from luthier.cli.studyfile.example import OBJECTIVE, STUDY
    from luthier.cli.studyfile.read import read_study

    (tmp_path / "objective.py").write_text(OBJECTIVE)
    lines = STUDY.splitlines()
    for place, line in enumerate(lines):
        if not line.startswith("# ") or " = " not in line:
            continue
        changed = [*lines[:place], line[2:], *lines[place + 1 :]]
        key = line[2:].split(" = ")[0]
        if key in ("command", "result", "shell"):
            changed = [text for text in changed if not text.startswith("python =")]
            changed = [text[2:] if text.startswith("# command") else text for text in changed]
        if key == "use":
            changed = [text[2:] if text.startswith("# [stop]") else text for text in changed]
        (tmp_path / "study.toml").write_text("\n".join(changed))
        assert read_study(tmp_path / "study.toml").name == "example", line


def test_usage(capsys: Say) -> None:
    assert "no command 'shwo' (did you mean 'show'?)" in out(capsys, "shwo", code=2)
    assert "No such option" in out(capsys, "show", "--sorted", code=2)
    assert out(capsys, "--version").startswith("luthier 0.")
    for command in ("run", "best", "show", "export", "enqueue", "verify", "doctor", "rm", "init"):
        assert command in out(capsys, "--help")
        assert "Usage: luthier" in out(capsys, command, "--help")


def test_help_loads_click_and_nothing_else() -> None:
    code = "import sys; from luthier.cli import execute; execute(['--help']); print(sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("numpy", "rich", "msgspec", "sqlite3", "tomllib"):
        assert f"'{heavy}'" not in modules


@pytest.mark.parametrize("command", ["show", "best", "export"])
def test_who_reads_a_study_loads_no_method(store: Path, command: str) -> None:
    code = f"""import sys
from luthier.cli import execute
assert execute([{command!r}, {str(store)!r}]) == 0
unwanted = ("luthier.method", "luthier.surrogate", "luthier.stop", "scipy")
print([name for name in sys.modules if name.startswith(unwanted)], file=sys.stderr)"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr == "[]\n"


def test_a_closed_pipe_is_no_traceback(store: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    run = subprocess.run([sys.executable, "-m", "luthier", "show"], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert run.returncode == 1
    assert run.stderr == ""


def test_retry_and_forget(store: Path, capsys: Say) -> None:
    assert out(capsys, "retry", "one.db", "--failed").endswith("trials 2, 3 will be run again: luthier run goes on\n")
    assert out(capsys, "forget", "1").endswith("trial 1 forgotten\n")
    with lt.study.StudyReader.open(store) as study:
        assert study.history.waiting == (4, 2, 3) and study.history.forgotten == (1,) and study.best.number == 0
    header, *rows = csv.reader(io.StringIO(out(capsys, "export")))
    assert header[-1] == "forgotten" and [row[-1] for row in rows] == ["false", "true", "false", "false", "false"]
    assert [trial.get("forgotten") for trial in json.loads(out(capsys, "export", "--format", "json"))["trials"]] == [
        None,
        True,
        None,
        None,
        None,
    ]
    assert "(1 of them forgotten)" in out(capsys, "show")
    assert out(capsys, "forget", "one.db", "0-2").endswith("trials 0, 1, 2 forgotten\n")
    assert out(capsys, "retry", "--failed").endswith("no trial failed\n")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "give the numbers of trials (3 5 8-11), or --failed"),
        (["3", "--failed"], 2, "give the numbers of trials"),
        (["one.db", "three"], 2, "'three' is not the number of a trial"),
        (["5-3"], 2, "'5-3' is an empty range"),
        (["0", "99"], 1, "there is no trial 99; the study has 5"),
    ],
)
def test_retrying_what_makes_no_sense(store: Path, capsys: Say, words: list[str], code: int, said: str) -> None:
    for command in ("retry", "forget"):
        assert execute([command, *words]) == code
        assert said in capsys.readouterr().err
