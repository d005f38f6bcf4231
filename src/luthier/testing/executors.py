"""Contract suite of executors, as a test class for pytest.

To test an executor, derive from `ExecutorContract` in a test module::

    class TestMine(ExecutorContract):
        answers = False

        def make(self, objective, workers):
            return Mine(objective, workers)
"""

from __future__ import annotations

import math
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from luthier.errors import ExecutorError, InvalidSetting, TrialPruned
from luthier.executor import (
    Answer,
    Executor,
    Limits,
    ObjectiveFunction,
    RunningTrial,
    Task,
    TaskAttributes,
    TaskReport,
    TaskResult,
    TaskUpdate,
)
from luthier.trial import Reason

PATIENCE_S = 60.0
"""Seconds without an update after which the executor is taken to hang."""

_BRIEF = Limits(grace_s=0.5)

VALUES: tuple[object, ...] = (1.5, -0.0, 7, 10**30, True, None, "text", math.inf, [1, 2.5], (1, "a"), {"loss": 1.0})


def compute(trial: RunningTrial) -> object:
    """Perform the action ``trial["do"]``: the objective of the suite."""
    return _ACTIONS[trial["do"]](trial)


def _echo(trial: RunningTrial) -> object:
    return {
        "params": dict(trial),
        "number": trial.number,
        "attempt": trial.attempt,
        "seed": trial.seed,
        "folder": str(trial.folder),
        "study": trial.context["study"],
    }


def _fail(trial: RunningTrial) -> object:
    raise ZeroDivisionError(f"trial {trial.number} fails")


def _exit(trial: RunningTrial) -> object:
    raise SystemExit(3)


def _prune(trial: RunningTrial) -> object:
    trial.report(0.5)
    raise TrialPruned("not worth it")


def _out_of_memory(trial: RunningTrial) -> object:
    raise MemoryError("no more")


def _report(trial: RunningTrial) -> object:
    for step in range(trial["count"]):
        trial.report(step / 2)
    return float(trial["count"])


def _note(trial: RunningTrial) -> object:
    for epoch in range(3):
        trial.set(epoch=epoch, device="cuda:1")
    return 1.0


def _obey(trial: RunningTrial) -> object:
    for step in range(1000):
        trial.report(float(step), step)
        if trial.should_stop():
            return step
    return -1


def _wait(trial: RunningTrial) -> object:
    """Wait until the folder of the test is deleted."""
    while Path(trial.context["folder"]).exists() and not trial.should_stop():
        time.sleep(0.005)
    return 0.0


_ACTIONS: dict[str, Callable[[RunningTrial], object]] = {
    "value": lambda trial: VALUES[trial["index"]],
    "nan": lambda trial: math.nan,
    "object": lambda trial: object(),
    "echo": _echo,
    "fail": _fail,
    "exit": _exit,
    "prune": _prune,
    "out of memory": _out_of_memory,
    "report": _report,
    "note": _note,
    "obey": _obey,
    "wait": _wait,
}


def drain(executor: Executor, answer: Answer | None = None) -> tuple[list[TaskResult], list[TaskUpdate]]:
    """Poll until nothing is open; return the results, and all updates in order."""
    updates: list[TaskUpdate] = []
    while latest := executor.poll(PATIENCE_S, answer):
        updates += latest
    return [update for update in updates if isinstance(update, TaskResult)], updates


