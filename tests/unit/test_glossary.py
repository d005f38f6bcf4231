"""The tree against the glossary in docs/notation.md: its classes exist once, its banned words name nothing."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import luthier
from syntax_trees import nodes, trees

PAGE = Path(__file__).parents[2] / "docs" / "notation.md"


def tables() -> Iterator[tuple[list[str], list[list[str]]]]:
    """Give each table of the page: its header, and its rows of cells."""
    for block in re.findall(r"(?:^\|.*\n)+", PAGE.read_text(encoding="utf-8"), re.MULTILINE):
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        yield cells[0], cells[2:]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def column(header: list[str], number: int) -> list[str]:
    """Give the names in backticks in one column of all tables that have this header."""
    return [name for head, rows in tables() if head == header for row in rows for name in quoted(row[number])]


TERMS = column(["term", "meaning", "in the code"], 2)
BANNED = column(["not", "but"], 0)


@cache
def definitions() -> dict[str, dict[str, ast.stmt]]:
    """Give the classes, type aliases and constants that modules define at their top, by name and path."""
    found: dict[str, dict[str, ast.stmt]] = {}
    for path, tree in trees().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, {})[path] = node
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.setdefault(node.target.id, {})[path] = node
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found.setdefault(node.targets[0].id, {})[path] = node
    return found


def members(kind: ast.stmt) -> set[str]:
    """Name the fields and methods of a class, those that its methods set included."""
    assert isinstance(kind, ast.ClassDef)
    found = {node.name for node in kind.body if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(kind):
        if isinstance(node, ast.AnnAssign | ast.Assign):
            for target in [node.target] if isinstance(node, ast.AnnAssign) else node.targets:
                found.add(target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", ""))
    return found


def identifiers() -> Iterator[tuple[str, str]]:
    """Give each identifier of the tree with the module that uses it, and the names of modules themselves."""
    for path, tree in trees().items():
        yield path, Path(path).stem
        for node in nodes(tree):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                    yield path, name
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                    yield path, name
                case ast.alias(name=name, asname=alias):
                    yield path, alias or name
                case ast.keyword(arg=str(name)):
                    yield path, name
                case _:
                    pass


def words(identifier: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)}


@cache
def uses() -> dict[str, set[str]]:
    """Give the places where each word stands in an identifier."""
    found: dict[str, set[str]] = {}
    for path, name in set(identifiers()):
        for word in words(name):
            found.setdefault(word, set()).add(f"{path}: {name}")
    return found


def test_the_page_has_its_tables() -> None:
    assert len(TERMS) > 70
    assert len(BANNED) > 20
    repeated = Counter(row[0] for head, rows in tables() if head[0] == "term" for row in rows)
    assert [term for term, count in repeated.items() if count > 1] == []


def test_a_name_of_the_glossary_is_defined_once() -> None:
    places = {name: sorted(definitions().get(name, {})) for name in sorted({name.partition(".")[0] for name in TERMS})}
    assert {name: where for name, where in places.items() if len(where) != 1} == {}


def test_an_attribute_of_the_glossary_exists() -> None:
    missing = []
    for name in sorted(name for name in TERMS if "." in name):
        kind, _, attribute = name.partition(".")
        (node,) = definitions()[kind].values()
        missing += [name] if attribute not in members(node) else []
    assert missing == []


def test_every_public_name_is_in_the_glossary() -> None:
    listed = column(["kind", "names"], 1)
    assert sorted(listed) == sorted(set(luthier.__all__) - {"__version__", "errors"})


def test_a_banned_word_names_nothing() -> None:
    assert {word: sorted(where) for word in BANNED if (where := uses().get(word))} == {}
