"""The tests that passed in `make check`, which `.ci/run` leaves out of `make test` where nothing has changed since.

A plugin of pytest. What runs the fast set writes down which tests passed, and in which tree; with `--leave-out-passed`
those are left out, unless anything differs or `make check` had looked at fewer examples of them than all.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

OPTION = "--leave-out-passed"
PLACE = "luthier/passed"
"""Where pytest's cache keeps what passed."""
_SHARED = "luthier_passed"
"""What the controller of pytest-xdist tells its processes, and they tell it."""


def tree_digest(folder: Path) -> str:
    """Give a digest of all files that git does not ignore, the interpreter and what is installed.

    It is empty where there is no telling: no git, no repository, a repository inside.
    """
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(listing, cwd=folder, capture_output=True, check=True).stdout.split(b"\0")
    except (OSError, subprocess.CalledProcessError):
        return ""
    digest = hashlib.sha256(repr((sys.version, platform.platform(), _installed())).encode())
    for name in sorted({*names} - {b""}):
        content = _content(folder / os.fsdecode(name))
        if content is None:
            return ""
        digest.update(repr((name, content)).encode())
    return digest.hexdigest()


def _installed() -> list[tuple[str, str]]:
    return sorted((found.name, found.version) for found in metadata.distributions())


def _content(path: Path) -> tuple[str, object] | None:
    """Give what stands for a file: where a link leads to, or its mode and a digest of its bytes; None for a folder."""
    if path.is_symlink():
        return "link", str(path.readlink())
    if path.is_dir():
        return None
    if not path.exists():
        return "missing", 0
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_mode


@cache
def is_reduced(file: Path) -> bool:
    """Tell whether `make check` may look at less of the tests of a file than `make test`.

    So it is with what Hypothesis makes the examples of, whose number a profile sets, and with any file that asks
    `check_set` for a number.
    """
    text = file.read_text(encoding="utf-8")
    return "hypothesis" in text or "check_set" in text


class _Recorder:
    """Writes down what passes in the fast set."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._before = tree_digest(config.rootpath)
        self._outcomes: dict[str, list[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a phase of a test ended."""
        outcome = "expected to fail" if hasattr(report, "wasxfail") else report.outcome
        self._outcomes.setdefault(report.nodeid, []).append(outcome)

    def pytest_sessionfinish(self) -> None:
        """Write which tests passed from their preparation to their end, if the tree is what it was."""
        unchanged = self._before == tree_digest(self._config.rootpath)
        passed = [name for name, outcomes in self._outcomes.items() if outcomes == ["passed"] * 3]
        _cache(self._config).set(PLACE, {"tree": self._before if unchanged else "", "passed": passed})


class _Omission:
    """Leaves out what has passed in this very tree, and says so."""

    def __init__(self, config: pytest.Config) -> None:
        record = _cache(config).get(PLACE, {"tree": "", "passed": []})
        digest = tree_digest(config.rootpath)
        self._same = bool(digest) and record["tree"] == digest
        self.passed: frozenset[str] = frozenset(record["passed"] if self._same else ())
        self.left_out = 0

    def pytest_report_header(self) -> str:
        """Say what will be left out, or why nothing is."""
        if not self._same:
            return "all tests run: there is no record of `make check` in this very tree"
        return (
            f"{len(self.passed)} tests passed in `make check` in this very tree: those that it ran in full are left out"
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a process of pytest-xdist."""
        node.workerinput[_SHARED] = sorted(self.passed)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Hear how many a process of pytest-xdist left out: all the same ones."""
        self.left_out = max(self.left_out, getattr(node, "workeroutput", {}).get(_SHARED, 0))

    @pytest.hookimpl(tryfirst=True)  # before the order is made
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out, where there are no processes of pytest-xdist."""
        self.left_out = _leave_out(config, items, self.passed)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was left out."""
        terminalreporter.write_line(
            f"{self.left_out} tests left out: they passed in `make check`, in full, in this very tree."
        )


class _OmissionOfWorker:
    """Leaves out, in a process of pytest-xdist, what the controller says."""

    def __init__(self, config: Any) -> None:
        self._passed = frozenset[str](config.workerinput[_SHARED])

    @pytest.hookimpl(tryfirst=True)  # before the order is made
    def pytest_collection_modifyitems(self, config: Any, items: list[pytest.Item]) -> None:
        """Leave out, and tell the controller how many."""
        config.workeroutput[_SHARED] = _leave_out(config, items, self._passed)


def _leave_out(config: pytest.Config, items: list[pytest.Item], passed: frozenset[str]) -> int:
    left_out = [item for item in items if item.nodeid in passed and not is_reduced(item.path)]
    if left_out:
        gone = {*left_out}
        items[:] = [item for item in items if item not in gone]
        config.hook.pytest_deselected(items=left_out)
    return len(left_out)


def _cache(config: pytest.Config) -> pytest.Cache:
    assert config.cache is not None
    return config.cache


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        OPTION, action="store_true", help="leave out what passed in `make check` in this very tree, in full"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Record or leave out."""
    if hasattr(config, "workerinput"):
        if _SHARED in config.workerinput:
            config.pluginmanager.register(_OmissionOfWorker(config))
    elif config.getoption(OPTION):
        config.pluginmanager.register(_Omission(config))
    elif "not slow" in config.getoption("markexpr"):
        config.pluginmanager.register(_Recorder(config))
