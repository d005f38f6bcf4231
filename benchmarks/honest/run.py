"""Runs of tools on tasks: one line of JSON each, and what is there is not run again."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.honest.parameters import Config
from benchmarks.honest.task import Task
from benchmarks.honest.tools import make

RESULTS = Path(__file__).parent / "results"
TRIALS = 128
CHECKPOINTS = (10, 25, 50, 128)  # in batches: after the last whole batch


def run(tool: str, task: Task, seed: int, trials: int = TRIALS) -> dict[str, Any]:
    """Run a tool on a task.

    Returns:
        A trace: ``best_so_far``, pairs of trial and loss where the lowest loss so far fell; ``true``, by checkpoint,
        the true loss of the incumbent and of what the tool recommends by its model; ``seconds`` of the tool, the
        processor's, with recommendations apart.
    """
    opened = make(tool, task.parameters, seed, trials)
    incumbent: tuple[float, Config] = math.inf, {}
    best_so_far, true, done, thinking, recommending = [], {}, 0, 0.0, 0.0
    checkpoints = [one for one in CHECKPOINTS if one <= trials]
    while done < trials:
        start = time.process_time()
        configs = opened.ask(task.batch)
        thinking += time.process_time() - start
        losses = [task.told(config, seed, done + place) for place, config in enumerate(configs)]
        for config, loss in zip(configs, losses, strict=True):
            done += 1
            if loss < incumbent[0]:
                incumbent = loss, config
                best_so_far.append([done, float(f"{loss:.6g}")])
        start = time.process_time()
        opened.tell(losses)
        thinking += time.process_time() - start
        while checkpoints and done + task.batch > checkpoints[0]:
            start = time.process_time()
            found = {"incumbent": incumbent[1], **opened.recommend()}
            recommending += time.process_time() - start
            true[str(checkpoints.pop(0))] = {how: float(f"{task.true(one):.8g}") for how, one in found.items()}
    return {
        "task": task.name,
        "seed": seed,
        "true": true,
        "best_so_far": best_so_far,
        "seconds": [round(thinking, 2), round(recommending, 2)],
    }


def path_of(tool: str, label: str | None, folder: Path = RESULTS) -> Path:
    """Give the file of a tool's traces."""
    return folder / f"{label or tool}.jsonl"


def traces(path: Path) -> Iterator[dict[str, Any]]:
    """Read the traces of a file, if there is one; a torn last line is passed over."""
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def run_missing(
    tool: str, tasks: Iterable[Task], seeds: Iterable[int], path: Path, until: float = math.inf, trials: int = TRIALS
) -> None:
    """Run what a file lacks, seed by seed, and add it; nothing is begun after `until` (`time.time()`).

    A run that is there with fewer trials is not made longer. A tool that breaks on a task is recorded with why, and
    counted as such.
    """
    done = {(trace["task"], trace["seed"]) for trace in traces(path)}
    listed = list(tasks)
    for seed in seeds:
        for task in listed:
            if (task.name, seed) in done:
                continue
            if time.time() > until:
                return
            start = time.time()
            try:
                trace = run(tool, task, seed, trials)
            except ImportError:
                raise
            except Exception as error:  # noqa: BLE001 (a tool that breaks is a result, too)
                trace = {"task": task.name, "seed": seed, "error": f"{type(error).__name__}: {error}"[:300]}
            with path.open("a") as file:
                file.write(json.dumps(trace) + "\n")
            told = trace.get("error") or list(trace["true"].values())[-1:]
            print(tool, task.name, seed, told, trace.get("seconds"), f"{time.time() - start:.0f} s", flush=True)
