"""The doors of a study: what they take can be read back, and is checked against the space as it is now."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import luthier as lt
from luthier.errors import InvalidConfig, InvalidResult, InvalidSetting, LuthierError
from luthier.method import from_plain
from luthier.store import Memory
from luthier.trial import Reason

WIDE, NARROW = {"x": lt.Int(0, 9)}, {"x": lt.Int(0, 5)}


@pytest.mark.parametrize(
    "put",
    [
        lambda study, _: study.add({"x": 9}, 1.0),
        lambda study, _: study.add_many([{"x": 1}, {"x": 9}], [1.0, 2.0]),
        lambda study, _: study.enqueue({"x": 9}),
        lambda study, _: study.ask(params={"x": 9}),
    ],
    ids=["add", "add_many", "enqueue", "ask"],
)
def test_a_value_is_checked_against_the_space_that_another_process_has_narrowed(put: Callable[..., Any]) -> None:
    store = Memory()
    stale = lt.Study("s", WIDE, minimize="loss", method=lt.Random(), store=store, seed=0)
    lt.Study("s", store=store).change(NARROW)
    with pytest.raises(InvalidConfig, match="x"):
        put(stale, None)
    assert len(stale.trials) == 0
    assert stale.ask()["x"] <= 5


def test_what_is_learnt_is_checked_against_the_space_that_another_process_has_narrowed() -> None:
    store = Memory()
    stale = lt.Study("s", WIDE, minimize="loss", method=lt.Random(), store=store, seed=0)
    source = lt.Study("t", WIDE, minimize="loss", method=lt.Random())
    source.add_many([{"x": 2}, {"x": 9}], [1.0, 2.0])
    lt.Study("s", store=store).change(NARROW)
    assert stale.learn_from(source) == 1


@pytest.mark.parametrize(
    "put",
    [
        lambda study: study.add({"x": 1}, 1.0, ticket=1),
        lambda study: study.add_many([{"x": 1}], [1.0], tickets=[1]),
        lambda study: study.add_many([{"x": 1}], [1.0], durations_s=["a"]),
        lambda study: study.add({"x": 1}, 1.0, duration_s="a"),
        lambda study: study.enqueue({"x": 1}, ticket=1),
        lambda study: study.tell(study.ask(), 1.0, duration_s="a"),
        lambda study: study.report(study.ask(), 1.0, step=1.5),
        lambda study: study.report(study.ask(), 1.0, step=2**70),
        lambda study: study.release(study.ask(), 1),
        lambda study: study.ask(2.5),
        lambda study: study.ask(True),
    ],
)
def test_what_could_not_be_read_back_is_refused_and_the_file_opens_again(
    put: Callable[[lt.Study], object], tmp_path: Path
) -> None:
    where = tmp_path / "s.db"
    with lt.Study("s", WIDE, minimize="loss", method=lt.Random(), store=where, seed=0) as study:
        study.tell(study.ask(), 1.0)
        with pytest.raises((InvalidResult, InvalidSetting)):
            put(study)
    with lt.Study("s", store=where) as again:
        assert again.trials[0].value == 1.0
        again.ask()


def test_a_setting_is_given_by_one_of_its_names() -> None:
    for names in (("beliefs", "hyperpriors"), ("hyperpriors", "beliefs")):
        with pytest.raises(InvalidSetting, match="'hyperpriors' is set twice"):
            from_plain({"use": "GP", **{name: {"use": "Hyperpriors"} for name in names}})


@lt.register
@dataclass(frozen=True)
class Thinking:
    """A method that computes for a while, around another one."""

    inner: Any = field(default_factory=lt.Random)
    seconds: float = 0.03

    def suggest(self, problem: Any, history: Any, key: Any, count: int, memo: Any) -> Any:
        time.sleep(self.seconds)
        return self.inner.suggest(problem, history, key, count, memo)


def test_a_method_around_an_evolution_proposes_for_the_newest_history() -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="loss", method=Thinking(lt.Evolution("de")), seed=0)
    threads = [threading.Thread(target=_ask_and_tell, args=(study, 12)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.number for result in study.trials] == list(range(36))
    assert not study.verify().mismatches


def test_a_study_that_is_closed_while_a_thread_thinks_keeps_no_claim() -> None:
    store = Memory()
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="loss", method=Thinking(seconds=0.05), store=store, seed=0)
    threads = [threading.Thread(target=_ask_and_tell, args=(study, 50)) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(study.trials) < 6:
        time.sleep(0.01)
    study.close()
    for thread in threads:
        thread.join()
    other = lt.Study("s", store=store, method=lt.Random())
    for number in other.history.running:
        other.release(number, reason=Reason.INTERRUPTED)
    assert not any(other.history.holds(token) for token in range(other.history.length))


def _ask_and_tell(study: lt.Study, count: int) -> None:
    try:
        for _ in range(count):
            trial = study.ask()
            study.tell(trial, trial["x"])
            if study.history.length > 200:
                return
    except LuthierError:
        pass
