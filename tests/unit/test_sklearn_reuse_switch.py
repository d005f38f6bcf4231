"""Off switch of fit reuse: no module of it is imported, and results are equal to the bit."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import luthier.sklearn

PACKAGE = Path(luthier.sklearn.__file__).parent

PROGRAM = """
import json, sys
import numpy as np
from scipy import stats
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import Pipeline
import luthier as lt
from luthier.sklearn import *

cache_mb = float(sys.argv[1])
X, y = load_iris(return_X_y=True)
X = X + np.random.default_rng(0).normal(scale=0.5, size=X.shape)
pipe = Pipeline([("pca", PCA(random_state=0)), ("ridge", RidgeClassifier())])
forest = RandomForestClassifier(random_state=0)
grid = {"pca__n_components": [1, 2, 3], "ridge__alpha": [0.1, 1.0, 10.0]}
sizes = {"n_estimators": [2, 4, 8]}
space = {"pca__n_components": (1, 4), "ridge__alpha": (0.01, 100.0, "log-uniform")}
common = {"cache_mb": cache_mb, "refit": False, "return_train_score": True}
searches = [
    GridSearchCV(pipe, grid, cv=3, **common),
    GridSearchCV(forest, sizes, cv=3, **common),
    GridSearchCV(pipe, grid, cv=6, racing=True, **common),
    RandomizedSearchCV(pipe, grid, n_iter=5, random_state=0, cv=3, store=sys.argv[2] + "/r.db", **common),
    HalvingGridSearchCV(
        forest, {"max_depth": [1, 2, 3]}, resource="n_estimators", max_resources=9, cv=3, random_state=0, **common
    ),
    HalvingRandomSearchCV(pipe, {"ridge__alpha": stats.loguniform(0.1, 10)}, random_state=0, cv=3, **common),
    BayesSearchCV(pipe, space, n_iter=6, n_points=2, method=lt.Random(), random_state=0, cv=3, **common),
]
found = []
for search in searches:
    results = search.fit(X, y).cv_results_
    found.append({
        name: repr(values if name == "params" else np.asarray(values, dtype=object).tolist())
        for name, values in results.items() if "time" not in name
    })
modules = sorted(name for name in sys.modules if name.startswith("luthier.sklearn.reuse"))
print(json.dumps([modules, found]))
"""


def run(cache_mb: str, folder: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Run all search classes in a process of their own; return the modules of reuse, and the results."""
    folder.mkdir()
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, cache_mb, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    modules, found = json.loads(done.stdout)
    return modules, found


@pytest.mark.slow
def test_with_reuse_off_none_of_its_modules_is_imported_and_the_results_are_the_same(tmp_path: Path) -> None:
    modules, plain = run("0", tmp_path / "off")
    assert modules == []
    modules, reused = run("512", tmp_path / "on")
    assert "luthier.sklearn.reuse.shared_steps" in modules
    assert len(plain) == 7
    for ours, others in zip(reused, plain, strict=True):
        assert ours == others


@pytest.mark.parametrize("name", ["reuse", "racing", "selection", "spaces"])
def test_a_package_is_imported_by_its_face(name: str) -> None:
    """Files outside a package name the package only; of reuse, there is one such file."""
    importers = set()
    for file in sorted(PACKAGE.rglob("*.py")):
        if (PACKAGE / name) in file.parents:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            found = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for module in found:
                assert not module.startswith(f"luthier.sklearn.{name}."), f"{file.name} imports {module}"
                importers |= {file.name} if module == f"luthier.sklearn.{name}" else set()
    assert importers
    assert name != "reuse" or importers == {"search.py"}


def test_the_face_of_reuse_has_one_name() -> None:
    from luthier.sklearn import reuse

    assert reuse.__all__ == ["SharedSteps"]
