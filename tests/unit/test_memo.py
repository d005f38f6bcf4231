"""A memo skips work and never changes a result."""

from __future__ import annotations

import threading

import pytest

from luthier.memo import Memo


def test_a_value_is_computed_once() -> None:
    memo, calls = Memo(), []
    for _ in range(3):
        assert memo.get(("a", 1), lambda: calls.append(1) or 7) == 7
    assert len(calls) == 1
    memo.clear()
    memo.get(("a", 1), lambda: calls.append(1) or 7)
    assert len(calls) == 2


def test_a_value_may_be_none() -> None:
    memo, calls = Memo(), []
    for _ in range(2):
        assert memo.get("a", lambda: calls.append(1)) is None
    assert len(calls) == 1


def test_the_least_recently_used_is_forgotten_first() -> None:
    memo, computed = Memo(2), []
    for key in ["a", "b", "a", "c", "a", "b"]:
        memo.get(key, lambda key=key: computed.append(key))
    assert computed == ["a", "b", "c", "b"]


def test_a_memo_without_room_keeps_nothing() -> None:
    memo, calls = Memo(0), []
    for _ in range(2):
        memo.get("a", lambda: calls.append(1))
    assert len(calls) == 2


def test_a_computation_may_use_the_memo_and_may_fail() -> None:
    memo = Memo()
    assert memo.get("a", lambda: memo.get("b", lambda: 1) + 1) == 2
    with pytest.raises(ZeroDivisionError):
        memo.get("c", lambda: 1 / 0)
    assert memo.get("c", lambda: 3) == 3


def test_threads_may_share_a_memo() -> None:
    memo, seen = Memo(8), []

    def work() -> None:
        seen.extend(memo.get(i % 16, lambda i=i: (i % 16) ** 2) == (i % 16) ** 2 for i in range(2000))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(seen) and len(seen) == 8000
