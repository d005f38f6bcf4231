"""What failures and pruned trials are to a history: laid to a broken program, or evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import luthier as lt
from luthier.event import Asked, Created, Event, Reported, Told
from luthier.history import History

SPACE = lt.Space({"x": lt.Float(0, 1)})
CREATED = Created("s", SPACE.to_plain(), (("loss", False),), 7)


def _history(*ends: str, origin: str = "method") -> History:
    """Give the history of trials that ended in order: a number is a value, ``timeout`` a reason, a text an error."""
    events: list[Event] = [CREATED]
    for number, end in enumerate(ends):
        events.append(Asked(number, {"x": number / 20}, 0, origin if end == "1" else "method"))
        if end in ("timeout", "pruned", "lost", "nonfinite", "interrupted"):
            events.append(Told(number, 1, end))
        elif end.isdigit():
            events.append(Told(number, 1, "done", {"loss": float(end)}))
        else:
            events.append(Told(number, 1, "failed", error=end))
    return History(SPACE).extend(events)


@pytest.mark.parametrize(
    ("ends", "forgotten"),
    [
        (["E: a", "E: b", "E: c"], []),  # nothing worked yet: they may be the configurations' fault
        (["E: a", "E: b", "E: c", "1"], [0, 1, 2]),
        (["E: a", "E: b", "E: c", "pruned"], [0, 1, 2]),
        (["E", "E", "E", "interrupted", "1"], [0, 1, 2]),
        (["E", "E", "1"], []),
        (["E", "F", "E", "F", "1"], []),
        (["E", "E", "E", "F", "F", "F", "1"], [0, 1, 2, 3, 4, 5]),  # two mistakes, mended one after the other
        (["E", "E", "E", "F", "1"], [0, 1, 2]),
        (["1", "E", "E", "E", "1"], []),  # the program worked before
        (["nonfinite"] * 3 + ["1"], [0, 1, 2]),
        (["lost"] * 3 + ["1"], [0, 1, 2]),
        (["timeout"] * 4 + ["1"], []),  # limits are exceeded by configurations
    ],
)
def test_failures_from_the_start_are_laid_to_a_broken_program(ends: list[str], forgotten: list[int]) -> None:
    history = _history(*ends)
    assert sorted(history.forgotten) == forgotten
    data = history.data(history.problem())
    crashes = [n for n, end in enumerate(ends) if not end.isdigit() and end not in ("pruned", "interrupted")]
    assert [round(20 * x) for (x,) in data.failed.tolist()] == [n for n in crashes if n not in forgotten]
    assert all(history.has(SPACE.identity({"x": n / 20})) != (n in forgotten) for n in range(len(ends)))
    assert history.finished == len(ends)


def test_known_results_say_nothing_of_the_program() -> None:
    assert sorted(_history("1", "E", "E", "E", "2", origin="imported").forgotten) == [1, 2, 3]


def test_the_kinds_of_errors_are_in_the_digest_and_their_texts_are_not() -> None:
    first, second, third = _history("E: a", "E: b"), _history("E: c", "E: d"), _history("E: a", "F: b")
    assert first.digest == second.digest != third.digest


def _reported(*trials: tuple[list[float], float | None], **more: Any) -> Any:
    """Give the data of trials: their reports at steps 0, 1, …, and their values; None where they were pruned."""
    events: list[Event] = [CREATED]
    for number, (reports, value) in enumerate(trials):
        events.append(Asked(number, {"x": number / 20}, 0))
        events += [Reported(number, 1, step, report) for step, report in enumerate(reports)]
        told = {} if value is None else {"loss": value}
        events.append(Told(number, 1, "pruned" if value is None else "done", told))
    history = History(SPACE).extend(events)
    return history.data(history.problem())


def test_a_pruned_trial_is_taken_to_be_as_bad_as_its_rank_among_reports() -> None:
    done = [([9.0, float(n)], 10.0 * n) for n in range(5)]
    for report, loss in [(9.0, 40.0), (3.5, 40.0 * 0.8), (2.0, 20.0), (2.5, 40 * 0.6), (-1.0, 20.0)]:
        data = _reported(*done, ([9.0, report], None))
        assert data.stopped.losses.tolist() == [[pytest.approx(loss)]] and data.stopped.x.tolist() == [[0.25]]
    data = _reported(*done, ([9.0, 3.5, 1.0], None))  # nobody else came to its last step: the one before it counts
    assert data.stopped.losses.tolist() == [[pytest.approx(32.0)]]
    assert _reported(*done, ([], None)).stopped.losses.tolist() == [[40.0]]


def test_pruned_trials_join_the_finished_ones_as_rows() -> None:
    data = _reported(([1.0], 3.0), ([5.0], None), ([2.0], 4.0))
    joined = data.with_stopped()
    assert joined.loss.tolist() == [3.0, 4.0, 4.0] and joined.x[:, 0].tolist() == [0.0, 0.1, 0.05]
    assert not len(joined.stopped) and len(joined.costs) == 3 and joined.violations.shape == (3, 0)
    assert joined.with_stopped() is joined
    alone = _reported(([5.0], None))
    assert alone.with_stopped() is alone and np.isnan(alone.stopped.losses).all()
