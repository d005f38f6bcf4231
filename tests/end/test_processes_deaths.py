"""Worker processes that die, that cannot start, that are cancelled or closed."""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from awaiting import PATIENCE_S, numbers_in, one, outcome_of, task, until_gone

from luthier.errors import ExecutorError, InvalidSetting
from luthier.executor import Processes, Task, TaskResult
from luthier.executor.processes import process_tree
from luthier.trial import Reason


def _deadly(trial):
    match trial["how"]:
        case "exit":
            os._exit(3)
        case "exit well":
            os._exit(0)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "segfault":
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # faulthandler has much to say
            ctypes.string_at(0)
        case "abort":
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            os.abort()
        case "term":
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
        case "hang up":
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            os.closerange(3, 1000)
    return os.getpid()


_DEATHS = {
    "exit": (Reason.FAILED, "the objective ended its process with exit code 3"),
    "exit well": (Reason.FAILED, "the objective ended its process with exit code 0"),
    "kill": (Reason.FAILED, "the objective's process was killed (SIGKILL), not by Luthier"),
    "segfault": (Reason.FAILED, "the objective's process crashed (SIGSEGV)"),
    "abort": (Reason.FAILED, "the objective's process crashed (SIGABRT)"),
    "term": (Reason.LOST, "the worker process was asked to end (SIGTERM), not by Luthier"),
    "hang up": (Reason.FAILED, "the objective ended its process with exit code 1"),
}


def _local(function):
    """Have a function of this module sent by its code, so that workers need not import pytest."""
    function.__module__ = "__main__"
    return function


def test_a_death_costs_one_trial_and_has_its_reason() -> None:
    with Processes(_local(_deadly), 1) as executor:
        for number, (how, expected) in enumerate(_DEATHS.items()):
            outcome = one(executor, task(2 * number, how=how))
            assert (outcome.reason, outcome.error) == expected
            assert outcome.duration_s is not None
            assert one(executor, task(2 * number + 1, how="live")).reason is Reason.DONE


def test_deaths_among_other_trials_cost_nothing_else() -> None:
    def objective(trial):
        trial.report(float(trial.number))
        if trial.number % 5 == 0:
            os._exit(1)
        return float(trial.number)

    outcomes: list[TaskResult] = []
    with Processes(objective, 3) as executor:
        left = list(range(30))
        while left or len(outcomes) < 30:
            while left and 30 - len(left) - len(outcomes) < executor.capacity:
                executor.submit(task(left.pop(0)))
            outcomes += [item for item in executor.poll(PATIENCE_S) if isinstance(item, TaskResult)]
    assert sorted(outcome.number for outcome in outcomes) == list(range(30))
    for outcome in outcomes:
        assert outcome.reason is (Reason.FAILED if outcome.number % 5 == 0 else Reason.DONE)
        assert outcome.reports == ((0, float(outcome.number)),)


def test_two_hundred_quick_tasks_over_four_workers() -> None:
    def objective(trial):
        return [trial.number, os.getpid()]

    outcomes: list[TaskResult] = []
    with Processes(objective, 4) as executor:
        submitted = 0
        while len(outcomes) < 200:
            while submitted < 200 and submitted - len(outcomes) < 4:
                executor.submit(task(submitted))
                submitted += 1
            outcomes += executor.poll(PATIENCE_S)
        assert executor.poll(0.0) == ()
    assert sorted(outcome.number for outcome in outcomes) == list(range(200))
    assert all(outcome.value[0] == outcome.number for outcome in outcomes)
    assert len({outcome.value[1] for outcome in outcomes}) == 4


def test_what_a_dead_worker_had_started_is_killed(tmp_path: Path) -> None:
    def objective(trial):
        if os.fork() == 0:  # holds the worker's connection open
            (tmp_path / "fork.pid").write_text(str(os.getpid()))
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(60)
        elsewhere = subprocess.Popen(["sleep", "60"], start_new_session=True)  # nothing but its environment tells
        (tmp_path / "elsewhere.pid").write_text(str(elsewhere.pid))
        while not (tmp_path / "fork.pid").exists():
            time.sleep(0.005)
        os._exit(7)

    with Processes(objective, 1) as executor:
        outcome = one(executor, task())
        assert (outcome.reason, outcome.error) == (Reason.FAILED, "the objective ended its process with exit code 7")
        until_gone(numbers_in(tmp_path, 2))


def test_a_fork_that_comes_back_from_the_objective_is_no_second_worker() -> None:
    def objective(trial):
        return 1.0 if os.fork() == 0 else 2.0

    with Processes(objective, 1) as executor:
        for number in range(3):
            assert one(executor, task(number)).value == 2.0


