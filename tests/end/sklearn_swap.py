"""A pytest plugin that makes scikit-learn's tests use Luthier's search classes under the same names.

``LUTHIER_SWAP=ours`` swaps them, ``theirs`` leaves them; the outcomes are written to the file ``LUTHIER_OUTCOMES``.
Tests that passed by the file of outcomes ``LUTHIER_BUT`` are left out, but collected.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

NAMES = ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV")
OURS = os.environ["LUTHIER_SWAP"] == "ours"

import sklearn.experimental.enable_halving_search_cv  # noqa: E402, F401 - sets names that are swapped below
import sklearn.model_selection as selection  # noqa: E402

if OURS:
    import luthier.sklearn

    for name in NAMES:
        setattr(selection, name, getattr(luthier.sklearn, name))

outcomes: dict[str, str] = {}


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """See that the tests have our classes, and leave out what passed in another run."""
    for item in items:
        kind = getattr(item.module, "GridSearchCV", None) or item.module.HalvingGridSearchCV
        assert kind.__module__.startswith("luthier.") is OURS, kind
    but = os.environ.get("LUTHIER_BUT")
    if but:
        passed = {name for name, end in json.loads(Path(but).read_text())["outcomes"].items() if end == "passed"}
        config.hook.pytest_deselected(items=[item for item in items if _name(item) in passed])
        items[:] = [item for item in items if _name(item) not in passed]


def _name(test: Any) -> str:
    """Give the file and the name of a test, an item or a report: the identifier may lack the file."""
    return f"{Path(test.location[0]).name}::{test.nodeid.partition('::')[2]}"


def pytest_runtest_logreport(report: Any) -> None:
    """Note how a test ended: what fails while it is set up or taken down has failed."""
    name = _name(report)
    if report.when == "call" or report.outcome != "passed":
        outcomes[name] = report.outcome


def pytest_sessionfinish(session: Any) -> None:
    """Write the outcomes down."""
    version = sys.modules["sklearn"].__version__
    Path(os.environ["LUTHIER_OUTCOMES"]).write_text(json.dumps({"version": version, "outcomes": outcomes}))
