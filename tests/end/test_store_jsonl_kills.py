"""Many processes on one file of JSON lines: all at once, and killed in the middle of writing a line."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from awaiting import until
from crowd_of_writers import Crowd, ended, forked, killed_at_random, opening_of

from luthier.event import Told
from luthier.store import JSONLines

LINE = 8_000_000


def test_killed_workers_lose_nothing_and_others_finish(tmp_path: Path) -> None:
    crowd = killed_at_random(opening_of(str(tmp_path / "s.jsonl")), tmp_path, kills=8, trials=150)
    crowd.check()


def test_eight_processes_begin_one_study_at_once(tmp_path: Path) -> None:
    crowd = Crowd(opening_of(str(tmp_path / "s.jsonl")), tmp_path, trials=40)
    crowd.grow(8)
    crowd.finish()
    crowd.check()


@pytest.mark.slow
def test_a_writer_killed_in_the_middle_of_a_line_tears_no_log(tmp_path: Path) -> None:
    """Lines of megabytes, so that it is killed within one: some are torn, and all that was acknowledged is there."""
    place, said = tmp_path / "s.jsonl", tmp_path / "said"

    def write() -> None:
        with JSONLines(place) as store, said.open("a", buffering=1) as out:
            length = store.length("a") if "a" in store.names() else 0
            while True:
                length = store.append("a", [Told(length, 0, "failed", error="x" * LINE)], length)
                out.write(f"{length}\n")

    torn = 0
    for _ in range(60):
        writer = forked(write)
        begun = place.stat().st_size if place.exists() else 0
        try:
            until(lambda begun=begun: place.exists() and place.stat().st_size > begun + 9_000_000, "a line")  # type: ignore[misc]
            deadline = time.monotonic() + 5.0
            while place.stat().st_size % LINE < 1_000_000 and time.monotonic() < deadline:
                pass  # until it is within a line, probably
        finally:
            os.kill(writer, signal.SIGKILL)
            assert ended(writer) == -signal.SIGKILL
        with place.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            torn += file.read(1) != b"\n"
        if torn >= 3:
            break
    assert torn >= 3
    with JSONLines(place) as store:
        assert store.append("b", [Told(0, 0, "done")], 0) == 1
        assert store.check() == ()
        numbers = [record.event.number for record in store.read("a") if isinstance(record.event, Told)]
    assert numbers == list(range(len(numbers)))
    acknowledged = said.read_text().split()
    assert acknowledged and len(numbers) >= int(acknowledged[-1])
    assert (tmp_path / "s.jsonl.torn").stat().st_size > 1000
