"""Many processes on one SQLite file: all at once, and killed at random."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from luthier.errors import Conflict
from luthier.event import Told
from luthier.store import SQLite


def write(place: Path, owner: int, count: int, output: Path) -> None:
    """Append events by compare-and-set, and write down what was acknowledged: its own count and the position."""
    with SQLite(place) as store, output.open("w", buffering=1) as said:
        length = number = 0
        while number < count:
            try:
                length = store.append("shared", [told(owner, number)], length)
            except Conflict:
                length = store.length("shared")
            else:
                said.write(f"{number} {length - 1}\n")
                number += 1


def told(owner: int, number: int) -> Told:
    return Told(owner, number, "done", {"loss": number / 3})


def acknowledged(output: Path) -> list[tuple[int, int]]:
    """Read what `write` has written; a last line that is not whole was not said."""
    lines = output.read_text().split("\n")[:-1] if output.exists() else []
    return [(int(number), int(position)) for number, position in map(str.split, lines)]


def begin_at_once(tmp_path: Path, processes: int, count: int) -> None:
    """Let fresh processes, each with its own imports, begin one file and append to it, all at the same moment."""
    place = tmp_path / "s.db"
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); "
        "from pathlib import Path; from test_store_processes import write; "
        "print('ready', flush=True); sys.stdin.readline(); "
        "write(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))"
    )
    writers = []
    for owner in range(processes):
        values = (str(Path(__file__).parent), str(place), str(owner), str(count), str(tmp_path / f"out{owner}"))
        pipe = subprocess.PIPE
        writers.append(subprocess.Popen((sys.executable, "-c", code, *values), stdin=pipe, stdout=pipe, stderr=pipe))
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
    assert not place.exists()
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"\n")
        writer.stdin.flush()
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        assert (writer.returncode, errors) == (0, b"")
    with SQLite(place) as store:
        assert store.check() == ()
        events = [record.event for record in store.read("shared")]
    assert len(events) == processes * count
    for owner in range(processes):
        said = acknowledged(tmp_path / f"out{owner}")
        assert [number for number, _ in said] == list(range(count))
        assert all(events[position] == told(owner, number) for number, position in said)


def test_six_processes_begin_one_file_at_once(tmp_path: Path) -> None:
    begin_at_once(tmp_path, 6, 5)


@pytest.mark.slow
def test_32_processes_begin_one_file_at_once(tmp_path: Path) -> None:
    begin_at_once(tmp_path, 32, 10)


class Victim:
    """A forked process that writes until it is killed."""

    def __init__(self, place: Path, owner: int, output: Path) -> None:
        self.owner, self.output = owner, output
        self.process = os.fork()
        if self.process == 0:
            try:
                write(place, owner, 10**9, output)
            finally:
                os._exit(1)  # it is killed before it can end

    def kill(self) -> None:
        os.kill(self.process, signal.SIGKILL)
        _, status = os.waitpid(self.process, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def kill_at_random(tmp_path: Path, kills: int) -> None:
    place = tmp_path / "s.db"
    generator = random.Random(0)
    every: list[Victim] = []
    alive: list[Victim] = []
    for round_ in range(kills):
        while len(alive) < 4:
            victim = Victim(place, len(every), tmp_path / f"out{len(every)}")
            every.append(victim)
            alive.append(victim)
        time.sleep(generator.uniform(0.0, 0.12))
        alive.pop(generator.randrange(4)).kill()
        if round_ % 10 == 9:
            with SQLite(place) as store:
                assert store.check() == ()
    for victim in alive:
        victim.kill()
    with SQLite(place) as store:
        assert store.check() == ()
        events = [record.event for record in store.read("shared")]
        assert store.append("shared", [told(0, 0)], len(events)) == len(events) + 1
    said = [(victim.owner, *line) for victim in every for line in acknowledged(victim.output)]
    assert all(events[position] == told(owner, number) for owner, number, position in said)
    assert 0 <= len(events) - len(said) <= len(every)  # each victim may have stored one that it could not yet say
    assert len(said) > 2 * kills


def test_killed_writers_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    kill_at_random(tmp_path, 8)


@pytest.mark.slow
def test_many_killed_writers_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    kill_at_random(tmp_path, 60)