class ExecutorContract(ABC):
    """The suite; class variables declare the abilities of the executor."""

    workers: ClassVar[int] = 2
    """Number of workers that it is made with."""
    tasks: ClassVar[int] = 40
    """How many tasks it is given in a row."""
    answers: ClassVar[bool] = True
    """Whether reports arrive while a trial runs, and answers reach it."""
    concurrent: ClassVar[bool] = True
    """Whether a trial runs outside of `poll`."""
    keeps_time: ClassVar[bool] = True
    """Whether it enforces a time limit; otherwise it refuses one."""
    keeps_memory: ClassVar[bool] = True
    """Whether it enforces a memory limit; otherwise it refuses one."""

    @abstractmethod
    def make(self, objective: ObjectiveFunction, workers: int) -> Executor:
        """Make the executor; the suite closes it."""

    def run(self, do: str, **params: Any) -> TaskResult:
        """Run one task and return its result."""
        executor = self.make(compute, 1)
        try:
            executor.submit(Task(4, 9, {"do": do, **params}))
            results, _ = drain(executor)
        finally:
            executor.close()
        assert len(results) == 1
        assert (results[0].number, results[0].token) == (4, 9)
        return results[0]

    def test_is_an_executor(self) -> None:
        """It has the protocol's methods, and the capacity it was made with."""
        executor = self.make(compute, self.workers)
        try:
            assert isinstance(executor, Executor)
            assert executor.capacity == self.workers
            assert executor.poll(PATIENCE_S) == ()  # nothing is open: at once
        finally:
            executor.close()

    def test_every_task_has_exactly_one_result(self) -> None:
        """Each of many tasks, submitted while there is room, returns its own value."""
        executor = self.make(compute, self.workers)
        left = list(range(self.tasks))
        results: list[TaskResult] = []
        open_tasks = 0
        try:
            while left or open_tasks:
                while left and open_tasks < executor.capacity:
                    number = left.pop(0)
                    executor.submit(Task(number, 100 + number, {"do": "report", "count": number % 3}))
                    open_tasks += 1
                latest = [update for update in executor.poll(PATIENCE_S) if isinstance(update, TaskResult)]
                open_tasks -= len(latest)
                results += latest
            assert executor.poll(PATIENCE_S) == ()
        finally:
            executor.close()
        assert sorted(result.number for result in results) == list(range(self.tasks))
        for result in results:
            assert result.reason is Reason.DONE, result
            assert result.token == 100 + result.number
            assert result.value == result.number % 3
            assert result.reports == tuple((step, step / 2) for step in range(result.number % 3))

    def test_values_come_back_as_they_are(self) -> None:
        """Executors return any plain value unchanged; the study decides whether it is acceptable."""
        executor = self.make(compute, 1)
        try:
            for index, value in enumerate(VALUES):
                executor.submit(Task(index, 1, {"do": "value", "index": index}))
                (result,), _ = drain(executor)
                assert result.reason is Reason.DONE
                assert result.value == value
                assert type(result.value) is type(value)
                assert result.duration_s is not None
                assert result.duration_s >= 0
        finally:
            executor.close()
        nan = self.run("nan")
        assert nan.reason is Reason.DONE
        assert isinstance(nan.value, float)
        assert math.isnan(nan.value)

    def test_the_objective_sees_its_trial(self) -> None:
        """Parameters, number, attempt, seed and context arrive."""
        executor = self.make(compute, 1)
        params = {"do": "echo", "x": 0.1, "order": ("a", "b"), "näme with space": None}
        try:
            with tempfile.TemporaryDirectory() as place:
                folder = f"{place}/trials/00003"
                context = {"study": "s", "seed": 17, "folder": folder}
                executor.submit(Task(3, 1, params, attempt=2, context=context))
                (result,), _ = drain(executor)
                assert Path(folder).is_dir()  # it is made where the objective asks for it
        finally:
            executor.close()
        expected = {"params": params, "number": 3, "attempt": 2, "seed": 17, "folder": folder, "study": "s"}
        assert result.value == expected, result

    def test_attributes_come_with_the_result_and_where_reports_are_answered_before_it(self) -> None:
        """All that was noted is in the result; each time it is noted, the caller is told, in order."""
        executor = self.make(compute, 1)
        told: list[TaskReport | TaskAttributes] = []

        def answer(update: TaskReport | TaskAttributes) -> bool:
            told.append(update)
            return False

        try:
            executor.submit(Task(4, 9, {"do": "note"}))
            (result,), updates = drain(executor, answer)
        finally:
            executor.close()
        assert (result.value, dict(result.attributes)) == (1.0, {"epoch": 2, "device": "cuda:1"})
        if self.answers:
            expected = [TaskAttributes(4, 9, {"epoch": epoch, "device": "cuda:1"}) for epoch in range(3)]
            assert told == expected and list(updates[:-1]) == expected

    def test_a_failure_has_its_message_and_its_place(self) -> None:
        """The error is the message, then the traceback down to the line that raised."""
        result = self.run("fail")
        assert result.reason is Reason.FAILED
        assert result.value is None
        assert result.error.startswith("ZeroDivisionError: trial 4 fails")
        assert "in _fail" in result.error

    def test_other_ends(self) -> None:
        """Exit, pruning, a lack of memory, and a return value that is not plain data."""
        leaving = self.run("exit")
        assert leaving.reason is Reason.FAILED
        assert "SystemExit" in leaving.error
        pruned = self.run("prune")
        assert (pruned.reason, pruned.error, pruned.reports) == (Reason.PRUNED, "not worth it", ((0, 0.5),))
        assert self.run("out of memory").reason is Reason.MEMORY
        unfit = self.run("object")
        assert unfit.reason is Reason.FAILED
        assert unfit.value is None
        assert "plain data" in unfit.error

    def test_reports(self) -> None:
        """Reports arrive in order, before the result or together with it."""
        executor = self.make(compute, 1)
        try:
            executor.submit(Task(0, 5, {"do": "report", "count": 3}))
            (result,), updates = drain(executor)
        finally:
            executor.close()
        assert result.reports == ((0, 0.0), (1, 0.5), (2, 1.0))
        assert updates[-1] is result
        reported = [TaskReport(0, 5, step, value) for step, value in result.reports]
        assert updates[:-1] == (reported if self.answers else [])

    def test_answers_reach_the_trial(self) -> None:
        """An answered trial stops at the report whose answer is True; without answers it runs to its end."""
        executor = self.make(compute, 1)
        try:
            executor.submit(Task(0, 5, {"do": "obey"}, answered=self.answers))
            (result,), _ = drain(executor, lambda update: isinstance(update, TaskReport) and update.step >= 7)
        finally:
            executor.close()
        assert result.value == (7 if self.answers else -1)
        assert len(result.reports) == (8 if self.answers else 1000)

    def test_refuses_what_it_cannot_accept(self) -> None:
        """A full executor, an open number and a closed executor raise ExecutorError."""
        with tempfile.TemporaryDirectory() as folder:
            executor = self.make(compute, self.workers)
            try:
                for number in range(self.workers - 1):
                    executor.submit(_waiting(number, folder))
                if self.workers > 1:
                    _refused(lambda: executor.submit(_waiting(0, folder)))
                executor.submit(_waiting(self.workers, folder))
                _refused(lambda: executor.submit(_waiting(self.workers + 1, folder)))
            finally:
                executor.close()
            _refused(lambda: executor.submit(_waiting(self.workers + 2, folder)))

    def test_cancel(self) -> None:
        """A trial that is cancelled, once or twice, ends as INTERRUPTED; other and unknown numbers are ignored."""
        with tempfile.TemporaryDirectory() as folder:
            executor = self.make(compute, self.workers)
            try:
                executor.submit(_waiting(0, folder))
                if self.concurrent:
                    assert executor.poll(0.05) == ()
                executor.cancel(99)
                executor.cancel(0)
                executor.cancel(0)
                results, _ = drain(executor)
                assert [(result.number, result.reason) for result in results] == [(0, Reason.INTERRUPTED)]
                executor.cancel(0)
                if self.concurrent and self.workers > 1:  # one worker may still run the abandoned trial
                    executor.submit(Task(0, 2, {"do": "report", "count": 0}, attempt=2))
                    (again,), _ = drain(executor)
                    assert (again.token, again.reason) == (2, Reason.DONE)
            finally:
                executor.close()

    def test_close(self) -> None:
        """Open tasks end as INTERRUPTED at `close`, and can still be polled; a second `close` does nothing."""
        with tempfile.TemporaryDirectory() as folder:
            executor = self.make(compute, self.workers)
            for number in range(self.workers):
                executor.submit(_waiting(number, folder))
            executor.close()
            executor.close()
            results, _ = drain(executor)
        assert {result.number: result.reason for result in results} == dict.fromkeys(
            range(self.workers), Reason.INTERRUPTED
        )

    def test_limits_are_enforced_or_refused(self) -> None:
        """An executor refuses a limit that it cannot enforce."""
        with tempfile.TemporaryDirectory() as folder:
            for enforced, limits in (
                (self.keeps_time, Limits(time_s=0.1, grace_s=0.1)),
                (self.keeps_memory, Limits(memory_mb=1.0)),  # less than Python itself takes
            ):
                executor = self.make(compute, 1)
                try:
                    executor.submit(_waiting(0, folder, limits))
                    results, _ = drain(executor)
                    assert enforced, f"{limits} was neither enforced nor refused"
                    expected = Reason.MEMORY if limits.time_s is None else Reason.TIMEOUT
                    assert [result.reason for result in results] == [expected]
                    assert "limit" in results[0].error
                except InvalidSetting:
                    assert not enforced, f"{limits} was refused"
                finally:
                    executor.close()

    def test_an_answer_that_raises_is_the_callers(self) -> None:
        """An exception of `answer` leaves `poll`, and the trial still has a result."""
        if not self.answers:
            return
        executor = self.make(compute, 1)
        try:
            executor.submit(Task(0, 1, {"do": "report", "count": 2}))
            raised = False
            results: list[TaskResult] = []
            while not results:
                try:
                    updates = executor.poll(PATIENCE_S, _refuse)
                    results = [update for update in updates if isinstance(update, TaskResult)]
                except ArithmeticError:
                    raised = True
                    results, _ = drain(executor)
            assert raised
            assert len(results) == 1
        finally:
            executor.close()


def _refuse(update: TaskReport | TaskAttributes) -> bool:
    raise ArithmeticError("the caller's own")


def _waiting(number: int, folder: str, limits: Limits = _BRIEF) -> Task:
    return Task(number, 1, {"do": "wait"}, limits, context={"folder": folder})


def _refused(call: Callable[[], None]) -> None:
    try:
        call()
    except ExecutorError:
        return
    raise AssertionError("the executor accepted a task that it cannot accept")
