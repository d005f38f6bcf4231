"""The surrogates and acquisition functions that Luthier has, found in its table of names."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

# Settings of those that cannot be made without.
GIVEN: dict[str, dict[str, Any]] = {
    "Regressor": {  # a linear model would say that the optimum is in a corner
        "estimator": "sklearn.gaussian_process:GaussianProcessRegressor",
        "params": {"alpha": 1e-6},
    },
    "Ensemble": {"members": [{"use": "GP"}, {"use": "Forest"}]},
    "Hedge": {"acquisitions": [{"use": "EI"}, {"use": "PI"}, {"use": "UCB"}]},
    "MACE": {"acquisitions": [{"use": "EI"}, {"use": "PI"}, {"use": "UCB"}]},
}
WRAPPERS = {"PerSecond"}  # they take an acquisition function and need data of their own


def surrogates() -> dict[str, Any]:
    """Make one of every surrogate."""
    return _made("luthier.surrogate", {"fit"})


def acquisitions() -> dict[str, Any]:
    """Make one of every acquisition function."""
    return _made("luthier.acquisition", {"requires", "chances"})  # a portfolio has chances


def _made(package: str, members: set[str]) -> dict[str, Any]:
    from luthier._names import STORED
    from luthier.method import from_plain

    made = {}
    for name, place in STORED.items():
        if place != package or name in WRAPPERS:
            continue
        kind = getattr(importlib.import_module(place), name)
        if any(inspect.getattr_static(kind, member, None) is not None for member in members):
            made[name] = from_plain({"use": name} | GIVEN.get(name, {}))
    return made
