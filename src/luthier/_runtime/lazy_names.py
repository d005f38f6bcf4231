"""Names of a package that import their modules when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any


def lazy_name(package: str, modules: Mapping[str, str], name: str) -> Any:
    """Import a name of a package, and keep it there: for the package's ``__getattr__`` (PEP 562).

    Args:
        package: the package's ``__name__``.
        modules: of each name that it may be asked for, the module below the package, as ``"engines.dask"``.
        name: what was asked for.

    Raises:
        AttributeError: no module is known for the name.
    """
    if name not in modules:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    found = getattr(import_module(f"{package}.{modules[name]}"), name)
    setattr(sys.modules[package], name, found)
    return found
