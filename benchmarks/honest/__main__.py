"""Command line of the benchmark: python -m benchmarks.honest list | run | compare."""

from __future__ import annotations

import argparse
import math
import os
import time
import warnings

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from benchmarks.honest import compare, reference, run  # noqa: E402 (one thread first)
from benchmarks.honest.suite import HALVES, half  # noqa: E402
from benchmarks.honest.tools import NAMES  # noqa: E402


def main() -> None:
    """Do what the command line says."""
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.honest", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("list", "run", "compare"):
        one = commands.add_parser(name)
        one.add_argument("--half", choices=HALVES, default="choose")
        one.add_argument("--only", default="", help="tasks whose name contains this")
        one.add_argument("--functions", action="store_true", help="the functions alone, which cost nothing")
        if name == "run":
            one.add_argument("tools", nargs="+", choices=NAMES)
            one.add_argument("--seeds", type=int, default=3)
            one.add_argument("--label", help="name of the traces, of one tool; its own by default")
            one.add_argument("--minutes", type=float, default=math.inf)
            one.add_argument("--trials", type=int, default=run.TRIALS, help="fewer, for a tool that is expensive")
        if name == "compare":
            one.add_argument("--us", default="luthier")
            one.add_argument("--recommendation", choices=("anywhere", "model", "incumbent"), default="anywhere")
    options = parser.parse_args()
    tasks = [task for task in half(options.half) if options.only in task.name]
    if options.functions:
        tasks = [task for task in tasks if task.exact is not None]
    if options.command == "list":
        for task in tasks:
            print(task.name, f"{len(task.parameters)} variables", "noisy" * task.noisy, f"batches of {task.batch}")
    elif options.command == "compare":
        print(compare.table_text(tasks, options.us, how=options.recommendation))
    else:
        reference.ensure(tasks)
        until = time.time() + 60 * options.minutes
        for tool in options.tools:
            run.run_missing(tool, tasks, range(options.seeds), run.path_of(tool, options.label), until, options.trials)


if __name__ == "__main__":
    main()
