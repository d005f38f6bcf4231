"""The lock of a store: free in a forked child, taken in turn, and not waited for for ever."""

from __future__ import annotations

import os
import threading

import pytest

from luthier._runtime.fork_lock import ForkSafeLock
from luthier.errors import StoreBusy
from luthier.event import Told
from luthier.store import Memory


def in_child(work: object) -> int:
    """Do `work` in a forked process, and give its exit code: 0 when it ended, 1 when it raised."""
    assert callable(work)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def hold(guard: ForkSafeLock, inside: threading.Event, leave: threading.Event) -> threading.Thread:
    """Hold a guard in a thread of its own until `leave` is set."""

    def work() -> None:
        with guard:
            inside.set()
            leave.wait()

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait()
    return thread


def test_says_when_another_thread_keeps_it() -> None:
    guard, inside, leave = ForkSafeLock(timeout_s=0.01), threading.Event(), threading.Event()
    thread = hold(guard, inside, leave)
    with pytest.raises(StoreBusy, match=r"another thread .* for over 0\.01 s"), guard:
        pass
    leave.set()
    thread.join()
    with guard:
        pass


def test_is_free_in_a_child_of_a_process_that_cannot_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier._runtime.fork_lock.FORK_PATIENCE_S", 0.01)
    guard, inside, leave = ForkSafeLock(timeout_s=1.0), threading.Event(), threading.Event()
    thread = hold(guard, inside, leave)
    assert in_child(guard.__enter__) == 0
    leave.set()
    thread.join()


def test_what_it_guards_puts_itself_in_order_before_a_fork() -> None:
    calls: list[str] = []
    guard = ForkSafeLock(before_fork=lambda: calls.append("before"))
    assert in_child(lambda: calls == ["before"] or 1 / 0) == 0
    assert calls == ["before"]
    with guard:
        pass


def test_a_thread_that_uses_it_all_the_time_lets_others_in() -> None:
    guard, stop, turns = ForkSafeLock(), threading.Event(), 0

    def work() -> None:
        while not stop.is_set():
            with guard:
                stop.wait(0.001)

    thread = threading.Thread(target=work)
    thread.start()
    for _ in range(20):
        with guard:
            turns += 1
    stop.set()
    thread.join()
    assert turns == 20


def test_a_store_in_memory_is_copied_by_a_fork() -> None:
    store = Memory()
    store.append("a", [Told(0, 0, "done")], 0)

    def work() -> None:
        assert store.append("a", [Told(1, 0, "done")], 1) == 2

    assert in_child(work) == 0
    assert store.length("a") == 1
