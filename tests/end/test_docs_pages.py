"""Every block of code in the documents is run, page by page, and prints what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest
from page_script import PAGES, matches, run, title


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES, ids=title)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    run(page, tmp_path)


def test_what_is_printed_is_compared() -> None:
    assert matches("best 0.25 of 3\n", "best … of 3")
    assert not matches("best 0.25 of 3\n", "best … of 4")
    assert not matches("best 0.25 of 3\nand more\n", "best 0.25 of 3")


def test_every_page_has_blocks_that_run() -> None:
    assert len(PAGES) > 20
