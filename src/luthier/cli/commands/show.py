"""The commands that read studies: ``list``, ``best`` and ``show``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from luthier._runtime.collection_pause import COLLECTION_PAUSE
from luthier.render import clean, columns, dictionary, json_text, number, one_line, short, table_lines

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
@click.option("--anywhere", is_flag=True, help="With --expected: anywhere in the space, tried or not.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def best(store: str | None, name: str | None, expected: bool, anywhere: bool, as_json: bool) -> None:
    """Print the best values, ready to paste into code.

    With several objectives, the trials of the Pareto front are printed: those that no other trial dominates.
    """
    from luthier.cli.resolve_study import opened_reader, opened_study

    if anywhere and not expected:
        raise click.UsageError("--anywhere is of what is predicted: give --expected with it")
    if expected:
        from luthier.cli.commands.explain import print_expected

        with opened_study(store, name) as asked:
            print_expected(asked, anywhere, as_json)
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
    with COLLECTION_PAUSE:
        _print_trials(store, name, as_json, sort, condition, limit)


def _print_trials(
    store: str | None, name: str | None, as_json: bool, sort: str | None, condition: str | None, limit: int | None
) -> None:
    from luthier.cli.resolve_study import opened_reader
    from luthier.study import own_name

    with opened_reader(store, name) as study:
        table = study.table
        total = table.summary()
        tags, notes, sources = study.tags, study.notes, study.sources
        maximized = {goal.name for goal in study.problem.objectives if goal.maximize}
    count = len(table[own_name(table, "number")])
    names = list(table) if count else []
    kept = _sorted(_kept(range(count), table, condition), table, sort, maximized)
    cut = kept[:limit]
    if as_json:
        click.echo(json_text(_plain_rows(table, cut)))
        return
    if cut:
        attempts = own_name(table, "attempts")
        once = (attempts,) if all(table[attempts][place] == 1 for place in cut) else ()
        unshown = (*(own_name(table, column) for column in _UNSHOWN), *once)
        click.echo("\n".join(_lines({column: table[column] for column in names if column not in unshown}, cut)))
    more = f"; {len(cut)} of {len(kept)} shown" if len(cut) < len(kept) else ""
    few = f"; {len(kept)} kept by the filter" if condition else ""
    click.echo(f"{clean(study.name)}: {total}{few}{more}{clean(''.join(f' #{tag}' for tag in tags))}")
    if sources:
        known = "; ".join(f"{len(source.configs)} results of {source.source}" for source in sources)
        click.echo(clean(f"learns from {known}"))
    if notes:
        click.echo(clean(notes))


def _picked(values: Sequence[Any], places: Sequence[int]) -> Sequence[Any]:
    return values if places == range(len(values)) else [values[place] for place in places]


def _lines(table: Mapping[str, Sequence[Any]], places: Sequence[int]) -> Iterator[str]:
    """Lay out the rows at these places: in the order in which they lie in memory, and then in that of the places."""
    ordered = range(len(places)) if len(places) == len(next(iter(table.values()))) else sorted(places)
    head, *lines = table_lines({column: _picked(values, ordered) for column, values in table.items()})
    line_of = dict(zip(ordered, lines, strict=True))
    return chain((head,), map(line_of.__getitem__, places))


def _plain_rows(table: Mapping[str, Sequence[Any]], places: Sequence[int]) -> list[dict[str, Any]]:
    """Give the rows at these places as plain values for JSON."""
    from luthier import codec

    plain = {name: [codec.to_plain(_text(one)) for one in _picked(values, places)] for name, values in table.items()}
    names = list(plain)
    return [dict(zip(names, row, strict=True)) for row in zip(*plain.values(), strict=True)]


def _kept(places: Sequence[int], table: Mapping[str, Sequence[Any]], condition: str | None) -> Sequence[int]:
    """Give the places of the rows that keep a condition."""
    if condition is None:
        return places
    from luthier.cli.studyfile.toml_source import hint
    from luthier.errors import InvalidExpression
    from luthier.space.expression import parse

    try:
        expression = parse(condition)
    except InvalidExpression as error:
        raise click.BadParameter(str(error), param_hint="--filter") from None
    for name in sorted(expression.names):
        if places and name not in table:
            raise click.BadParameter(
                f"there is no column {name!r}{hint(name, [*table], 'there are')}",
                param_hint="--filter",
            )
    read = {name: [*map(_text, table[name])] for name in expression.names if places}
    known = ({name: values[place] for name, values in read.items() if values[place] is not None} for place in places)
    return [place for place, row in zip(places, known, strict=True) if expression.evaluate_one(row)]


def _sorted(
    places: Sequence[int], table: Mapping[str, Sequence[Any]], by: str | None, maximized: Collection[str]
) -> Sequence[int]:
    """Sort by a column: numbers before text, NaN and what is missing last; what is maximized from the largest down."""
    if by is None or not places:
        return places
    down = by.startswith("-") and by not in table
    column = by[1:] if down else by
    if column not in table:
        from luthier.cli.studyfile.toml_source import hint

        raise click.BadParameter(
            f"there is no column {column!r}{hint(column, [*table], 'there are')}",
            param_hint="--sort",
        )
    values = table[column]
    present = [place for place in places if values[place] is not None and values[place] == values[place]]
    missing = [place for place in places if values[place] is None or values[place] != values[place]]
    order = values if {*map(type, values)} <= {float, type(None)} else [*map(_order, values)]
    return [*sorted(present, key=order.__getitem__, reverse=down is not (column in maximized)), *missing]


def _text(value: Any) -> Any:
    """Write a time as text, which can be compared: ``begun > '2026-01-31T12'``."""
    return value.isoformat() if isinstance(value, datetime) else value


def _order(value: Any) -> tuple[bool, Any]:
    value = _text(value)
    is_number = isinstance(value, int | float)
    return (not is_number, value if is_number else short(value))
