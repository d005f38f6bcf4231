"""The commands that ask the models of a study: ``explain``, and ``best --expected``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from luthier.render import assignments, clean, dictionary, json_text, number, one_line, short

if TYPE_CHECKING:
    from luthier.analysis import Calibration
    from luthier.run import Study

_STUDY = click.option("--study", "name", metavar="NAME", help="Which study, where the store has several.")


@click.command()
@click.argument("words", nargs=-1, metavar="[STORE|STUDY.toml] [TRIAL]")
@_STUDY
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(words: tuple[str, ...], name: str | None, as_json: bool) -> None:
    """Explain why a trial was made, and what was expected of it before there was a result.

    Without a TRIAL it is the newest one, and the calibration of the models' intervals is printed too.
    """
    from luthier.cli.resolve_study import opened_study
    from luthier.errors import NoResult, TrialNotFound

    store, trial = _split(words)
    with opened_study(store, name) as study:
        if not len(study):
            raise TrialNotFound(f"study {study.name!r} has no trials yet")
        found = study.explain(len(study) - 1 if trial is None else trial)
        judged: list[Calibration] = []
        if trial is None:
            try:
                judged = [study.calibration(goal.name) for goal in study.problem.objectives]
            except NoResult:  # the explanation has said so
                judged = []
        if as_json:
            plain = {"study": study.name, **found.to_dict()}
            if trial is None:
                plain["calibration"] = {one.objective: one.to_dict() for one in judged}
            click.echo(json_text(plain))
            return
        click.echo(clean(f"{study.name}: {found.heading()}"))
        labelled = [("values", assignments(found.config)), *found.rows()[1:]]
        labelled += [("calibration", one.heading()) for one in judged]
        wide = max(len(label) for label, _ in labelled)
        for label, text in labelled:
            click.echo(f"  {clean(label).ljust(wide)}  {one_line(text, 300)}")


def print_expected(study: Study, anywhere: bool, as_json: bool) -> None:
    """Print the configuration with the best predicted median, among those that were tried or `anywhere`."""
    found = study.expected_best(anywhere=anywhere)
    if as_json:
        click.echo(json_text({"study": study.name, "number": None, "trials": len(study), **found.to_dict()}))
        return
    (goal,) = study.problem.objectives
    which = f"not among the {len(study)} trials" if found.number is None else f"trial {found.number} of {len(study)}"
    how = f"{found.prediction.level:.0%}: {number(found.low)} to {number(found.high)}"
    direction = "maximized" if goal.maximize else "minimized"
    click.echo(clean(f"# {study.name}: {goal.name} = {number(found.value)} expected ({how}; {direction}), {which}"))
    if found.luckiest != found.number:
        lucky = f"{number(found.luckiest_value)} of trial {found.luckiest}"
        click.echo(clean(f"# best measured: {lucky}, of which {number(found.luckiest_expected)} is expected"))
    click.echo(dictionary(found.prediction.config))


def _split(words: tuple[str, ...]) -> tuple[str | None, int | None]:
    """Separate the store from the number of a trial; a store whose name is a number is written ``./7``."""
    given = list(words)
    trial = int(given.pop()) if given and given[-1].isdecimal() else None
    if len(given) > 1:
        raise click.UsageError(f"{short(given[-1])!r} is not the number of a trial: they are 0, 1, 2, …")
    return (given[0] if given else None), trial
