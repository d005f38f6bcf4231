"""Stores under faults and under load: what is lost (nothing), and how fast it goes.

    python benchmarks/durability.py [kills|restarts|crowd|writers|begin|enqueue|ask ...] [--kills 100] [--seconds 60]

Servers are started here, in folders of their own, with every commit flushed. Run by `benchmarks/run.sh durability`.

- kills: workers of one study are killed under load on each store, and others finish it. Every acknowledged result
  must be there once, numbers unique, no trial left running, every proposal proved.
- restarts: the servers fail and come back in the middle of a run, and their connections are ended at random.
- crowd: 100 workers, each a process, on one study of a PostgreSQL server.
- writers: appends a second of 8 processes, on SQLite beside a bare loop of BEGIN IMMEDIATE; INSERT; COMMIT.
- begin: 32 processes open one new study at once.
- enqueue: 2,000 configurations enqueued, and 2,000 results imported.
- ask: ask and tell beside Optuna's RDBStorage, where Optuna is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "end"))

from crowd_of_writers import NAME, Crowd, ended, forked, killed_at_random, opening_of, study_in

import luthier as lt
from databases import DatabaseServer, database_server
from luthier.errors import Conflict
from luthier.event import Told
from luthier.store import open_store, sqlite_library
from luthier.store.sqlite.library import sqlite3
from luthier.store.sqlite.schema import journal_mode

KINDS = ("SQLite", "JSON lines", "PostgreSQL", "MariaDB")
_counter = iter(range(10**9))


@contextlib.contextmanager
def places(kinds: tuple[str, ...] = KINDS) -> Iterator[list[tuple[str, Callable[[Path], str], DatabaseServer | None]]]:
    """Give, for each kind of store, what makes the place of a new one in a folder, and its server."""
    with contextlib.ExitStack() as stack:
        found: list[tuple[str, Callable[[Path], str], DatabaseServer | None]] = []
        for kind in kinds:
            if kind in ("PostgreSQL", "MariaDB"):
                server = stack.enter_context(database_server(kind.lower(), durable=True))
                found.append((kind, lambda folder, server=server: server.url(f"b{next(_counter)}"), server))
            else:
                name = "s.db" if kind == "SQLite" else "s.jsonl"
                found.append((kind, lambda folder, name=name: str(folder / name), None))
        yield found


def kills(options: argparse.Namespace) -> None:
    """Kill workers under load."""
    print(f"\n{options.kills} SIGKILLs of 4 workers under load\n")
    print("| store | kills | trials | acknowledged | lost | stored more | wall s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with places() as stores:
        for kind, place, _ in stores:
            with tempfile.TemporaryDirectory(prefix="luthier-bench-") as folder:
                start = time.perf_counter()
                trials = 6 * options.kills
                crowd = killed_at_random(opening_of(place(Path(folder))), Path(folder), options.kills, trials)
                said, stored = crowd.check()
                wall = time.perf_counter() - start
                print(
                    f"| {kind} | {options.kills} | {stored} | {said} | 0 | {stored - said} | {wall:.0f} |", flush=True
                )


def restarts(options: argparse.Namespace) -> None:
    """Let servers fail under load."""
    print("\nservers that fail in mid-run, 4 workers\n")
    print(
        "| store | fault | times | trials | acknowledged | lost | wall s |\n| --- | --- | --- | --- | --- | --- | --- |"
    )
    with places(("PostgreSQL", "MariaDB")) as stores:
        for kind, place, server in stores:
            assert server is not None
            for fault in ("stopped at once, started 1 s later", "connections ended"):
                with tempfile.TemporaryDirectory(prefix="luthier-bench-") as folder:
                    start, generator = time.perf_counter(), random.Random(0)
                    crowd = Crowd(opening_of(place(Path(folder))), Path(folder), trials=500, pause_s=0.05)
                    crowd.grow(4)
                    time.sleep(2.0)
                    times = 0
                    for _ in range(8 if fault.startswith("stopped") else 60):
                        time.sleep(generator.uniform(0.05, 0.4))
                        if fault.startswith("stopped"):
                            server.restart(immediate=True, away_s=1.0)
                            times += 1
                        else:
                            times += server.terminate_clients()
                    crowd.finish()
                    said, stored = crowd.check()
                    wall = time.perf_counter() - start
                    print(f"| {kind} | {fault} | {times} | {stored} | {said} | 0 | {wall:.0f} |", flush=True)


def crowd(options: argparse.Namespace) -> None:
    """Have many workers on one study."""
    with places(("PostgreSQL",)) as ((_, place, _server),), tempfile.TemporaryDirectory() as name:
        url, folder = place(Path(name)), Path(name)
        with open_store(url) as store:
            study_in(store).close()
        until = time.time() + options.seconds

        def work(number: int) -> None:
            with (
                open_store(url) as store,
                study_in(store) as study,
                (folder / f"said{number}").open("w", buffering=1) as said,
            ):
                while time.time() < until:
                    trial = study.ask()
                    time.sleep(0.2)
                    value = float(trial["x"])
                    said.write(f"{study.tell(trial, value).number} {value!r}\n")

        workers = [forked(lambda number=number: work(number)) for number in range(options.workers)]  # type: ignore[misc]
        failed = sum(ended(pid) != 0 for pid in workers)
        ready = Crowd(opening_of(url), folder, trials=0)
        said, stored = ready.check()
        shares = [len((folder / f"said{number}").read_text().splitlines()) for number in range(options.workers)]
        print(
            f"\n{options.workers} workers on one PostgreSQL study for {options.seconds} s, 0.2 s a trial: "
            f"{failed} failed, {said} acknowledged, {stored} stored, 0 lost, "
            f"{said / options.seconds:.1f} trials a second; trials of a worker {min(shares)} to {max(shares)}"
        )


# --- speed ----------------------------------------------------------------------------------------


def bare(place: Path, window: tuple[float, float], number: int, output: Path) -> None:
    """Insert rows as fast as SQLite does it by itself, in the same mode."""
    with contextlib.closing(sqlite3.connect(place, isolation_level=None, timeout=60)) as file:
        if journal_mode() != "wal":  # which a file remembers
            file.execute(f"PRAGMA journal_mode = {journal_mode()}")
        file.execute("PRAGMA synchronous = FULL")
        body, count = "x" * 120, 0
        time.sleep(max(0.0, window[0] - time.time()))
        while time.time() < window[1]:
            file.execute("BEGIN IMMEDIATE")
            file.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?)", (number, count, 0.0, 1, body))
            file.execute("COMMIT")
            count += 1
    output.write_text(str(count))


def ours(place: str, window: tuple[float, float], study: str, output: Path) -> None:
    """Append events by compare-and-set."""
    with open_store(place) as store:
        length, count = 0, 0
        time.sleep(max(0.0, window[0] - time.time()))
        while time.time() < window[1]:
            try:
                length = store.append(
                    study, [Told(count, 0, "done", {"loss": count / 3}, {}, 1.5, "", {"note": "x" * 30})], length
                )
                count += 1
            except Conflict:
                length = store.length(study)
    output.write_text(str(count))


def window(seconds: float) -> tuple[float, float]:
    """Give the moments from which, and up to which, all processes count: when they have all opened the store."""
    return time.time() + 1.5, time.time() + 1.5 + seconds


def at_once(works: list[Callable[[Path], None]], folder: Path) -> int:
    """Do all of it in processes; gives the sum of what they counted."""
    outputs = [folder / f"count{place}" for place in range(len(works))]
    workers = [
        forked(lambda work=work, output=output: work(output)) for work, output in zip(works, outputs, strict=True)
    ]  # type: ignore[misc]
    assert [ended(pid) for pid in workers] == [0] * len(workers)
    return sum(int(output.read_text()) for output in outputs)


def writers_in_turns(where: str | None, number: int, count: int) -> tuple[float, float]:
    """Give the appends a second of a bare loop and of ours, in new files, one right after the other."""
    with tempfile.TemporaryDirectory(prefix="luthier-bench-", dir=where) as name:
        folder, rates = Path(name), {}
        with contextlib.closing(sqlite3.connect(folder / "bare.db")) as file:
            file.execute(f"PRAGMA journal_mode = {journal_mode()}")
            file.execute(
                "CREATE TABLE events (study INTEGER, position INTEGER, at REAL, checksum INTEGER, body TEXT, "
                "PRIMARY KEY (study, position)) WITHOUT ROWID"
            )
        for kind in (False, True) if number % 2 else (True, False):
            span = window(1.0)
            if kind:
                works = [partial(ours, str(folder / "s.db"), span, f"s{n}") for n in range(count)]
            else:
                works = [partial(bare, folder / "bare.db", span, n) for n in range(count)]
            rates[kind] = at_once(works, folder) / 1.0
        return rates[False], rates[True]


def writers(options: argparse.Namespace) -> None:
    """Compare appends a second."""
    seconds, count = min(options.seconds, 2), 8
    print(f"\n{count} writers, {seconds} s each, appends a second (SQLite {sqlite_library()}, {journal_mode()})\n")
    print("| store | own studies | one study |\n| --- | --- | --- |")
    rates = [writers_in_turns(options.folder, number, count) for number in range(options.repeats)]
    plain, own = (statistics.median(one[place] for one in rates) for place in (0, 1))
    ratios = sorted(own / plain for plain, own in rates)
    print(f"| bare SQLite loop | {plain:.0f} | |\n| SQLite | {own:.0f} | |", flush=True)
    middle, half = statistics.median(ratios), len(ratios) // 4
    print(
        f"ratio to the bare loop: {middle:.2f} (median of {len(ratios)} rounds of 1 s each, the middle half "
        f"{ratios[half]:.2f} to {ratios[-1 - half]:.2f})\n"
    )
    with places() as stores:
        for kind, place, _ in stores:
            with tempfile.TemporaryDirectory(prefix="luthier-bench-", dir=options.folder) as name:
                figures = []
                for shared in (False, True):
                    where = place(Path(name))
                    span = window(seconds)
                    works = [partial(ours, where, span, "s" if shared else f"s{n}") for n in range(count)]
                    figures.append(at_once(works, Path(name)) / seconds)
                    for file in Path(name).glob("s.*"):
                        file.unlink()
                print(f"| {kind} | {figures[0]:.0f} | {figures[1]:.0f} |", flush=True)


def begin(options: argparse.Namespace) -> None:
    """Open one new study at once."""
    print("\n32 processes open one new study at once\n\n| store | failed | wall s |\n| --- | --- | --- |")
    with places() as stores:
        for kind, place, _ in stores:
            with tempfile.TemporaryDirectory(prefix="luthier-bench-", dir=options.folder) as name:
                where, moment = place(Path(name)), time.time() + 1.5

                def work(where: str = where, moment: float = moment) -> None:
                    time.sleep(max(0.0, moment - time.time()))
                    with open_store(where) as store, study_in(store) as study:
                        study.tell(study.ask(), 0.5)

                workers = [forked(work) for _ in range(32)]
                failed = sum(ended(pid) != 0 for pid in workers)
                with open_store(where) as store, study_in(store) as study:
                    assert len(study) == 32 and store.check() == ()
                print(f"| {kind} | {failed} | {time.time() - moment:.1f} |", flush=True)


def enqueue(options: argparse.Namespace) -> None:
    """Enqueue and import many at once."""
    print("\n2,000 at once, seconds (wall, processor)\n")
    print("| store | one by one, asked and told | enqueue_many | add_many |\n| --- | --- | --- | --- |")
    generator = random.Random(0)
    configs = [{"x": generator.random()} for _ in range(2000)]
    with places() as stores:
        for kind, place, _ in stores:
            with contextlib.ExitStack() as stack:
                name = stack.enter_context(tempfile.TemporaryDirectory(prefix="luthier-bench-", dir=options.folder))
                store = stack.enter_context(open_store(place(Path(name))))
                study = stack.enter_context(study_in(store))
                singly = [1e-3 * one * 2000 for one in timed(lambda study=study: study.tell(study.ask(), 1.0), 50)]
                first = [1e-3 * one for one in timed(partial(study.enqueue_many, configs), 1)]
                halves, values = [{"x": one["x"] / 2} for one in configs], [one["x"] for one in configs]
                second = [1e-3 * one for one in timed(partial(study.add_many, halves, values), 1)]
                figures = " | ".join(f"{wall:.2f}, {spent:.2f}" for wall, spent in (singly, first, second))
                print(f"| {kind} | {figures} |", flush=True)


def ask(options: argparse.Namespace) -> None:
    """Ask and tell, beside Optuna."""
    try:
        import optuna
    except ImportError:
        print("\nOptuna is not installed: no comparison")
        return
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rounds, count = 16, 10
    print(f"\nask and tell, 10 parameters, {rounds} rounds of {count} trials in turns, ms each (wall, processor)\n")
    print("| store | Luthier | Optuna RDBStorage | ratio, wall | the middle half |\n| --- | --- | --- | --- | --- |")
    with places(("SQLite", "PostgreSQL")) as stores:
        for kind, place, _ in stores:
            with tempfile.TemporaryDirectory(prefix="luthier-bench-", dir=options.folder) as name:
                figures = ask_in_turns(place, Path(name), kind == "SQLite", rounds, count)
                mine, theirs = ([statistics.median(one[part] for one in side) for part in (0, 1)] for side in figures)
                ratios = sorted(b[0] / a[0] for a, b in zip(*figures, strict=True))
                half = rounds // 4
                print(
                    f"| {kind} | {mine[0]:.1f}, {mine[1]:.2f} | {theirs[0]:.1f}, {theirs[1]:.1f} | "
                    f"{statistics.median(ratios):.1f} | {ratios[half]:.1f} to {ratios[-1 - half]:.1f} |",
                    flush=True,
                )


def ask_in_turns(
    place: Callable[[Path], str], folder: Path, is_file: bool, rounds: int, count: int
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Time `count` trials of ours and of Optuna's in turns; milliseconds each, wall and processor."""
    import optuna

    names = [f"x{number}" for number in range(10)]
    url = f"sqlite:///{folder}/optuna.db"
    if not is_file:
        url = place(folder).replace("postgresql://", "postgresql+psycopg://")
    theirs = optuna.create_study(storage=url, sampler=optuna.samplers.RandomSampler(seed=0))

    def one() -> None:
        trial = theirs.ask()
        for each in names:
            trial.suggest_float(each, 0, 1)
        theirs.tell(trial, 1.0)

    space = {one: lt.Float(0, 1) for one in names}
    with lt.Study("s", space, minimize="y", store=place(folder), method=lt.Random(), seed=0) as study:
        study.tell(study.ask(), 1.0)
        one()
        figures: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
        for _ in range(rounds):
            figures[0].append(timed(lambda: study.tell(study.ask(), 1.0), count))
            figures[1].append(timed(one, count))
        return figures


def timed(act: Callable[[], object], count: int) -> tuple[float, float]:
    """Give milliseconds a call: wall and processor."""
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(count):
        act()
    return (time.perf_counter() - wall) / count * 1e3, (time.process_time() - processor) / count * 1e3


PARTS = {
    "kills": kills,
    "restarts": restarts,
    "crowd": crowd,
    "writers": writers,
    "begin": begin,
    "enqueue": enqueue,
    "ask": ask,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which parts; all by default")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--folder", default=None, help="where files are made; by default the system's temporary folder")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for part in given.parts or PARTS:
        PARTS[part](given)
    print(f"\nstudy {NAME!r}, {os.cpu_count()} CPUs")
