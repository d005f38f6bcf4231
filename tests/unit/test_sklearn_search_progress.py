"""Progress lines of a search, and the mean score of a candidate."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from luthier.sklearn.evaluation import mean_score
from luthier.sklearn.record import study_name
from luthier.sklearn.search_progress import SearchProgress, duration


def fold(score: Any) -> dict[str, Any]:
    return {"test_scores": score, "fit_time": 1.0, "score_time": 0.5}


def test_the_score_of_a_candidate() -> None:
    assert mean_score([fold(0.5), fold(1.0)], True) == 0.75
    assert mean_score([fold({"a": 1.0, "b": 3.0})], "b") == 3.0
    assert mean_score([fold({"a": 1.0, "b": 3.0})], False) == 1.0
    assert np.isnan(mean_score([fold(np.nan), fold(1.0)], True))
    assert mean_score([], True, worst=-1.0) == -1.0


class Clock:
    """Says what time it is."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("luthier.sklearn.search_progress.time.monotonic", made)
    return made


def test_progress_shows_the_best_score_and_the_time_left(clock: Clock) -> None:
    stream = io.StringIO()
    progress = SearchProgress(True, True, 10, stream, every_s=0.0)
    progress.expect(10, [[fold(0.25)], [fold(0.6)]])
    for score in (0.5, 0.75, np.nan):
        clock.now += 10
        progress.done([fold(score)])
    assert progress.left_s() == 50
    progress.close()
    assert stream.getvalue().splitlines() == [
        "3 of 10 candidates, best score 0.6, about 1 min 10 s left",
        "4 of 10 candidates, best score 0.75, about 1 min 0 s left",
        "5 of 10 candidates, best score 0.75, about 50 s left",
        "5 of 10 candidates, best score 0.75, after 30 s",
    ]


def test_the_last_line_is_written_also_where_all_was_quick(clock: Clock) -> None:
    stream = io.StringIO()
    progress = SearchProgress(True, True, None, stream)
    progress.expect(1)
    progress.done([fold(0.5)])
    progress.close()
    assert stream.getvalue() == "1 of 1 candidates, best score 0.5, after 0 s\n"


@pytest.mark.parametrize("first_s", [0.5, 1.0, 40.0, 400.0])
@pytest.mark.parametrize("at_once", [1, 4])
def test_the_time_left_is_right_within_a_factor_of_two_from_the_tenth_candidate_on(
    first_s: float, at_once: int, clock: Clock
) -> None:
    """Whether the start is slow, and also if candidates end in groups."""
    progress = SearchProgress(True, True, 100, io.StringIO())
    progress.expect(100)
    draw = np.random.default_rng(0)
    for place in range(100 // at_once):
        clock.now += at_once * (first_s if place == 0 else draw.uniform(0.5, 1.5))
        for _ in range(at_once):
            progress.done([fold(0.5)])
        done = at_once * (place + 1)
        if 10 <= done <= 90:
            assert 0.5 <= progress.left_s() / (100 - done) <= 2


def test_no_more_is_counted_than_there_is(clock: Clock) -> None:
    progress = SearchProgress(True, True, 2, io.StringIO())
    progress.expect(2)
    for _ in range(3):
        clock.now += 1
        progress.done([fold(0.5)])
    assert progress.line() == "3 of 3 candidates, best score 0.5" and progress.left_s() == 0


def test_progress_is_silent_where_nothing_is_shown() -> None:
    stream = io.StringIO()
    progress = SearchProgress(False, stream=stream, every_s=0.0)
    progress.expect(1)
    progress.done([fold(1.0)])
    progress.close()
    assert stream.getvalue() == ""


@pytest.mark.parametrize(("seconds", "text"), [(7.2, "7 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_name_of_a_study() -> None:
    assert study_name("Grid of SVC", {"data": "1a", "folds": "2b"}) == "Grid of SVC [data=1a folds=2b]"
    assert study_name("Grid of SVC", {}) == "Grid of SVC"