def test_a_worker_that_dies_between_trials_costs_nothing() -> None:
    with Processes(lambda trial: os.getpid(), 1) as executor:
        pid = one(executor, task()).value
        os.kill(pid, signal.SIGKILL)
        again = one(executor, task(1))
        assert again.reason is Reason.DONE
        assert again.value != pid


def test_large_values_and_parameters() -> None:
    with Processes(lambda trial: trial["text"], 1) as executor:
        text = "ä" * 3_000_000
        assert one(executor, task(text=text)).value == text


def test_an_objective_whose_module_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vanishing_module.py").write_text("def objective(trial):\n    return 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("vanishing_module")
    (tmp_path / "vanishing_module.py").unlink()
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    with Processes(module.objective, 2) as executor:
        executor.submit(task(0))
        executor.submit(task(1))
        outcomes: list[TaskResult] = []
        with pytest.raises(ExecutorError, match="cannot be loaded in a worker process: ModuleNotFoundError") as caught:
            while True:
                outcomes += executor.poll(PATIENCE_S)
        with pytest.raises(ExecutorError, match="vanishing_module"):
            executor.submit(task(2))
        assert "vanishing_module" in str(caught.value)
        executor.close()
        outcomes += executor.poll(PATIENCE_S)
        assert {(outcome.number, outcome.reason) for outcome in outcomes} == {
            (0, Reason.INTERRUPTED),
            (1, Reason.INTERRUPTED),
        }


