"""Open studies: trials of others, closed handles, forks, spaces that are narrowed and widened, and how a run ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier as lt
from luthier._runtime.fair_lock import FairLock
from luthier._runtime.single_thread import on_one_thread
from luthier.errors import (
    InvalidResult,
    InvalidSetting,
    LeaseLost,
    StoreError,
    StudyNotFound,
    TrialFailed,
    TrialNotFound,
)
from luthier.executor import Limits
from luthier.store import Memory
from luthier.study import StudyReader

SPACE = {"x": lt.Float(0, 1)}


def _study(name: str = "s", store: Any = None, seed: int | None = 0, **settings: Any) -> lt.Study:
    return lt.Study(name, SPACE, minimize="v", method=lt.Random(), store=store, seed=seed, **settings)


@pytest.mark.parametrize(("name", "seed"), [("other", 0), ("s", 1), ("s", 0)])
def test_a_trial_of_another_study_is_refused_where_number_and_token_coincide(name: str, seed: int) -> None:
    one, other = _study(), _study(name, seed=seed)
    mine, foreign = one.ask(), other.ask()
    assert (mine.number, mine.token) == (foreign.number, foreign.token)
    for act in (
        lambda: one.tell(foreign, 1.0),
        lambda: one.tell(foreign, failed="no"),
        lambda: one.report(foreign, 1.0),
        lambda: one.release(foreign),
    ):
        with pytest.raises(LeaseLost, match=r"another study than this 's'"):
            act()
    assert one.trials[0].reason is None and not one.trials[0].reports
    one.tell(mine, 0.5)


def test_a_trial_may_be_told_through_another_handle_of_its_study() -> None:
    store = Memory()
    one = _study(store=store)
    trial, leased = one.ask(), one.ask(lease_s=60.0)
    other = lt.Study("s", store=store)
    assert other.tell(trial, 0.5).is_done and other.tell(leased, 0.5).is_done


@pytest.mark.parametrize("what", [None, "0", 1.0, True, object()])
def test_what_is_no_trial_is_refused(what: Any) -> None:
    study = _study()
    study.ask(2)
    with pytest.raises(TrialNotFound, match="what ask"):
        study.tell(what, 1.0)
    assert study.tell(np.int64(1), 1.0).number == 1


def test_a_closed_study_gives_out_nothing_on_a_shared_store() -> None:
    store = Memory()
    study = _study(store=store)
    trial = study.ask()
    study.close()
    study.close()
    for act in (
        lambda: study.ask(),
        lambda: study.enqueue({"x": 0.5}),
        lambda: study.add({"x": 0.5}, 1.0),
        lambda: study.run(lambda running: 1.0, trials=3),
    ):
        with pytest.raises(StoreError, match="'s' was closed"):
            act()
    with pytest.raises((LeaseLost, StoreError)):
        study.tell(trial, 1.0)
    assert [one.number for one in study.trials] == [0]
    assert lt.Study("s", store=store).ask().number == 0


def test_a_fork_beside_a_thread_that_asks_does_not_hang() -> None:
    study, stop = _study(), threading.Event()

    def work() -> None:
        while not stop.is_set():
            study.tell(study.ask(), 0.5)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    signal.alarm(60)
                    study.tell(study.ask(), 0.5)
                    code = 0
                finally:
                    os._exit(code)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        thread.join()
    assert all(trial.is_done for trial in study.trials)


def test_a_child_of_a_process_whose_thread_thinks_for_long_has_a_log_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier._runtime.fair_lock.FORK_PATIENCE_S", 0.01)
    study, inside, leave = _study(), threading.Event(), threading.Event()
    study.tell(study.ask(), 0.5)

    def work() -> None:
        with study._asking._log.lock:
            inside.set()
            leave.wait()

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(60)
            code = 0 if study.best.value == 0.5 and study.tell(study.ask(), 0.25).number == 1 else 2
        finally:
            os._exit(code)
    leave.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_thread_that_forks_while_it_holds_the_lock_holds_it_in_the_child() -> None:
    lock = FairLock()
    with lock, lock:
        child = os.fork()
        if child == 0:
            with lock:
                os._exit(0 if lock._depth == 3 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_computing_on_one_thread_within_itself_ends() -> None:
    calls: list[int] = []

    def inner() -> int:
        calls.append(1)
        return on_one_thread(lambda: 5, lambda: None)

    assert on_one_thread(inner, lambda: None) == 5
    assert len(calls) <= 2


def test_what_was_tried_is_not_tried_again_after_the_space_was_narrowed_and_widened() -> None:
    wide, narrow = {"k": lt.Int(0, 9)}, {"k": lt.Int(0, 4)}
    study = lt.Study("s", wide, minimize="v", method=lt.Random(), seed=0)
    for k in (7, 8, 9, 2):
        study.add({"k": k}, float(k))
    study.enqueue({"k": 6}, ticket="later")
    assert study.change(narrow) == 1
    assert study.best.value == 2.0
    study.change({"k": lt.Int(0, 5)})
    assert study.ask()["k"] not in (2,)
    study.change(wide)
    assert study.ask().params["k"] == 6  # what was enqueued waits, too
    rest = [study.ask()["k"] for _ in range(4)]
    assert len({*rest, 7, 8, 9, 2, 6}) == 9
    with pytest.raises(lt.errors.SpaceExhausted):
        study.ask(2), study.ask()
    assert study.history.data(study.problem).x.shape[0] == 4


def test_a_change_to_a_space_that_holds_no_trial_says_so(caplog: pytest.LogCaptureFixture) -> None:
    study = lt.Study("s", {"k": lt.Int(0, 9)}, minimize="v", method=lt.Random(), seed=0)
    assert study.change({"k": lt.Int(0, 8)}) == 0 and not caplog.records  # there is none to hold
    study.add({"k": 7}, 1.0)
    assert study.change({"k": lt.Int(0, 4)}) == 0
    assert "can hold none of its 1 trials" in caplog.text
    assert study.change({"k": lt.Int(0, 9)}) == 1 and study.best.value == 1.0


@pytest.mark.parametrize("executor", ["inline", "threads"])
def test_the_exception_of_an_objective_is_the_cause(executor: str) -> None:
    error = KeyError("gamma")

    def objective(trial: lt.RunningTrial) -> float:
        raise error

    for settings in ({"on_error": "raise"}, {"give_up_after": 2}):
        with pytest.raises(TrialFailed, match="gamma") as caught:
            _study().run(objective, trials=5, executor=executor, **settings)  # type: ignore[arg-type]
        assert caught.value.__cause__ is error


def _lazy(error: BaseException) -> Any:
    """Make a value that raises when it is read. Its class is sent to workers by its code."""

    class Lazy:
        ndim = 0

        def item(self) -> float:
            raise error

        def __repr__(self) -> str:
            raise error

    return Lazy()


@pytest.mark.parametrize("executor", ["inline", "threads", "processes"])
@pytest.mark.parametrize("error", [SystemExit("CUDA"), SyntaxError("CUDA", ("f", 1, "a", "b"))])
def test_an_error_while_a_result_is_made_plain_costs_that_trial(error: BaseException, executor: str) -> None:
    def returned(trial: lt.RunningTrial) -> Any:
        return {0: _lazy(error), 1: {"v": _lazy(error)}, 2: {"v": 1.0, "more": _lazy(error)}}.get(trial.number, 0.5)

    def raised(trial: lt.RunningTrial) -> Any:
        if trial.number == 0:
            raise error
        return 0.5

    for objective, failed in ((returned, 3), (raised, 1)):
        study = _study()
        study.run(objective, trials=5, executor=executor)
        assert [str(trial.reason) for trial in study.trials] == ["failed"] * failed + ["done"] * (5 - failed)
        assert all("CUDA" in trial.error and type(error).__name__ in trial.error for trial in study.trials[:failed])


def test_tell_says_what_went_wrong_while_a_value_was_read() -> None:
    study = _study()
    trial = study.ask()
    with pytest.raises(InvalidResult, match="RuntimeError: CUDA") as caught:
        study.tell(trial, _lazy(RuntimeError("CUDA")))
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize("wrong", ["5", True, 0, -1.0, float("nan"), None, object(), [1]])
def test_limits_and_leases_are_numbers_of_seconds(wrong: Any) -> None:
    study = _study()
    if wrong is not None:
        with pytest.raises(InvalidSetting, match="lease_s"):
            study.ask(lease_s=wrong)
        for limit in ({"time_s": wrong}, {"memory_mb": wrong}):
            with pytest.raises(InvalidSetting, match="give a positive number"):
                Limits(**limit)
    if wrong not in (True, 0):
        with pytest.raises(InvalidSetting, match="grace_s"):
            Limits(grace_s=wrong)
    assert len(study.trials) == 0


OBJECTIVE = """
import luthier as lt, time
def f(t):
    if t.number == 3: print("GO", flush=True)
    time.sleep(0.05 if t.number < 3 else 0.5)
    return t["x"]
