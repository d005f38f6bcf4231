"""The lowest versions with which `make lowest` tests are those that the package asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTED = ("sklearn", "plot", "cma", "postgres", "mysql")


def test_the_constraints_are_the_lower_bounds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *(one for extra in TESTED for one in extras[extra])]
    bounds = dict(re.match(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)", one).groups() for one in asked)  # type: ignore[union-attr]
    lines = (ROOT / "requirements" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert bounds.keys() == pinned.keys()
    wrong = {
        name: (bounds[name], pinned[name]) for name in bounds if _parts(pinned[name])[:2] != _parts(bounds[name])[:2]
    }
    assert wrong == {}
    assert all(_parts(pinned[name]) >= _parts(bounds[name]) for name in bounds)


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, (version + ".0.0").split(".")[:3]))
