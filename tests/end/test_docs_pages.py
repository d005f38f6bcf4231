"""Every block of code in the documents is run, page by page, and prints what the page says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from page_script import TRAINING, blocks, matches, python, run

import luthier

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in (REPOSITORY / "docs").rglob("*.md")
    if path.parent.name not in ("decisions", "api") and blocks(path) and path.name not in ("architecture.md",)
)


SOURCE = Path(luthier.__file__).parents[1]


def title(path: Path) -> str:
    return str(path.relative_to(REPOSITORY / "docs" if "docs" in path.parts else REPOSITORY))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES, ids=title)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    run(page, tmp_path)


def _scripts(folder: Path) -> list[Path]:
    """Write the Python of all pages, of the README and of the examples into a folder."""
    scripts = []
    for page in [*PAGES, REPOSITORY / "README.md"]:
        name = title(page).removesuffix(".md").replace("/", "_").replace("-", "_").replace(".", "_")
        files = [block for block in blocks(page) if block.file.endswith(".py")]
        for block in files:
            scripts.append(folder / f"{name}_{block.file.replace('/', '_')}")
            scripts[-1].write_text(block.text, "utf-8")
        if python(page):
            scripts.append(folder / f"{name}.py")
            scripts[-1].write_text(python(page), "utf-8")
    for example in (REPOSITORY / "examples").glob("*.py"):
        scripts.append(folder / f"example_{example.name}")
        scripts[-1].write_text(example.read_text(encoding="utf-8"), "utf-8")
    return scripts


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_mypy_has_nothing_to_say(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "--config-file="]
    done = subprocess.run(
        [*command, "--cache-dir", str(tmp_path / "cache"), *map(str, _scripts(tmp_path))],
        env={**os.environ, "MYPYPATH": str(SOURCE)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_pyright_has_nothing_to_say(tmp_path: Path) -> None:
    settings = {"extraPaths": [str(SOURCE), str(TRAINING)], "pythonVersion": "3.11", "reportMissingModuleSource": False}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    assert len(_scripts(tmp_path)) > 30
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--project", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_printed_is_compared() -> None:
    assert matches("best 0.25 of 3\n", "best … of 3")
    assert not matches("best 0.25 of 3\n", "best … of 4")
    assert not matches("best 0.25 of 3\nand more\n", "best 0.25 of 3")


def test_every_page_has_blocks_that_run() -> None:
    assert len(PAGES) > 20
