"""The examples of CONTRIBUTING.md, each added to a copy of the tree as the page says, and proved as it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = re.findall(
    r"^```python\n# ((?:src|tests)/[\w/]+\.py)(?:: ([^\n]*))?\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL
)
"""(file, what is added to it or "" for all of it, text) of each block that names a file."""
FACES = {"SquaredEI": "acquisition", "NearestNeighbours": "surrogate"}
FUTURE = "from __future__ import annotations\n"


def insert(path: Path, after: str, text: str) -> None:
    """Insert a text after the first occurrence of another one."""
    before, found, rest = path.read_text(encoding="utf-8").partition(after)
    assert found, f"{after!r} is not in {path.name}"
    path.write_text(before + found + text + rest, encoding="utf-8")


def opening(path: Path, table: str) -> str:
    """Give the text with which a table begins."""
    found = re.search(rf"^{table}(: \w+)? = [\[{{]", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, f"there is no table {table} in {path.name}"
    return found[0]


def follow(page: Path) -> None:
    """Add every block of the page to the copy of the repository in `page`."""
    for file, what, text in BLOCKS:
        path = page / file
        if not what and file.startswith("src/"):
            assert not path.exists()
            path.write_text(text, encoding="utf-8")
        elif not what:
            path.write_text(path.read_text(encoding="utf-8") + "\n\n" + text, encoding="utf-8")
        elif what == "this import, and its line in __all__":
            insert(path, FUTURE, text)
            insert(path, opening(path, "__all__"), f'"{text.split()[-1]}", ')
        elif what.startswith("this line in "):
            table = what.removeprefix("this line in ").partition(",")[0]
            insert(path, opening(path, table), text)
            if file.endswith("__init__.py"):
                insert(path, opening(path, "__all__"), f"{text.partition(':')[0]}, ")
        else:
            name = next(name for name in FACES if name in text)
            insert(path, FUTURE, f"from luthier.{FACES[name]} import {name}\n")
            insert(path, opening(path, what.removeprefix("in ")), text.rstrip(",\n") + ",\n")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("contributing")
    shutil.copytree(
        REPOSITORY / "src", folder / "src"
    )  # with what is compiled, which is made anew where a file changes
    shutil.copytree(REPOSITORY / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    follow(folder)
    return folder


def run(copy: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(copy / "src")}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_page_has_all_five_examples() -> None:
    new = [file for file, what, _ in BLOCKS if not what and file.startswith("src/")]
    assert [Path(file).parent.name for file in new] == ["acquisition", "surrogate", "method", "store", "executor"]


PROOFS = {
    "tests/grad/test_acquisition_partials.py": ("SquaredEI", 3),
    "tests/contract/test_surrogates.py": ("NearestNeighbours", 20),
    "tests/contract/test_methods.py": ("EpsilonGreedy", 30),
    "tests/contract/test_stores.py": ("JsonLines", 40),
    "tests/contract/test_executors.py": ("Sequential", 10),
    "tests/law/test_bayes_pairs.py": ("squared-ei or neighbours", 30),
    "tests/unit/test_names.py": ("SquaredEI or NearestNeighbours or EpsilonGreedy", 3),
}
"""The files of the proofs: which tests are run, and how many at least pass in each."""


@pytest.fixture(scope="module")
def proofs(copy: Path) -> list[str]:
    """Run the proofs of all examples; gives the tests that passed."""
    chosen = " or ".join(which for which, _ in PROOFS.values())
    said = run(copy, sys.executable, "-m", "pytest", "-q", "-rp", "-p", "no:cacheprovider", *PROOFS, "-k", chosen)
    return re.findall(r"^PASSED (.*)$", said, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("file", PROOFS)
def test_the_proof_of_each_example(proofs: list[str], file: str) -> None:
    which, least = PROOFS[file]
    words = [word.lower() for word in which.split(" or ")]
    passed = [name for name in proofs if name.startswith(file) and any(word in name.lower() for word in words)]
    assert len(passed) >= least, passed


@pytest.mark.slow
def test_the_layers_of_the_copy(copy: Path) -> None:
    run(copy, str(Path(sys.executable).parent / "lint-imports"))
