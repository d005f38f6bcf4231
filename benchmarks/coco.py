"""COCO: Luthier and its peers on bbob (5 variables) and bbob-mixint (10 variables, 8 of them whole numbers).

    python benchmarks/coco.py run --methods luthier-auto      what is missing in its traces
    python benchmarks/coco.py run --minutes 30                the peers, in an order that may stop anywhere
    python benchmarks/coco.py compare --us luthier-auto       the tables

A trace is the gap to the optimum after each evaluation, best so far. Traces go to OUT/NAME.json, one key a problem
("suite/function/instance/budget"); what is there is not run again, and `--fresh` throws a method's traces away first.
The seed of a run is the number of the instance.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 (one thread first)

OUT = Path(__file__).parent / "results" / "coco"
SUITES = {"bbob": 5, "bbob-mixint": 10}
GROUPS = {
    "separable": range(1, 6),
    "moderate": range(6, 10),
    "ill-conditioned": range(10, 15),
    "multi-modal": range(15, 20),
    "weak structure": range(20, 25),
}
# One function of each group at a time, so that a run that was stopped has seen all groups.
ORDER = [1, 6, 10, 15, 20, 2, 7, 11, 16, 21, 3, 8, 12, 17, 22, 4, 9, 13, 18, 23, 5, 14, 19, 24]
LEAST = 1e-8  # COCO's last target: a smaller gap counts as this one


class Case(NamedTuple):
    """One problem and how many evaluations there are."""

    suite: str
    function: int
    instance: int
    budget: int

    @property
    def key(self) -> str:
        """Name it."""
        return "/".join(map(str, self))

    @property
    def group(self) -> str:
        """Name the group of functions."""
        return next(name for name, members in GROUPS.items() if self.function in members)


class Objective:
    """A function of COCO's as parameters, a loss and the loss of its optimum."""

    def __init__(self, case: Case) -> None:
        import cocoex

        self.suite = cocoex.Suite(case.suite, f"instances: {case.instance}", f"dimensions: {SUITES[case.suite]}")
        self.problem = self.suite.get_problem_by_function_dimension_instance(
            case.function, SUITES[case.suite], case.instance
        )
        whole = self.problem.number_of_integer_variables
        bounds = zip(self.problem.lower_bounds, self.problem.upper_bounds, strict=True)
        self.parameters = [
            {"name": f"x{i}", "type": "int", "lo": round(low), "hi": round(high)}
            if i < whole
            else {"name": f"x{i}", "type": "float", "lo": float(low), "hi": float(high)}
            for i, (low, high) in enumerate(bounds)
        ]
        self.best = self._best()

    def _best(self) -> float:
        """Evaluate the optimum, which COCO tells only into a file of the working folder."""
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            self.problem._best_parameter("print")
            return float(self.problem(np.loadtxt("._bbob_problem_best_parameter.txt")))

    def gap(self, config: dict[str, Any]) -> float:
        """Give how far a configuration is from the optimum."""
        return float(self.problem(np.array([float(config[p["name"]]) for p in self.parameters]))) - self.best

    def close(self) -> None:
        """Give the problem back."""
        self.problem.free()


def methods() -> dict[str, Callable[[Any, int, int], Any]]:
    """Name what can be measured; each is made with (parameters, seed, budget)."""
    from rivals import rivals

    def luthier(name: str) -> Callable[[Any, int, int], Any]:
        def make(parameters: Any, seed: int, budget: int) -> Any:
            from adapter import Luthier

            from luthier.method.spec import from_plain

            return Luthier(parameters, seed, from_plain(OURS[name]))

        return make

    return rivals() | {name: luthier(name) for name in OURS}


OURS: dict[str, Any] = {
    "luthier-auto": "Auto",
    "luthier-gp": "Bayes",
    "luthier-parzen": {"use": "Bayes", "surrogate": "Parzen", "acquisition": "EI"},
    "luthier-forest": {"use": "Bayes", "surrogate": "Forest"},
}
PEERS = ("random", "cmaes", "optuna-cmaes", "smac-rf", "optuna-gp")


