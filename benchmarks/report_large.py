"""Seconds and megabytes of the report and the picture of the history of a large study, from its file to theirs.

python benchmarks/report_large.py [TRIALS]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import luthier as lt

MEASURED = """
import sys, time

wall, cpu = time.perf_counter(), time.process_time()
from luthier.cli import execute

assert execute(sys.argv[1:]) == 0
seconds = f"{time.perf_counter() - wall:.1f} s, {time.process_time() - cpu:.1f} s of processor time"
with open("/proc/self/status") as status:  # getrusage would count the memory of the process that started this one
    megabytes = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024
print(f"{seconds}, {megabytes:.0f} MB")
"""
OPENED = """
import sys, time

import luthier
from luthier.study import StudyReader

wall, cpu = time.perf_counter(), time.process_time()
StudyReader.open(sys.argv[1])
print(f"{time.perf_counter() - wall:.2f} s, {time.process_time() - cpu:.2f} s of processor time")
"""


def fill(store: Path, trials: int) -> None:
    """Make a study with that many results."""
    space = {"x": lt.Float(0, 1), "y": lt.Float(1e-3, 1, log=True), "k": lt.Choice("a", "b")}
    rows = [{"x": n * 0.618 % 1, "y": 0.001 + n * 0.414 % 0.999, "k": "ab"[n % 2]} for n in range(trials)]
    with lt.Study("large", space, minimize="loss", method=lt.Random(), seed=0, store=store) as study:
        study.add_many(rows, [(row["x"] - 0.3) ** 2 + row["y"] for row in rows])


def measured(code: str, *arguments: str) -> str:
    """Run a program in a process of its own, and give the last line that it prints."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]


def main() -> None:
    """Print what opening, a picture and a report take."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with tempfile.TemporaryDirectory() as folder:
        store = str(Path(folder) / "large.db")
        fill(Path(store), trials)
        print(f"{trials:,} trials, opened: {measured(OPENED, store)}")
        for command, name in (("plot history", "a.png"), ("plot history", "a.html"), ("report", "report.html")):
            file = Path(folder) / name
            said = measured(MEASURED, *command.split(), store, "--out", str(file))
            print(f"{command}, {file.suffix[1:]}: {said}, a file of {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
