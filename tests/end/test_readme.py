"""What the README shows is run: its Python as one program, its ``luthier`` commands one after the other."""

from __future__ import annotations

from pathlib import Path

import pytest
from page_script import blocks, run

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_readme_does_what_it_says(tmp_path: Path) -> None:
    run(README, tmp_path, forked=False)
    assert (tmp_path / "trials.csv").read_text().count("\n") == 31


def test_it_has_its_three_ways_in() -> None:
    found = blocks(README)
    assert "make tune" in found[0].text
    assert sum(block.is_ours for block in found) >= 4
    commands = [line for block in found for line in block.text.splitlines() if line.startswith("$ luthier")]
    assert len(commands) >= 6
