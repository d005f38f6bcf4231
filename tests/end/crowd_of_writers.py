"""Workers of one study in processes of their own, which write down what was acknowledged to them."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import luthier as lt
from luthier.store import Store, open_store
from luthier.study import StudyReader

NAME = "shared"

Opening = Callable[[], Store]
"""Opens the store; in each process for itself."""


def study_in(store: Store) -> lt.Study:
    """Open the study, or begin it."""
    return lt.Study(NAME, {"x": lt.Float(0, 1)}, minimize="loss", store=store, seed=5, method=lt.Random())


def loss(trial: lt.RunningTrial) -> float:
    return float(trial["x"]) / 3


def work(opening: Opening, output: Path, trials: int, pause_s: float = 0.0) -> None:
    """Run until the study has so many trials; write down each result that was acknowledged."""

    def slow_loss(trial: lt.RunningTrial) -> float:
        time.sleep(pause_s)
        return loss(trial)

    with opening() as store, study_in(store) as study, output.open("a", buffering=1) as said:
        study.run(
            slow_loss,
            trials=trials,
            progress=False,
            callbacks=[lambda study, one: said.write(f"{one.number} {one.value!r}\n")],
        )


def forked(act: Callable[[], None]) -> int:
    """Do something in a process of its own; gives its number."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            act()
            status = 0
        except BaseException as error:  # noqa: BLE001 - there is nobody above to hear of it
            os.write(2, f"a worker failed: {type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(status)
    return pid


def ended(pid: int) -> int:
    """Wait for a process; gives how it ended."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@dataclass
class Crowd:
    """Workers of one study.

    Args:
        opening: of the store.
        folder: for what they write down.
        trials: how many the study is to have.
        pause_s: how long each takes.
    """

    opening: Opening
    folder: Path
    trials: int
    pause_s: float = 0.0
    alive: list[int] = field(default_factory=list)
    begun: int = 0

    def grow(self, size: int) -> None:
        """Start workers until there are so many; those that ended by themselves count no more."""
        self.alive = [pid for pid in self.alive if os.waitpid(pid, os.WNOHANG) == (0, 0)]
        while len(self.alive) < size:
            output = self.folder / f"said{self.begun}"
            self.alive.append(forked(lambda: work(self.opening, output, self.trials, self.pause_s)))  # noqa: B023
            self.begun += 1

    def kill(self, generator: random.Random) -> None:
        """Kill any one of them."""
        pid = self.alive.pop(generator.randrange(len(self.alive)))
        os.kill(pid, signal.SIGKILL)
        ended(pid)

    def finish(self) -> None:
        """Wait for the end of all; none may fail."""
        failed = [status for pid in self.alive if (status := ended(pid)) != 0]
        self.alive = []
        assert failed == []

    def acknowledged(self) -> dict[int, str]:
        """Give what was written down: values by number of trial."""
        found: dict[int, str] = {}
        for output in self.folder.glob("said*"):
            for line in output.read_text().split("\n")[:-1]:  # a last line that is not whole was not said
                number, value = line.split(" ")
                assert int(number) not in found, f"trial {number} was acknowledged twice"
                found[int(number)] = value
        return found

    def check(self) -> tuple[int, int]:
        """Make sure that nothing acknowledged is lost, and the study finished; gives both numbers of results."""
        said = self.acknowledged()
        with self.opening() as store:
            assert store.check() == ()
            study = StudyReader.open(store, NAME)
            trials = study.trials
            assert [trial.number for trial in trials] == list(range(len(trials)))
            assert not study.history.running and not study.history.waiting
            assert sum(trial.value is not None for trial in trials) >= self.trials
            stored = {trial.number: repr(trial.value) for trial in trials if trial.value is not None}
            assert set(said.items()) <= set(stored.items())
            with study_in(store) as again:
                assert again.verify().ok
        return len(said), len(stored)


def killed_at_random(opening: Opening, folder: Path, kills: int, trials: int, workers: int = 4, seed: int = 0) -> Crowd:
    """Kill workers under load, and let others finish their study."""
    generator = random.Random(seed)
    crowd = Crowd(opening, folder, trials)
    crowd.grow(workers)
    for _ in range(kills):
        time.sleep(generator.uniform(0.0, 0.15))
        crowd.grow(workers)
        crowd.kill(generator)
    crowd.grow(workers)
    crowd.finish()
    return crowd


def opening_of(url: str) -> Opening:
    """Open the store of a URL."""
    return lambda: open_store(url)
