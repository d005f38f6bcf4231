"""The commands that read studies: ``list``, ``best`` and ``show``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from luthier.render import clean, columns, dictionary, json_text, number, one_line, short

if TYPE_CHECKING:
    from luthier.problem import Problem
    from luthier.study import TrialResult

_STORE = click.argument("store", required=False, metavar="[STORE|STUDY.toml]")
_STUDY = click.option("--study", "name", metavar="NAME", help="Which study, where the store has several.")
_UNSHOWN = ("ended", "worker", "origin", "error", "reports", "note")
"""Columns that would make a table too wide; all other forms have them."""


@click.command("list")
@_STORE
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list with one object per study.")
def list_studies(store: str | None, as_json: bool) -> None:
    """List the studies of a store: what they optimize, their trials, best values, times, tags and notes."""
    from luthier.cli.resolve_study import find
    from luthier.store import shown_place
    from luthier.study import studies

    place, _ = find(store)
    found = studies(place)
    if as_json:
        click.echo(json_text([entry.to_dict() for entry in found]))
        return
    rows = [
        {
            "study": entry.name,
            "objective": ", ".join(f"{'max' if goal.maximize else 'min'} {goal.name}" for goal in entry.objectives),
            "variables": len(entry.variables),
            "trials": ", ".join(f"{count} {kind}" for kind, count in entry.counts.items()) or "none",
            "best": entry.best,
            "begun": entry.begun,
            "latest": entry.latest,
            "tags": " ".join(entry.tags),
            "notes": one_line(entry.notes, 60),
        }
        for entry in found
    ]
    if rows:
        empty = [column for column in ("tags", "notes") if not any(row[column] for row in rows)]
        click.echo(columns(rows, [column for column in rows[0] if column not in empty]))
    click.echo(f"{clean(shown_place(place))}: {len(found)} {'study' if len(found) == 1 else 'studies'}")


@click.command()
@_STORE
@_STUDY
@click.option("--expected", is_flag=True, help="Those with the best prediction, not those that were best by luck.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def best(store: str | None, name: str | None, expected: bool, as_json: bool) -> None:
    """Print the best values, ready to paste into code.

    With several objectives, the trials of the Pareto front are printed: those that no other trial dominates.
    """
    from luthier.cli.resolve_study import opened_reader, opened_study

    if expected:
        from luthier.cli.commands.explain import print_expected

        with opened_study(store, name) as asked:
            print_expected(asked, as_json)
        return
    with opened_reader(store, name) as study:
        if as_json:
            click.echo(json_text(study.best_to_dict()))
            return
        for trial in study.front if len(study.problem.objectives) > 1 else (study.best,):
            click.echo(clean(f"# {study.name}: {goals(trial, study.problem)}, trial {trial.number} of {len(study)}"))
            if why := study.why_best(trial):
                click.echo(clean(f"# {why}"))
            click.echo(dictionary(trial.config))


def goals(trial: TrialResult, problem: Problem) -> str:
    """Write the values of a trial: ``accuracy = 0.98 (maximized)``."""
    return ", ".join(
        f"{goal.name} = {number(trial.values[goal.name])} ({'maximized' if goal.maximize else 'minimized'})"
        for goal in problem.objectives
    )


@click.command()
@_STORE
@_STUDY
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list with one object per trial.")
@click.option(
    "--sort", metavar="COLUMN", help="Sort by a column (an objective: the best first); -COLUMN is the reverse."
)
@click.option(
    "--filter", "condition", metavar="EXPRESSION", help="""Only trials that keep it: "C > 1 and reason == 'done'"."""
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N.")
def show(
    store: str | None, name: str | None, as_json: bool, sort: str | None, condition: str | None, limit: int | None
) -> None:
    """List the trials of a study.

    A filter is an expression such as "C > 1 and reason == 'done'". The columns, which can be sorted and filtered by,
    are number, state, reason, the objectives, on_front (of several), what else the objective returned, attributes,
    violations, the variables, duration_s, begun, ended, attempts, worker, origin, error, reports and note. Sorted by an
    objective, the best trials come first.
    """
    from luthier.cli.resolve_study import opened_reader

    with opened_reader(store, name) as study:
        found = study.rows()
        total = study.summary()
        tags, notes, sources = study.tags, study.notes, study.sources
        maximized = {goal.name for goal in study.problem.objectives if goal.maximize}
    names = list(found[0]) if found else []
    kept = _sorted(_kept(found, condition, names), sort, names, maximized)
    cut = kept[:limit]
    if as_json:
        from luthier import codec

        click.echo(json_text([{key: codec.to_plain(_text(value)) for key, value in row.items()} for row in cut]))
        return
    if cut:
        once = ("attempts",) if all(row["attempts"] == 1 for row in cut) else ()
        click.echo(columns(cut, [column for column in names if column not in (*_UNSHOWN, *once)]))
    more = f"; {len(cut)} of {len(kept)} shown" if len(cut) < len(kept) else ""
    few = f"; {len(kept)} kept by the filter" if condition else ""
    click.echo(f"{clean(study.name)}: {total}{few}{more}{clean(''.join(f' #{tag}' for tag in tags))}")
    if sources:
        known = "; ".join(f"{len(source.configs)} results of {source.source}" for source in sources)
        click.echo(clean(f"learns from {known}"))
    if notes:
        click.echo(clean(notes))


def _kept(found: list[dict[str, Any]], condition: str | None, names: Sequence[str]) -> list[dict[str, Any]]:
    if condition is None:
        return found
    from luthier.cli.studyfile.toml_source import hint
    from luthier.errors import InvalidExpression
    from luthier.space.expression import parse

    try:
        expression = parse(condition)
    except InvalidExpression as error:
        raise click.BadParameter(str(error), param_hint="--filter") from None
    for name in sorted(expression.names):
        if found and name not in names:
            raise click.BadParameter(
                f"there is no column {name!r}{hint(name, names, 'there are')}",
                param_hint="--filter",
            )
    active = [{key: _text(value) for key, value in row.items() if value is not None} for row in found]
    return [row for row, known in zip(found, active, strict=True) if expression.evaluate_one(known)]


def _sorted(
    found: list[dict[str, Any]], by: str | None, names: Sequence[str], maximized: Collection[str]
) -> list[dict[str, Any]]:
    """Sort by a column: numbers before text, NaN and what is missing last; what is maximized from the largest down."""
    if by is None or not found:
        return found
    down = by.startswith("-") and by not in names
    column = by[1:] if down else by
    if column not in names:
        from luthier.cli.studyfile.toml_source import hint

        raise click.BadParameter(
            f"there is no column {column!r}{hint(column, names, 'there are')}",
            param_hint="--sort",
        )
    present = [row for row in found if row[column] is not None and row[column] == row[column]]
    missing = [row for row in found if row[column] is None or row[column] != row[column]]
    return [*sorted(present, key=lambda row: _order(row[column]), reverse=down is not (column in maximized)), *missing]


def _text(value: Any) -> Any:
    """Write a time as text, which can be compared: ``begun > '2026-01-31T12'``."""
    return value.isoformat() if isinstance(value, datetime) else value


def _order(value: Any) -> tuple[bool, Any]:
    value = _text(value)
    is_number = isinstance(value, int | float)
    return (not is_number, value if is_number else short(value))
