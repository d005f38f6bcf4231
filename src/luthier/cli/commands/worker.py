"""The command ``worker``: a further process for a study, on any machine."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luthier.errors import InvalidFile
from luthier.render import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from luthier.run import End, ProgressReporter, Study

_LOOK_S = 1.0
"""Seconds after which a worker that has nothing to do looks whether a trial was given back."""


@click.command()
@click.argument("store", required=False, metavar="[STORE|STUDY.toml]")
@click.argument("study", required=False, metavar="[STUDY]")
@click.option("--objective", metavar="MODULE:FUNCTION", help="What is run, where no study file says it.")
@click.option("--trials", type=click.IntRange(1), metavar="N", help="The number of trials the study has in the end.")
@click.option("--evaluations", type=click.IntRange(1), metavar="N", help="The cases that its trials have in the end.")
@click.option("--cost", type=click.FloatRange(0, min_open=True), metavar="C", help="What its trials may cost in all.")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="The number of trials at once; by default one.")
@click.option(
    "--executor", metavar="NAME|URL", help="Where they run: processes, threads, dask, tcp://…, ray://…, slurm."
)
@click.option("--gpus", metavar="0,1", help="GPUs of this machine that are divided among the workers.")
@click.option("--deterministic", type=click.IntRange(1), metavar="N", help="Trials that may be under way in all.")
@click.option("--pause-after", type=click.IntRange(1), default=5, show_default=True, metavar="N",
              help="Pause after so many failures of the same kind in a row.")  # fmt: skip
@click.option("--no-wait", is_flag=True, help="End when nothing is left to begin, also while others still run trials.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def worker(
    store: str | None,
    study: str | None,
    objective: str | None,
    trials: int | None,
    evaluations: int | None,
    cost: float | None,
    workers: int | None,
    executor: str | None,
    gpus: str | None,
    deterministic: int | None,
    pause_after: int,
    no_wait: bool,
    quiet: bool,
) -> None:
    """Join a study: run its trials together with all others that do, on this machine and on others.

    The study must exist, in a store that this machine reaches. What is run is in a study file, or is named by
    --objective; a store is never asked for code. All workers share one budget of trials exactly. A worker stays until
    the study is complete: it takes over the trials of those that are lost. Ctrl-C lets its trials finish; SIGTERM gives
    them back at once.

    Example: luthier worker postgresql://host/db digits --objective train:accuracy --workers 4.
    """
    from luthier.cli.progress_bar import LiveProgress
    from luthier.cli.resolve_study import opened_study
    from luthier.run import SilentReporter, tally_of

    settings = _of_file(store) if store is None or store.endswith(".toml") else {}
    given = {"trials": trials, "cost": cost, "workers": workers, "executor": executor, "gpus": gpus}
    given |= {"deterministic": deterministic, "evaluations": evaluations}
    settings |= {key: value for key, value in given.items() if value is not None}
    written = settings.pop("objective", None)
    function = _function(objective) if objective is not None else written
    if function is None:
        raise click.UsageError("say what is run: --objective module:function, or a study file in place of the store")
    with opened_study(store, study) as opened:
        horizon, cost = _planned(opened)
        settings.setdefault("trials", horizon)
        settings.setdefault("cost", cost)
        settings |= {"on_error": "pause", "give_up_after": pause_after}
        if quiet:
            end = _stay(opened, function, settings, SilentReporter(), no_wait)
        else:
            tally = tally_of(
                opened.problem, settings["trials"], settings.get("time_s"), opened.trials, settings["cost"]
            )
            with LiveProgress(opened.name, tally) as progress:
                end = _stay(opened, function, settings, progress, no_wait)
            click.echo(clean(f"{opened.name}: {opened.reader.summary()}; {_ENDS.get(str(end), str(end))}"))


_ENDS = {
    "trials": "all wanted trials are done",
    "evaluations": "all wanted evaluations are done",
    "cost": "the budget is spent",
    "not worth it": "more trials are not worth it",
    "stopped": "it was stopped",
    "exhausted": "everything was tried",
}


def _stay(
    study: Study, objective: Callable[..., Any], settings: dict[str, Any], progress: ProgressReporter, no_wait: bool
) -> End:
    """Run until nothing is left to do, the trials of workers that are lost included."""
    from luthier.run import End

    while True:
        end = study.run(objective, progress=progress, **settings)
        # Other ends than these leave trials that wait to be run again to a larger budget.
        if end not in (End.TRIALS, End.EXHAUSTED) or no_wait or not _is_left(study):
            return end


def _is_left(study: Study) -> bool:
    """Wait as long as others run trials; tell whether one was given back."""
    while True:
        history = study.history
        if history.waiting:
            return True
        if not history.running:
            return False
        study.reap()
        if not study.history.waiting:
            time.sleep(_LOOK_S)


def _planned(study: Study) -> tuple[int | None, float | None]:
    """Give how many trials the study is to have, and what they may cost, as its latest run said."""
    return study.problem.horizon, study.problem.cost_budget


def _of_file(path: str | None) -> dict[str, Any]:
    """Give what a study file says of a run; nothing where there is none."""
    from luthier.cli.objective.shell_command import Command
    from luthier.cli.studyfile.read import read_study

    place = "study.toml" if path is None else path
    if path is None and not Path(place).is_file():
        return {}
    plan = read_study(place)
    function = plan.objective
    return {
        "objective": function if isinstance(function, Command) else function.load(),
        "trials": plan.budget.trials,
        "time_s": plan.budget.time_s,
        "target": plan.budget.target,
        "plateau": plan.budget.plateau,
        "cost": plan.budget.cost,
        "evaluations": plan.budget.evaluations,
        "stop": plan.ending,
        "workers": plan.workers,
        "executor": plan.kind,
        "gpus": plan.gpus,
        "deterministic": plan.deterministic or False,
        "trial_time_s": plan.trial_time_s,
        "trial_memory_mb": plan.trial_memory_mb,
    }


def _function(name: str) -> Any:
    """Find the function of ``module:function``, looked for in the current folder first."""
    from luthier.cli.objective.python_function import Function

    module, colon, function = name.partition(":")
    if not colon or not all(part.isidentifier() for part in (*module.split("."), *function.split("."))):
        raise click.BadParameter(f'{name!r}: write "module:function", as in train:accuracy', param_hint="--objective")
    return Function(module, function, Path.cwd(), partial(_fault, name)).load()


def _fault(name: str, message: str) -> InvalidFile:
    return InvalidFile(f"--objective {name}: {message}")
