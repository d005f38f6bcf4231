"""Proposals a second of a study that many workers ask at once, and how equally they share it.

    python benchmarks/claims.py [--seconds 6]

First, one worker whose method thinks beside others that append all the time: without claims it would never get a
proposal in. Then k workers that think t seconds each, as threads with one study, as threads with a study each, and as
processes on one SQLite file: with claims they make about k / t proposals a second, as far as the machine and the file
carry that many. The share is that of the worker that got least, as a part of an equal share.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import luthier as lt
from luthier.event import Asked, Claimed, Told
from luthier.store import Memory


@lt.register
@dataclass(frozen=True)
class Thinker:
    """Draw at random, after a while."""

    seconds: float

    def suggest(self, problem: Any, history: Any, key: Any, count: int, memo: Any) -> Any:
        """See `luthier.method.protocol.Method`."""
        time.sleep(self.seconds)
        return lt.Random().suggest(problem, history, key, count, memo)


def study(store: Any, method: Any) -> lt.Study:
    """Open the study."""
    return lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", store=store, method=method, seed=0)


def at_once(works: list[Callable[[], None]]) -> None:
    """Do all of it in threads."""
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def beside_others(thought_s: float, interval_s: float, seconds: float) -> str:
    """Count the proposals of a slow worker beside one that asks and tells all the time."""
    store = Memory()
    slow, fast = study(store, Thinker(thought_s)), study(store, lt.Random())
    end = time.monotonic() + seconds
    made: Counter[str] = Counter()

    def work(one: lt.Study, name: str, pause_s: float) -> None:
        while time.monotonic() < end:
            one.tell(one.ask(), 1.0)
            made[name] += 1
            time.sleep(pause_s)

    at_once([lambda: work(slow, "slow", 0.0), lambda: work(fast, "fast", interval_s)])
    rate, other = made["slow"] / seconds, made["fast"] / seconds
    return f"{rate:8.1f} a second, of at most {1 / thought_s:.1f}; the other {other:.1f}"


def shared(kind: str, workers: int, thought_s: float, seconds: float) -> str:
    """Let workers ask and tell for a while."""
    method = Thinker(thought_s) if thought_s else lt.Random()
    with tempfile.TemporaryDirectory() as folder:
        store: Any = Path(folder) / "s.db" if kind == "processes" else Memory()
        studies = [study(store, method) for _ in range(1 if kind != "a study each" else workers)]
        made: Counter[int] = Counter()

        def work(who: int, end: float, one: lt.Study) -> None:
            while time.time() < end:
                one.tell(one.ask(), 1.0)
                made[who] += 1

        if kind == "processes":
            studies[0].close()
            go = time.time() + 1.0
            pids = [fork(lambda: work_alone(folder, store, method, work, go, seconds)) for _ in range(workers)]
            for pid in pids:
                os.waitpid(pid, 0)
            counts = [int(path.read_text()) for path in Path(folder).glob("*.count")]
            studies = [study(store, method)]
        else:
            end = time.time() + seconds
            at_once([lambda who=who: work(who, end, studies[who % len(studies)]) for who in range(workers)])  # type: ignore[misc]
            counts = [made[who] for who in range(workers)]
        kinds = Counter(type(event) for event in studies[0].history.events)
        for one in studies:
            one.close()
    rate, least = sum(counts) / seconds, min(counts) * workers / max(1, sum(counts))
    wanted = f"{workers / thought_s:7.0f}" if thought_s else "      –"
    appends = (kinds[Asked] + kinds[Told] + kinds[Claimed]) / max(1, kinds[Asked])
    return f"{rate:8.1f} a second, k / t is {wanted}; least share {least:.2f}; {appends:.2f} appends a trial"


def fork(work: Callable[[], None]) -> int:
    """Run in a process of its own."""
    pid = os.fork()
    if not pid:
        work()
        os._exit(0)
    return pid


def work_alone(folder: str, store: Any, method: Any, work: Any, go: float, seconds: float) -> None:
    """Work in this process, and write down how many trials it was."""
    while time.time() < go:
        time.sleep(0.001)
    own: Counter[int] = Counter()
    with study(store, method) as one:
        end = go + seconds
        while time.time() < end:
            one.tell(one.ask(), 1.0)
            own[0] += 1
    (Path(folder) / f"{os.getpid()}.count").write_text(str(own[0]))


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Time studies that many workers ask at once.")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement")
    seconds = parser.parse_args().seconds
    for thought_s, interval_s in ((0.2, 0.05), (0.2, 0.005), (0.05, 0.005)):
        title = f"thinks {thought_s:g} s, others append every {interval_s:g} s"
        print(f"{title:46s}{beside_others(thought_s, interval_s, seconds)}", flush=True)
    for kind in ("one study", "a study each", "processes"):
        for workers, thought_s in ((8, 0.2), (32, 0.2), (32, 0.02), (32, 0.0)):
            title = f"{workers} {'processes' if kind == 'processes' else f'threads, {kind}'}, {thought_s:g} s each"
            print(f"{title:46s}{shared(kind, workers, thought_s, seconds)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
