"""Limits of worker processes: time, memory, and processes that trials start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from awaiting import numbers_in, one, outcome_of, task, until, until_gone

from luthier.executor import Limits, Processes, TaskReport
from luthier.executor.processes import process_tree
from luthier.trial import Reason


def test_a_trial_over_its_time_may_tidy_up(tmp_path: Path) -> None:
    def objective(trial):
        if trial["quick"]:
            return os.getpid()
        trial.report(0.25)
        try:
            time.sleep(60)
        finally:
            (tmp_path / "tidy").write_text("yes")

    with Processes(objective, 1) as executor:
        first = one(executor, task(quick=True))
        late = one(executor, task(1, Limits(time_s=0.15), quick=False))
        assert late.reason is Reason.TIMEOUT
        assert late.error == "ran longer than its limit of 0.15 s"
        assert late.reports == ((0, 0.25),)
        assert late.duration_s is not None
        assert late.duration_s >= 0.15
        assert (tmp_path / "tidy").exists()
        second = one(executor, task(2, quick=True))
        assert second.reason is Reason.DONE
        assert second.value != first.value  # another process


def test_a_trial_that_ignores_sigterm_is_killed() -> None:
    def objective(trial):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(1)

    with Processes(objective, 1) as executor:
        assert one(executor, task(limits=Limits(time_s=0.1, grace_s=0.1))).reason is Reason.TIMEOUT


def test_a_trial_that_swallows_the_termination_and_returns_is_over_its_time_still() -> None:
    def objective(trial):
        try:
            time.sleep(60)
        except BaseException:  # noqa: BLE001 - as careless objectives do
            return 1.0

    with Processes(objective, 1) as executor:
        late = one(executor, task(limits=Limits(time_s=0.1)))
        assert (late.reason, late.value) == (Reason.TIMEOUT, None)
        assert one(executor, task(1, Limits(time_s=0.1))).reason is Reason.TIMEOUT


def test_a_trial_that_hangs_in_c_and_holds_the_lock_is_killed() -> None:
    def objective(trial):
        return 3 ** (10**8)  # minutes, and Python's lock is held all the time

    with Processes(objective, 1) as executor:
        assert one(executor, task(limits=Limits(time_s=0.1, grace_s=0.1))).reason is Reason.TIMEOUT


def test_limits_are_enforced_without_polling(tmp_path: Path) -> None:
    def objective(trial):
        (tmp_path / "me.pid").write_text(str(os.getpid()))
        time.sleep(60)

    with Processes(objective, 1) as executor:
        executor.submit(task(limits=Limits(time_s=0.1)))
        until_gone(numbers_in(tmp_path, 1))
        assert outcome_of(executor).reason is Reason.TIMEOUT


def test_a_trial_over_its_memory_is_killed() -> None:
    def objective(trial):
        trial.report(1.0)
        held = []
        while trial["hungry"]:
            held.append(bytearray(b"x") * 5_000_000)
            time.sleep(0.01)
        return 1.0

    with Processes(objective, 1) as executor:
        fed = one(executor, task(limits=Limits(memory_mb=150), hungry=True))
        assert fed.reason is Reason.MEMORY
        assert "more than its limit of 150 MB" in fed.error
        assert fed.reports == ((0, 1.0),)
        assert one(executor, task(1, Limits(memory_mb=150), hungry=False)).reason is Reason.DONE


def test_memory_of_what_a_trial_starts_counts() -> None:
    def objective(trial):
        eat = "held = bytearray(b'x') * 150_000_000; import time; time.sleep(60)"
        subprocess.run([sys.executable, "-c", eat], start_new_session=True, check=False)

    with Processes(objective, 1) as executor:
        assert one(executor, task(limits=Limits(memory_mb=140))).reason is Reason.MEMORY


def test_everything_a_trial_has_started_is_killed_with_it(tmp_path: Path) -> None:
    def objective(trial):
        sleeper = "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        sleeper += "open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
        command = [sys.executable, "-c", sleeper]
        subprocess.Popen([*command, str(tmp_path / "plain.pid")])
        subprocess.Popen([*command, str(tmp_path / "session.pid")], start_new_session=True)
        if os.fork() == 0:  # a daemon, by the book: its parent ends, and it leads a session
            os.setsid()
            if os.fork() > 0:
                os._exit(0)
            (tmp_path / "daemon.pid").write_text(str(os.getpid()))
            time.sleep(60)
        trial.report(float(os.getpid()))
        time.sleep(60)

    with Processes(objective, 1) as executor:
        executor.submit(task())
        pids = numbers_in(tmp_path, 3)
        (progress,) = executor.poll(30)
        assert isinstance(progress, TaskReport)
        executor.cancel(0)
        assert outcome_of(executor).reason is Reason.INTERRUPTED
        until_gone([*pids, int(progress.value)])


def test_processes_left_behind_by_a_good_trial_live_until_the_executor_is_closed(tmp_path: Path) -> None:
    def objective(trial):
        if trial.number == 0:
            (tmp_path / "pool.pid").write_text(str(subprocess.Popen(["sleep", "60"]).pid))
        return 0.0

    with Processes(objective, 1) as executor:
        assert one(executor, task()).reason is Reason.DONE
        assert one(executor, task(1)).reason is Reason.DONE
        pids = numbers_in(tmp_path, 1)
        assert set(pids) <= {process.pid for process in process_tree.list_processes()}
    until_gone(pids)


def test_the_time_does_not_run_while_the_objective_is_loaded() -> None:
    class Slow:
        def __call__(self, trial):
            return 1.0

        def __setstate__(self, state):
            import time

            time.sleep(0.3)

        def __getstate__(self):
            return {"anything": 1}

    with Processes(Slow(), 1) as executor:
        assert one(executor, task(limits=Limits(time_s=0.2))).reason is Reason.DONE


def test_many_limits_at_once_end_what_they_should() -> None:
    def objective(trial):
        time.sleep(trial["sleep_s"])
        return 1.0

    with Processes(objective, 4) as executor:
        for number, sleep_s in enumerate((0.0, 60.0, 0.0, 60.0)):
            executor.submit(task(number, Limits(time_s=0.2, memory_mb=4000), sleep_s=sleep_s))
        news = []
        until(lambda: bool(news.extend(executor.poll(30.0))) or len(news) == 4, "four outcomes")
    reasons = {item.number: item.reason for item in news}
    assert reasons == {0: Reason.DONE, 1: Reason.TIMEOUT, 2: Reason.DONE, 3: Reason.TIMEOUT}
