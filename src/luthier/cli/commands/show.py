"""The commands that read a study: ``best``, ``show`` and ``export``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luthier.render import clean, columns, dictionary, json_text, number, short

if TYPE_CHECKING:
    from luthier.problem import Problem
    from luthier.study import StudyReader, TrialResult

_STORE = click.argument("store", required=False, metavar="[STORE|STUDY.toml]")
_STUDY = click.option("--study", "name", metavar="NAME", help="Which study, where the store has several.")
_UNSHOWN = ("origin", "error")


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
@click.option("--sort", metavar="COLUMN", help="Sort by a column; with a minus before it, downwards.")
@click.option(
    "--filter", "condition", metavar="EXPRESSION", help="""Only trials that keep it: "C > 1 and reason == 'done'"."""
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N.")
def show(
    store: str | None, name: str | None, as_json: bool, sort: str | None, condition: str | None, limit: int | None
) -> None:
    """List the trials of a study.

    A filter is an expression such as "C > 1 and reason == 'done'". The columns, which can be sorted and filtered by,
    are number, state, reason, the objectives, the variables, duration_s, origin and error.
    """
    from luthier.cli.resolve_study import opened_reader

    with opened_reader(store, name) as study:
        found = study.rows()
        total = study.summary()
    names = list(found[0]) if found else []
    kept = _sorted(_kept(found, condition, names), sort, names)
    cut = kept[:limit]
    if as_json:
        click.echo(json_text([_plain(row) for row in cut]))
        return
    if cut:
        click.echo(columns(cut, [column for column in names if column not in _UNSHOWN]))
    more = f"; {len(cut)} of {len(kept)} shown" if len(cut) < len(kept) else ""
    few = f"; {len(kept)} kept by the filter" if condition else ""
    click.echo(f"{clean(study.name)}: {total}{few}{more}")


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
    active = [{key: value for key, value in row.items() if value is not None} for row in found]
    return [row for row, known in zip(found, active, strict=True) if expression.evaluate_one(known)]


def _sorted(found: list[dict[str, Any]], by: str | None, names: Sequence[str]) -> list[dict[str, Any]]:
    """Sort by a column: numbers before text, NaN and what is missing last."""
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
    return [*sorted(present, key=lambda row: _order(row[column]), reverse=down), *missing]


def _order(value: Any) -> tuple[bool, Any]:
    is_number = isinstance(value, int | float)
    return (not is_number, value if is_number else short(value))


# --- export ---------------------------------------------------------------------------------------


_FORMATS = ("csv", "json", "parquet")


@click.command()
@_STORE
@_STUDY
@click.option("--format", "form", type=click.Choice(_FORMATS), help="By default that of the file's name, or csv.")
@click.option("--output", "-o", type=click.Path(dir_okay=False), metavar="FILE", help="By default standard output.")
def export(store: str | None, name: str | None, form: str | None, output: str | None) -> None:
    """Write the trials as CSV, JSON or Parquet (which needs pandas and pyarrow).

    In CSV, text that a spreadsheet would take for a formula (it begins with = + - or @) gets an apostrophe before it.
    JSON gives back every value exactly: tuples are {"$tuple": […]}, NaN is {"$float": "nan"}.
    """
    from luthier.cli.resolve_study import find, opened_reader

    ending = Path(output).suffix[1:].lower() if output else ""
    form = form or (ending if ending in _FORMATS else "csv")
    if output is not None and Path(output).absolute() == Path(find(store)[0]).absolute():
        raise click.BadParameter("this is the store itself", param_hint="--output")
    with opened_reader(store, name) as study:
        if form == "parquet":
            _write_parquet(study, output)
            return
        text = _csv(study) if form == "csv" else json_text(study.to_dict()) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        _replace(Path(output), text.encode("utf-8", "backslashreplace"))


def _csv(study: StudyReader) -> str:
    import csv
    import io

    found = study.rows()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if found:
        writer.writerow([_harmless(column) for column in found[0]])
        writer.writerows([[_cell(value) for value in row.values()] for row in found])
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _harmless(value)
    return repr(value) if isinstance(value, float) else json.dumps(_plain(value), ensure_ascii=False)


def _harmless(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r\n") and text else text


def _plain(value: Any) -> Any:
    from luthier import codec

    return codec.to_plain(value)


def _write_parquet(study: StudyReader, output: str | None) -> None:
    from luthier.errors import MissingDependency

    if output is None:
        raise click.UsageError("Parquet is a binary format: name a file with --output")
    try:
        import pandas
        import pyarrow  # type: ignore[import-untyped]  # noqa: F401 - pandas writes with it
    except ImportError as error:
        raise MissingDependency(f"Parquet needs pandas and pyarrow ({error}): pip install pandas pyarrow") from None
    found = study.rows()
    frame = pandas.DataFrame(
        {column: _uniform([row[column] for row in found]) for column in (found[0] if found else ())}
    )
    import io

    content = io.BytesIO()
    frame.to_parquet(content)
    _replace(Path(output), content.getvalue())


def _uniform(column: list[Any]) -> list[Any]:
    """Make a column of one type: where it has several types, or tuples, its values are written as JSON."""
    kinds = {type(value) for value in column if value is not None}
    if kinds <= {int, float} or (len(kinds) <= 1 and kinds <= {str, bool}):
        return column
    return [None if value is None else value if type(value) is str else json.dumps(_plain(value)) for value in column]


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    import os
    import tempfile

    handle, draft = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        Path(draft).chmod(0o666 & ~mask)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
