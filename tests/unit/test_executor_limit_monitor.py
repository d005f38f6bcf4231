"""Decisions about one run: its termination, and when it is due."""

from __future__ import annotations

from luthier.executor import Limits, Task
from luthier.executor.processes.limit_monitor import TaskRun, Termination
from luthier.trial import Reason


def test_the_first_termination_counts_and_a_finished_run_has_none() -> None:
    run = TaskRun(Task(0, 1, {}), b"")
    run.terminate(Termination(Reason.TIMEOUT, "late"), 5.0)
    run.terminate(Termination(Reason.INTERRUPTED, "cancelled"), 0.0)
    assert run.termination == (Reason.TIMEOUT, "late")
    assert not run.detach()
    assert not run.finish()
    done = TaskRun(Task(0, 1, {}), b"")
    assert done.detach()
    assert done.finish()
    done.terminate(Termination(Reason.TIMEOUT, "late"), 5.0)
    assert done.termination is None


def test_a_run_is_due_at_its_limit_and_then_at_its_end_by_force() -> None:
    run = TaskRun(Task(0, 1, {}, Limits(time_s=3.0)), b"")
    assert run.due_s() == float("inf")
    run.start_s = 100.0
    assert run.due_s() == 103.0
    run.terminate(Termination(Reason.TIMEOUT, "late"), 5.0)
    assert run.due_s() == run.kill_s < float("inf")
    before = run.kill_s
    run.bring_forward(100.0)
    assert run.kill_s == before
    run.bring_forward(0.0)
    assert run.kill_s < before
