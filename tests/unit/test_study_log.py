"""A study's log: decisions are made again where it grew, leases are renewed beside it, threads get their turn."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import luthier as lt
from luthier._runtime.fair_lock import FairLock
from luthier.errors import StoreBusy
from luthier.event import Asked, Claimed, Created, Enqueued, Event, Freed, Record, Renewed, Reported, Retried, Told
from luthier.history import History
from luthier.store import Memory
from luthier.study import log as log_module
from luthier.study.elapsed import elapsed_s
from luthier.study.log import StudyLog
from luthier.study.workers.lease_owner import Heartbeat, LeaseOwner, is_dead

SPACE = lt.Space({"x": lt.Float(0, 1)})
CREATED = Created("s", SPACE.to_plain(), (("loss", False),), 7)


def _log(store: Memory) -> StudyLog:
    log = StudyLog(store, "s", SPACE)
    if "s" in store.names():
        log.refresh()
    else:
        log.commit(lambda history: [] if history.length else [CREATED])
    return log


def test_a_decision_is_made_again_when_the_log_grew() -> None:
    store = Memory()
    mine, theirs = _log(store), _log(store)
    decided: list[int] = []

    def decide(history: History) -> list[Event]:
        decided.append(len(history))
        if len(decided) == 1:
            theirs.commit(lambda history: [Asked(len(history), {"x": 0.1}, 0)])
        return [Asked(len(history), {"x": 0.2}, 0)]

    assert mine.commit(decide).trials[1].config == {"x": 0.2}
    assert decided == [0, 1]
    assert len(mine.stamps) == mine.history.length == 3


def test_nothing_decided_is_nothing_written() -> None:
    log = _log(Memory())
    assert log.commit(lambda history: []).length == 1


def test_who_never_gets_a_turn_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "PATIENCE_S", 0.0)
    store = Memory()
    mine, theirs = _log(store), _log(store)

    def decide(history: History) -> list[Event]:
        theirs.refresh()
        theirs.commit(lambda history: [Enqueued({"x": 0.1}, str(history.length))])
        return [Asked(0, {"x": 0.2}, 0)]

    with pytest.raises(StoreBusy, match="other writers were faster"):
        mine.commit(decide)


def test_a_heartbeat_does_not_wait_for_a_method_that_thinks() -> None:
    log = _log(Memory())
    log.commit(lambda history: [Asked(0, {"x": 0.1}, 0)])
    length = log.history.length
    with log.lock:  # a method is at work, in another thread
        thread = threading.Thread(target=lambda: log.renew(0, 1))
        thread.start()
        thread.join(10)
        assert not thread.is_alive()
    assert log.renewed(0, 1) is not None and log.renewed(0, 2) is None
    assert log.refresh().length == length


def test_a_thread_that_lets_the_lock_go_and_asks_again_comes_after_the_one_that_waits() -> None:
    lock, order = FairLock(), []

    def wait() -> None:
        with lock:
            order.append("other")

    with lock:
        thread = threading.Thread(target=wait)
        thread.start()
        while not lock.wanted:
            time.sleep(0.001)
        with lock:  # reentrant, also while others wait
            pass
    with lock:
        order.append("again")
    thread.join()
    assert order == ["other", "again"] and not lock.wanted


def test_leases_and_their_ends_are_written_to_the_logging_of_the_process(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "luthier")
    study = lt.Study("s", SPACE, minimize="loss", seed=1, method=lt.Random())
    first = study.ask()
    study.release(first, "the machine is needed")
    study.ask()
    said = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "luthier.study.log"]
    (asked, freed, retried) = said
    assert asked[0] == "DEBUG" and asked[1].startswith("study 's': trial 0 is leased to ")
    assert freed == ("INFO", "study 's': the lease 2 of 0 ended: interrupted (the machine is needed)")
    assert retried[0] == "INFO" and "trial 0 is taken over by" in retried[1]


def test_conflicts_are_written_to_the_logging_of_the_process(caplog: pytest.LogCaptureFixture) -> None:
    store = Memory()
    mine, theirs = _log(store), _log(store)
    theirs.commit(lambda history: [Asked(0, {"x": 0.1}, 0)])
    caplog.set_level("DEBUG", "luthier.study.log")
    mine.commit(lambda history: [Asked(len(history), {"x": 0.2}, 0)])
    assert "another process appended first; trying again" in caplog.text and mine.conflicts == 1


class _Failing(Memory):
    def renew(self, study: str, number: int, token: int) -> None:
        raise StoreBusy("locked")


def test_a_heartbeat_that_fails_is_written_to_the_logging_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    log = _log(_Failing())
    heartbeat = Heartbeat(log.renew, 0.03)
    heartbeat.hold(0, 1)
    while len([record for record in caplog.records if record.levelname == "WARNING"]) < 2:
        time.sleep(0.01)
    heartbeat.close()
    assert "leases could not be renewed: locked" in caplog.text


def test_a_heartbeat_renews_trials_and_claims_until_they_are_dropped() -> None:
    renewed: list[tuple[int, int]] = []
    heartbeat = Heartbeat(lambda number, token: renewed.append((number, token)), 1000.0)
    heartbeat.hold(3, 10)
    heartbeat.hold(4, 11)
    heartbeat.hold_claim(3, 12)  # of the same number as a trial
    heartbeat.beat()
    assert renewed == [(3, 10), (4, 11), (3, 12)] and heartbeat.held() == {3: 10, 4: 11}
    heartbeat.drop(3, 9)  # another lease than the one that is held
    heartbeat.drop(4)
    heartbeat.drop_claim(12)
    renewed.clear()
    heartbeat.beat()
    assert renewed == [(3, 10)]
    heartbeat.close()
    heartbeat.beat()
    assert renewed == [(3, 10)]


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
    assert _elapsed([(10, _asked(0)), (9000, Freed(0, 1, "lost", ran_s=35.0))], 9000) == 35
    given_up = Told(0, 1, "lost", duration_s=25.0)
    assert _elapsed([(10, _asked(0)), (20, Reported(0, 1, 0, 1.0)), (9000, given_up)], 9000) == 25


def test_thinking_under_a_claim_is_no_trial() -> None:
    records: list[tuple[float, Event]] = [(10, _asked(0)), (12, Claimed(1, 2)), (14, Freed(1, 2, "lost"))]
    assert _elapsed([*records, (15, Told(0, 1, "done", {"loss": 1.0}))], 1e6) == 5
    assert _elapsed([(12, Claimed(0, 1)), (14, Freed(0, 1, "lost"))], 1e6) == 0
    lost: list[tuple[float, Event]] = [(10, Claimed(0, 1)), (11, _asked(0)), (12, Freed(0, 1, "lost"))]
    assert _elapsed([*lost, (20, Told(0, 2, "done", {"loss": 1.0}))], 1e6) == 9


def test_stamps_follow_the_log() -> None:
    now = [1.0]
    store = Memory(clock=lambda: now[0])
    mine, theirs = _log(store), _log(store)
    now[0] = 5.0
    theirs.commit(lambda history: [Asked(0, {"x": 0.1}, 0)])
    mine.refresh()
    assert [*mine.stamps] == [1.0, 5.0] and not math.isnan(mine.stamps[0])
    mine.take([Record(6.0, Asked(1, {"x": 0.1}, 0))])
    assert [*mine.stamps] == [1.0, 5.0, 6.0]


def test_a_holder_that_the_system_hides_is_not_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(pid: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    host = LeaseOwner().name.rsplit("/", 3)[0]
    name = f"{host}/{2**22 + 7}/123/mark"  # /proc has no such process
    assert is_dead(name) is True
    monkeypatch.setattr("luthier.study.workers.lease_owner.os.kill", hidden)
    assert is_dead(name) is False
