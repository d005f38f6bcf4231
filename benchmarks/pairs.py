"""Every surrogate with every acquisition function against random search, on functions of COCO.

A pair that Luthier refuses is listed with the reason. Results go to OUT/pairs.json, and pairs that are there are not
run again; a pair whose runs take longer than `--limit` seconds of the processor is stopped and listed as such.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from coco import Case, interval, run  # it sets one thread before numpy is loaded
from parts import acquisitions, surrogates
from rivals import Uniform

FUNCTIONS = (1, 8, 15, 20)
DRAWS = 20  # runs of random search on each problem


def cases(evaluations: int, instances: Sequence[int]) -> list[Case]:
    """List the problems."""
    return [Case("bbob", function, instance, evaluations) for function in FUNCTIONS for instance in instances]


def random_logs(problems: Sequence[Case]) -> np.ndarray:
    """Give the mean logarithm of the gap that random search reaches on each problem."""

    def one(case: Case, seed: int) -> float:
        made = run(case, lambda parameters, _, budget: Uniform(parameters, seed))
        return float(np.log10(made["gaps"][-1]))

    return np.array([np.mean([one(case, 1000 * case.instance + draw) for draw in range(DRAWS)]) for case in problems])


def measure(surrogate: Any, acquisition: Any, problems: Sequence[Case], limit_s: float) -> dict[str, Any]:
    """Run a pair on the problems: the gaps it reaches, and seconds a trial."""
    from adapter import Luthier

    import luthier as lt
    from luthier.errors import InvalidSetting

    try:
        method = lt.Bayes(surrogate=surrogate, acquisition=acquisition)
    except InvalidSetting as error:
        return {"refused": str(error)}
    gaps, spent, start = [], [], time.process_time()
    for case in problems:
        if time.process_time() - start > limit_s:
            return {"slow": f"{len(gaps)} of {len(problems)} problems in {limit_s:g} s"} | (
                {"part": gaps, "seconds": float(np.mean(spent))}
            )
        made = run(case, lambda parameters, seed, budget: Luthier(parameters, seed, method))
        gaps.append(made["gaps"][-1])
        spent.append(made["seconds"])
    return {"gaps": gaps, "seconds": float(np.mean(spent))}


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--evaluations", type=int, default=40)
    parser.add_argument("--instances", default="1,2")
    parser.add_argument("--limit", type=float, default=60.0)
    parser.add_argument("--surrogates", help="separated by commas; all by default")
    parser.add_argument("--acquisitions", help="separated by commas; all by default")
    parser.add_argument("--fresh", action="store_true", help="run all of them again")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "pairs.json")
    options = parser.parse_args()
    problems = cases(options.evaluations, [int(number) for number in options.instances.split(",")])
    done = json.loads(options.out.read_text()) if options.out.exists() and not options.fresh else {}
    baseline = done.setdefault("random", {"logs": random_logs(problems).tolist()})["logs"]
    wanted = [options.surrogates, options.acquisitions]
    first, second = (
        {name: part for name, part in parts.items() if not chosen or name in chosen.split(",")}
        for parts, chosen in zip((surrogates(), acquisitions()), wanted, strict=True)
    )
    for one, surrogate in first.items():
        for other, acquisition in second.items():
            key = f"{one} {other}"
            if key in done:
                continue
            try:
                done[key] = measure(surrogate, acquisition, problems, options.limit)
            except Exception as error:  # noqa: BLE001 (a pair that breaks is a result, too)
                done[key] = {"broken": f"{type(error).__name__}: {error}"[:300]}
            options.out.write_text(json.dumps(done, indent=1) + "\n")
    show(done, np.array(baseline), problems)


def show(done: dict[str, Any], baseline: np.ndarray, problems: Sequence[Case]) -> None:
    """Print the table."""
    budget = problems[0].budget
    functions = ", ".join(f"f{number}" for number in FUNCTIONS)
    print(
        f"bbob, 5 variables: {functions}; {len(problems)} problems; {budget} evaluations; random search has "
        f"{DRAWS} runs each.\n"
    )
    print("| surrogate | acquisition | gap / random's gap | seconds a trial | |\n|---|---|---|---|---|")
    others = []
    for key, found in done.items():
        if "gaps" in found:
            ratio = interval(np.log10(found["gaps"]) - baseline)
            verdict = "" if ratio.high < 1 else "better, undecided" if ratio.middle < 1 else "**not better**"
            print(f"| {' | '.join(key.split())} | {ratio} | {found['seconds']:.3f} | {verdict} |")
        elif key != "random":
            kind, why = next(iter(found.items()))
            others.append(f"- {key}: {kind}. {why}")
    print("\n" + "\n".join(others))


if __name__ == "__main__":
    main()
