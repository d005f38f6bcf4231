"""Scale: what a long log costs in memory and seconds, and what many simulated workers make of one study.

    python benchmarks/scale.py [memory|large|simulate ...] [--trials 18000]

Run by `benchmarks/run.sh scale`; read in docs/guide/scale.md. Files are made in memory (/dev/shm): nothing here waits
for a disk.

- memory: of a process that asks and tells, and of one that only runs trials, over `--trials` further trials.
- large: a study of 50,000 trials: open, best, ask, the commands `best` and `show --sort`, each in a fresh process.
  Python's compiled files are kept for the commands, as those of an installed package are. To compare two trees in
  turns, name the `src` of the other one: `--before OTHER/src`; it gets a file of its own.
- simulate: 1,000 workers with trials of an hour and a scheduler, by a simulated clock.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import luthier as lt
from luthier.executor import RunningTrial, SimulatedClock

SPACE = {f"x{i}": lt.Float(0, 1) for i in range(8)} | {"c": lt.Choice("a", "b"), "n": lt.Int(1, 256, log=True)}
BEGUN = 2_000
"""Trials before memory is measured: everything is loaded, and caches are full."""
LARGE = 50_000


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Give a folder in memory, where the system has one."""
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="luthier-bench-", dir=place) as name:
        yield Path(name)