def run(case: Case, make: Callable[[Any, int, int], Any]) -> dict[str, Any]:
    """Run one method on one problem: its trace, and the processor's seconds a trial."""
    objective = Objective(case)
    start = time.process_time()
    method = make(objective.parameters, case.instance, case.budget)
    trace: list[float] = []
    for _ in range(case.budget):
        config = method.ask()
        gap = objective.gap(config)
        method.tell(config, gap + objective.best)
        trace.append(min(gap, trace[-1]) if trace else gap)
    spent = (time.process_time() - start) / case.budget
    objective.close()
    return {"gaps": [float(f"{max(gap, LEAST):.4g}") for gap in trace], "seconds": round(spent, 4)}


def cases(suites: Sequence[str], budgets: Sequence[int], instances: Sequence[int]) -> Iterator[Case]:
    """List the problems in the order of the queue."""
    for budget in budgets:
        for instance in instances:
            for function in ORDER:
                for suite in suites:
                    yield Case(suite, function, instance, budget)


def load(out: Path, name: str) -> dict[str, Any]:
    """Read a method's traces."""
    path = out / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def save(out: Path, name: str, traces: dict[str, Any]) -> None:
    """Write a method's traces, a line each, all or nothing."""
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(trace)}" for key, trace in sorted(traces.items()))
    part = out / f"{name}.part"
    part.write_text(f"{{\n{lines}\n}}\n")
    part.replace(out / f"{name}.json")


def measure(out: Path, names: Sequence[str], queue: Sequence[Case], minutes: float) -> None:
    """Run what is missing, all methods on a problem before the next problem, until the time is up."""
    out.mkdir(parents=True, exist_ok=True)
    table, end = methods(), time.monotonic() + 60 * minutes
    for case in queue:
        for name in names:
            if time.monotonic() > end:
                return
            if case.key not in load(out, name):
                result = run(case, table[name])
                save(out, name, load(out, name) | {case.key: result})
                print(f"{case.key:24s} {name:16s} {result['gaps'][-1]:10.3g} {result['seconds']:8.3f} s", flush=True)


