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


def test_progress_shows_the_best_score_and_the_time_left() -> None:
    stream = io.StringIO()
    progress = SearchProgress(True, True, 10, stream, every_s=0.0)
    progress.expect(10, known=2)
    for score in (0.5, 0.75, np.nan):
        progress.done([fold(score)])
    assert progress.line(30.0) == "5 of 10 candidates, best score 0.75, about 50 s left"
    progress.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4 and lines[1].startswith("4 of 10 candidates, best score 0.75, about")


def test_progress_is_silent_where_nothing_is_shown() -> None:
    stream = io.StringIO()
    progress = SearchProgress(False, stream=stream, every_s=0.0)
    progress.done([fold(1.0)])
    progress.close()
    assert stream.getvalue() == ""


@pytest.mark.parametrize(("seconds", "text"), [(7.2, "7 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_name_of_a_study() -> None:
    assert study_name("Grid of SVC", {"data": "1a", "folds": "2b"}) == "Grid of SVC [data=1a folds=2b]"
    assert study_name("Grid of SVC", {}) == "Grid of SVC"
