"""Several objectives and outcome constraints: hypervolume after 50, 100 and 200 evaluations, and feasible bests.

    python benchmarks/fronts.py run BENCH --methods luthier-auto,optuna-tpe --seeds 2 --out FOLDER
    python benchmarks/fronts.py compare --out FOLDER
    python benchmarks/fronts.py keep --out FOLDER --to benchmarks/results/fronts

BENCH is shared/bench. A run is stored as all its losses, FOLDER/METHOD.json, one key a run ("problem/seed"); what is
there is not run again. ``keep`` adds the runs to a smaller folder, which the other two read as well: of a run it has
the evaluations that changed the front or the best feasible loss, and nothing that any table reads is lost. The score
of a front is its hypervolume as a share of that of the best front known: losses are scaled so that the best front's
ideal point is 0 and its nadir 1, and measured from 1.1. The score with constraints is the gap of the best feasible
loss to the optimum.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 (one thread first)
from adapter import space_of  # noqa: E402
from front_problems import ConstrainedProblem, FrontProblem, analytic, biobjective, constrained, tables  # noqa: E402
from front_trainings import training_problems  # noqa: E402

import luthier as lt  # noqa: E402
from luthier.numeric import hypervolume, non_dominated  # noqa: E402

READ = (50, 100, 200)
"""Evaluations after which fronts are compared."""
CONSTRAINED = 150
_REFERENCE = 1.1
_LEAST = 1e-8
"""A smaller gap counts as this one, COCO's last target."""
Evaluate = Callable[[dict[str, Any]], tuple[list[float], list[float]]]
"""Gives losses and violations of a configuration."""
Row = tuple[list[float], list[float]]


def ours(method: Callable[[], Any]) -> Callable[..., list[Row]]:
    """Make a runner of one of Luthier's methods."""

    def run(problem: Any, objectives: int, evaluate: Evaluate, budget: int, seed: int) -> list[Row]:
        goals = [f"f{place}" for place in range(objectives)]
        study = lt.Study("bench", space_of(problem.parameters), minimize=goals, method=method(), seed=seed)
        rows = []
        for _ in range(budget):
            trial = study.ask()
            losses, violations = evaluate(dict(trial.params))
            named = {f"c{place}": value for place, value in enumerate(violations)}
            study.tell(
                trial, {**dict(zip(goals, losses, strict=True)), **({"violations": named} if violations else {})}
            )
            rows.append((losses, violations))
        return rows

    return run


def optuna(make: Callable[[Any, int, Any], Any]) -> Callable[..., list[Row]]:
    """Make a runner of one of Optuna's samplers; constraints are told as its documentation says."""

    def run(problem: Any, objectives: int, evaluate: Evaluate, budget: int, seed: int) -> list[Row]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        limits = (lambda trial: trial.user_attrs["violations"]) if isinstance(problem, ConstrainedProblem) else None
        study = optuna.create_study(directions=["minimize"] * objectives, sampler=make(optuna.samplers, seed, limits))
        rows = []
        for _ in range(budget):
            trial = study.ask()
            config = {}
            for p in problem.parameters:
                if p["type"] == "cat":
                    config[p["name"]] = trial.suggest_categorical(p["name"], p["choices"])
                else:
                    suggest = trial.suggest_int if p["type"] == "int" else trial.suggest_float
                    config[p["name"]] = suggest(p["name"], p["lo"], p["hi"])
            losses, violations = evaluate(config)
            trial.set_user_attr("violations", violations)
            study.tell(trial, losses)
            rows.append((losses, violations))
        return rows

    return run


def smac_parego(problem: Any, objectives: int, evaluate: Evaluate, budget: int, seed: int) -> list[Row]:
    """Run SMAC's facade for hyperparameters with ParEGO, as its documentation says; it knows no outcome constraints."""
    from ConfigSpace import Categorical, ConfigurationSpace, Float, Integer
    from smac import HyperparameterOptimizationFacade, Scenario
    from smac.multi_objective.parego import ParEGO

    space = ConfigurationSpace(seed=seed)
    for p in problem.parameters:
        if p["type"] == "cat":
            space.add(Categorical(p["name"], p["choices"]))
        else:
            space.add((Integer if p["type"] == "int" else Float)(p["name"], (p["lo"], p["hi"])))
    goals = [f"f{place}" for place in range(objectives)]
    rows: list[Row] = []

    def target(config: Any, seed: int = 0) -> dict[str, float]:
        given = {name: value.item() if isinstance(value, np.generic) else value for name, value in dict(config).items()}
        rows.append(evaluate(given))
        return dict(zip(goals, rows[-1][0], strict=True))

    with tempfile.TemporaryDirectory() as folder:
        settings = {"objectives": goals, "deterministic": True, "n_trials": budget, "seed": seed}
        scenario = Scenario(space, output_directory=Path(folder), **settings)
        how = {"multi_objective_algorithm": ParEGO(scenario), "overwrite": True, "logging_level": False}
        HyperparameterOptimizationFacade(scenario, target, **how).optimize()
    return rows


