"""Trials that take simulated time: they overlap as on many workers, in an order that only durations decide."""

from __future__ import annotations

import time

import pytest

import luthier as lt
from luthier.errors import InvalidSetting
from luthier.executor import Executor, Limits, RunningTrial, Simulated, SimulatedClock, Task, TaskResult
from luthier.store import Memory
from luthier.trial import Reason


def _results(executor: Executor) -> list[TaskResult]:
    return [update for update in executor.poll(0.0) if isinstance(update, TaskResult)]


def test_trials_overlap_and_end_in_the_order_of_their_ends() -> None:
    clock = SimulatedClock()

    def objective(trial: RunningTrial) -> float:
        clock.sleep(trial["seconds"])
        clock.sleep(1.0)
        return clock.now_s

    with Simulated(objective, 3, clock) as executor:
        for number, seconds in enumerate((5.0, 2.0, 9.0)):
            executor.submit(Task(number, 0, {"seconds": seconds}))
        ends = [(result.number, result.value, result.duration_s) for _ in range(3) for result in _results(executor)]
    assert ends == [(1, 3.0, 3.0), (0, 6.0, 6.0), (2, 10.0, 10.0)]


def test_a_thousand_workers_take_no_time_at_all() -> None:
    clock = SimulatedClock()

    def objective(trial: RunningTrial) -> float:
        clock.sleep(3600 * (1 + trial["x"]))
        return float(trial["x"])

    def run() -> list[float]:
        space = {"x": lt.Float(0, 1)}
        store = Memory(clock=clock.time)
        study = lt.Study("s", space, minimize="y", method=lt.Random(), store=store, seed=0)
        study.run(objective, trials=400, workers=100, executor=clock.executor)
        assert 4 * 3600 < clock.now_s < 8 * 3600
        assert study.reader.elapsed_s() == pytest.approx(clock.now_s)
        return [trial.value for trial in study.trials if trial.value is not None]

    begun = time.monotonic()
    first = run()
    clock.now_s = 0.0
    assert run() == first and len(first) == 400
    assert time.monotonic() - begun < 3600


def test_a_scheduler_pauses_and_promotes_in_simulated_time() -> None:
    clock, epochs, trained = SimulatedClock(), [0], dict[int, int]()

    def objective(trial: RunningTrial) -> float:
        loss = 1.0
        for epoch in range(trained.get(trial.number, 0), 27):
            clock.sleep(60.0)
            epochs[0] += 1
            loss = trial["x"] + 1 / (epoch + 1)
            trained[trial.number] = epoch + 1
            trial.report(loss, epoch + 1)
            if trial.should_stop():
                break
        return loss

    fidelity = lt.Fidelity("epochs", 1, 27)
    study = lt.Study(
        "s", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random(), seed=0, fidelity=fidelity, stop=lt.ASHA()
    )
    study.run(objective, trials=40, workers=8, executor=clock.executor)
    assert 40 <= epochs[0] < 40 * 27 / 2  # most were paused early
    assert clock.now_s >= 60.0 * epochs[0] / 8
    assert study.verify().ok


def test_limits_are_simulated_and_cancelled_trials_leave() -> None:
    clock, left = SimulatedClock(), []

    def objective(trial: RunningTrial) -> float:
        try:
            clock.sleep(10.0)
            clock.sleep(10.0)
        except BaseException:
            left.append(trial.number)
            raise
        return 1.0

    executor = Simulated(objective, 3, clock)
    executor.submit(Task(0, 0, {}, Limits(time_s=15.0)))
    executor.submit(Task(1, 0, {}))
    executor.submit(Task(2, 0, {}, Limits(time_s=20.0)))
    (late,) = _results(executor)
    assert (late.number, late.reason, late.duration_s, clock.now_s) == (0, Reason.TIMEOUT, 15.0, 15.0)
    executor.cancel(1)
    (cancelled,) = _results(executor)
    assert (cancelled.number, cancelled.reason) == (1, Reason.INTERRUPTED)
    (done,) = _results(executor)
    assert (done.number, done.reason, clock.now_s) == (2, Reason.DONE, 20.0)
    executor.submit(Task(3, 0, {}))
    executor.close()
    assert [(one.number, one.reason) for one in _results(executor)] == [(3, Reason.INTERRUPTED)]
    assert left == [0, 1] and executor.poll(0.0) == ()


def test_what_a_trial_says_is_answered_at_once() -> None:
    clock = SimulatedClock()

    def objective(trial: RunningTrial) -> float:
        step = 0
        while not trial.should_stop():
            clock.sleep(1.0)
            trial.report(float(step), step)
            step += 1
        trial.set(steps=step)
        raise lt.errors.TrialPruned("enough")

    with Simulated(objective, 1, clock) as executor:
        executor.submit(Task(0, 0, {}, answered=True))
        updates = executor.poll(0.0, lambda update: getattr(update, "step", 0) == 3)
    result = updates[-1]
    assert isinstance(result, TaskResult) and result.reason is Reason.PRUNED
    assert result.reports == ((0, 0.0), (1, 1.0), (2, 2.0), (3, 3.0)) and result.attributes == {"steps": 4}


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf"), "3", None])
def test_what_is_no_span_of_time_is_refused(seconds: object) -> None:
    clock = SimulatedClock()
    with pytest.raises(InvalidSetting, match="seconds"):
        clock.sleep(seconds)  # type: ignore[arg-type]
    with pytest.raises(InvalidSetting, match="Simulated"):
        clock.sleep(1.0)
    with pytest.raises(InvalidSetting, match="memory"):
        Simulated(lambda trial: 0.0, 1, clock).submit(Task(0, 0, {}, Limits(memory_mb=10)))
