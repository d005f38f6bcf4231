"""Notes and tags of a study: stored, listed, and no business of a method."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import luthier as lt
from luthier.cli.program import program
from luthier.errors import InvalidSetting
from luthier.study import StudyReader

SPACE = {"x": lt.Float(-1, 1)}


def test_notes_and_tags_are_stored_and_listed(tmp_path: Path) -> None:
    with lt.Study("s", SPACE, minimize="loss", seed=3, store=tmp_path / "s.db", method=lt.Random()) as study:
        assert (study.notes, study.tags) == ("", ())
        before = study.history.digest
        study.annotate("first\nsecond", ["paper", "gpu", "paper"])
        study.annotate(tags=iter(("a b", "gpu")))
        length = study.history.length
        study.annotate("first\nsecond", ("a b", "gpu"))  # as it is: nothing to write
        assert study.history.length == length and study.history.digest == before
        study.tell(study.ask(), 1.0)
        assert study.verify().ok
        assert "#gpu" in repr(study) and "second" in study._repr_html_()
    (entry,) = lt.studies(tmp_path / "s.db")
    assert (entry.tags, entry.notes) == (("a b", "gpu"), "first\nsecond")
    assert entry.to_dict()["tags"] == ["a b", "gpu"] and "#gpu" in str(entry)
    with StudyReader.open(tmp_path / "s.db") as reader:
        assert reader.to_dict()["notes"] == "first\nsecond"
    with lt.Study("s", store=tmp_path / "s.db") as again:
        again.annotate("", ())
        assert (again.notes, again.tags) == ("", ())


@pytest.mark.parametrize("wrong", [{"notes": 5}, {"tags": "paper"}, {"tags": [1]}, {"tags": [""]}, {"tags": ["a\nb"]}])
def test_what_is_no_text_is_refused(wrong: dict[str, Any]) -> None:
    study = lt.Study("s", SPACE, minimize="loss", seed=3)
    length = study.history.length
    with pytest.raises(InvalidSetting):
        study.annotate(**wrong)
    assert study.history.length == length


def test_the_command_line_sets_and_shows_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lt.Study("s", SPACE, minimize="loss", seed=3, store="s.db").close()
    run = CliRunner().invoke
    assert "no tags\nno notes" in run(program, ["annotate", "s.db"]).output
    done = run(program, ["annotate", "s.db", "--notes", "new scaler", "--tag", "paper", "--tag", "gpu"])
    assert done.output == "s: #paper #gpu\nnew scaler\n"
    assert run(program, ["annotate", "s.db", "--untag", "gpu"]).output == "s: #paper\nnew scaler\n"
    assert "it has no tag 'gpu'" in run(program, ["annotate", "s.db", "--untag", "gpu"]).output
    listed = run(program, ["list", "s.db"]).output
    assert "paper" in listed and "new scaler" in listed
    assert "#paper\nnew scaler" in run(program, ["show", "s.db"]).output


FILE = """
[study]
minimize = "loss"
notes = "with the new scaler"
tags = ["paper", "gpu"]
[objective]
command = "echo {x}"
[space]
x = {float = [0, 1]}
[method]
use = "Random"
[budget]
trials = 1
"""


def test_a_study_file_sets_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.toml").write_text(FILE)
    run = CliRunner().invoke
    assert run(program, ["run", "s.toml"]).exit_code == 0
    run(program, ["annotate", "s.db", "--notes", "by hand", "--tag", "mine", "--untag", "gpu"])
    Path("s.toml").write_text(FILE.replace('notes = "with the new scaler"\n', "").replace('"gpu"', '"paper"'))
    run(program, ["run", "s.toml"])  # what the file does not say stays
    assert run(program, ["annotate", "s.db"]).output == "s: #paper #mine\nby hand\n"
    Path("s.toml").write_text(FILE.replace('"gpu"', r'"g\npu"'))
    assert "s.toml, line 5: a tag is a text of one line" in str(run(program, ["run", "s.toml"]).exception)
