"""The command ``run``: run the study of a study file, or go on with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.commands.export import check_target
from luthier.cli.commands.show import goals
from luthier.errors import Interrupted, InvalidSetting, NoResult
from luthier.render import clean, dictionary, number, seconds

if TYPE_CHECKING:
    from luthier.cli.studyfile.read import StudyFile
    from luthier.problem import Objective
    from luthier.run import End, ProgressReporter, Study
    from luthier.study import TrialResult

_SHOWN = 5
_ENDS = {
    "trials": "all wanted trials are done",
    "evaluations": "all wanted evaluations are done",
    "cost": "the budget is spent",
    "not worth it": "more trials are not worth it",
    "time": "the time is up",
    "target": "the target is reached",
    "plateau": "too many trials without improvement",
    "exhausted": "everything was tried",
    "stopped": "it was stopped",
}


class _Duration(click.ParamType):  # type: ignore[type-arg]  # it is generic from click 8.4 on only
    """A duration such as 90 or 10m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from luthier.cli.studyfile.units import duration_s

        try:
            return duration_s(value)
        except InvalidSetting as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.argument("file", default="study.toml", metavar="[STUDY.toml]")
@click.option("--trials", type=click.IntRange(1), metavar="N", help="The number of trials the study has in the end.")
@click.option("--evaluations", type=click.IntRange(1), metavar="N", help="The cases that its trials have in the end.")
@click.option("--time", "time_s", type=_Duration(), metavar="T", help='Its time in all: 90, "10m".')
@click.option("--cost", type=click.FloatRange(0, min_open=True), metavar="C", help="What its trials may cost in all.")
@click.option("--stop", type=click.Choice(["not worth it"]), help="End when more trials are not worth it.")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="The number of trials at once.")
@click.option("--store", metavar="PATH", help="Keep the study there.")
@click.option("--report", metavar="FILE", help="Write a report there in the end: .html or .md.")
@click.option("--change-space", is_flag=True, help="Go on with a stored study though its variables were changed.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def run(
    file: str,
    trials: int | None,
    evaluations: int | None,
    time_s: float | None,
    cost: float | None,
    stop: str | None,
    workers: int | None,
    store: str | None,
    report: str | None,
    change_space: bool,
    quiet: bool,
) -> None:
    """Run the study of a study file, or go on with it.

    All trials are kept in the store; a run that was stopped, in whatever way, goes on by the same command, and one that
    is finished prints its result again. Ctrl-C once lets the running trials finish; twice ends them, and they will be
    run again. Options take precedence over the file.
    """
    from luthier.analysis import parse_end_rule
    from luthier.cli.opened_plan import opened_plan
    from luthier.cli.studyfile.read import read_study

    if store == "":
        raise InvalidSetting("--store '': give a path, such as study.db")
    plan = read_study(file)
    budget = plan.budget
    plan = replace(
        plan,
        budget=replace(
            budget,
            trials=trials or budget.trials,
            evaluations=evaluations or budget.evaluations,
            time_s=time_s or budget.time_s,
            cost=cost or budget.cost,
        ),
        ending=parse_end_rule(stop) or plan.ending,
        workers=workers or plan.workers,
        store=store or plan.store,
        report=report or plan.report,
    )
    _check(plan)
    if not quiet:
        _warn(plan)
    with opened_plan(plan, change_space) as study:
        if plan.report:
            check_target(study.reader, plan.report, file, "--report")
        if plan.notes or plan.tags:
            study.annotate(plan.notes or None, [*study.tags, *plan.tags])
        end = _run(plan, study, quiet)
        if not quiet:
            click.echo(clean(summary(plan, study, end)), nl=False)
        if plan.report:
            _report(plan, study, file, quiet)
        if study.history.best is None and not any(trial.is_done for trial in study.trials):
            raise NoResult(_why_none(plan, study))


def _why_none(plan: StudyFile, study: Study) -> str:
    """Say that no trial has a value, and what is to be done."""
    paused = len(study.history.paused)
    if paused:
        return (
            f"none of the {len(study)} trials has had a full evaluation yet, and {paused} paused below it: run more "
            "trials, by --trials"
        )
    return f"none of the {len(study)} trials has a value; see why with: luthier show {_shown(plan)} --json"