def methods() -> dict[str, Callable[..., list[Row]]]:
    """Name what can be measured."""
    found: dict[str, Callable[..., list[Row]]] = {
        "luthier-auto": ours(lt.Auto),
        "luthier-parzen": ours(lambda: lt.Bayes(surrogate=lt.Parzen(), acquisition=lt.EI())),
        "luthier-de": ours(lambda: lt.Evolution("de")),
        "luthier-random": ours(lt.Random),
        "optuna-gp": optuna(lambda s, seed, limits: s.GPSampler(seed=seed, constraints_func=limits)),
        "optuna-tpe": optuna(lambda s, seed, limits: s.TPESampler(seed=seed, constraints_func=limits)),
        "optuna-nsga2": optuna(lambda s, seed, limits: s.NSGAIISampler(seed=seed, constraints_func=limits)),
        "smac-parego": smac_parego,
        "optuna-nsga3": optuna(lambda s, seed, limits: s.NSGAIIISampler(seed=seed, constraints_func=limits)),
    }
    for kind in ("nsga2", "nsga3"):
        found[f"luthier-{kind}"] = ours(lambda kind=kind: lt.Evolution(kind))
    return found


def problems(bench: Path | None, families: Sequence[str]) -> list[FrontProblem | ConstrainedProblem]:
    """List the problems of some families, one of each in turn: a run that was stopped has seen all of them."""
    found: list[list[Any]] = []
    if {"zdt", "dtlz"} & set(families):
        every = analytic()
        found += [[p for p in every if p.name.startswith(f"{family}/")] for family in ("zdt", "dtlz")]
    if "tables" in families and bench is not None:
        found.append(tables(bench))
    if "biobj" in families:
        found.append(biobjective())
    if "constrained" in families:
        found.append(list(constrained()))
    found += [list(training_problems(half)) for half in ("choose", "judge") if half in families]
    longest = max(map(len, found), default=0)
    inturn = [family[place] for place in range(longest) for family in found if place < len(family)]
    return [one for one in inturn if one.name.split("/")[0] in families]


def measure(out: Path, names: Sequence[str], queue: Sequence[Any], seeds: int, budget: int, minutes: float) -> None:
    """Run what is missing, all methods on a problem before the next one, until the time is up."""
    out.mkdir(parents=True, exist_ok=True)
    table, end = methods(), time.monotonic() + 60 * minutes
    for seed in range(seeds):
        for problem in queue:
            for name in names:
                key = f"{problem.name}/{seed}"
                if time.monotonic() > end:
                    return
                if key in load(out, name):
                    continue
                start = time.process_time()
                rows = _run(table[name], problem, budget, seed)
                seconds = time.process_time() - start
                save(out, name, load(out, name) | {key: {"rows": rows, "seconds": round(seconds, 2)}})
                print(f"{key:44s} {name:16s} {seconds:8.1f} s", flush=True)


def _run(runner: Callable[..., list[Row]], problem: Any, budget: int, seed: int) -> list[Row]:
    if isinstance(problem, ConstrainedProblem):

        def evaluate(config: dict[str, Any]) -> Row:
            loss, violations = problem.evaluate(config)
            return [loss], violations

        return runner(problem, 1, evaluate, min(CONSTRAINED, budget), seed)
    return runner(problem, problem.objectives, lambda config: (problem.losses(config), []), budget, seed)


def load(out: Path, name: str) -> dict[str, Any]:
    """Read a method's runs."""
    path = out / f"{name}.json"
    runs: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return {key: run if "rows" in run else _repeated(run) for key, run in runs.items()}


def save(out: Path, name: str, runs: dict[str, Any]) -> None:
    """Write a method's runs, all or nothing."""
    part = out / f"{name}.part"
    part.write_text(json.dumps(runs))
    part.replace(out / f"{name}.json")


