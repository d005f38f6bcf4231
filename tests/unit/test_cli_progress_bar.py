"""How a run is shown."""

from __future__ import annotations

import io
from typing import Any

import pytest

import luthier as lt
from luthier.cli import progress_bar
from luthier.cli.progress_bar import LiveProgress
from luthier.run import tally_of
from luthier.trial import Outcome, Reason


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def study() -> lt.Study:
    return lt.Study("na\x1b[2Jme", {"x": lt.Float(0, 1), "[bold]k": lt.Choice("[red]a")}, minimize="[u]loss", seed=0)


def run(stream: Any, values: list[float | str], total: int | None = 10) -> str:
    with study() as made:
        with LiveProgress(made.name, tally_of(made.problem, total, None, made.trials), stream) as shown:
            for value in values:
                trial = made.ask()
                shown.began(made, trial)
                failed = Outcome(Reason.FAILED, error=value) if isinstance(value, str) else None
                shown.ended(made, made.finish(trial, failed) if failed else made.tell(trial, value))
            shown.notice("listen\x07")
        return str(stream.getvalue())


def test_lines_at_each_improvement() -> None:
    lines = run(io.StringIO(), [3.0, 2.0, 2.5, 1.0]).splitlines()
    assert [line.split("  ")[1] for line in lines if "best" in line] == ["1/10", "2/10", "4/10"]
    assert "na[2Jme  4/10  best [u]loss 1 (trial 3): x=" in lines[-2]
    assert "[bold]k=[red]a" in lines[-2]
    assert "/s  eta " in lines[-2]
    assert lines[-1] == "na[2Jme: listen"


def test_counts_what_other_processes_have_done() -> None:
    stream = io.StringIO()
    with study() as made, LiveProgress("a", tally_of(made.problem, 10, None, made.trials), stream) as shown:
        made.tell(made.ask(), 1.0)  # as another worker would
        shown.ended(made, made.tell(made.ask(), 2.0))
    assert stream.getvalue().splitlines()[-1].startswith("a  2/10  best [u]loss 1 (trial 0)")


def test_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_bar, "LINE_EVERY_S", 0.0)
    monkeypatch.setattr(progress_bar, "STILL_EVERY_S", 0.0)
    stream = io.StringIO()
    with study() as made, LiveProgress("a", tally_of(made.problem, None, 60.0, made.trials), stream):
        while stream.getvalue().count("\n") < 3:
            pass
    assert stream.getvalue().splitlines()[0].startswith("a  0 trials  eta 60 s")


def test_failures_are_told_once_each_and_counted() -> None:
    text = run(io.StringIO(), ["ValueError: a\n\ntraceback", "ValueError: a", "KeyError: b", 1.0])
    assert text.count("trial 0 failed: ValueError: a\n") == 1
    assert "trial 1" not in text
    assert "trial 2 failed: KeyError: b\n" in text
    assert "3 failed" in text


def test_a_bar_on_a_terminal() -> None:
    text = run(Terminal(), [3.0, "ValueError: [red]a", 2.0])
    assert "trial 1 failed: ValueError: [red]a" in text
    assert "3/10" in text
    assert "[u]loss 2 (trial 2)" in text
    assert "[bold]k=[red]a" in text
    assert "\x1b[2Jme" not in text
    assert "\x07" not in text


def test_of_a_study_that_goes_on_only_new_trials_make_the_rate() -> None:
    with study() as made:
        for value in (3.0, 1.0, 2.0):
            made.tell(made.ask(), value)
        tally = tally_of(made.problem, 4, None, made.trials)
        assert (tally.ended, tally.new, tally.pace()) == (3, 0, [])
        assert tally.leader() == "[u]loss 1 (trial 1)"
        assert not tally.add(made.tell(made.ask(), 1.0))  # of equals, the earlier one stays
        assert tally.count() == "4/4"


def test_several_objectives_have_no_one_best() -> None:
    with lt.Study("two", {"x": lt.Float(0, 1)}, minimize=["a", "b"], seed=0) as made:
        tally = tally_of(made.problem, None, None, ())
        assert not tally.add(made.tell(made.ask(), (1, 2)))
        assert tally.leader() == ""
        assert tally.count() == "1 trials"
