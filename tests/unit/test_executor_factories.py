"""Executors by name, and executors imported at first use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

import luthier as lt
import luthier.executor
from luthier.errors import InvalidSetting
from luthier.executor import (
    Executor,
    Inline,
    ObjectiveFunction,
    Processes,
    Threads,
    executor_factory,
    executor_names,
    factories,
    register_executor,
)


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the table as it was."""
    monkeypatch.setattr(factories, "_FACTORIES", dict(factories._FACTORIES))
    yield


def test_the_executors_of_luthier_have_names() -> None:
    assert executor_names() == ("inline", "threads", "processes")
    for name, kind in (("inline", Inline), ("threads", Threads), ("processes", Processes)):
        executor = executor_factory(name)(lambda trial: 1.0, 1)
        executor.close()
        assert type(executor) is kind
        assert executor.capacity == 1
    with pytest.raises(InvalidSetting, match="runs one trial at a time, not 2"):
        executor_factory("inline")(lambda trial: 1.0, 2)


def test_an_executor_of_another_package_is_found_by_its_name() -> None:
    def cluster(objective: ObjectiveFunction, workers: int) -> Executor:
        return Threads(objective, workers + 1)

    register_executor("cluster", cluster)
    register_executor("cluster", cluster)
    assert executor_names()[-1] == "cluster"
    with executor_factory("cluster")(lambda trial: 1.0, 2) as executor:
        assert executor.capacity == 3
    with pytest.raises(InvalidSetting, match="another executor has this name"):
        register_executor("cluster", Threads)
    with pytest.raises(InvalidSetting, match="another executor has this name"):
        register_executor("threads", cluster)


@pytest.mark.parametrize(("name", "factory"), [("", Threads), (3, Threads), ("cluster", None)])
def test_what_cannot_be_registered(name: str, factory: object) -> None:
    with pytest.raises(InvalidSetting, match="register_executor"):
        register_executor(name, factory)  # type: ignore[arg-type]


def test_an_unknown_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(InvalidSetting, match="'proceses' is not known; did you mean 'processes'"):
        executor_factory("proceses")
    with pytest.raises(InvalidSetting, match="there is 'inline', 'threads', 'processes'"):
        executor_factory("moon")


def test_executors_are_loaded_when_they_are_asked_for() -> None:
    for name in luthier.executor.__all__:
        assert getattr(luthier.executor, name).__name__ in (name, "Callable")
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        luthier.executor.Nothing  # noqa: B018
    program = "import sys, luthier.executor; print([name for name in sys.modules if 'executor.' in name])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "processes" not in loaded
    assert "cloudpickle" not in loaded


def test_a_study_runs_with_an_executor_of_another_package() -> None:
    made: list[int] = []

    def cluster(objective: ObjectiveFunction, workers: int) -> Executor:
        made.append(workers)
        return Threads(objective, workers)

    register_executor("cluster", cluster)
    study = lt.Study("s", {"x": lt.Float(0.0, 1.0)}, minimize="x", method=lt.Random())
    study.run(lambda trial: trial["x"], trials=3, workers=2, executor="cluster")
    assert made == [2]
    assert len(study.trials) == 3
    with pytest.raises(InvalidSetting, match="'clustr' is not known; did you mean 'cluster'"):
        study.run(lambda trial: trial["x"], trials=4, executor="clustr")
