"""The tests that the fast set leaves out exist."""

from __future__ import annotations

from pathlib import Path

import luthier.testing
from check_set import SIBLINGS

HERE = Path(__file__).parents[1]
CONTRACTS = Path(luthier.testing.__file__).parent


def is_there(name: str) -> bool:
    """Tell whether a name is that of a test, in its file or in a contract suite."""
    file, *_, function = name.split("::")
    places = [HERE / file, *CONTRACTS.glob("*.py")]
    return any(f"def {function.partition('[')[0]}(" in place.read_text(encoding="utf-8") for place in places)


def test_what_is_left_to_make_test_is_a_test() -> None:
    assert [name for name in SIBLINGS if not is_there(name)] == []
