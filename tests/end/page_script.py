"""The blocks of code of a document, made into one script that runs them in order and compares what they print.

- A ``python`` block goes on where the one before it ended, in one program.
- A block whose first line is a comment with the name of a file (``# train.py``) is that file.
- In a ``console`` block each line after ``$`` is run; the other lines are what it prints.
- A ``text`` block is what the block before it prints. In what is printed, ``…`` stands for anything.
- A ``toml`` block that is no file is read; one that begins with the name of another library is only parsed.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from command_forks import VARIABLE, forks

REPOSITORY = Path(__file__).parents[2]
MARK = "\x1e"
TRAINING = Path(sys.prefix) / "training" / "site-packages"
"""Has the libraries that callbacks are for: see the Makefile."""
PYTHONPATH = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(TRAINING)]))
OTHERS = tuple(
    f"# {name}"
    for name in ("Optuna", "Hyperopt", "scikit-optimize", "SMAC", "Talos", "H2O", "Spearmint", "MOE", "A cluster")
)
NOT_RUN = ("$ make ", "$ python -m pip ", "$ pip ", "$ sbatch ")

_BLOCK = re.compile(r"^(`{3,})(\w+)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"(?:#!\S+\n)?(?:#|//) ([\w./-]+\.\w+)\n")
_RUN = f"""
import sys as _sys
_sys.path.append({str(Path(__file__).parent)!r})
from command_forks import execute as _execute
_sys.path.pop()


def _run(command: str) -> None:
    done = _execute(command)
    print(done.stdout, end="", flush=True)
    assert done.code == 0, (command, done.code, done.stderr)


"""


@dataclass(frozen=True)
class Block:
    """A block of code: its language and text."""

    language: str
    text: str

    @property
    def file(self) -> str:
        """The name of the file that it is; empty where it is none."""
        match = _FILE.match(self.text) if self.language not in ("console", "text") else None
        return match[1] if match else ""

    @property
    def is_ours(self) -> bool:
        """Whether it is Python to be run here."""
        return self.language == "python" and not self.file and not self.text.startswith(OTHERS)


def blocks(page: Path) -> list[Block]:
    """Read the blocks of a page."""
    return [Block(language, text) for _, language, text in _BLOCK.findall(page.read_text(encoding="utf-8"))]


def python(page: Path) -> str:
    """Give the Python of a page as one program."""
    return "\n\n".join(block.text for block in blocks(page) if block.is_ours)


def title(path: Path) -> str:
    """Give the name of a page: its path below the folder of the documents."""
    return str(path.relative_to(REPOSITORY / "docs" if "docs" in path.parts else REPOSITORY))


PAGES = sorted(
    path
    for path in (REPOSITORY / "docs").rglob("*.md")
    if path.parent.name not in ("decisions", "api") and blocks(path) and path.name not in ("architecture.md",)
)
"""The documents that have blocks."""


def run(page: Path, folder: Path, forked: bool = True) -> None:
    """Run a page in an empty folder; raises AssertionError where a block fails, or prints something else.

    Its Python is a process of its own, and so is each ``luthier`` command: a fork of one that has loaded what commands
    load, or, without `forked`, one that starts from nothing.
    """
    parts, expected = [_RUN], []
    for block in blocks(page):
        if block.language == "text":
            if expected:
                expected[-1] += block.text
            continue
        if block.file:
            parts.append(f"import pathlib as _p; _p.Path({block.file!r}).write_text({block.text!r}, 'utf-8')")
            continue
        if block.language == "toml":
            tomllib.loads(block.text)
        elif block.text.startswith(OTHERS):
            ast.parse(block.text)
        elif block.language in ("python", "console"):
            parts.append(f"print({MARK!r}, flush=True)")
            parts.append(block.text if block.language == "python" else _commands(block.text))
            expected.append("" if block.language == "python" else _said(block.text))
    script = folder / "page_script.py"
    script.write_text("\n".join(parts), encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    commands = (
        {VARIABLE: forks(PYTHONPATH)} if forked and any(block.language == "console" for block in blocks(page)) else {}
    )
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", script.name],
        cwd=folder, env={**os.environ, "PATH": path, "COLUMNS": "120", "PYTHONPATH": PYTHONPATH, **commands},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:] + done.stdout[-1000:]
    printed = done.stdout.split(f"{MARK}\n")[1:]
    assert len(printed) == len(expected)
    for said, wanted in zip(printed, expected, strict=True):
        if wanted.strip():
            assert matches(said, wanted), f"printed:\n{said}\nwanted:\n{wanted}"


def matches(said: str, wanted: str) -> bool:
    """Tell whether a text is the wanted one, in which ``…`` stands for anything."""
    plain = [" ".join(text.split()) for text in (said, wanted)]
    pattern = ".*".join(re.escape(piece.strip()) for piece in plain[1].split("…"))
    return re.fullmatch(pattern.replace("\\ ", " "), plain[0].replace("…", "..."), re.DOTALL) is not None


def _commands(text: str) -> str:
    lines = text.replace("\\\n", " ").splitlines()
    return "\n".join(f"_run({line[2:]!r})" for line in lines if line.startswith("$ ") and not line.startswith(NOT_RUN))


def _said(text: str) -> str:
    lines = text.replace("\\\n", " ").splitlines()
    if any(line.startswith(NOT_RUN) for line in lines):
        return ""
    return "\n".join(line for line in lines if not line.startswith("$ "))
