"""One study on every engine, in each of which a worker is killed: are the trials those of an inline run?

    python benchmarks/clusters.py [--trials 200] [--workers 3] [ENGINE …]

Prints one line an engine: whether all trials are the same, the seconds it took, how many attempts the deaths cost, and
whether `verify` proves each proposal. Exits 1 where an engine made other trials.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import luthier as lt

SPACE = lt.Space({"x": lt.Float(-5, 5), "n": lt.Int(1, 9), "kind": lt.Choice("a", "b")}, require=["n > 2 or x < 4"])
METHOD = lt.Bayes(lt.Parzen())
WINDOW = 6


def objective(trial: lt.RunningTrial) -> float:
    """Report, and at the first attempt of the trial that is named kill the process that it runs in."""
    trial.report(float(trial["x"]), 0)
    if trial.number == int(os.environ.get("LUTHIER_DEADLY", "-1")) and trial.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return float((trial["x"] - 1) ** 2 + trial["n"] * (trial["kind"] == "b"))


def run(trials: int, **settings: Any) -> tuple[lt.Study, float]:
    """Run the study; gives it, and how many seconds it took."""
    study = lt.Study("clusters", SPACE, minimize="loss", method=METHOD, seed=5)
    start = time.perf_counter()
    study.run(objective, trials=trials, deterministic=WINDOW, **settings)
    return study, time.perf_counter() - start


def outline(study: lt.Study) -> list[tuple[Any, ...]]:
    """Give what has to be the same."""
    return [(result.number, result.params, result.reason, result.values) for result in study.trials]


@contextmanager
def processes() -> Any:
    yield "processes"


@contextmanager
def loky() -> Any:
    yield "loky"


@contextmanager
def joblib() -> Any:
    yield "joblib"


@contextmanager
def dask() -> Any:
    from distributed import Client, LocalCluster

    cluster = LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster) as client:
        yield client


@contextmanager
def ray() -> Any:
    import ray

    ray.init(num_cpus=3, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    yield "ray"
    ray.shutdown()


@contextmanager
def slurm() -> Any:
    import submitit

    with tempfile.TemporaryDirectory() as folder:
        yield submitit.LocalExecutor(folder)


@contextmanager
def spark() -> Any:
    if (target := Path(sys.prefix) / "pyspark" / "site-packages").is_dir():
        sys.path.append(str(target))
    import pyspark

    settings = pyspark.SparkConf().setMaster("local[3]").set("spark.ui.enabled", "false")
    context = pyspark.SparkContext(conf=settings)
    context.setLogLevel("OFF")
    yield context
    context.stop()


ENGINES: dict[str, Callable[[], Any]] = {
    engine.__name__: engine for engine in (processes, loky, joblib, dask, ray, slurm, spark)
}


def main() -> int:
    """Compare every engine with an inline run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engines", nargs="*", default=[*ENGINES], metavar="ENGINE")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--workers", type=int, default=3)
    given = parser.parse_args()
    inline, seconds = run(given.trials, executor="inline")
    print(f"{'inline':<10} {len(inline)} trials in {seconds:.1f} s", flush=True)
    expected, wrong = outline(inline), 0
    for name in given.engines:
        # What kills a supervised process of this machine is the objective's own failure.
        os.environ["LUTHIER_DEADLY"] = str(-1 if name == "processes" else given.trials // 3)
        with ExitStack() as stack:
            executor = stack.enter_context(ENGINES[name]())
            study, seconds = run(given.trials, executor=executor, workers=given.workers)
        same = outline(study) == expected
        lost = sum(result.attempts - 1 for result in study.trials)
        wrong += not same
        print(
            f"{name:<10} {'the same trials' if same else 'OTHER TRIALS'} in {seconds:.1f} s, {lost} attempts lost, "
            f"{study.verify()}",
            flush=True,
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
