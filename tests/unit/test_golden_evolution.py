"""Golden suggestions of evolution and annealing, whose arithmetic is ours; see `test_golden_methods`.

Where a change is meant, write the file again by ``python tests/unit/test_golden_evolution.py``, and say so in
CHANGELOG.md under 'changes suggestions'.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier import codec
from luthier.method import Anneal, Evolution
from luthier.testing.methods import SPACES, Drive

FILE = Path(__file__).parent.parent / "golden" / "evolution.json"
METHODS = {
    "differential evolution": Evolution("de", population=4),
    "anneal": Anneal(),
    "nsga2": Evolution("nsga2", population=4),
    "nsga3": Evolution("nsga3", population=4),
}
TRIALS = 9


def suggested(method, space):
    return [dict(config) for config in Drive(SPACES[space](), METHODS[method], seed=42).run(TRIALS)]


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