def keep(out: Path, to: Path, names: Sequence[str]) -> None:
    """Add the runs of a folder to another one, each as the evaluations that changed what its tables read."""
    to.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = to / f"{name}.json"
        kept = json.loads(path.read_text()) if path.exists() else {}
        kept |= {key: _changes(run) for key, run in load(out, name).items()}
        if kept:
            lines = [
                f"{json.dumps(key)}: {json.dumps(run, separators=(',', ':'))}" for key, run in sorted(kept.items())
            ]
            path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _changes(run: dict[str, Any]) -> dict[str, Any]:
    """Give the first evaluation, and those that changed the feasible front before them; numbers to 7 digits."""
    rows = [tuple([float(f"{value:.7g}") for value in part] for part in row) for row in run["rows"]]
    changed, front = [0], np.empty((0, len(rows[0][0])))
    for place, (losses, violations) in enumerate(rows):
        if max(violations, default=0.0) > 0.0 or (front <= losses).all(axis=1).any():
            continue
        front = np.vstack([front[(front < losses).any(axis=1)], losses])
        changed.append(place)
    places = sorted(set(changed))
    return {"changes": [[place, *rows[place]] for place in places], "count": len(rows), "seconds": run["seconds"]}


def _repeated(run: dict[str, Any]) -> dict[str, Any]:
    """Give a run that was kept, each row that changed nothing as a repetition of the one before it."""
    ends = [*(change[0] for change in run["changes"][1:]), run["count"]]
    spans = zip(run["changes"], ends, strict=True)
    rows = [change[1:] for change, end in spans for _ in range(end - change[0])]
    return {"rows": rows, "seconds": run["seconds"]}


# --- the tables ---------------------------------------------------------------------------------------


def scores(runs: dict[str, dict[str, Any]], problem: FrontProblem) -> dict[str, dict[int, list[float | None]]]:
    """Give the share of the best front's hypervolume by method and seed, after each of `READ` evaluations."""
    mine = {
        name: {int(key.rsplit("/", 1)[1]): np.array([row[0] for row in run["rows"]]) for key, run in of.items()
               if key.rsplit("/", 1)[0] == problem.name}
        for name, of in runs.items()
    }  # fmt: skip
    front = problem.front
    if front is None:
        every = np.concatenate([losses for of in mine.values() for losses in of.values()])
        front = every[non_dominated(every)]
    ideal, nadir = front.min(axis=0), front.max(axis=0)
    width = np.where(nadir > ideal, nadir - ideal, 1.0)
    at = np.full(problem.objectives, _REFERENCE)
    whole = hypervolume((front - ideal) / width, at)
    return {
        name: {
            seed: [
                hypervolume((losses[:count] - ideal) / width, at) / whole if len(losses) >= count else None
                for count in READ
            ]
            for seed, losses in of.items()
        }
        for name, of in mine.items()
    }


def compare_fronts(runs: dict[str, dict[str, Any]], queue: Sequence[FrontProblem], us: str) -> list[str]:
    """Write a table a family: mean shares on the runs that all methods have, and on how many of them we are ahead."""
    lines = []
    for family in dict.fromkeys(problem.name.split("/")[0] for problem in queue):
        members = [problem for problem in queue if problem.name.startswith(f"{family}/")]
        found = {problem.name: scores(runs, problem) for problem in members if _have(runs, problem)}
        for place, count in enumerate(READ):
            names = [name for name in runs if any(_at(found, name, place))]
            pairs = set.intersection(*(set(_at(found, name, place)) for name in names)) if names else set()
            if us not in names or not pairs:
                continue
            shares = {name: np.array([_at(found, name, place)[pair] for pair in sorted(pairs)]) for name in names}
            lines += [f"### {family}, {count} evaluations, {len(pairs)} runs of {len({p for p, _ in pairs})} problems"]
            lines += ["", f"| method | share of hypervolume | {us} minus it | {us} ahead |", "|---|---|---|---|"]
            for name in sorted(names, key=lambda name: -shares[name].mean()):
                gain = shares[us] - shares[name]
                error = gain.std(ddof=1) / len(gain) ** 0.5 if len(gain) > 1 else float("nan")
                told = "" if name == us else f"{gain.mean():+.3f} ± {error:.3f}"
                ahead = "" if name == us else f"{int((gain > 0).sum())} of {len(gain)}"
                lines.append(f"| {name} | {shares[name].mean():.3f} | {told} | {ahead} |")
            lines.append("")
    return lines


