"""Real processes, really killed: laws 1, 2 and 7 on an SQLite file."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from awaiting import until

import luthier as lt
from luthier.event import Told
from luthier.executor.processes import process_tree
from luthier.testing.faults import FaultyStore

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fork and SIGKILL")

SPACE = lt.Space({"x": lt.Float(-1, 1), "n": lt.Int(1, 9), "depth": lt.Int(1, 4, when="n > 4")})


def _objective(trial: lt.RunningTrial) -> float:
    if trial["n"] == 9:
        raise ValueError("nine")
    return float(trial["x"]) ** 2


def _study(store: Path | FaultyStore, method: Any = None) -> lt.Study:
    return lt.Study("s", SPACE, minimize="loss", store=store, seed=5, method=method or lt.Random())


def _forked(work: Callable[[], None]) -> int:
    """Run in a process of its own; gives its number."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:  # noqa: BLE001 - a fork must not come back into pytest
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
    return pid


class _KillingStore(FaultyStore):
    """Kill this process at an append: before it, or after it is on disk."""

    def __init__(self, file: Path, number: int, after: bool) -> None:
        super().__init__(lt.store.open_store(file))
        self._number, self._after = number, after

    def append(self, study, events, expect):  # type: ignore[no-untyped-def]
        """See `Store.append`."""
        if self.appends + 1 == self._number and not self._after:
            os.kill(os.getpid(), signal.SIGKILL)
        length = super().append(study, events, expect)
        if self.appends == self._number:
            os.kill(os.getpid(), signal.SIGKILL)
        return length


def _acknowledge(file: Path) -> Callable[[lt.Study, lt.study.TrialResult], None]:
    """Write down, outside of the study, that a result was acknowledged."""

    def callback(_: lt.Study, result: lt.study.TrialResult) -> None:
        with file.open("a") as stream:
            stream.write(f"{result.number} {result.values.get('loss')}\n")

    return callback


def _check(file: Path, acknowledged: Path, trials: int, method: Any = None) -> lt.Study:
    study = _study(file, method)
    history = study.history
    assert len(history) == trials and history.finished == trials and not history.running
    told = [event.number for event in history.events if isinstance(event, Told)]
    assert sorted(told) == list(range(trials))
    lines = acknowledged.read_text().split("\n")[:-1] if acknowledged.exists() else []
    for line in lines:
        number, value = line.split()
        assert str(study.trials[int(number)].values.get("loss")) == value
    assert len({line.split()[0] for line in lines}) == len(lines), "a trial was told twice"
    assert study.verify().ok
    with lt.store.open_store(file) as store:
        assert store.check() == ()
    return study


def _outline(study: lt.Study) -> list[object]:
    return [(t.number, dict(t.trial.config), t.reason, dict(t.values)) for t in study.trials]


def _kill_at(folder: Path, number: int, after: bool, expected: list[object]) -> None:
    file, notes = folder / f"{number}{after}.db", folder / f"{number}{after}.txt"
    pid = _forked(
        lambda: (
            _study(_KillingStore(file, number, after)).run(_objective, trials=30, callbacks=[_acknowledge(notes)])
            and None
        )
    )
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    with _study(file) as study:
        study.run(_objective, trials=30, callbacks=[_acknowledge(notes)])
    assert _outline(_check(file, notes, 30)) == expected


def _expected() -> tuple[list[object], int]:
    store = FaultyStore(lt.store.Memory())
    study = _study(store)
    study.run(_objective, trials=30)
    return _outline(study), store.appends


@pytest.mark.parametrize("number", [1, 2, 17, 30, 61])
def test_a_process_killed_at_an_append_resumes_where_it_was(folder: Path, number: int) -> None:
    expected, _ = _expected()
    for after in (False, True):
        _kill_at(folder, number, after, expected)


@pytest.mark.slow
def test_a_process_killed_at_any_append_resumes_where_it_was(folder: Path) -> None:
    expected, appends = _expected()
    for number in range(1, appends + 1):
        for after in (False, True):
            _kill_at(folder, number, after, expected)


def _kill_one_of_two(folder: Path, number: int, after: bool) -> bool:
    """Kill one of two processes at its append of that number; tells whether it lived to make it."""
    file, notes = folder / f"two{number}{after}.db", folder / f"two{number}{after}.txt"
    _study(file).close()

    def slow(trial: lt.RunningTrial) -> float:
        time.sleep(0.005)
        return _objective(trial)

    def survive() -> None:
        with _study(file) as study:
            study.run(slow, trials=30, callbacks=[_acknowledge(notes)])

    def die() -> None:
        _study(_KillingStore(file, number, after)).run(slow, trials=30, callbacks=[_acknowledge(notes)])

    first, second = _forked(survive), _forked(die)
    assert os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) == 0
    killed = os.waitstatus_to_exitcode(os.waitpid(second, 0)[1]) == -signal.SIGKILL
    survive()  # if the other one died last
    _check(file, notes, 30)
    return killed


