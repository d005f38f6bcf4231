"""Golden suggestions: what the methods propose for a given seed is written down, so that a change of it is noticed.

Where a change is meant, write the file again by ``python tests/unit/test_golden_methods.py``, and say so in
CHANGELOG.md under 'changes suggestions': a study that was begun before no longer goes on with the same trials.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier import codec
from luthier.method import Grid, Quasi, Random
from luthier.testing.methods import SPACES, Drive

FILE = Path(__file__).parent.parent / "golden" / "methods.json"
METHODS = {
    "random": Random(),
    "grid": Grid(),
    "grid shuffled": Grid(order="shuffled"),
    "grid nested": Grid(order="nested"),
    "sobol": Quasi(),
    "halton": Quasi("halton"),
    "latin": Quasi("latin"),
    "latin of 10": Quasi("latin", size=10),
    "lattice": Quasi("lattice"),
}


def suggested(method, space):
    return [dict(config) for config in Drive(SPACES[space](), METHODS[method], seed=42).run(5)]


@pytest.mark.parametrize("space", sorted(SPACES))
@pytest.mark.parametrize("method", METHODS)
def test_suggestions_are_those_written_down(method, space):
    written = codec.loads(FILE.read_bytes())[method][space]
    assert suggested(method, space) == written, f"{method} proposes something else: see the head of this file"


def write():
    """Write the file again, one method on one space a line."""
    lines = []
    for method in METHODS:
        spaces = (
            f"  {codec.dumps(space).decode()}: {codec.dumps(suggested(method, space)).decode()}"
            for space in sorted(SPACES)
        )
        lines.append(f" {codec.dumps(method).decode()}: {{\n" + ",\n".join(spaces) + "\n }")
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    write()
