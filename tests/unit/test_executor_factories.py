"""Executors by name, and executors imported at first use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

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
    engine_factory,
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
    assert executor_names()[:3] == ("inline", "threads", "processes")
    assert executor_names()[3:] == ("dask", "ray", "slurm", "spark", "loky", "joblib")
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
    with pytest.raises(InvalidSetting, match="another executor has this name"):
        register_executor("dask", cluster)


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
        member = getattr(luthier.executor, name)  # or a type alias: a function's type, or a union
        assert getattr(member, "__name__", "UnionType") in (name, "Callable", "UnionType")
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


class _Client:
    """Stands for a Dask client of a derived class: the class is known by its name, without an import of Dask."""


_Client.__module__, _Client.__name__ = "distributed.client", "Client"


class _MyClient(_Client):
    """A class of the user's own."""


@pytest.mark.parametrize(
    ("choice", "module", "settings"),
    [
        ("dask", "dask", {}),
        ("tcp://10.0.0.1:8786", "dask", {"client": "tcp://10.0.0.1:8786"}),
        ("dask://10.0.0.1:8786", "dask", {"client": "tcp://10.0.0.1:8786"}),
        ("tls://head:8786", "dask", {"client": "tls://head:8786"}),
        ("ray", "ray", {}),
        ("ray://head:10001", "ray", {"address": "ray://head:10001"}),
        ("spark://head:7077", "spark", {"master": "spark://head:7077"}),
        ("slurm", "slurm", {}),
        ("joblib", "loky", {}),
    ],
)
def test_engines_by_name_and_url(choice: str, module: str, settings: dict[str, str]) -> None:
    made = engine_factory(choice)
    assert made is not None
    assert getattr(made, "func", made).__module__ == f"luthier.executor.engines.{module}"
    assert getattr(made, "keywords", {}) == settings


def test_engines_by_an_object_of_their_library() -> None:
    client = _MyClient()
    made = engine_factory(client)
    assert made is not None and made.keywords == {"client": client}  # type: ignore[attr-defined]
    for other in ("threads", "nonsense", None, Threads, object()):
        assert engine_factory(other) is None


def test_a_url_of_another_scheme_is_refused_with_those_that_there_are() -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y")
    with pytest.raises(InvalidSetting, match=r"'http://x'.*tcp://.*ray://"):
        study.run(lambda trial: 1.0, trials=1, executor="http://x")


def test_an_engine_whose_library_is_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y")
    for name, library in (("dask", "distributed"), ("ray", "ray"), ("slurm", "submitit"), ("spark", "pyspark")):
        monkeypatch.setitem(sys.modules, library, None)
        with pytest.raises(InvalidSetting, match=rf"pip install 'luthier\[{name}\]'"):
            study.run(lambda trial: 1.0, trials=1, executor=name)
    monkeypatch.setitem(sys.modules, "loky", None)
    with pytest.raises(InvalidSetting, match="pip install loky"):
        study.run(lambda trial: 1.0, trials=1, executor="loky")


def test_a_large_objective_is_sent_once_to_each_process() -> None:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    class Counting(ProcessPoolExecutor):
        large = 0

        def submit(self, function: Any, /, *args: Any, **settings: Any) -> Any:
            Counting.large += any(isinstance(one, bytes) and len(one) > 1_000_000 for one in args)
            return super().submit(function, *args, **settings)

    data = os.urandom(2_000_000)
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random())
    with Counting(2, get_context("spawn")) as pool:
        study.run(lambda trial: float(len(data) + trial["x"]), trials=20, executor=pool)
    assert len(study) == 20 and all(result.is_done for result in study.trials)
    assert 1 <= Counting.large <= 4  # both may lack it twice before either has it
