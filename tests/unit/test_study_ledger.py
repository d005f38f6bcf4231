"""The ledger: decisions are made again where the log grew, and signs of life do not get in the way."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import luthier as lt
from luthier.errors import StoreBusy
from luthier.event import Asked, Created, Enqueued, Event, Freed, Record, Renewed, Reported, Retried, Told
from luthier.history import History
from luthier.store import Memory
from luthier.study import log as ledger_module
from luthier.study.elapsed import elapsed_s
from luthier.study.lease_owner import LeaseOwner, is_dead
from luthier.study.log import StudyLog

SPACE = lt.Space({"x": lt.Float(0, 1)})
CREATED = Created("s", SPACE.to_plain(), (("loss", False),), 7)


def _ledger(store: Memory) -> StudyLog:
    ledger = StudyLog(store, "s", SPACE)
    if "s" in store.names():
        ledger.refresh()
    else:
        ledger.commit(lambda history: [] if history.length else [CREATED])
    return ledger


def test_a_decision_is_made_again_when_the_log_grew() -> None:
    store = Memory()
    mine, theirs = _ledger(store), _ledger(store)
    decided: list[int] = []

    def decide(history: History) -> list[Event]:
        decided.append(len(history))
        if len(decided) == 1:
            theirs.commit(lambda history: [Asked(len(history), {"x": 0.1}, 0)])
        return [Asked(len(history), {"x": 0.2}, 0)]

    assert mine.commit(decide).trials[1].config == {"x": 0.2}
    assert decided == [0, 1]
    assert len(mine.stamps) == mine.history.length == 3


@pytest.mark.parametrize(("heed", "times"), [(False, 1), (True, 2)])
def test_signs_of_life_make_a_decision_again_only_where_it_heeds_them(heed: bool, times: int) -> None:
    store = Memory()
    mine, theirs = _ledger(store), _ledger(store)
    mine.commit(lambda history: [Asked(0, {"x": 0.1}, 0)])
    decided: list[int] = []

    def decide(history: History) -> list[Event]:
        decided.append(history.length)
        if len(decided) == 1:
            theirs.renew([Renewed(0, 1)])
        return [Asked(1, {"x": 0.2}, 0)]

    history = mine.commit(decide, heed_renewals=heed)
    assert len(decided) == times and history.length == 4 and history.alive_at(0) == 2


def test_nothing_decided_is_nothing_written() -> None:
    ledger = _ledger(Memory())
    assert ledger.commit(lambda history: []).length == 1


def test_who_never_gets_a_turn_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "PATIENCE_S", 0.0)
    store = Memory()
    mine, theirs = _ledger(store), _ledger(store)

    def decide(history: History) -> list[Event]:
        theirs.refresh()
        theirs.commit(lambda history: [Enqueued({"x": 0.1}, str(history.length))])
        return [Asked(0, {"x": 0.2}, 0)]

    with pytest.raises(StoreBusy, match="other writers were faster"):
        mine.commit(decide)


def test_a_heartbeat_does_not_wait_for_a_method_that_thinks() -> None:
    ledger = _ledger(Memory())
    ledger.commit(lambda history: [Asked(0, {"x": 0.1}, 0)])
    with ledger.lock:  # a method is at work, in another thread
        thread = threading.Thread(target=lambda: ledger.renew([Renewed(0, 1)]))
        thread.start()
        thread.join(10)
        assert not thread.is_alive()
    assert ledger.refresh().alive_at(0) == 2


def test_owners_are_alive_while_their_study_is() -> None:
    owner, other = LeaseOwner(), LeaseOwner()
    name = owner.name
    assert is_dead(name) is False and owner.name == name != other.name
    owner.retire()
    assert is_dead(name) is True and is_dead(other.name) is False
    name = other.name
    del other
    assert is_dead(name) is True


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="start times of processes")
def test_owners_in_other_processes_are_asked_of_the_system() -> None:
    host, pid, start, mark = LeaseOwner().name.rsplit("/", 3)
    assert int(pid) == os.getpid()
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    theirs = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
    assert is_dead(f"{host}/{process.pid}/{theirs}/{mark}") is False
    assert is_dead(f"{host}/{process.pid}/{int(theirs) + 1}/{mark}") is True  # the number was given out again
    process.kill()
    assert process.stdin is not None
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(f"{host}/{process.pid}/{theirs}/{mark}") is True  # a zombie is dead
    process.wait()
    assert is_dead(f"{host}/{process.pid}/{theirs}/{mark}") is True
    assert is_dead(f"elsewhere/{pid}/{start}/{mark}") is None
    assert is_dead("nonsense") is None


def _elapsed(records: list[tuple[float, Event]], now: float) -> float:
    history = History(SPACE).extend([CREATED, *(event for _, event in records)])
    return elapsed_s(history, [0.0, *(at for at, _ in records)], now)


def _asked(number: int) -> Asked:
    return Asked(number, {"x": 0.5}, 0, owner="me")


def test_the_time_that_a_study_ran() -> None:
    told = Told(0, 1, "done", {"loss": 1.0})
    assert _elapsed([], 100) == 0
    assert _elapsed([(10, _asked(0))], 25) == 15
    assert _elapsed([(10, _asked(0)), (25, told)], 1e6) == 15
    two = [(10.0, _asked(0)), (12.0, _asked(1)), (25.0, told), (30.0, Told(1, 2, "done", {"loss": 1.0}))]
    assert _elapsed(two, 1e6) == 20  # side by side
    assert _elapsed([*two, (80.0, _asked(2)), (90.0, Told(2, 5, "failed"))], 1e6) == 80  # a method thought for 50 s
    assert _elapsed([*two, (5000.0, _asked(2)), (5010.0, Told(2, 5, "failed"))], 1e6) == 30  # nobody ran it
    imported = [(10.0, Asked(0, {"x": 0.5}, 0, "imported")), (10.0, told)]
    assert _elapsed(imported, 1e6) == 0


def test_a_lost_worker_ran_until_its_last_sign_of_life() -> None:
    lost: list[tuple[float, Event]] = [
        (10, _asked(0)),
        (20, Reported(0, 1, 0, 1.0)),
        (30, Renewed(0, 1)),
        (9000, Freed(0, 1, "lost")),
    ]
    assert _elapsed(lost, 9000) == 20
    assert _elapsed([*lost, (9000, Retried(0, "me")), (9010, Told(0, 5, "done", {"loss": 1.0}))], 1e6) == 30
    assert _elapsed([(10, _asked(0)), (70, Freed(0, 1, "interrupted"))], 1e6) == 60


def test_stamps_follow_the_log() -> None:
    now = [1.0]
    store = Memory(clock=lambda: now[0])
    mine, theirs = _ledger(store), _ledger(store)
    now[0] = 5.0
    theirs.commit(lambda history: [Asked(0, {"x": 0.1}, 0)])
    mine.refresh()
    assert mine.stamps == [1.0, 5.0] and not math.isnan(mine.stamps[0])
    mine.take([Record(6.0, Asked(1, {"x": 0.1}, 0))])
    assert mine.stamps == [1.0, 5.0, 6.0]
