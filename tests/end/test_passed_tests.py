"""What `.ci/run` leaves out of `make test`: what has passed in the same tree, in full, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import passed_tests
from passed_tests import is_reduced

TESTS = Path(passed_tests.__file__).parent

PLAIN = """
import os
import pytest

def test_passes(): pass
def test_passes_too(): pass
def test_fails(): assert "MENDED" in os.environ
def test_is_skipped(): pytest.skip("not here")
@pytest.mark.xfail
def test_is_expected_to_fail(): assert False
@pytest.mark.slow
def test_is_slow(): pass

@pytest.fixture
def untidy():
    yield
    assert "MENDED" in os.environ

def test_passes_until_its_end(untidy): pass
"""
RUN_AGAIN = {"test_fails", "test_is_skipped", "test_is_expected_to_fail", "test_is_slow", "test_passes_until_its_end"}
"""The tests of `PLAIN` that are never left out."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with tests that pass and others."""
    files = {
        "pytest.ini": "[pytest]\nmarkers = slow\naddopts = -p passed_tests\n",
        ".gitignore": "__pycache__\n.pytest_cache\n.hypothesis\n",
        "test_plain.py": PLAIN,
        "test_reduced.py": "from check_set import examples\ndef test_reduced(): assert examples(100) >= 25\n",
        "test_property.py": "from hypothesis import given, strategies\n"
        "@given(strategies.booleans())\ndef test_property(truth): pass\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def run(tree: Path, *options: str, mended: bool = True) -> tuple[set[str], str]:
    """Run the tests of a tree; gives the names of those that ran, and all that was printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "FAST_TESTS"))}
    environment |= {
        "PYTHONPATH": str(TESTS),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        **({"MENDED": "1"} if mended else {}),
    }
    command = [sys.executable, "-m", "pytest", "-p", "xdist.plugin", "-v", "--color=no", *options]
    printed = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True).stdout
    return {*re.findall(r"::(\w+)", printed.partition("short test summary")[0])}, printed


def check(tree: Path, *options: str) -> None:
    ran, _ = run(tree, "-m", "not slow", *options, mended=False)
    assert "test_passes" in ran and "test_is_slow" not in ran


@pytest.mark.parametrize(
    "processes", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)], ids=["one process", "two processes"]
)
def test_what_passed_in_the_same_tree_and_in_full_is_left_out(tree: Path, processes: tuple[str, ...]) -> None:
    check(tree, *processes)
    ran, printed = run(tree, passed_tests.OPTION, *processes)
    assert ran == RUN_AGAIN | {"test_reduced", "test_property"}
    assert "2 tests left out: they passed in `make check`, in full, in this very tree." in printed
    everything, printed = run(tree, *processes)
    assert everything == ran | {"test_passes", "test_passes_too"} and "left out" not in printed


@pytest.mark.slow
def test_nothing_is_left_out_where_anything_has_changed(tree: Path) -> None:
    def all_run() -> bool:
        ran, printed = run(tree, passed_tests.OPTION)
        none = "there is no record" in printed and "0 tests left out" in printed
        assert none is ("test_passes" in ran)
        return none

    assert all_run()  # before any record
    check(tree)
    assert not all_run()
    (tree / "new.txt").write_text("neither committed nor ignored", encoding="utf-8")
    assert all_run()
    (tree / "new.txt").unlink()
    assert not all_run()
    (tree / "test_property.py").chmod(0o755)
    assert all_run()
    check(tree)
    (tree / ".git").rename(tree / "elsewhere")  # there is no telling whether anything has
    assert all_run()


@pytest.mark.slow
def test_what_changes_the_tree_while_it_is_tested_leaves_no_record(tree: Path) -> None:
    writes = "from pathlib import Path\ndef test_writes(): Path('new.txt').write_text('written by a test')\n"
    (tree / "test_writes.py").write_text(writes, encoding="utf-8")
    check(tree)
    ran, _ = run(tree, passed_tests.OPTION)
    assert "test_passes" in ran


def test_an_interpreter_or_a_package_makes_another_tree(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = passed_tests.tree_digest(tree)
    assert before and passed_tests.tree_digest(tree) == before
    with monkeypatch.context() as patch:
        patch.setattr(passed_tests, "_installed", lambda: [("numpy", "0.1")])
        assert passed_tests.tree_digest(tree) != before
    with monkeypatch.context() as patch:
        patch.setattr(sys, "version", "3.99")
        assert passed_tests.tree_digest(tree) != before
    (tree / "inner").mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=tree / "inner", check=True)
    (tree / "inner" / "file").write_text("a repository inside", encoding="utf-8")
    assert passed_tests.tree_digest(tree) == ""


def test_numbers_of_the_fast_set_are_asked_for_where_that_is_seen() -> None:
    """A file that had another one ask for fewer examples would be left out."""
    texts = {path: path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py")}
    askers = {path.name for path, text in texts.items() if re.search(r"check_set|FAST_TESTS", text)}
    assert {name for name in askers if not name.startswith("test_")} == {
        "conftest.py",
        "check_set.py",
        "passed_tests.py",
    }
    borrowing = re.compile(r"^\s*(?:from|import) (test_\w+)", re.MULTILINE)
    borrowed = {
        f"{name}.py" for path, text in texts.items() if not is_reduced(path) for name in borrowing.findall(text)
    }
    assert borrowed & askers == set()