def each_problem(runs: dict[str, dict[str, Any]], queue: Sequence[FrontProblem], place: int) -> list[str]:
    """Write the mean share of every method on every problem."""
    names = list(runs)
    lines = [f"| after {READ[place]} | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for problem in queue:
        if not _have(runs, problem):
            continue
        found = scores(runs, problem)
        cells = []
        for name in names:
            values = [shares[place] for shares in found[name].values() if shares[place] is not None]
            cells.append(f"{np.mean([v for v in values if v is not None]):.3f}" if values else "")
        lines.append(f"| {problem.name} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def compare_constrained(runs: dict[str, dict[str, Any]], queue: Sequence[ConstrainedProblem], us: str) -> list[str]:
    """Write the geometric mean of the gap of the best feasible loss, and on how many runs we are ahead."""
    gaps = {name: _gaps(of, queue) for name, of in runs.items()}
    gaps = {name: found for name, found in gaps.items() if found}
    common = sorted(set.intersection(*map(set, gaps.values()))) if us in gaps else []
    if not common:
        return []
    counts = sorted({len(run["rows"]) for of in runs.values() for key, run in of.items() if key in common})
    after = " and ".join(map(str, counts))
    lines = [f"### bbob-constrained, 5 variables, {after} evaluations, {len(common)} runs", ""]
    lines += [f"| method | feasible in the end | gap, geometric mean | {us} ahead |", "|---|---|---|---|"]
    for name, found in gaps.items():
        values = np.array([found[key] for key in common])
        mine = np.array([gaps[us][key] for key in common])
        feasible = np.isfinite(values)
        mean = np.exp(np.log(values[feasible]).mean()) if feasible.any() else float("nan")
        ahead = "" if name == us else f"{int((mine < values).sum())} of {len(common)}"
        lines.append(f"| {name} | {int(feasible.sum())} of {len(common)} | {mean:.3g} | {ahead} |")
    lines += ["", "| gap | " + " | ".join(gaps) + " |", "|---" * (len(gaps) + 1) + "|"]
    for key in common:
        lines.append(f"| {key} | " + " | ".join(f"{found[key]:.3g}" for found in gaps.values()) + " |")
    return [*lines, ""]


def _gaps(of: dict[str, Any], queue: Sequence[ConstrainedProblem]) -> dict[str, float]:
    best = {problem.name: problem.best for problem in queue}
    found = {}
    for key, run in of.items():
        name = key.rsplit("/", 1)[0]
        if name in best:
            kept = [row[0][0] for row in run["rows"] if max(row[1], default=0.0) <= 0.0]
            found[key] = max(min(kept) - best[name], _LEAST) if kept else float("inf")
    return found


def _have(runs: dict[str, dict[str, Any]], problem: FrontProblem) -> bool:
    return any(key.rsplit("/", 1)[0] == problem.name for of in runs.values() for key in of)


def _at(found: dict[str, Any], name: str, place: int) -> dict[tuple[str, int], float]:
    return {
        (problem, seed): shares[place]
        for problem, of in found.items()
        for seed, shares in of.get(name, {}).items()
        if shares[place] is not None
    }


def main() -> None:
    """Run or compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["run", "compare", "keep"])
    parser.add_argument("bench", type=Path, nargs="?", help="the folder shared/bench; without it there are no tables")
    parser.add_argument("--methods", help="separated by commas; all by default (compare: all that were run)")
    parser.add_argument("--us", default="luthier-auto")
    parser.add_argument("--families", default="zdt,dtlz,tables,biobj,constrained")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--budget", type=int, default=max(READ))
    parser.add_argument("--only", help="only problems whose names contain this")
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no run after so many")
    parser.add_argument("--each", action="store_true", help="compare: every problem, too")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--to", type=Path, help="keep: the folder of the smaller files")
    options = parser.parse_args()
    if options.what == "keep":
        keep(options.out, options.to, options.methods.split(",") if options.methods else list(methods()))
        return
    families = options.families.split(",")
    queue = [one for one in problems(options.bench, families) if not options.only or options.only in one.name]
    if options.what == "run":
        names = options.methods.split(",") if options.methods else list(methods())
        measure(options.out, names, queue, options.seeds, options.budget, options.minutes)
        return
    names = options.methods.split(",") if options.methods else [n for n in methods() if load(options.out, n)]
    runs = {name: load(options.out, name) for name in names}
    fronts = [problem for problem in queue if isinstance(problem, FrontProblem)]
    lines = compare_fronts(runs, fronts, options.us)
    for place in range(len(READ)) if options.each else ():
        lines += each_problem(runs, fronts, place)
    lines += compare_constrained(runs, [one for one in queue if isinstance(one, ConstrainedProblem)], options.us)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
