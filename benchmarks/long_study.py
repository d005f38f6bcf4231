"""A long study on each kind of store: seconds to open it, read it and ask, with a snapshot and without one.

    python benchmarks/long_study.py [SQLite|PostgreSQL|MariaDB|"JSON lines" ...] [--trials 50000]

Run by `benchmarks/run.sh long_study`; servers are started here. Every figure is of a fresh process, and files are in
memory (/dev/shm): nothing here waits for a disk. The log is the same on all stores: trials of random search with 10
parameters, each of which was asked and told.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from durability import KINDS, places
from scale import SPACE, folder, loss

import luthier as lt
from luthier.cli.program import program
from luthier.event import Record
from luthier.store import JSONLines, Memory, Restoring, open_store


def made(trials: int) -> tuple[Record, ...]:
    """Ask and tell; gives the log."""
    store = Memory()
    with lt.Study("s", SPACE, minimize="loss", store=store, method=lt.Random(), seed=0) as study:
        for _ in range(trials):
            trial = study.ask()
            study.tell(trial, loss(trial))
        return store.read("s")


def put(records: tuple[Record, ...], url: str) -> None:
    """Write a log: into a file of JSON lines one line an event, as it comes when somebody asks and tells."""
    with open_store(url) as store:
        if isinstance(store, JSONLines):
            for place, record in enumerate(records):
                store.append("s", [record.event], place)
        else:
            assert isinstance(store, Restoring)
            store.restore("s", records)


def timed(url: str, what: str) -> None:
    """Do one thing, and print the seconds, wall and processor, that it took."""
    study: Any = None if what.startswith("luthier") else lt.Study("s", store=url, method=lt.Random())
    steps: dict[str, Callable[[], Any]] = {
        "open": lambda: lt.Study("s", store=url, method=lt.Random()),
        "best": lambda: study.best,
        "first ask": lambda: study.ask(),  # noqa: PLW0108
        "luthier best": lambda: program(["best", url], standalone_mode=False),
        "luthier show --sort": lambda: program(["show", url, "--sort", "loss"], standalone_mode=False),
    }
    if what == "open":
        study = None
    wall, spent = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        found = steps[what]()
    print(f"{time.perf_counter() - wall:.2f} {time.process_time() - spent:.2f}")
    if what == "first ask":
        study.tell(found, 1e9)  # or the next process would be given this trial


def child(url: str, what: str) -> str:
    """Do one thing in a process of its own; gives the seconds."""
    code = f"from long_study import timed; timed({url!r}, {what!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=Path(__file__).parent, capture_output=True, text=True
    )
    return done.stdout.split("\n")[-2].replace(" ", ", ")


def keep(url: str) -> int:
    """Have a snapshot be kept; gives its length."""
    with lt.Study("s", store=url, method=lt.Random()) as study:
        study.tell(study.ask(), 1e9)
    with open_store(url) as store:
        found: Any = store.snapshot("s")  # type: ignore[attr-defined]
    return 0 if found is None else len(found[1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stores", nargs="*", choices=[*KINDS, []], help="which kinds of stores; all by default")
    parser.add_argument("--trials", type=int, default=50_000)
    given = parser.parse_args()
    log = made(given.trials)
    print(f"{given.trials} trials, {len(log)} events; seconds, wall and processor of the client\n")
    whats = ("open", "best", "first ask", "luthier best", "luthier show --sort")
    print(f"| store | | {' | '.join(whats)} |\n| --- | --- |{' --- |' * len(whats)}")
    with places(tuple(given.stores or KINDS)) as stores, folder() as here:
        for kind, place, _ in stores:
            url = place(here)
            put(log, url)
            print(f"| {kind} | from the log | {' | '.join(child(url, what) for what in whats)} |", flush=True)
            size = keep(url) / 1e6
            print(f"| | snapshot, {size:.1f} MB | {' | '.join(child(url, what) for what in whats)} |", flush=True)
