"""A pytest plugin that makes scikit-learn's tests use Luthier's search classes under the same names.

``LUTHIER_SWAP=ours`` swaps them, ``theirs`` leaves them; the outcomes are written to the file ``LUTHIER_OUTCOMES``.
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


def pytest_collection_finish(session: Any) -> None:
    """See that the tests have our classes."""
    for item in session.items:
        kind = getattr(item.module, "GridSearchCV", None) or item.module.HalvingGridSearchCV
        assert kind.__module__.startswith("luthier.") is OURS, kind


def pytest_runtest_logreport(report: Any) -> None:
    """Note how a test ended: what fails while it is set up or taken down has failed."""
    name = report.nodeid.rpartition("/")[2]
    if report.when == "call" or report.outcome != "passed":
        outcomes[name] = report.outcome


def pytest_sessionfinish(session: Any) -> None:
    """Write the outcomes down."""
    version = sys.modules["sklearn"].__version__
    Path(os.environ["LUTHIER_OUTCOMES"]).write_text(json.dumps({"version": version, "outcomes": outcomes}))
