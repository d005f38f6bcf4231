"""Claims of real processes and threads: killed while they think, and many at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from awaiting import until

import luthier as lt
from luthier.event import Asked, Claimed
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.problem import Problem
from luthier.proposal import Proposal
from luthier.store import Memory, Store
from luthier.study.leases.claims import Claims

SHARE = 0.25
"""Every decider of a crowd gets at least this part of an equal share of the trials."""


@lt.register
@dataclass(frozen=True)
class Thoughtful:
    """Draw at random, after a while; at once where proposals are only made again."""

    seconds: float = 0.0
    flag: str = ""
    hurry: ClassVar[bool] = False

    def suggest(self, problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
        """See `luthier.method.protocol.Method`."""
        if self.flag:
            Path(self.flag).touch()
        time.sleep(0.0 if self.hurry else self.seconds)
        return lt.Random().suggest(problem, history, key, count, memo)


def _study(store: Path | Store, method: Any = None) -> lt.Study:
    return lt.Study("s", {"x": lt.Float(0, 1)}, minimize="loss", store=store, seed=5, method=method or lt.Random())


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


def _check(study: lt.Study) -> Counter[str]:
    """Check numbers and proposals; gives how many trials each owner of leases asked for."""
    asked = [event for event in study.history.events if isinstance(event, Asked)]
    assert [event.number for event in asked] == list(range(len(asked)))
    assert len({event.config["x"] for event in asked}) == len(asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Thoughtful, "hurry", True)
        assert study.verify().ok
    return Counter(event.owner for event in asked)


@pytest.mark.skipif(sys.platform == "win32", reason="fork and SIGKILL")
@pytest.mark.parametrize("batch", [1, 3])
def test_a_claimant_that_is_killed_while_it_thinks_loses_its_claim_and_nothing_else(folder: Path, batch: int) -> None:
    file, flag = folder / "s.db", folder / "thinks"
    expected = _study(Memory())
    with _study(file) as study:
        study.tell(study.ask(), 1.0)

    def claim() -> None:
        Claims._are_wanted = lambda self, decider, tries: True  # type: ignore[method-assign]
        _study(file, Thoughtful(1000.0, str(flag))).ask(batch)

    pid = _forked(claim)
    until(flag.exists, "it thinks")
    with _study(file) as study:
        ((token, claimed),) = study.history.claims
        assert (claimed.number, claimed.count) == (1, batch) and study.history.holds(token)
        assert len(study.trials) == 1
        study.tell(study.ask(), 1.0)  # what is claimed does not keep others waiting
        assert [trial.number for trial in study.trials] == [0, 1] and study.history.holds(token)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        trials = study.ask(batch)
        assert [trial.number for trial in trials] == list(range(2, batch + 2)) and not study.history.claims
        assert study.history.free_numbers(9) == (batch + 2, 9)
        owners = _check(study)
        assert owners.total() == batch + 2
        configs = {trial["x"] for trial in study.trials}
    asked = [expected.ask()["x"] for _ in range(2 + batch)]
    assert asked[0] in configs and len(configs) == batch + 2


@pytest.mark.skipif(sys.platform == "win32", reason="fork and SIGKILL")
def test_a_run_that_is_killed_again_and_again_while_it_thinks_ends_like_one_that_was_not(folder: Path) -> None:
    file = folder / "s.db"
    expected = _study(Memory())
    expected.run(lambda trial: trial["x"], trials=12)

    def run() -> None:
        Claims._are_wanted = lambda self, decider, tries: True  # type: ignore[method-assign]
        with _study(file, Thoughtful(0.01)) as study:
            study.run(lambda trial: trial["x"], trials=12)

    for turn in range(8):
        pid = _forked(run)
        if turn < 7:
            until(lambda turn=turn: file.exists() and _claims(file) > turn, "it claims")
            time.sleep(0.004 * (turn % 3))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        else:
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    with _study(file) as study:
        assert [dict(trial.params) for trial in study.trials] == [dict(trial.params) for trial in expected.trials]
        assert study.history.finished == 12 and not study.history.claims
        _check(study)


def _claims(file: Path) -> int:
    with lt.store.open_store(file) as store:
        records = store.read("s") if "s" in store.names() else ()
        return sum(isinstance(record.event, Claimed) for record in records)


def _share(counts: list[int], askers: int) -> float:
    """Give the smallest share of a crowd, as a part of an equal one."""
    assert len(counts) == askers, "one of them got nothing at all"
    return min(counts) * askers / sum(counts)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="fork")
@pytest.mark.parametrize(("method", "least"), [(lt.Random(), 0.1), (Thoughtful(0.05), SHARE)], ids=["quick", "slow"])
def test_32_processes_share_a_study_in_a_file(folder: Path, method: Any, least: float) -> None:
    """With a method that takes no time, the waits for the file decide, which are random: so less is asked of it."""
    file, go = folder / "s.db", folder / "go"
    _study(file, method).close()

    def work() -> None:
        with _study(file, method) as study:
            (folder / f"ready{os.getpid()}").touch()
            until(go.exists, "all are there")
            while len(study.history) < 640:
                study.tell(study.ask(), 1.0)

    pids = [_forked(work) for _ in range(32)]
    until(lambda: len([*folder.glob("ready*")]) == 32, "all are there")
    go.touch()
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0] * 32
    with _study(file, method) as study:
        assert study.history.finished == len(study) >= 640
        assert _share([*_check(study).values()], 32) >= least


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 0.002])
@pytest.mark.parametrize("shared", [True, False], ids=["one study", "a study each"])
@pytest.mark.parametrize("where", ["memory", pytest.param("file", marks=pytest.mark.slow)])
def test_32_threads_share_a_study(folder: Path, where: str, shared: bool, seconds: float) -> None:
    store: Any = Memory() if where == "memory" else folder / "s.db"
    method = Thoughtful(seconds)
    studies = [_study(store, method) for _ in range(1 if shared else 32)]
    counts: Counter[int] = Counter()
    total = 640

    def work(who: int) -> None:
        study = studies[who % len(studies)]
        barrier.wait()
        while len(study.history) < total:
            study.tell(study.ask(), 1.0)
            counts[who] += 1

    barrier = threading.Barrier(32)
    threads = [threading.Thread(target=work, args=(who,)) for who in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _share([*counts.values()], 32) >= SHARE
    assert _check(studies[0]).total() == len(studies[0]) >= total
    for study in studies:
        study.close()
