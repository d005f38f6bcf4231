"""The gate to scikit-learn's private names, and the versions that are admitted."""

from __future__ import annotations

import ast
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from sklearn.ensemble import BaggingClassifier
from sklearn.metrics import accuracy_score, get_scorer, make_scorer

import luthier.sklearn
from luthier.sklearn import private_api

PACKAGE = Path(luthier.sklearn.__file__).parent
ROOT = PACKAGE.parents[2]

INHERITED = {"_parameter_constraints"}
"""Private attributes of scikit-learn's classes that a class which derives from them has to name."""


def private_names(tree: ast.AST) -> set[str]:
    """Name the private imports from scikit-learn, and the private attributes of other objects, in a file."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sklearn":
            parts = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            found |= {part for part in parts if part.startswith("_")}
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            of_super = isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "super"
            if not own and not of_super:
                found.add(node.attr)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("_skl"):
            found.add(node.value)
    return found


def test_only_the_gate_uses_private_names_of_scikit_learn() -> None:
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        names = private_names(ast.parse(file.read_text())) - INHERITED - {"_replace", "_asdict"}
        if names:
            found[file.relative_to(PACKAGE).as_posix()] = names
    assert set(found) == {"private_api.py"}, found
    assert "_fit_and_score" in found["private_api.py"]


def test_the_extra_admits_the_versions_that_are_tested_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (requirement,) = project["optional-dependencies"]["sklearn"]
    admitted = Requirement(requirement).specifier
    lock = (ROOT / "requirements" / "lock.txt").read_text().splitlines()
    (locked,) = [line.split("==")[1] for line in lock if line.startswith("scikit-learn==")]
    assert version("scikit-learn") == locked or "1.7." in version("scikit-learn")
    minor = int(locked.split(".")[1])
    for tested in ("1.7.0", "1.7.2", locked):
        assert tested in admitted
    for untested in ("1.6.1", f"1.{minor + 1}.0", "2.0.0"):
        assert untested not in admitted


def test_scorers_are_recognized() -> None:
    single = get_scorer("accuracy")
    own = make_scorer(lambda y, predicted: 1.0)
    several: Any = private_api.MultimetricScorer(scorers={"a": single, "b": own})
    assert private_api.scorers_by_name(single) is None
    assert private_api.scorers_by_name(several) == {"a": single, "b": own}
    assert private_api.is_builtin_scorer(single) and private_api.is_builtin_scorer(own)
    assert not private_api.is_builtin_scorer(accuracy_score)
    assert private_api.has_builtin_score_function(single)
    assert not private_api.has_builtin_score_function(own)


def test_callbacks_are_recognized() -> None:
    bag = BaggingClassifier()
    assert not private_api.has_callbacks(bag)
    vars(bag)[private_api.CALLBACKS] = [print]
    assert private_api.has_callbacks(bag)


@pytest.mark.parametrize("called", ["subcontext", "call_on_fit_task_begin"])
def test_versions_without_callbacks_have_a_context_that_does_nothing(called: str) -> None:
    context = private_api.NoContext()
    assert getattr(context, called)(estimator=None) is context
    assert context.call_on_fit_task_end() is False
    with context.propagate_callback_context("estimator") as estimator:
        assert estimator == "estimator"