class _Loading:
    """An objective that does something when it is loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, trial):
        os._exit(0) if trial["die"] else None
        return 1.0

    def __setstate__(self, state: dict) -> None:
        self.__dict__ = state
        if (self.folder / "die").exists():
            os._exit(9)
        if (self.folder / "hang").exists():
            (self.folder / "loading.pid").write_text(str(os.getpid()))
            time.sleep(60)


_local(_Loading)


def test_an_objective_whose_loading_kills_the_worker(tmp_path: Path) -> None:
    (tmp_path / "die").touch()
    with Processes(_Loading(tmp_path), 1) as executor:
        assert one(executor, task(die=False)).reason is Reason.INTERRUPTED
        with pytest.raises(ExecutorError, match=r"ended while it loaded the objective: .*exit code 9"):
            executor.poll(PATIENCE_S)


@pytest.mark.slow
def test_starts_that_fail_later_on_are_tried_again_and_then_given_up(tmp_path: Path) -> None:
    with Processes(_Loading(tmp_path), 1) as executor:
        assert one(executor, task(0, die=True)).reason is Reason.FAILED
        (tmp_path / "die").touch()
        assert one(executor, task(1, die=False)).reason is Reason.LOST
        (tmp_path / "die").unlink()
        assert one(executor, task(2, die=True)).reason is Reason.FAILED
        (tmp_path / "die").touch()
        assert one(executor, task(3, die=False)).reason is Reason.LOST
        assert one(executor, task(4, die=False)).reason is Reason.LOST
        assert one(executor, task(5, die=False)).reason is Reason.INTERRUPTED
        with pytest.raises(ExecutorError, match="ended while it loaded"):
            executor.submit(task(6, die=False))
            executor.poll(PATIENCE_S)


@pytest.mark.parametrize("end", ["cancel", "close"])
def test_a_worker_that_hangs_while_it_loads_can_be_ended(tmp_path: Path, end: str) -> None:
    (tmp_path / "hang").touch()
    with Processes(_Loading(tmp_path), 1) as executor:
        executor.submit(task(die=False))
        pids = numbers_in(tmp_path, 1)
        executor.cancel(0) if end == "cancel" else executor.close()
        assert outcome_of(executor).reason is Reason.INTERRUPTED
        until_gone(pids)


def test_python_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Processes(lambda trial: 1.0, 1) as executor:
        assert one(executor, task()).reason is Reason.INTERRUPTED
        with pytest.raises(ExecutorError, match=r"a worker process cannot be started: .*nowhere"):
            executor.poll(PATIENCE_S)


def test_what_cannot_be_sent_is_refused_and_nothing_is_lost() -> None:
    lock = threading.Lock()
    with pytest.raises(InvalidSetting, match=r"cannot be sent to another process: TypeError.*lock"):
        Processes(lambda trial: lock, 1)
    with pytest.raises(InvalidSetting, match="is a float, not a function"):
        Processes(1.5, 1)
    with pytest.raises(InvalidSetting, match=r"workers=0"):
        Processes(lambda trial: 1.0, 0)
    with Processes(lambda trial: trial["x"], 1) as executor:
        with pytest.raises(InvalidSetting, match="the parameters of trial 0 cannot be sent"):
            executor.submit(task(x=lock))
        assert one(executor, task(x=1.0)).value == 1.0


def test_parameters_that_cannot_be_read_fail_their_trial() -> None:
    class Bad:
        def __reduce__(self):
            return (int, ("no number",))

    with Processes(lambda trial: 1.0, 1) as executor:
        outcome = one(executor, task(x=Bad()))
        assert outcome.reason is Reason.FAILED
        assert outcome.error.startswith("the parameters could not be read in the worker")
        assert one(executor, task(1)).reason is Reason.DONE


def test_cancelling_and_submitting_in_quick_succession() -> None:
    def objective(trial):
        time.sleep(trial["sleep_s"])
        return trial.number

    with Processes(objective, 2) as executor:
        for number in range(0, 24, 2):
            executor.submit(task(number, sleep_s=30.0))
            executor.submit(task(number + 1, sleep_s=0.0))
            if number % 4:
                time.sleep(0.01)
            executor.cancel(number)
            outcomes: list[TaskResult] = []
            while len(outcomes) < 2:
                outcomes += executor.poll(PATIENCE_S)
            assert {outcome.number: outcome.reason for outcome in outcomes} == {
                number: Reason.INTERRUPTED,
                number + 1: Reason.DONE,
            }


@pytest.mark.slow
def test_a_worker_that_ignores_sigterm_cannot_keep_close_waiting_long(tmp_path: Path) -> None:
    def objective(trial):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        (tmp_path / "me.pid").write_text(str(os.getpid()))
        while True:
            time.sleep(60)

    executor = Processes(objective, 1)
    executor.submit(Task(0, 1, {}))  # a grace of 5 s; close gives 1 s
    pids = numbers_in(tmp_path, 1)
    executor.close()
    assert not set(pids) & {process.pid for process in process_tree.list_processes()}
    assert outcome_of(executor).reason is Reason.INTERRUPTED


def test_a_garbage_collected_executor_ends_its_workers() -> None:
    executor = Processes(lambda trial: os.getpid(), 1)
    pid = one(executor, task()).value
    del executor
    gc.collect()
    until_gone([pid])
    assert not [
        thread for thread in threading.enumerate() if thread.name in ("luthier-worker", "luthier-limit-monitor")
    ]


def test_forks_of_the_parent_while_workers_start_do_no_harm() -> None:
    for pause_s in (0.0, 0.0005, 0.002, 0.005, 0.02):
        with Processes(lambda trial: os._exit(0) if trial["die"] else 1.0, 2) as executor:
            executor.submit(task(0, die=True))
            executor.submit(task(1, die=False))
            time.sleep(pause_s)
            fork = os.fork()
            if fork == 0:
                time.sleep(60)
                os._exit(0)
            outcomes: list[TaskResult] = []
            while len(outcomes) < 2:
                outcomes += executor.poll(PATIENCE_S)
            assert {outcome.number: outcome.reason for outcome in outcomes} == {0: Reason.FAILED, 1: Reason.DONE}
        os.kill(fork, signal.SIGKILL)
        os.waitpid(fork, 0)


def test_a_fork_of_the_parent_leaves_the_workers_alone() -> None:
    with Processes(lambda trial: os.getpid(), 1) as executor:
        first = one(executor, task()).value
        fork = os.fork()
        if fork == 0:
            executor.close()
            os._exit(0)
        os.waitpid(fork, 0)
        assert one(executor, task(1)).value == first


def test_an_orphan_reaper_that_is_killed_is_replaced() -> None:
    def reapers() -> set[int]:
        mine = {process.pid for process in process_tree.list_processes() if process.parent == os.getpid()}
        return {pid for pid in mine if b"process_tree.py" in Path(f"/proc/{pid}/cmdline").read_bytes()}

    with Processes(lambda trial: os._exit(0), 1) as executor:
        one(executor, task())
        (first,) = reapers()
        os.kill(first, signal.SIGKILL)
        until_gone([first])
        one(executor, task(1))
        one(executor, task(2))
        (second,) = reapers()
        assert second != first
    assert not reapers()


def test_nothing_is_left_open_after_close() -> None:
    with Processes(lambda trial: os._exit(0), 2) as executor:  # what is imported at first use is imported
        one(executor, task())
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with Processes(lambda trial: os._exit(0), 2) as executor:
            executor.submit(task(0))
            executor.submit(task(1))
            outcomes: list[TaskResult] = []
            while len(outcomes) < 2:
                outcomes += executor.poll(PATIENCE_S)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
