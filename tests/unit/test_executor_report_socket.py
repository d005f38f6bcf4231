"""The socket between a study and trials in pools: answers, secrets, and what there is without a way to it."""

from __future__ import annotations

import socket
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

import luthier as lt
from luthier import codec
from luthier.errors import ExecutorError
from luthier.executor import Futures, Task, TaskReport, TaskUpdate
from luthier.executor.remote_trial import run_trial
from luthier.executor.report_socket import ReportServer, SocketLink
from luthier.trial import Reason


def epochs(trial: lt.RunningTrial) -> float:
    value = 1.0
    for epoch in range(trial.start + 1, 28):
        value = float((trial["x"] - 0.3) ** 2 + 1 / epoch)
        trial.report(value, step=epoch)
        if trial.should_stop():
            break
    return value


def test_a_rule_stops_trials_in_a_pool_of_threads() -> None:
    with ThreadPoolExecutor(2) as pool:
        study = lt.Study(
            "pool",
            {"x": lt.Float(0, 1)},
            minimize="loss",
            method=lt.Random(),
            seed=0,
            fidelity=lt.Fidelity("epochs", 1, 27),
            stop=lt.ASHA(),
        )
        study.run(epochs, trials=12, executor=pool, workers=2)
    spent = [max(report.step for report in trial.reports) for trial in study.trials]
    assert set(spent) <= {1, 3, 9, 27} and min(spent) == 1
    assert "paused" in study.reader.summary()
    assert study.verify().ok


def test_a_connection_without_the_secret_is_closed_and_tells_nothing() -> None:
    told: list[TaskUpdate] = []
    server = ReportServer(told.append)
    try:
        host, port, _ = server.address
        with socket.create_connection((host, port), 10.0) as guess, guess.makefile("rb") as answers:
            guess.sendall(codec.dumps(["0" * 64, 1, 2]) + b"\n" + codec.dumps(["report", 1, 0.5]) + b"\n")
            assert _rest(answers) == b""
        with socket.create_connection((host, port), 10.0) as noise, noise.makefile("rb") as answers:
            noise.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert _rest(answers) == b""
        link = SocketLink(server.address, (1, 2))
        link.send(TaskReport(1, 2, 1, float("nan")))
        link.close()
        assert [(update.number, update.token) for update in told] == [(1, 2)]
    finally:
        server.close()


def test_another_program_at_the_address_is_not_taken_for_the_study() -> None:
    """As on another machine, where the port on loopback is somebody else's."""
    with socket.create_server(("127.0.0.1", 0)) as foreign, ThreadPoolExecutor(1) as pool:

        def greet() -> None:
            connection, _ = foreign.accept()
            with connection:
                connection.sendall(b"220 mail.example.org ready\r\n")

        greeted = pool.submit(greet)
        link = SocketLink(("127.0.0.1", foreign.getsockname()[1], "secret"), (0, 1))
        link.send(TaskReport(0, 1, 1, 0.5))
        greeted.result(timeout=60)
        with pytest.raises(ExecutorError, match="another program listens there"):
            link.answered()
        link.close()


def _rest(lines: Any) -> bytes:
    """Read to the end; a reset is one, too."""
    try:
        return bytes(lines.read())
    except ConnectionError:
        return b""


def test_a_trial_that_asks_where_there_is_no_way_to_the_study_fails_and_says_so() -> None:
    server = ReportServer(lambda update: None)
    address = server.address
    server.close()
    link = SocketLink(address, (3, 7))
    result = run_trial(epochs, Task(3, 7, {"x": 0.5}, context={"until": 3}, answered=True), link)
    assert (result.reason, result.reports) == (Reason.FAILED, ((1, 1.04),))
    assert "should_stop() has no answer here" in result.error and "trial.until" in result.error
    with pytest.raises(ExecutorError, match="luthier worker"):
        link.answered()


def test_a_trial_that_trains_up_to_its_rung_needs_no_way_to_the_study() -> None:
    server = ReportServer(lambda update: None)
    address = server.address
    server.close()

    def at_once(trial: lt.RunningTrial) -> float:
        trial.report(0.5, step=trial.until)
        return 0.5

    result = run_trial(
        at_once, Task(3, 7, {"x": 0.5}, context={"until": 3}, answered=True), SocketLink(address, (3, 7))
    )
    assert (result.reason, result.value, result.reports) == (Reason.DONE, 0.5, ((3, 0.5),))


def test_an_executor_that_runs_calls_at_once_is_answered_too() -> None:
    class AtOnce:
        def submit(self, function: Any, *arguments: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_result(function(*arguments))
            return future

    def two(trial: lt.RunningTrial) -> float:
        trial.report(1.0)
        trial.report(2.0)
        return 3.0

    with Futures(AtOnce(), two, 1) as executor:  # type: ignore[arg-type]
        executor.submit(Task(0, 1, {}))
        updates = executor.poll(60.0)
    assert [getattr(update, "step", None) for update in updates] == [0, 1, None]
