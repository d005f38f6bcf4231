"""What every executor must do, as a test class for pytest.

A third-party executor is tested by deriving from `ExecutorContract` in a test module::

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
from typing import Any, ClassVar

from luthier.errors import ExecutorError, InvalidSetting, TrialPruned
from luthier.executor import Answer, Executor, Limits, ObjectiveFunction, RunningTrial, Task, TaskReport, TaskResult
from luthier.trial import Reason

PATIENCE_S = 60.0
"""After so long without news the executor is taken to hang."""

_BRIEF = Limits(grace_s=0.5)

VALUES: tuple[object, ...] = (1.5, -0.0, 7, 10**30, True, None, "text", math.inf, [1, 2.5], (1, "a"), {"loss": 1.0})


def compute(trial: RunningTrial) -> object:
    """Do what ``trial["do"]`` says: the objective of the suite."""
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
    raise ZeroDivisionError(f"trial {trial.number} is no good")


def _exit(trial: RunningTrial) -> object:
    raise SystemExit(3)


def _prune(trial: RunningTrial) -> object:
    trial.report(0.5)
    raise TrialPruned("not worth it")


def _short(trial: RunningTrial) -> object:
    raise MemoryError("no more")


def _report(trial: RunningTrial) -> object:
    for step in range(trial["count"]):
        trial.report(step / 2)
    return float(trial["count"])


def _obey(trial: RunningTrial) -> object:
    for step in range(1000):
        trial.report(float(step), step)
        if trial.should_stop():
            return step
    return -1


def _wait(trial: RunningTrial) -> object:
    """Wait for the end of the test, whose folder is gone then."""
    assert trial.folder is not None
    while trial.folder.exists() and not trial.should_stop():
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
    "short": _short,
    "report": _report,
    "obey": _obey,
    "wait": _wait,
}


def drain(executor: Executor, answer: Answer | None = None) -> tuple[list[TaskResult], list[TaskResult | TaskReport]]:
    """Poll until nothing is open; gives the outcomes, and all news in their order."""
    news: list[TaskResult | TaskReport] = []
    while latest := executor.poll(PATIENCE_S, answer):
        news += latest
    return [item for item in news if isinstance(item, TaskResult)], news


class ExecutorContract(ABC):
    """The suite; class variables say what an executor is able to do, and what not."""

    workers: ClassVar[int] = 2
    """How many workers it is made with."""
    answers: ClassVar[bool] = True
    """Whether reports come while a trial runs, and answers reach it."""
    concurrent: ClassVar[bool] = True
    """Whether a trial runs outside of `poll`."""
    keeps_time: ClassVar[bool] = True
    """Whether it keeps a limit of time; if not, it refuses one."""
    keeps_memory: ClassVar[bool] = True
    """Whether it keeps a limit of memory; if not, it refuses one."""

    @abstractmethod
    def make(self, objective: ObjectiveFunction, workers: int) -> Executor:
        """Make the executor; the suite closes it."""

    def run(self, do: str, **params: Any) -> TaskResult:
        """Run one task and give its outcome."""
        executor = self.make(compute, 1)
        try:
            executor.submit(Task(4, 9, {"do": do, **params}))
            outcomes, _ = drain(executor)
        finally:
            executor.close()
        assert len(outcomes) == 1
        assert (outcomes[0].number, outcomes[0].token) == (4, 9)
        return outcomes[0]

    def test_is_an_executor(self) -> None:
        """It has the protocol's methods, and the capacity it was made with."""
        executor = self.make(compute, self.workers)
        try:
            assert isinstance(executor, Executor)
            assert executor.capacity == self.workers
            assert executor.poll(PATIENCE_S) == ()  # nothing is open: at once
        finally:
            executor.close()

    def test_every_task_has_exactly_one_outcome(self) -> None:
        """Forty tasks, as many at once as it takes; each value is that of its own task."""
        executor = self.make(compute, self.workers)
        left = list(range(40))
        outcomes: list[TaskResult] = []
        open_tasks = 0
        try:
            while left or open_tasks:
                while left and open_tasks < executor.capacity:
                    number = left.pop(0)
                    executor.submit(Task(number, 100 + number, {"do": "report", "count": number % 3}))
                    open_tasks += 1
                latest = [item for item in executor.poll(PATIENCE_S) if isinstance(item, TaskResult)]
                open_tasks -= len(latest)
                outcomes += latest
            assert executor.poll(PATIENCE_S) == ()
        finally:
            executor.close()
        assert sorted(outcome.number for outcome in outcomes) == list(range(40))
        for outcome in outcomes:
            assert outcome.reason is Reason.DONE, outcome
            assert outcome.token == 100 + outcome.number
            assert outcome.value == outcome.number % 3
            assert outcome.reports == tuple((step, step / 2) for step in range(outcome.number % 3))

    def test_values_come_back_as_they_are(self) -> None:
        """Whether a value is a good one is for the study to judge."""
        executor = self.make(compute, 1)
        try:
            for index, value in enumerate(VALUES):
                executor.submit(Task(index, 1, {"do": "value", "index": index}))
                (outcome,), _ = drain(executor)
                assert outcome.reason is Reason.DONE
                assert outcome.value == value
                assert type(outcome.value) is type(value)
                assert outcome.duration_s is not None
                assert outcome.duration_s >= 0
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
            context = {"study": "s", "seed": 17, "folder": "/somewhere"}
            executor.submit(Task(3, 1, params, attempt=2, context=context))
            (outcome,), _ = drain(executor)
        finally:
            executor.close()
        expected = {"params": params, "number": 3, "attempt": 2, "seed": 17, "folder": "/somewhere", "study": "s"}
        assert outcome.value == expected, outcome

    def test_a_failure_is_told_with_its_place(self) -> None:
        """The error has the message first, then the traceback down to the line that raised."""
        outcome = self.run("fail")
        assert outcome.reason is Reason.FAILED
        assert outcome.value is None
        assert outcome.error.startswith("ZeroDivisionError: trial 4 is no good")
        assert "in _fail" in outcome.error

    def test_other_ends(self) -> None:
        """Exit, pruning, want of memory, and a result that is no plain data."""
        leaving = self.run("exit")
        assert leaving.reason is Reason.FAILED
        assert "SystemExit" in leaving.error
        pruned = self.run("prune")
        assert (pruned.reason, pruned.error, pruned.reports) == (Reason.PRUNED, "not worth it", ((0, 0.5),))
        assert self.run("short").reason is Reason.MEMORY
        unfit = self.run("object")
        assert unfit.reason is Reason.FAILED
        assert unfit.value is None
        assert "plain data" in unfit.error

    def test_reports(self) -> None:
        """Reports come in order and before the outcome, or with it."""
        executor = self.make(compute, 1)
        try:
            executor.submit(Task(0, 5, {"do": "report", "count": 3}))
            (outcome,), news = drain(executor)
        finally:
            executor.close()
        assert outcome.reports == ((0, 0.0), (1, 0.5), (2, 1.0))
        assert news[-1] is outcome
        told = [TaskReport(0, 5, step, value) for step, value in outcome.reports]
        assert news[:-1] == (told if self.answers else [])

    def test_answers_reach_the_trial(self) -> None:
        """An answered trial stops at the very report whose answer says so; without answers it runs to its end."""
        executor = self.make(compute, 1)
        try:
            executor.submit(Task(0, 5, {"do": "obey"}, answered=self.answers))
            (outcome,), _ = drain(executor, lambda progress: progress.step >= 7)
        finally:
            executor.close()
        assert outcome.value == (7 if self.answers else -1)
        assert len(outcome.reports) == (8 if self.answers else 1000)

    def test_refuses_what_it_cannot_take(self) -> None:
        """A full executor, a number that is open, and a closed executor raise ExecutorError."""
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
        """A cancelled trial ends as INTERRUPTED, also twice cancelled; others and unknown numbers are left alone."""
        with tempfile.TemporaryDirectory() as folder:
            executor = self.make(compute, self.workers)
            try:
                executor.submit(_waiting(0, folder))
                if self.concurrent:
                    assert executor.poll(0.05) == ()
                executor.cancel(99)
                executor.cancel(0)
                executor.cancel(0)
                outcomes, _ = drain(executor)
                assert [(outcome.number, outcome.reason) for outcome in outcomes] == [(0, Reason.INTERRUPTED)]
                executor.cancel(0)
                if self.concurrent and self.workers > 1:  # an executor of one worker may still be at the given-up trial
                    executor.submit(Task(0, 2, {"do": "report", "count": 0}, attempt=2))
                    (again,), _ = drain(executor)
                    assert (again.token, again.reason) == (2, Reason.DONE)
            finally:
                executor.close()

    def test_close(self) -> None:
        """What is open at `close` ends as INTERRUPTED, and can be polled; closing again does nothing."""
        with tempfile.TemporaryDirectory() as folder:
            executor = self.make(compute, self.workers)
            for number in range(self.workers):
                executor.submit(_waiting(number, folder))
            executor.close()
            executor.close()
            outcomes, _ = drain(executor)
        assert {outcome.number: outcome.reason for outcome in outcomes} == dict.fromkeys(
            range(self.workers), Reason.INTERRUPTED
        )

    def test_limits_are_kept_or_refused(self) -> None:
        """An executor that cannot keep a limit says so."""
        with tempfile.TemporaryDirectory() as folder:
            for kept, limits in (
                (self.keeps_time, Limits(time_s=0.1, grace_s=0.1)),
                (self.keeps_memory, Limits(memory_mb=1.0)),  # less than Python itself takes
            ):
                executor = self.make(compute, 1)
                try:
                    executor.submit(_waiting(0, folder, limits))
                    outcomes, _ = drain(executor)
                    assert kept, f"{limits} was neither kept nor refused"
                    expected = Reason.MEMORY if limits.time_s is None else Reason.TIMEOUT
                    assert [outcome.reason for outcome in outcomes] == [expected]
                    assert "limit" in outcomes[0].error
                except InvalidSetting:
                    assert not kept, f"{limits} was refused"
                finally:
                    executor.close()

    def test_an_answer_that_raises_is_the_callers(self) -> None:
        """What `answer` raises leaves `poll`, and the trial still comes to an outcome."""
        if not self.answers:
            return
        executor = self.make(compute, 1)
        try:
            executor.submit(Task(0, 1, {"do": "report", "count": 2}))
            raised = False
            outcomes: list[TaskResult] = []
            while not outcomes:
                try:
                    outcomes = [item for item in executor.poll(PATIENCE_S, _refuse) if isinstance(item, TaskResult)]
                except ArithmeticError:
                    raised = True
                    outcomes, _ = drain(executor)
            assert raised
            assert len(outcomes) == 1
        finally:
            executor.close()


def _refuse(progress: TaskReport) -> bool:
    raise ArithmeticError("the caller's own")


def _waiting(number: int, folder: str, limits: Limits = _BRIEF) -> Task:
    return Task(number, 1, {"do": "wait"}, limits, context={"folder": folder})


def _refused(call: Callable[[], None]) -> None:
    try:
        call()
    except ExecutorError:
        return
    raise AssertionError("the executor took a task that it cannot take")