try:
    {call}
except KeyboardInterrupt as error:
    print("SAID", error, flush=True)
    {after}
"""


@pytest.mark.parametrize(
    ("call", "after", "said"),
    [
        (
            'lt.minimize(f, {"x": lt.Float(0, 1)}, trials=1000, method=lt.Random(), seed=0)',
            "print(error.best.value == min(t.value for t in error.trials if t.is_done), len(error.trials) >= 4)",
            "in no store: the best so far",
        ),
        (
            's = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="v"); s.run(f, trials=1000)',
            "print(s.best.value >= 0, len(s.trials) >= 4)",
            "kept in memory only",
        ),
    ],
)
def test_what_was_found_is_there_after_an_interrupt(call: str, after: str, said: str) -> None:
    signal_at_start = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    process = subprocess.Popen(
        [sys.executable, "-c", signal_at_start + OBJECTIVE.format(call=call, after=after)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "GO\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert said in output and output.splitlines()[-1] == "True True"


@pytest.mark.parametrize("link", ["symbolic", "hard", "detour"])
def test_a_study_knows_the_file_that_it_is_in(link: str, tmp_path: Path) -> None:
    place = tmp_path / "s.db"
    with _study(store=place) as study:
        other = tmp_path / "other.db"
        if link == "symbolic":
            other.symlink_to(place)
        elif link == "hard":
            other.hardlink_to(place)
        else:
            (tmp_path / "sub").mkdir()
            other = tmp_path / "sub" / ".." / "s.db"
        assert study.reader.is_in(other) and study.reader.is_in(str(place))
        assert not study.reader.is_in(tmp_path / "none.csv") and not study.reader.is_in(tmp_path)


def test_a_study_that_cannot_be_read_has_a_repr(tmp_path: Path) -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="v", method=lt.Random(), store=tmp_path / "s.db")
    study.close()
    assert repr(study) == "Study 's': this study 's' was closed: open it again with luthier.Study(…)"
    assert repr(study.reader) == repr(study)


@pytest.mark.parametrize("name", ["\ud800", "a\0b", "\udcff"])
def test_a_name_that_no_store_can_hold_is_refused_before_a_file_is_made(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="Unicode"):
        lt.Study(name, {"x": lt.Float(0, 1)}, minimize="v", method=lt.Random(), store=tmp_path / "s.db")
    assert not list(tmp_path.iterdir())
    with lt.Study("s", {"x": lt.Float(0, 1)}, minimize="v", method=lt.Random(), store=tmp_path / "s.db") as study:
        for other in (lambda: StudyReader.open(tmp_path / "s.db", name), lambda: study.copy(tmp_path / "t.db", name)):
            with pytest.raises((InvalidSetting, StudyNotFound)):
                other()
    assert [path.name for path in tmp_path.iterdir()] == ["s.db"]
