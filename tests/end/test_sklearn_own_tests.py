"""scikit-learn's own tests of its search classes, run against Luthier's, in two versions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
OLDER = Path(sys.prefix) / "sklearn-1.7"
"""Where `make test` puts another version of scikit-learn."""

SEARCHES = {
    "sklearn.model_selection.tests.test_search": 100,
    "sklearn.model_selection.tests.test_successive_halving": 80,
}
METAESTIMATORS = {"sklearn.tests.test_metaestimators": 10, "sklearn.tests.test_metaestimators_metadata_routing": 25}
"""The test modules, and how many tests at least pass in each."""

CHOSEN = ["-k", "SearchCV or search"]
"""Of modules about all meta-estimators, the tests of searches."""

PLAIN = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-q"]


def outcomes(
    modules: dict[str, int], whose: str, folder: Path, older: bool, but: Path | None = None
) -> tuple[str, dict[str, str]]:
    """Run modules of scikit-learn's tests in one process, and give the version and how each test ended.

    Tests that passed in a run whose outcomes are in the file `but` are left out.
    """
    found = folder / f"{whose}.json"
    paths = [*([str(OLDER)] if older else []), str(HERE)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "LUTHIER_SWAP": whose,
        "LUTHIER_OUTCOMES": str(found),
        "LUTHIER_BUT": "" if but is None else str(but),
    }
    chosen = CHOSEN if modules is METAESTIMATORS else []
    command = [*PLAIN, "-p", "sklearn_swap", "-W", "ignore", "--pyargs", *modules, *chosen]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert found.exists(), run.stdout + run.stderr
    content = json.loads(found.read_text())
    return content["version"], content["outcomes"]


def compare(modules: dict[str, int], folder: Path, older: bool) -> str:
    """See that every test that passes with scikit-learn's classes does so with ours.

    With scikit-learn's classes only those are run that did not pass with ours, or are not there with them.
    """
    version, ours = outcomes(modules, "ours", folder, older)
    same, theirs = outcomes(modules, "theirs", folder, older, but=folder / "ours.json")
    assert same == version
    for module, least in modules.items():
        file = f"{module.rpartition('.')[2]}.py::"
        assert sum(name.startswith(file) and end == "passed" for name, end in ours.items()) >= least, module
    assert {name: ours.get(name) for name, outcome in theirs.items() if outcome == "passed"} == {}
    return version


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("modules", [SEARCHES, METAESTIMATORS], ids=["searches", "metaestimators"])
def test_the_installed_version(modules: dict[str, int], tmp_path: Path) -> None:
    compare(modules, tmp_path, older=False)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_minor_versions_before(tmp_path: Path) -> None:
    assert OLDER.exists(), f"{OLDER} is missing: `make test` installs scikit-learn 1.7 there"
    assert compare(SEARCHES, tmp_path, older=True).startswith("1.7.")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_results_are_those_of_a_plain_run_two_minor_versions_before(tmp_path: Path) -> None:
    modules = ["test_sklearn_warm_start.py", "test_sklearn_last_step.py", "test_sklearn_shared_steps.py"]
    run = subprocess.run(
        [*PLAIN, *(HERE.parent / "unit" / module for module in modules)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(OLDER)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