@pytest.mark.parametrize("number", [3, 8, 15, 24])
def test_of_two_processes_one_is_killed_and_the_other_ends_the_study(folder: Path, number: int) -> None:
    _kill_one_of_two(folder, number, after=True)


@pytest.mark.slow
def test_of_two_processes_one_is_killed_at_any_append(folder: Path) -> None:
    killed = [_kill_one_of_two(folder, number, after) for number in range(1, 41) for after in (False, True)]
    assert sum(killed) >= 20  # how many appends it comes to make is a matter of timing


_DRIVER = """
import os, sys, time
import luthier as lt
file, notes, method = sys.argv[1:4]
space = lt.Space({"x": lt.Float(-1, 1), "n": lt.Int(1, 9), "depth": lt.Int(1, 4, when="n > 4")})
def objective(trial):
    time.sleep(0.003 * (1 + trial["n"] % 3))
    return trial["x"] ** 2
def acknowledge(study, result):
    with open(notes, "a") as stream:
        stream.write(f"{result.number} {result.values.get('loss')}\\n")
def drive():
    with lt.Study("s", space, minimize="loss", store=file, seed=5, method=eval(method)) as study:
        study.run(objective, trials=100000, workers=4, callbacks=[acknowledge])
if sys.argv[4:] == ["forks"]:  # a driver for each line, which begins where all that it needs is loaded
    lt.Study("s", space, minimize="loss", seed=5, method=eval(method)).run(lambda trial: trial["x"], trials=20)
    for _ in sys.stdin:
        if (pid := os.fork()) == 0:
            os.setsid()
            drive()
        print(pid, flush=True)
        os.waitpid(pid, 0)
        print("gone", flush=True)
else:
    drive()
"""


class _Drivers:
    """Processes that drive a run: some start from nothing, and most as forks of a process that has loaded everything.

    What is killed in the first second of a program is mostly its imports; a fork is at work at once.
    """

    def __init__(self, script: Path, *arguments: str) -> None:
        script.write_text(_DRIVER)
        self._command = [sys.executable, str(script), *arguments]
        self._forks = subprocess.Popen(
            [*self._command, "forks"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    @contextlib.contextmanager
    def one(self, from_nothing: bool) -> Iterator[int]:
        """Start one, and kill it in the end; gives its number."""
        if from_nothing:
            driver = subprocess.Popen(self._command, start_new_session=True)
            try:
                yield driver.pid
            finally:
                driver.kill()
                driver.wait()
            return
        assert self._forks.stdin is not None and self._forks.stdout is not None
        self._forks.stdin.write("one\n")
        self._forks.stdin.flush()
        pid = int(self._forks.stdout.readline())
        try:
            yield pid
        finally:
            os.kill(pid, signal.SIGKILL)
            assert self._forks.stdout.readline() == "gone\n"

    def close(self) -> None:
        """End the process whose forks they are."""
        self._forks.communicate()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "kills"),
    [
        ("lt.Random()", 60),
        ("lt.Auto()", 16),
        ("lt.Bayes(lt.GP())", 16),
        ("lt.Bayes(lt.Parzen())", 16),
        ("lt.Bayes(lt.Forest(trees=5), lt.Thompson())", 16),
        ("lt.Evolution('de', population=6)", 16),
    ],
)
def test_random_kills_of_a_run_with_four_workers_lose_nothing(folder: Path, method: str, kills: int) -> None:
    file, notes = folder / "study.db", folder / "notes.txt"
    chance = random.Random(0)
    drivers = _Drivers(folder / "driver.py", str(file), str(notes), method)
    workers: set[int] = set()
    for turn in range(kills):
        size = notes.stat().st_size if notes.exists() else 0
        with drivers.one(from_nothing=turn % 4 == 0) as driver:
            if turn % 4:  # most kills hit a driver at work, some one that starts
                until(lambda size=size: notes.exists() and notes.stat().st_size > size, "a trial ends")
                time.sleep(chance.uniform(0, 0.05))
            else:
                time.sleep(chance.uniform(0, 0.5))
            workers |= {process.pid for process in process_tree.list_processes() if process.parent == driver}
    drivers.close()
    until(lambda: not workers & {process.pid for process in process_tree.list_processes()}, "no worker is left behind")
    made = eval(method, {"lt": lt})
    with _study(file, made) as study:
        trials = len(study)
        assert trials >= 3 * kills // 4
        study.run(_objective, trials=trials, callbacks=[_acknowledge(notes)])
    _check(file, notes, trials, made)