def resident_mb() -> float:
    """Give the memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def loss(trial: Any) -> float:
    """Give a smooth loss."""
    return float(sum(trial[f"x{i}"] for i in range(8)))


def reporting(trial: RunningTrial) -> dict[str, float]:
    """Give a loss, and the memory of the process that computed it."""
    return {"loss": loss(trial), "memory": resident_mb()}


def memory(options: argparse.Namespace) -> None:
    """Measure processes that go on for long."""
    places = range(0, options.trials + 1, 2_000)
    print(f"\nresident memory, MB, at {BEGUN} trials, and how much more it is so many trials later\n")
    print(f"| process | {' | '.join(map(str, places))} |\n| --- |{' --- |' * len(places)}")
    for name in ("Random", "Parzen", "Auto"):
        code = f"from scale import asking; asking({name!r}, {options.trials})"
        subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
    with folder() as place:
        study = lt.Study("s", SPACE, minimize="loss", store=place / "s.db", method=lt.Random(), seed=0)
        study.run(reporting, trials=BEGUN + options.trials, workers=1, executor="processes")
        used = [trial.extra["memory"] for trial in study.trials]
        row("runs trials only", [used[min(BEGUN + place, len(used) - 1)] for place in places])


def asking(name: str, trials: int) -> None:
    """Ask and tell, and print what that took; of models that are slow most trials are imported between their asks."""
    method: Any = {"Random": lt.Random(), "Parzen": lt.Bayes(lt.Parzen(), lt.EI()), "Auto": lt.Auto()}[name]
    asked = {"Random": 250, "Parzen": 10, "Auto": 2}[name]  # of 250
    drawn_for = drawn(BEGUN + trials)
    with folder() as place, lt.Study("s", SPACE, minimize="loss", store=place / "s.db", method=method, seed=0) as study:
        used = list[float]()
        for first in range(0, BEGUN + trials, 250):
            if first >= BEGUN and (first - BEGUN) % 2_000 == 0:
                used.append(resident_mb())
            configs = drawn_for[first + asked : first + 250]
            if configs:
                study.add_many(configs, [sum(one[f"x{i}"] for i in range(8)) for one in configs])
            for _ in range(asked):
                trial = study.ask()
                study.tell(trial, loss(trial))
        row(f"asks and tells, {name}", [*used, resident_mb()])


def row(name: str, used: list[float]) -> None:
    """Print a row of the table of memory."""
    print(f"| {name} | {used[0]:.1f} | {' | '.join(f'+{one - used[0]:.2f}' for one in used[1:])} |", flush=True)


def large(options: argparse.Namespace) -> None:
    """Measure a long study, by one tree or by two of them in turns."""
    trees = {"": os.environ.get("PYTHONPATH", "")} | ({"before, ": options.before} if options.before else {})
    with folder() as place:
        for name, tree in trees.items():
            path = place / f"{name or 'now'}.db"
            child(tree, place, "-c", f"from scale import make_large; make_large({str(path)!r})")
        print(f"\n{LARGE} trials, 10 parameters; seconds, wall and processor\n")
        print("| | wall | processor |\n| --- | --- | --- |", flush=True)
        parts = ("open", "best", "Random", "Auto")
        for what in [*parts, *(["best"], ["show", "--sort", "loss"], ["show", "--sort", "loss", "--limit", "10"])]:
            for _ in range(options.rounds):
                for name, tree in trees.items():
                    path = str(place / f"{name or 'now'}.db")
                    if isinstance(what, str):
                        code = f"from scale import timed_large; timed_large({path!r}, {what!r}, {name!r})"
                        child(tree, place, "-c", code)
                        continue
                    wall, spent = child(tree, place, "-m", "luthier", what[0], path, *what[1:], quiet=True)
                    print(f"| {name}`luthier {' '.join(what)}` | {wall:.2f} | {spent:.2f} |", flush=True)


def child(tree: str, place: Path, *words: str, quiet: bool = False) -> tuple[float, float]:
    """Run Python with a tree; gives the seconds, wall and processor."""
    kept = {"PYTHONPYCACHEPREFIX": str(place / "compiled"), "PYTHONDONTWRITEBYTECODE": ""}
    environment = {**os.environ, **kept, "PYTHONPATH": f"{tree}:{Path(__file__).parent}"}
    start, used = time.perf_counter(), os.times()
    subprocess.run([sys.executable, *words], check=True, env=environment, stdout=subprocess.DEVNULL if quiet else None)
    end = os.times()
    spent = end.children_user + end.children_system - used.children_user - used.children_system
    return time.perf_counter() - start, spent


def make_large(path: str) -> None:
    """Make a long study, of which a model has read the points."""
    with lt.Study("s", SPACE, minimize="loss", store=path, method=lt.Random(), seed=0) as study:
        configs = drawn(LARGE)
        study.add_many(configs, [sum(one[f"x{i}"] for i in range(8)) for one in configs])
    with lt.Study("s", store=path, method=lt.Auto()) as study:
        trial = study.ask()
        study.tell(trial, loss(trial))
    print(f"{Path(path).stat().st_size / 1e6:.0f} MB", flush=True)


def drawn(count: int) -> list[dict[str, Any]]:
    """Draw configurations."""
    from luthier.key import Key

    space = lt.Space(SPACE)
    return [space.realize(config) for config in space.decode(space.sample(Key.of(0), count))]


def timed_large(path: str, what: str, name: str = "") -> None:
    """Open a study; time that, or what comes after: the best trial, or two asks of a method."""
    method: Any = {"Random": lt.Random(), "Auto": lt.Auto()}.get(what)
    wall, spent = time.perf_counter(), time.process_time()
    study = lt.Study("s", store=path, method=method)
    for part in ("",) if method is None else ("the first ask of ", "the next ask of "):
        if what != "open":
            wall, spent = time.perf_counter(), time.process_time()
            trial = study.best if method is None else study.ask()
        wall, spent = time.perf_counter() - wall, time.process_time() - spent
        print(f"| {name}{part}{what} | {wall:.2f} | {spent:.2f} |", flush=True)
        if method is not None:  # or the next process would be given this trial
            study.tell(trial, loss(trial))


def simulate(options: argparse.Namespace) -> None:
    """Have many simulated workers."""
    print("\ntrials of 27 epochs of 2 simulated minutes, ASHA, random search, in memory\n")
    print("| workers | trials | simulated h | events | events a simulated s | processor s | ms an event |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for workers in (10, 100, 1000):
        clock, trained, trials = SimulatedClock(), dict[int, int](), 2 * workers

        def objective(trial: RunningTrial, clock: SimulatedClock = clock, trained: dict[int, int] = trained) -> float:
            value = 0.0
            for epoch in range(trained.get(trial.number, 0) + 1, 28):
                clock.sleep(120.0 * (0.5 + trial["x1"]))
                value, trained[trial.number] = trial["x0"] + 1 / epoch, epoch
                trial.report(value, epoch)
                if trial.should_stop():
                    break
            return value

        fidelity = lt.Fidelity("epochs", 1, 27)
        study = lt.Study("s", SPACE, minimize="loss", method=lt.Random(), seed=0, fidelity=fidelity, stop=lt.ASHA())
        spent = time.process_time()
        study.run(objective, trials=trials, workers=workers, executor=clock.executor)
        spent, events = time.process_time() - spent, study.history.length
        print(
            f"| {workers} | {trials} | {clock.now_s / 3600:.1f} | {events} | {events / clock.now_s:.2f} | {spent:.1f} "
            f"| {spent / events * 1e3:.2f} |",
            flush=True,
        )


PARTS = {"memory": memory, "large": large, "simulate": simulate}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which parts; all by default")
    parser.add_argument("--trials", type=int, default=18_000)
    parser.add_argument("--before", help="large: the src of another tree, which takes turns with this one")
    parser.add_argument("--rounds", type=int, default=1, help="large: so often each")
    given = parser.parse_args()
    for part in given.parts or PARTS:
        PARTS[part](given)
