"""Runs without a budget: what is said at their beginning."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import pytest

import luthier as lt
from luthier.run.one_run import ENDLESS
from luthier.store import open_store


def _run(study: lt.Study, **budget: float) -> None:
    def count(study: lt.Study, result: object) -> None:
        if len(study) >= 3:
            study.stop()

    study.run(lambda trial: 0.5, callbacks=[count], **budget)  # type: ignore[arg-type]


def test_a_run_that_nothing_ends_says_so(caplog: pytest.LogCaptureFixture) -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random(), seed=0)
    _run(study)
    assert [record.message for record in caplog.records] == [ENDLESS]


@pytest.mark.parametrize(
    ("space", "method", "budget"),
    [
        ({"x": lt.Float(0, 1)}, lt.Random(), {"trials": 3}),
        ({"x": lt.Float(0, 1)}, lt.Random(), {"time_s": 60.0}),
        ({"x": lt.Float(0, 1)}, lt.Random(), {"plateau": 2}),
        ({"x": lt.Float(0, 1)}, lt.Grid(points=3), {}),
        ({"x": lt.Int(1, 4)}, lt.Random(), {}),
    ],
)
def test_a_run_that_ends_by_itself_does_not(
    space: dict[str, lt.Float], method: lt.Random, budget: dict[str, float], caplog: pytest.LogCaptureFixture
) -> None:
    _run(lt.Study("s", space, minimize="y", method=method, seed=0), **budget)
    assert caplog.records == []


@pytest.mark.parametrize("name", ["s.db", "s.jsonl"])
def test_a_store_that_is_begun_in_an_old_empty_file_is_a_warning(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "luthier")
    place = tmp_path / name
    place.touch()
    open_store(place).close()
    assert caplog.records == []  # it was made just now
    place.unlink()
    place.touch()
    os.utime(place, (time.time() - 3600,) * 2)
    open_store(place).close()
    assert [record.name for record in caplog.records] == ["luthier.store.path_checks"]
    assert "was empty" in caplog.records[0].message
    open_store(place).close()
    assert len(caplog.records) == 1
