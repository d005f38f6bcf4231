"""Pause of garbage collection: it lasts as long as any context, and a collector that was off stays off."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import luthier as lt
from luthier._runtime.collection_pause import COLLECTION_PAUSE
from luthier.errors import StudyNotFound
from luthier.study import StudyReader


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    gc.enable()
    yield
    gc.enable()


def test_it_lasts_as_long_as_the_outermost_context_of_any_thread() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def other() -> None:
        with COLLECTION_PAUSE:
            inside.set()
            go_on.wait(10)

    thread = threading.Thread(target=other)
    with COLLECTION_PAUSE:
        with COLLECTION_PAUSE:
            assert not gc.isenabled()
        assert not gc.isenabled()
        thread.start()
        inside.wait(10)
    assert not gc.isenabled()
    go_on.set()
    thread.join()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off_and_an_error_ends_the_pause() -> None:
    with pytest.raises(ValueError, match="inside"), COLLECTION_PAUSE:
        raise ValueError("inside")
    assert gc.isenabled()
    gc.disable()
    with COLLECTION_PAUSE:
        pass
    assert not gc.isenabled()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_that_is_forked_within_it_collects_again() -> None:
    with COLLECTION_PAUSE:
        child = os.fork()
        if child == 0:
            with COLLECTION_PAUSE:
                paused = not gc.isenabled()
            os._exit(0 if paused and gc.isenabled() else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_studies_are_opened_and_reported_and_the_collector_goes_on(tmp_path: Path) -> None:
    with lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", store=tmp_path / "s.db", seed=0) as study:
        study.add({"x": 0.5}, 1.0)
        study.report(tmp_path / "s.md")
    assert gc.isenabled()
    StudyReader.open(tmp_path / "s.db").close()
    with pytest.raises(StudyNotFound):
        StudyReader.open(tmp_path / "s.db", "t")
    assert gc.isenabled()