def _check(plan: StudyFile) -> None:
    """Refuse a run without an end, and folders that are missing."""
    budget = plan.budget
    if budget.is_unlimited and plan.ending is None and plan.space.size is None and type(plan.method).__name__ != "Grid":
        raise plan.source.error(
            ("budget",),
            'say when the study is finished: trials = 100, time = "10m", cost, target or plateau in [budget]',
        )
    if budget.evaluations is not None and plan.instances is None:
        raise plan.source.error(
            ("budget", "evaluations"),
            "evaluations are those of cases, and the study has no instances: use trials, or say "
            'instances = ["a", "b", "c"] in [study]',
        )
    if plan.report:
        _check_report(plan)
    if "://" not in plan.store and not Path(plan.store).expanduser().absolute().parent.is_dir():
        raise plan.source.error(("store", "path"), f"there is no folder {str(Path(plan.store).parent)!r} for the store")


def _check_report(plan: StudyFile) -> None:
    """Refuse a report that could not be written in the end."""
    from luthier.report import report_format

    try:
        report_format(plan.report)
    except InvalidSetting as error:
        raise click.BadParameter(str(error), param_hint="--report") from None
    if not Path(plan.report).absolute().parent.is_dir():
        folder = str(Path(plan.report).parent)
        raise plan.source.error(("study", "report"), f"there is no folder {folder!r} for the report: create it first")


def _report(plan: StudyFile, study: Study, file: str, quiet: bool) -> None:
    """Write the report, and say where it is."""
    from luthier.report import write_report

    written = write_report(study, plan.report, command=f"luthier run {file}")
    if not quiet:
        click.echo(clean(f"report in {written}"))


def _warn(plan: StudyFile) -> None:
    """Say which variables the command never gets."""
    from luthier.cli.objective.shell_command import Command
    from luthier.cli.studyfile.unused_variables import unused_variables

    if not isinstance(plan.objective, Command):
        return
    unused = unused_variables(plan.objective, plan.space)
    for name in unused[:_MOST_WARNINGS]:
        environment = " or ".join(plan.objective.names.get(name, ())) or "LUTHIER_PARAMS"
        click.echo(
            clean(
                f"luthier: the command has no place for {name!r}: unless the program reads {environment}, this "
                f"variable has no effect; write {{{name}}} where its value belongs, or take it out of [space]"
            ),
            err=True,
        )
    if len(unused) > _MOST_WARNINGS:
        click.echo(f"luthier: … nor for {len(unused) - _MOST_WARNINGS} more variables", err=True)


_MOST_WARNINGS = 5


def _run(plan: StudyFile, study: Study, quiet: bool) -> End:
    """Run until the budget is spent."""
    from luthier.cli.objective.shell_command import Command
    from luthier.cli.opened_plan import check_instances
    from luthier.cli.progress_bar import LiveProgress
    from luthier.run import SilentReporter, tally_of

    if plan.baseline:
        study.enqueue(plan.space.defaults() or {}, ticket="baseline")
    end = _spent(plan, study)
    if end is not None:
        return end  # without importing the objective, which may take long
    if plan.budget.trials is None or study.history.asked < plan.budget.trials:
        check_instances(plan)
    objective = plan.objective if isinstance(plan.objective, Command) else plan.objective.load()
    if quiet:
        return _loop(plan, study, objective, SilentReporter())
    budget = plan.budget
    with LiveProgress(
        plan.name, tally_of(study.problem, budget.trials, budget.time_s, study.trials, budget.cost)
    ) as progress:
        return _loop(plan, study, objective, progress)


def _spent(plan: StudyFile, study: Study) -> End | None:
    """Give the reason why nothing is left to do, where the log shows one."""
    from luthier.run import End

    history, budget = study.history, plan.budget
    if history.waiting or history.running or history.paused:
        return None
    if budget.trials is not None and history.asked >= budget.trials:
        return End.TRIALS
    return budget.spent(history, study.elapsed_s())


