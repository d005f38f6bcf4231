"""What all tests share: Hypothesis without deadlines (this is no benchmark), one BLAS thread, servers, the fast set."""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from check_set import SIBLINGS, VARIABLE, examples
from databases import DatabaseServer, database_server, fast_place

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # and not the first Python on the path

pytest_plugins = ["passed_tests"]

HERE = Path(__file__).parent

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a background job of a script, nohup: programs would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    if "not slow" in config.getoption("markexpr"):
        os.environ[VARIABLE] = "1"
    # What a killed process had written is there in memory as on a disk, which would be waited for at each event.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", fast_place(tempfile.gettempdir()))
    settings.register_profile(
        "luthier",
        deadline=None,
        max_examples=examples(100),
        derandomize=True,  # the same examples at every run: a red test is red for everybody
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    settings.load_profile("luthier")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out of the fast set what has slow tests only, before it is read."""
    if VARIABLE not in os.environ or HERE not in collection_path.parents:
        return None
    if collection_path.is_dir():
        return True if collection_path == HERE / "stat" else None
    is_test = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    return True if is_test and _SLOW.search(collection_path.read_text(encoding="utf-8")) else None


_ANY_CLASS = re.compile(r"::Test\w+::")
_SLOW = re.compile(r"^pytestmark = .*\bslow\b", re.MULTILINE)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect tests without the collector of cycles, which would look at all modules again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(tryfirst=True)  # before tests are left out by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    seen = Counter[str]()
    for item in items:
        inside = item.nodeid.partition("::")[2]
        case = f"{item.path.relative_to(HERE).as_posix()}::{inside}" if HERE in item.path.parents else ""
        for name in (case, case.partition("[")[0]):
            most = SIBLINGS.get(name, SIBLINGS.get(_ANY_CLASS.sub("::*::", name, count=1)))
            if most is not None and item.get_closest_marker("slow") is None:
                seen[name] += 1
                if seen[name] > most:
                    item.add_marker(pytest.mark.slow)
    if VARIABLE not in os.environ:
        items[:] = _long_first(items)


def _long_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """Have each half of the tests begin with those that take long, file by file.

    Two processes of pytest begin with a half each, and take from each other what is last: that is to be short.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    long: tuple[list[pytest.Item], ...] = ([], [])
    for turn, path in enumerate([path for path in files if path.parent.name in ("end", "stat")]):
        long[turn % 2].extend(files.pop(path))
    short = [item for inside in files.values() for item in inside]
    middle = max(len(items) // 2 - len(long[0]), 0)
    return [*long[0], *short[:middle], *long[1], *short[middle:]]


_turn = count()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Have the collector of cycles look at what the latest tests make alone: what libraries have takes it a second.

    What earlier tests left is collected before it is set apart.
    """
    if next(_turn) % 8 == 0:
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[DatabaseServer]:
    """A server of PostgreSQL, for all tests of this process of pytest."""
    with database_server("postgresql") as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[DatabaseServer]:
    """A server of MariaDB, for all tests of this process of pytest."""
    with database_server("mariadb") as server:
        yield server
