"""The line of every key of a TOML text."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.cli.studyfile.toml_lines import index_lines

TEXT = '''# a comment with [brackets] and = signs
title = "a # b"

[space]
C = {float = [1e-3, 1e3], log = true}  # = {
"odd name" = {int = [1, 2]}
a.b.c = 1
text = """
[not.a.table]
x = 1
"""
more = \'\'\'
"""
\'\'\'
require = [
    "a < b",  # first
    # nothing

    "c == 'x'",
]

[[runs]]
x = 1
[[runs]]
x = 2
[runs.inner]
y = 2020-01-01 00:00:00

[ "quoted.table" . b ]
z = '}'
'''


def test_every_key_has_its_line() -> None:
    tomllib.loads(TEXT)
    lines = index_lines(TEXT)
    assert lines["title",] == 2
    assert lines["space",] == 4
    assert lines["space", "C"] == lines["space", "C", "log"] == lines["space", "C", "float", 1] == 5
    assert lines["space", "odd name", "int"] == 6
    assert lines["space", "a"] == lines["space", "a", "b", "c"] == 7
    assert lines["space", "text"] == 8
    assert lines["space", "more"] == 12
    assert lines["space", "require"] == 15
    assert lines["space", "require", 0] == 16
    assert lines["space", "require", 1] == 19
    assert lines["runs", 0, "x"] == 23
    assert lines["runs", 1, "x"] == 25
    assert lines["runs", 1, "inner", "y"] == 27
    assert lines["quoted.table", "b", "z"] == 30


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing", "a = 1", 'a = """x""""', "a = []", "a = {}", "[a]"])
def test_small_texts(text: str) -> None:
    tomllib.loads(text)
    assert all(line == 1 for line in index_lines(text).values())


def _paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in ((*path, key), *_paths(item, (*path, key)))]


def _write(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_write(key)} = {_write(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[\n" + ",\n".join(map(_write, value)) + "\n]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(sign):08x}" if sign in '"\\\x7f' or sign < " " else sign for sign in value) + '"'
    return str(value).lower()


NAMES = st.text(st.characters(blacklist_categories=["Cs"]), max_size=6)
VALUES = st.recursive(
    st.booleans() | st.integers(-9, 9) | NAMES,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(NAMES, inside, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_any_document_is_indexed_in_full(document: dict[str, object]) -> None:
    text = "\n".join(f"{_write(key)} = {_write(value)}" for key, value in document.items())
    assert tomllib.loads(text) == document
    lines = index_lines(text)
    assert set(lines) == set(_paths(document))
    rows = text.split("\n")
    assert all(rows[lines[key,] - 1].startswith(f"{_write(key)} =") for key in document)