class Interval(NamedTuple):
    """A geometric mean with its interval of 95 %."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.middle:.3g} [{self.low:.3g}, {self.high:.3g}]"


def interval(logs: np.ndarray) -> Interval:
    """Give the geometric mean of ratios from their decimal logarithms, with a bootstrap over the problems."""
    draws = np.random.default_rng(0).integers(len(logs), size=(4000, len(logs)))
    low, high = np.quantile(logs[draws].mean(axis=1), [0.025, 0.975])
    return Interval(*(10.0 ** float(value) for value in (logs.mean(), low, high)))


def reached(traces: dict[str, Any], suite: str, after: int) -> dict[tuple[int, int], float]:
    """Give the gaps after so many evaluations of runs with that budget."""
    found = {}
    for key, trace in traces.items():
        name, function, instance, budget = key.split("/")
        if name == suite and int(budget) == after:
            found[int(function), int(instance)] = trace["gaps"][after - 1]
    return found


def table(out: Path, names: Sequence[str], us: str, suite: str, after: int) -> list[str]:
    """Write the comparison on one suite after so many evaluations, on the problems that all methods have."""
    gaps = {name: reached(load(out, name), suite, after) for name in names}
    gaps = {name: found for name, found in gaps.items() if found}
    if us not in gaps or len(gaps) < 2:
        return []
    common = sorted(set.intersection(*(set(found) for found in gaps.values())))
    if not common:
        return []
    logs = {name: np.log10([found[problem] for problem in common]) for name, found in gaps.items()}
    ranks = _ranks(np.array([logs[name] for name in gaps]))
    lines = [
        f"### {suite}, {SUITES[suite]} variables, {after} evaluations: {len(common)} problems",
        "",
        f"| method | mean rank | gap of {us} / its gap | median | ahead, behind | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for name, rank in sorted(zip(gaps, ranks, strict=True), key=lambda pair: pair[1]):
        if name == us:
            lines.append(f"| **{us}** | {rank:.2f} | | | | |")
            continue
        difference = logs[us] - logs[name]
        ratio = interval(difference)
        ahead, behind = int((difference < 0).sum()), int((difference > 0).sum())
        verdict = "ahead" if ratio.high < 1 else "behind" if ratio.low > 1 else "undecided"
        median = 10.0 ** float(np.median(difference))
        lines.append(f"| {name} | {rank:.2f} | {ratio} | {median:.3g} | {ahead}, {behind} | {verdict} |")
    lines += ["", f"Gap of {us} / that of the peer by group of functions (geometric mean, interval of 95 %):", ""]
    others = [name for name in gaps if name != us]
    lines += ["| group | " + " | ".join(others) + " |", "|---" * (len(others) + 1) + "|"]
    others_than_separable = [
        function for name, members in GROUPS.items() if name != "separable" for function in members
    ]
    for group, members in {**GROUPS, "all but separable": others_than_separable}.items():
        chosen = np.array([function in members for function, _ in common])
        if chosen.any():
            cells = [str(interval((logs[us] - logs[name])[chosen])) for name in others]
            lines.append(f"| {group} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def functions(out: Path, names: Sequence[str], suite: str, after: int) -> list[str]:
    """Write the gap of every method on every function (geometric mean over its instances)."""
    gaps = {name: reached(load(out, name), suite, after) for name in names}
    gaps = {name: found for name, found in gaps.items() if found}
    lines = ["| f | " + " | ".join(gaps) + " |", "|---" * (len(gaps) + 1) + "|"]
    for function in range(1, 25):
        row = []
        for found in gaps.values():
            here = [math.log10(gap) for (number, _), gap in found.items() if number == function]
            row.append(f"{10 ** np.mean(here):.3g}" if here else "")
        lines.append(f"| {function} | " + " | ".join(row) + " |")
    return [f"#### {suite}, {after} evaluations: gap", "", *lines, ""]


def _ranks(logs: np.ndarray) -> np.ndarray:
    """Give the mean rank of each row over the columns, ties shared."""
    below = (logs[None, :, :] < logs[:, None, :]).sum(axis=1)
    same = (logs[None, :, :] == logs[:, None, :]).sum(axis=1)
    ranks: np.ndarray = (below + (same + 1) / 2).mean(axis=1)
    return ranks


def _seconds(out: Path, names: Sequence[str]) -> str:
    shown = [
        f"{name} {np.mean([trace['seconds'] for trace in load(out, name).values()]):.3f}"
        for name in names
        if load(out, name)
    ]
    return "Seconds of one core a trial, everything included: " + ", ".join(shown) + "."


def main() -> None:
    """Run or compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["run", "compare"])
    parser.add_argument("--methods", help="separated by commas; by default the peers (run) or all traces (compare)")
    parser.add_argument("--us", default="luthier-auto")
    parser.add_argument("--suites", default=",".join(SUITES))
    parser.add_argument("--budgets", default="100,250")
    parser.add_argument("--instances", default="1")
    parser.add_argument("--functions", help="numbers separated by commas; all by default")
    parser.add_argument("--like", help="run: only the problems that this method has traces of")
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no run after so many")
    parser.add_argument("--fresh", action="store_true", help="throw the methods' traces away first")
    parser.add_argument("--each", action="store_true", help="compare: every function, too")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    suites = options.suites.split(",")
    budgets = [int(budget) for budget in options.budgets.split(",")]
    if options.what == "run":
        names = options.methods.split(",") if options.methods else list(PEERS)
        if options.fresh:
            for name in names:
                (options.out / f"{name}.json").unlink(missing_ok=True)
        queue = list(cases(suites, budgets, [int(number) for number in options.instances.split(",")]))
        if options.functions:
            chosen = {int(number) for number in options.functions.split(",")}
            queue = [case for case in queue if case.function in chosen]
        if options.like:
            known = load(options.out, options.like)
            queue = [case for case in queue if case.key in known]
        measure(options.out, names, queue, options.minutes)
        return
    names = options.methods.split(",") if options.methods else sorted(path.stem for path in options.out.glob("*.json"))
    for budget in budgets:
        for suite in suites:
            sys.stdout.write("\n".join(table(options.out, names, options.us, suite, budget)) + "\n")
            if options.each:
                sys.stdout.write("\n".join(functions(options.out, names, suite, budget)) + "\n")
    print(_seconds(options.out, names))


if __name__ == "__main__":
    main()
