"""The references that are made from the code: complete, and refused where code and text differ."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))

from site_pages import api, study_file  # noqa: E402
from site_pages.command_line import _examples, command_line  # noqa: E402

from luthier import _names  # noqa: E402
from luthier.cli.program import ENTRIES  # noqa: E402
from luthier.space import serialization  # noqa: E402


def test_the_study_file_has_every_key_with_its_type_and_default() -> None:
    text = study_file.study_file()
    assert "| `trials` | whole number from 1 on | none | the number of trials" in text
    assert '| `kind` | `"processes"`, `"threads"`, `"inline"`, `"dask"`, ' in text
    assert '| `trial_time` | seconds, or text such as `"90s"`, `"10m"`, `"1h30m"` | none |' in text
    assert "| `name` | text | the file's name without `.toml` |" in text
    for kind in serialization._KINDS:
        assert f"### {kind}\n" in text
    for package in ("luthier.method", "luthier.surrogate", "luthier.acquisition"):
        for name in set(_names.PUBLIC[package]) & set(_names.STORED) - {"Prior"}:
            assert f'#### use = "{name}"' in text


def test_a_key_without_a_meaning_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(study_file.MEANINGS, "store", {})
    with pytest.raises(ValueError, match=r"\[store\] has the keys \['path'\]"):
        study_file.asked()


def test_the_command_line_has_every_command_and_option() -> None:
    text = command_line()
    for name in ENTRIES:
        assert f"## luthier {name}\n" in text
    assert "| `--filter EXPRESSION` | Only trials that keep it:" in text
    assert "| `--out, -o, --output FILE` | By default standard output. |" in text
    assert "| `--method fanova, shapley, permutation, ped-anova, local` |" in text
    assert "```console\n$ luthier doctor study.db" in text


def test_every_command_has_an_example_that_is_run() -> None:
    with pytest.raises(ValueError, match=r"command-line.md has no example of the command 'nothing'"):
        _examples("nothing")
    assert all(_examples(name)[0].startswith(f"$ luthier {name}") for name in ENTRIES)


def test_every_public_name_has_a_page_and_an_example() -> None:
    listed = {entry.dotted: entry for entry in api.entries()}
    assert sorted(api.public_names() - set(listed)) == []
    results = ("luthier.analysis.Importance", "luthier.study.TrialResult", "luthier.testing.stores.StoreContract")
    assert set(results) <= api.public_names()
    for entry in listed.values():
        assert "```python\n" in entry.example, entry.dotted
        names = (entry.dotted.rpartition(".")[2], "study.", "drawn.")  # or what a study hands out
        assert any(name in entry.example for name in names), entry.dotted
        assert entry.thing is not None
    pages = api.pages()
    assert len(pages) == len(listed) + 1
    assert "[lt.Float](Float.md)" in pages["index.md"]
