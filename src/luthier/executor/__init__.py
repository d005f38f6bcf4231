"""Executors: this process, threads, processes, clusters, and any `concurrent.futures.Executor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luthier._runtime.lazy_names import lazy_name
from luthier.executor.case_loop import CaseLoop
from luthier.executor.protocol import (
    Answer,
    Executor,
    Limits,
    Task,
    TaskAttributes,
    TaskReport,
    TaskResult,
    TaskUpdate,
)
from luthier.executor.running_trial import ObjectiveFunction, RunningTrial

if TYPE_CHECKING:
    from luthier.executor.engines.dask import dask_executor
    from luthier.executor.engines.loky import joblib_executor, loky_executor
    from luthier.executor.engines.ray import ray_executor
    from luthier.executor.engines.slurm import slurm_executor
    from luthier.executor.engines.spark import spark_executor
    from luthier.executor.factories import (
        ExecutorFactory,
        engine_factory,
        executor_factory,
        executor_names,
        register_executor,
    )
    from luthier.executor.futures import Futures
    from luthier.executor.gpu_slots import Gpus, gpu_environments
    from luthier.executor.inline import Inline
    from luthier.executor.processes.executor import Processes
    from luthier.executor.simulated import Simulated, SimulatedClock
    from luthier.executor.threads import Threads

__all__ = [
    "Answer",
    "CaseLoop",
    "Executor",
    "ExecutorFactory",
    "Futures",
    "Gpus",
    "Inline",
    "Limits",
    "ObjectiveFunction",
    "Processes",
    "RunningTrial",
    "Simulated",
    "SimulatedClock",
    "Task",
    "TaskAttributes",
    "TaskReport",
    "TaskResult",
    "TaskUpdate",
    "Threads",
    "dask_executor",
    "engine_factory",
    "executor_factory",
    "executor_names",
    "gpu_environments",
    "joblib_executor",
    "loky_executor",
    "ray_executor",
    "register_executor",
    "slurm_executor",
    "spark_executor",
]

_LAZY = {
    "ExecutorFactory": "factories",
    "Futures": "futures",
    "Gpus": "gpu_slots",
    "Inline": "inline",
    "Processes": "processes.executor",
    "Simulated": "simulated",
    "SimulatedClock": "simulated",
    "Threads": "threads",
    "dask_executor": "engines.dask",
    "engine_factory": "factories",
    "executor_factory": "factories",
    "executor_names": "factories",
    "gpu_environments": "gpu_slots",
    "joblib_executor": "engines.loky",
    "loky_executor": "engines.loky",
    "ray_executor": "engines.ray",
    "register_executor": "factories",
    "slurm_executor": "engines.slurm",
    "spark_executor": "engines.spark",
}


def __getattr__(name: str) -> Any:
    """Import an executor when it is first used: most programs use one, and a worker process uses none."""
    return lazy_name(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return sorted(__all__)
