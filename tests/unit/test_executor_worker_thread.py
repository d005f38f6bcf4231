"""Explanations of a worker's death, and the count of failed starts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from luthier.executor.processes import worker_thread
from luthier.executor.processes.worker_thread import StartCounter
from luthier.trial import Reason


@pytest.mark.parametrize(
    ("code", "oom_kills", "reason", "word"),
    [
        (-9, 3, Reason.MEMORY, "the system ran out of memory"),
        (-9, 2, Reason.FAILED, "SIGKILL"),
        (-11, 3, Reason.FAILED, "SIGSEGV"),
        (-15, 2, Reason.LOST, "SIGTERM"),
        (-200, 2, Reason.FAILED, "signal 200"),
        (3, 3, Reason.FAILED, "exit code 3"),
    ],
)
def test_a_death_is_explained(
    monkeypatch: pytest.MonkeyPatch, code: int, oom_kills: int, reason: Reason, word: str
) -> None:
    monkeypatch.setattr(worker_thread.process_tree, "oom_kills", lambda: oom_kills)
    found, why = worker_thread._exit_reason(SimpleNamespace(oom_kills=2), code)
    assert found is reason
    assert word in why


def test_the_first_failed_start_ends_an_executor_and_later_ones_only_in_a_row() -> None:
    assert StartCounter().failed()
    starts = StartCounter()
    starts.succeeded()
    assert [starts.failed(), starts.failed()] == [False, False]
    starts.succeeded()
    assert [starts.failed(), starts.failed(), starts.failed()] == [False, False, True]
