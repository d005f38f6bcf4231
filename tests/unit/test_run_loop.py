"""Runs: budgets, workers, callbacks, and what happens when something breaks in the middle."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import luthier as lt
from luthier.errors import Infeasible, InvalidSetting, NoResult, StoreFull, TrialFailed
from luthier.executor import Inline, Task, TaskReport, TaskResult
from luthier.run import Budget, End, LineReporter, tally_of
from luthier.store import Memory
from luthier.testing.faults import FaultyStore
from luthier.trial import Reason, State

SPACE = {"x": lt.Float(0, 1)}


def _study(space: Any = SPACE, **settings: Any) -> lt.Study:
    return lt.Study("s", space, minimize="loss", seed=1, **({"method": lt.Random()} | settings))


def _x(trial: lt.RunningTrial) -> float:
    return float(trial["x"])


# --- budgets -------------------------------------------------------------------------------------------


def test_trials_are_counted_over_all_runs() -> None:
    study = _study()
    assert study.run(_x, trials=5) is End.TRIALS
    assert study.run(_x, trials=5) is End.TRIALS
    assert len(study) == 5
    study.run(_x, trials=8)
    assert len(study) == 8


def test_trials_are_counted_over_runs_at_the_same_time() -> None:
    store = Memory()

    def work() -> None:
        _study(store=store).run(lambda trial: time.sleep(0.001) or trial["x"], trials=40)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history = _study(store=store).history
    assert len(history) == 40 and history.finished == 40


def test_a_target_ends_the_run() -> None:
    study = _study()
    assert study.run(_x, trials=500, target=0.1) is End.TARGET
    assert study.best.value <= 0.1 and study.best.number == len(study) - 1
    assert study.run(_x, trials=500, target=0.1) is End.TARGET
    upwards = lt.Study("s", SPACE, maximize="gain", seed=1, method=lt.Random())
    assert upwards.run(_x, trials=500, target=0.9) is End.TARGET and upwards.best_value >= 0.9


def test_a_plateau_ends_the_run_also_when_it_was_resumed() -> None:
    whole = _study()
    assert whole.run(_x, plateau=7) is End.PLATEAU
    assert len(whole) - 1 - whole.best.number == 7
    parts = _study()
    for trials in range(1, len(whole)):
        assert parts.run(_x, plateau=7, trials=trials) is End.TRIALS
    assert parts.run(_x, plateau=7) is End.PLATEAU
    assert len(parts) == len(whole)


def test_time_ends_the_run_and_is_counted_over_all_runs() -> None:
    now = [1000.0]
    study = _study(store=Memory(clock=lambda: now[0]))

    def objective(trial: lt.RunningTrial) -> float:
        now[0] += 10
        return float(trial["x"])

    study.run(objective, trials=3)
    now[0] += 100_000  # nobody runs it
    assert study.elapsed_s() == pytest.approx(30)
    assert study.run(objective, time_s=30) is End.TIME and len(study) == 3
    study.run(objective, time_s=1000, trials=4)
    assert study.elapsed_s() == pytest.approx(40)
    assert _study().run(lambda trial: time.sleep(0.02) or trial["x"], time_s=0.1) is End.TIME


def test_a_finite_space_ends_the_run() -> None:
    study = _study({"n": lt.Int(1, 6)})
    assert study.run(lambda trial: trial["n"]) is End.EXHAUSTED
    assert sorted(trial["n"] for trial in study.trials) == [1, 2, 3, 4, 5, 6]
    assert study.run(lambda trial: trial["n"], trials=100) is End.EXHAUSTED


def test_stop_ends_the_run() -> None:
    study = _study()
    study.stop()  # nothing runs
    assert study.run(_x, trials=9, callbacks=[lambda s, r: s.stop() if r.number == 3 else None]) is End.STOPPED
    assert len(study) == 4
    assert study.run(_x, trials=9) is End.TRIALS


@pytest.mark.parametrize(
    "settings",
    [
        {"trials": 0},
        {"trials": 2.5},
        {"trials": True},
        {"plateau": 0},
        {"time_s": 0},
        {"time_s": float("inf")},
        {"time_s": "1h"},
        {"target": float("nan")},
        {"target": "low"},
        {"workers": 0},
        {"workers": 1.5},
        {"executor": "cluster"},
        {"executor": 3},
        {"executor": lambda objective, workers: None},
        {"executor": "inline", "workers": 2},
        {"trial_time_s": -1},
        {"executor": "inline", "trial_time_s": 1},
        {"executor": "threads", "trial_memory_mb": 100},
        {"on_error": "ignore"},
        {"give_up_after": 0},
    ],
)
def test_an_argument_that_makes_no_sense_is_refused_and_leaves_nothing_running(settings: dict[str, Any]) -> None:
    study = _study()
    with pytest.raises(InvalidSetting) as caught:
        study.run(_x, **({"trials": 3} | settings))
    assert len(str(caught.value)) > 20
    assert not study.history.running
    study.run(_x, trials=2)
    assert study.history.finished == 2


def test_an_objective_must_be_callable_and_limits_of_one_value_need_one_objective() -> None:
    with pytest.raises(InvalidSetting, match="the objective is a float"):
        _study().run(3.0, trials=1)  # type: ignore[arg-type]
    two = lt.Study("s", SPACE, minimize=["a", "b"], method=lt.Random())
    with pytest.raises(InvalidSetting, match="target=… needs one objective"):
        two.run(_x, trials=3, target=1.0)
    assert Budget(trials=3).spent(two.history, 1e9) is None


# --- executors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_trials_run_at_once_and_reports_arrive(executor: str) -> None:
    def objective(trial: lt.RunningTrial) -> float:
        trial.report(trial["x"])
        return float(trial["x"])

    study = _study()
    study.run(objective, trials=12, workers=3, executor=executor)
    assert study.history.finished == 12 and len(study) == 12
    assert all(trial.reports[0].value == trial["x"] for trial in study.trials)
    assert study.verify().proved == 12


def test_an_executor_of_the_standard_library_runs_the_trials() -> None:
    with ThreadPoolExecutor(3) as pool:
        study = _study()
        study.run(lambda trial: trial.report(0.5) or trial["x"], trials=9, executor=pool)
    assert study.history.finished == 9 and study.trials[0].reports[0].value == 0.5


def test_the_same_seed_runs_the_same_objective_with_the_same_seeds() -> None:
    seeds: dict[int, list[int]] = {}
    for _ in range(2):
        _study().run(lambda trial: seeds.setdefault(trial.number, []).append(trial.seed) or trial["x"], trials=3)
    assert all(first == second for first, second in seeds.values()) and len({s[0] for s in seeds.values()}) == 3


class _Scripted:
    """Give prepared outcomes: an executor that does what it should not."""

    capacity = 1

    def __init__(self, reasons: list[Reason], token: int = 0) -> None:
        self.reasons = reasons
        self.task: Task | None = None
        self.token = token

    def submit(self, task: Task) -> None:
        self.task = task

    def poll(self, timeout_s: float, answer: object = None) -> tuple[TaskResult | TaskReport, ...]:
        task, self.task = self.task, None
        if task is None:
            return ()
        reason = self.reasons.pop(0) if self.reasons else Reason.DONE
        return (TaskResult(task.number, task.token, reason, 1.0, "gone"),)

    def cancel(self, number: int) -> None: ...

    def close(self) -> None: ...


def test_a_trial_whose_worker_is_lost_is_run_again_and_at_last_given_up() -> None:
    study = _study()
    study.run(_x, trials=2, executor=lambda objective, workers: _Scripted([Reason.LOST] * 3))
    assert [trial.reason for trial in study.trials] == [Reason.DONE, Reason.DONE]
    assert study.trials[0].trial.lease is not None and study.trials[0].trial.lease.attempt == 4
    study.run(_x, trials=4, executor=lambda objective, workers: _Scripted([Reason.INTERRUPTED] * 5))
    assert [trial.reason for trial in study.trials][2:] == [Reason.LOST, Reason.DONE]


def test_a_result_that_comes_too_late_is_dropped_and_the_run_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    store = Memory()
    study, thief = _study(store=store), _study(store=store)

    def objective(trial: lt.RunningTrial) -> float:
        if trial.number == 1 and trial.attempt == 1:
            thief.release(1, "stolen")
            thief.tell(thief.ask(), 77.0)
        return float(trial["x"])

    with caplog.at_level(logging.WARNING, "luthier"):
        study.run(objective, trials=3)
    assert study.trials[1].value == 77.0 and study.history.finished == 3
    assert "trial 1 already ended" in caplog.text


# --- when something breaks -----------------------------------------------------------------------------


def test_callbacks_are_called_after_each_trial_with_what_is_known() -> None:
    seen: list[tuple[int, float, int]] = []
    study = _study()
    study.run(_x, trials=5, callbacks=[lambda s, r: seen.append((r.number, s.best.value, len(s)))])
    values = [trial.value for trial in study.trials]
    assert seen == [(i, min(values[: i + 1]), i + 1) for i in range(5)]


@pytest.mark.parametrize(("executor", "workers"), [("inline", 1), ("threads", 3), ("processes", 2)])
def test_an_exception_of_a_callback_ends_the_run_and_nothing_is_lost(executor: str, workers: int) -> None:
    def callback(study: lt.Study, result: lt.study.TrialResult) -> None:
        if study.history.finished >= 3:
            raise KeyError("mine")

    study = _study()
    with pytest.raises(KeyError, match="mine"):
        study.run(_x, trials=50, workers=workers, executor=executor, callbacks=[callback])
    assert 3 <= len(study) < 10
    assert all(trial.is_done for trial in study.trials)
    study.run(_x, trials=12)
    assert study.history.finished == 12


def test_a_store_that_fails_ends_the_run_and_the_trial_is_run_again() -> None:
    store = FaultyStore(Memory())
    study = _study(store=store)
    store.fail(5, StoreFull("the disk is full"))
    with pytest.raises(StoreFull, match="disk is full"):
        study.run(_x, trials=6)
    assert not study.history.running
    before = [dict(trial.params) for trial in study.trials]
    study.run(_x, trials=6)
    assert [dict(trial.params) for trial in study.trials][: len(before)] == before
    assert study.history.finished == 6


def test_a_report_that_the_store_refuses_ends_the_run() -> None:
    store = FaultyStore(Memory())
    study = _study(store=store)

    def objective(trial: lt.RunningTrial) -> float:
        if trial.number == 1 and trial.attempt == 1:
            store.fail_next(StoreFull("the disk is full"))
        trial.report(0.5)
        return float(trial["x"])

    with pytest.raises(StoreFull):
        study.run(objective, trials=3)
    assert [trial.state for trial in study.trials] == [State.FINISHED, State.WAITING]
    study.run(objective, trials=3)
    assert study.history.finished == 3


def test_a_task_that_cannot_be_sent_ends_the_run_and_the_trial_waits() -> None:
    class Picky(_Scripted):
        def submit(self, task: Task) -> None:
            raise InvalidSetting("not this one, please, for it cannot be sent")

    study = _study()
    with pytest.raises(InvalidSetting, match="cannot be sent"):
        study.run(_x, trials=3, executor=lambda objective, workers: Picky([]))
    assert [trial.state for trial in study.trials] == [State.WAITING]


def test_constraints_that_nothing_keeps_end_the_run() -> None:
    with pytest.raises(Infeasible):
        _study(lt.Space(SPACE, require=["x > 2"])).run(_x, trials=3)


# --- being told ----------------------------------------------------------------------------------------


def test_progress_writes_lines() -> None:
    stream = io.StringIO()

    def objective(trial: lt.RunningTrial) -> float:
        if trial.number == 1:
            raise ValueError
        return float(trial["x"])

    study = _study()
    study.run(objective, trials=4, progress=LineReporter(stream, every_s=0.0, total=4))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4
    assert lines[-1] == f"4/4 trials, 1 failed, best loss = {study.best.value:.6g} (trial {study.best.number})"


def test_progress_counts_paused_trials() -> None:
    def objective(trial: lt.RunningTrial) -> float | None:
        for step in range(1, 10):
            trial.report(trial["x"] * step, step)
            if trial.should_stop():
                return None
        return float(trial["x"])

    stream = io.StringIO()
    with lt.Study("s", SPACE, minimize="loss", fidelity=lt.Fidelity("epochs", 1, 9), stop=lt.ASHA(), seed=0) as study:
        shown = tally_of(study.problem, 9, None, ())
        study.run(objective, trials=9, progress=LineReporter(stream, every_s=0.0, total=9))
        paused = len(study.history.paused)
        shown.follow(study.reader)
        finished = study.history.finished
    assert paused and f"{finished}/9 trials, {paused} paused, best loss" in stream.getvalue()
    assert f"{paused} paused" in shown.pace()


def test_progress_true_writes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    _study().run(_x, trials=2, progress=True)
    assert "1/2 trials, best loss" in capsys.readouterr().err


# --- one call ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("find", "objective"), [(lt.minimize, lambda t: (t["x"] - 0.3) ** 2), (lt.maximize, _x)])
def test_one_call_finds_the_best(find: Callable[..., Any], objective: Callable[..., float]) -> None:
    best = find(objective, SPACE, trials=40, seed=0, method=lt.Random())
    assert abs(best["x"] - (0.3 if find is lt.minimize else 1.0)) < 0.1
    assert best.value == objective(best.params)


def test_one_call_without_a_result_says_why() -> None:
    def fail(trial: lt.RunningTrial) -> float:
        raise ValueError("no")

    with pytest.raises(NoResult, match="its 3 finished trials ended as failed"):
        lt.minimize(fail, SPACE, trials=3, method=lt.Random())


def test_inline_is_what_runs_one_worker() -> None:
    names: set[str] = set()
    _study().run(lambda trial: names.add(threading.current_thread().name) or trial["x"], trials=2)
    assert names == {threading.current_thread().name}
    _study().run(_x, trials=2, executor=lambda objective, workers: Inline(objective))


# --- failures ------------------------------------------------------------------------------------------


def _failing(fails: Any) -> Any:
    def objective(trial: lt.RunningTrial) -> float:
        if error := fails(trial.number):
            raise error
        return float(trial["x"])

    return objective


def test_failures_in_a_row_end_a_run_wherever_they_begin() -> None:
    study = _study()
    with pytest.raises(TrialFailed, match=r"4 trials of this run in a row ended as failed.*study\.retry\(\)"):
        study.run(_failing(lambda n: OSError("gone") if n >= 5 else None), trials=30, give_up_after=4)
    assert len(study) == 9
    study = _study()
    study.run(_failing(lambda n: OSError("gone") if n % 4 else None), trials=30, give_up_after=4)
    assert len(study) == 30
    study = _study()
    study.run(_failing(lambda n: (OSError, ValueError)[n % 2]("gone")), trials=30, give_up_after=4)
    assert len(study) == 30


def test_the_first_failure_is_said_once_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    fails = _failing(lambda n: OSError(f"GPU {n} lost\nmore") if n in (1, 2) else None)
    _study().run(fails, trials=4)
    said = [record.getMessage() for record in caplog.records if "GPU" in record.getMessage()]
    assert len(said) == 1 and "trial 1 ended as failed: OSError: GPU 1 lost (study.trial(1).error" in said[0]
    stream = io.StringIO()
    _study().run(fails, trials=4, progress=LineReporter(stream, every_s=1e6))
    (line,) = (line for line in stream.getvalue().splitlines() if "GPU" in line)
    assert line.startswith("2 trials, 1 failed, best") and "OSError: GPU 1 lost" in line
