"""The tests that the fast set leaves out exist."""

from __future__ import annotations

from pathlib import Path

import pytest

import luthier.testing
from check_set import SIBLINGS

HERE = Path(__file__).parents[1]
CONTRACTS = Path(luthier.testing.__file__).parent


@pytest.mark.parametrize("name", SIBLINGS)
def test_what_is_left_to_make_test_is_a_test(name: str) -> None:
    file, *_, function = name.split("::")
    places = [HERE / file, *CONTRACTS.glob("*.py")]
    assert any(f"def {function.partition('[')[0]}(" in place.read_text(encoding="utf-8") for place in places)
