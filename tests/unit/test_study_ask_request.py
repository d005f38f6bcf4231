"""Requests for trials under a ticket: a repeated call gives the same answer, in whatever process it is made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import luthier as lt
from luthier.errors import InvalidSetting, LeaseLost, TrialFinished
from luthier.event import Asked, Retried, decode, encode
from luthier.stop import Rule
from luthier.trial import Reason, State

SPACE = {"x": lt.Float(0, 1)}


def test_a_repeated_request_gives_the_same_trial() -> None:
    study = lt.Study("s", SPACE, minimize="y", method=lt.Random(), seed=0)
    first, other = study.ask(ticket="a"), study.ask(ticket="b")
    assert study.ask(ticket="a") == first and study.ask(ticket="b") == other != first
    assert len(study) == 2
    study.tell(first, 1.0)
    assert study.ask(ticket="a") == first  # also after its end
    assert study.tell(first, 1.0).value == 1.0
    assert len(study) == 2
    assert study.tell(first.number, 1.0).value == 1.0  # by its number, too
    with pytest.raises(TrialFinished):
        study.tell(first.number, 2.0)


def test_a_request_for_several_gives_all_of_them_again() -> None:
    study = lt.Study("s", SPACE, minimize="y", method=lt.Random(), seed=0)
    study.enqueue({"x": 0.25})
    first = study.ask(3, ticket="a")
    assert [trial.number for trial in first] == [0, 1, 2] and first[0]["x"] == 0.25
    assert study.ask(3, ticket="a") == first
    assert study.ask(params={"x": 0.5}, ticket="b") == study.ask(params={"x": 0.5}, ticket="b")
    assert len(study) == 4


def test_another_process_gets_the_same_answer(tmp_path: Path) -> None:
    place = tmp_path / "s.db"
    with lt.Study("s", SPACE, minimize="y", method=lt.Random(), store=place, seed=0) as study:
        first = study.ask(ticket="a")
        with lt.Study("s", store=place) as again:
            same = again.ask(ticket="a")
            assert (same.number, same.params, same.token) == (first.number, first.params, first.token)
            assert len(again) == 1


def test_a_request_that_was_answered_by_an_earlier_attempt(tmp_path: Path) -> None:
    study = lt.Study("s", SPACE, minimize="y", method=lt.Random(), seed=0)
    first = study.ask(ticket="a")
    study.release(first)
    second = study.ask(ticket="b")
    assert second.number == first.number and second.token != first.token
    assert study.ask(ticket="b") == second
    assert study.ask(ticket="a").token == first.token
    with pytest.raises(LeaseLost):
        study.tell(study.ask(ticket="a"), 1.0)


def test_what_a_lost_caller_asked_for_is_begun_anew(tmp_path: Path) -> None:
    study = lt.Study("s", SPACE, minimize="y", method=lt.Random(), store=tmp_path / "s.db", seed=0)
    script = (
        "import os, sys, luthier as lt; study = lt.Study('s', store=sys.argv[1]); study.ask(ticket='a'); "
        "study.ask(3, ticket='b'); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path / "s.db")], check=False).returncode == -9
    again = [study.ask(ticket="a"), *study.ask(5, ticket="b")]
    assert [trial.number for trial in again] == [0, 1, 2, 3]
    assert [trial.attempt for trial in again] == [2, 2, 2, 2]
    assert [study.ask(ticket="a"), *study.ask(3, ticket="b")] == again  # once more: the same leases
    for trial in again:
        assert study.tell(trial, 1.0).is_done
    assert len(study) == 4 and not study.verify().mismatches


@pytest.mark.parametrize("rule", [lt.ASHA(), lt.Threshold(0.5)])
def test_a_result_that_a_rule_made_another_of_may_be_told_twice(rule: Rule) -> None:
    fidelity = lt.Fidelity("epochs", 1, 9)
    study = lt.Study("s", SPACE, minimize="y", fidelity=fidelity, stop=rule, method=lt.Random(), seed=0)
    trial = study.ask()
    trial.report(1.0, step=1)
    assert trial.should_stop()
    first, length = study.tell(trial, 1.0), study.history.length
    assert first.state is State.PAUSED or first.reason is Reason.PRUNED
    assert study.tell(trial, 1.0) == first and study.history.length == length
    with pytest.raises((LeaseLost, TrialFinished)):
        study.tell(trial, failed="it crashed")


def test_two_who_ask_at_once_under_one_ticket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "s.db"
    with (
        lt.Study("s", SPACE, minimize="y", method=lt.Random(), store=place, seed=0) as mine,
        lt.Study("s", store=place) as theirs,
    ):
        given: list[lt.study.ActiveTrial] = []
        propose = type(mine.method).suggest

        def overtaken(self: object, *given_to: object) -> object:
            if not given:
                given.append(None)  # type: ignore[arg-type]
                given[0] = theirs.ask(ticket="a")
            return propose(self, *given_to)  # type: ignore[arg-type]

        monkeypatch.setattr(type(mine.method), "suggest", overtaken)
        assert mine.ask(ticket="a").number == given[0].number == 0
        assert len(mine) == 1


@pytest.mark.parametrize("ticket", ["", 3, b"a"])
def test_a_ticket_is_text(ticket: object) -> None:
    study = lt.Study("s", SPACE, minimize="y", method=lt.Random(), seed=0)
    with pytest.raises(InvalidSetting, match="ticket"):
        study.ask(ticket=ticket)  # type: ignore[call-overload]
    assert len(study.history.events) == 1


def test_what_is_written_of_it() -> None:
    assert b"request" not in encode(Asked(0, {"x": 0.5}, 1))
    assert decode(encode(Retried(0, request="a"))) == Retried(0, request="a")