def _loop(plan: StudyFile, study: Study, objective: Callable[..., Any], watcher: ProgressReporter) -> End:
    budget = plan.budget
    try:
        return study.run(
            objective,
            trials=budget.trials,
            time_s=budget.time_s,
            target=budget.target,
            plateau=budget.plateau,
            cost=budget.cost,
            evaluations=budget.evaluations,
            stop=plan.ending,
            workers=plan.workers,
            executor=plan.kind,
            gpus=plan.gpus,
            deterministic=plan.deterministic or False,
            trial_time_s=plan.trial_time_s,
            trial_memory_mb=plan.trial_memory_mb,
            progress=watcher,
        )
    except Interrupted:
        wanted = f" of {budget.trials}" if budget.trials is not None else ""
        raise Interrupted(
            f"{plan.name}: stopped after {study.history.finished}{wanted} trials; the same command goes on"
        ) from None


# --- the result -----------------------------------------------------------------------------------


def _shown(plan: StudyFile) -> str:
    """Give the store of a study file as it may be shown."""
    from luthier.store import shown_place

    return shown_place(plan.store)


def summary(plan: StudyFile, study: Study, end: End) -> str:
    """Describe a finished study in a few lines: its best values, and those of the defaults."""
    trials = study.trials
    how = ", ".join(f"{count} {kind}" for kind, count in study.reader.counts.items())
    plural = "" if len(trials) == 1 else "s"
    cost = f" for {number(study.spent)} {study.problem.cost}" if study.problem.cost else ""
    lines = [f"{study.name}: {len(trials)} trial{plural} ({how}) in {seconds(study.elapsed_s())}{cost}; {_ENDS[end]}"]
    if str(end) == "not worth it" and study.history.ended is not None:
        from luthier.analysis import describe_end

        lines.append(f"  {describe_end(study.history.ended)}")
    if len(study.problem.objectives) > 1:
        lines += [f"  {goals(trial, study.problem)}, trial {trial.number}" for trial in study.front[:_SHOWN]]
        lines += _front(plan, len(study.front))
    elif study.history.best is not None:
        lines += _best(plan, study, trials)
    return "\n".join([*lines, f"kept in {_shown(plan)}", ""])


def _front(plan: StudyFile, count: int) -> list[str]:
    if not count:
        return []
    trials, them = ("trial", "it") if count == 1 else ("trials", "them")
    return [f"{count} {trials} that no other trial dominates; see {them} with: luthier best {_shown(plan)}"]


def _best(plan: StudyFile, study: Study, trials: Sequence[TrialResult]) -> list[str]:
    best, goal = study.best, study.problem.objectives[0]
    rows = [("best", best)]
    if plan.baseline:
        defaults = study.space.identity(plan.space.defaults() or {})
        rows += [("defaults", trial) for trial in trials if _is(study, trial, defaults)][:1]
    lines = []
    for title, trial in rows:
        value = str(trial.reason or trial.state) if math.isnan(trial.value) else number(trial.value)
        cases = study.problem.instances
        on = "" if cases is None or trial.is_done else f" on {len(trial.reports)} of {len(cases)} cases"
        lines.append(f"  {title:<9} {goal.name} {value:<9} trial {trial.number}{on}{_gain(goal, best, trial)}")
    return [*lines, *_warning(study), dictionary(best.config)]


def _warning(study: Study) -> list[str]:
    """Warn where the best trial's lead over the defaults is below its noise."""
    try:
        found = study.lead()
    except NoResult:
        return []
    if not found.is_noise:
        return []
    if found.best == found.other:
        return ["  warning: no trial is better than the defaults"]
    return [
        f"  warning: the best is {found.value:.2g} better than the defaults, which is below the noise of that "
        f"difference, {found.noise:.2g}: it may be no better at all"
    ]


def _gain(goal: Objective, best: TrialResult, trial: TrialResult) -> str:
    """Write by how much the best is better than a trial."""
    if not trial.is_done or not best.is_done or trial.number == best.number:
        return ""
    return f"; the best is {goal.loss(trial.value) - goal.loss(best.value):.2g} better"


def _is(study: Study, trial: TrialResult, identity: str) -> bool:
    return trial.trial.origin != "method" and study.space.identity(trial.trial.config) == identity
