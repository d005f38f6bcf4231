"""Golden suggestions of `Auto` and `Bayes(GP())`, bit for bit, on the machine of reference.

The hyperparameters of a Gaussian process come from an optimizer, whose last bits depend on the processor and its BLAS.
So the file holds the fingerprint of the machine that wrote it, and elsewhere these tests are skipped with what differs.
Where a change is meant, write the file again by ``python tests/unit/test_golden_models.py``, and say so in CHANGELOG.md
under 'changes suggestions': a study that was begun before no longer goes on with the same trials.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from threadpoolctl import threadpool_info

import luthier as lt
from luthier import codec
from luthier._runtime.fingerprint import fingerprint
from luthier.testing.methods import SPACES, Drive

FILE = Path(__file__).parent.parent / "golden" / "models.json"
METHODS = {
    "auto": (lt.Auto, 16, 1, False),
    "auto in batches of 4": (lt.Auto, 16, 4, False),
    "auto, noisy": (lt.Auto, 12, 1, True),
    "gp": (lt.Bayes, 14, 1, False),
    "gp, upper confidence bound": (lambda: lt.Bayes(lt.GP(), lt.UCB(2.0)), 12, 1, False),
}
NAMES = ("rich", "tuning")


def machine() -> dict[str, str]:
    """Name what the bits depend on: the fingerprint, and the kernels that the BLAS chose."""
    kernels = sorted({str(one.get("architecture")) for one in threadpool_info() if one["user_api"] == "blas"})
    found = {name: value for name, value in fingerprint().items() if name != "luthier"}
    return {**found, "kernels": " ".join(kernels)}


def suggested(method: str, space: str) -> list[dict[str, object]]:
    make, trials, count, noisy = METHODS[method]
    return [dict(config) for config in Drive(SPACES[space](), make(), seed=42, noisy=noisy).run(trials, count)]


@pytest.mark.parametrize("space", NAMES)
@pytest.mark.parametrize("method", METHODS)
def test_suggestions_are_those_written_down(method: str, space: str) -> None:
    written = codec.loads(FILE.read_bytes())
    here = machine()
    differs = [
        f"{name}: {here[name]!r} here, {value!r} there"
        for name, value in written["machine"].items()
        if here[name] != value
    ]
    if differs:
        pytest.skip(f"written on another machine ({'; '.join(differs)})")
    assert suggested(method, space) == written[method][space], (
        f"{method} proposes something else: see the head of this file"
    )


def write() -> None:
    """Write the file again, one method on one space a line."""
    lines = [f' "machine": {codec.dumps(machine()).decode()}']
    for method in METHODS:
        spaces = (
            f"  {codec.dumps(space).decode()}: {codec.dumps(suggested(method, space)).decode()}" for space in NAMES
        )
        lines.append(f" {codec.dumps(method).decode()}: {{\n" + ",\n".join(spaces) + "\n }")
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    write()
