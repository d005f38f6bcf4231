"""Golden suggestions of the model-based methods: the design, and the Parzen estimator's proposals.

Those of a Gaussian process are not written down: its hyperparameters come from an optimiser, whose last bits depend on
the CPU. Here numbers may differ by 1e-9 for that reason. Where a change is meant, write the file again by
``python tests/unit/test_golden_bayes.py``, and say so in CHANGELOG.md under 'changes suggestions'.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier import codec
from luthier.method import Auto, Bayes
from luthier.surrogate.parzen.estimator import Parzen
from luthier.testing.methods import SPACES, Drive

FILE = Path(__file__).parent.parent / "golden" / "bayes.json"
METHODS = {"design": (Auto(), 5), "parzen": (Bayes(Parzen(), initial=6), 12)}
NAMES = ("rich", "tuning")  # a finite space has equally good points, whose order would depend on the last bit


def suggested(method, space):
    made, trials = METHODS[method]
    return [dict(config) for config in Drive(SPACES[space](), made, seed=42).run(trials)]


def assert_near(value, written):
    if isinstance(written, float):
        assert value == pytest.approx(written, rel=1e-9, abs=1e-12)
    elif isinstance(written, dict):
        assert value.keys() == written.keys()
        for name in written:
            assert_near(value[name], written[name])
    else:
        assert value == written


@pytest.mark.parametrize("space", NAMES)
@pytest.mark.parametrize("method", METHODS)
def test_suggestions_are_those_written_down(method, space):
    written = codec.loads(FILE.read_bytes())[method][space]
    found = suggested(method, space)
    assert len(found) == len(written)
    for config, before in zip(found, written, strict=True):
        assert_near(config, before)


def write():
    """Write the file again, one method on one space a line."""
    lines = []
    for method in METHODS:
        spaces = (
            f"  {codec.dumps(space).decode()}: {codec.dumps(suggested(method, space)).decode()}" for space in NAMES
        )
        lines.append(f" {codec.dumps(method).decode()}: {{\n" + ",\n".join(spaces) + "\n }")
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    write()
