"""What all tests share: Hypothesis without deadlines (this is no benchmark), one BLAS thread, servers, the fast set."""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from check_set import SIBLINGS, VARIABLE, examples
from databases import DatabaseServer, database_server

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # and not the first Python on the path

HERE = Path(__file__).parent

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a background job of a script, nohup: programs would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    if "not slow" in config.getoption("markexpr"):
        os.environ[VARIABLE] = "1"
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


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Have the collector of cycles look at what this test makes alone: libraries and tests take it a second each time.

    What earlier tests left is collected before it is set apart.
    """
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
