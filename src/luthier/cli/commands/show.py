"""The commands that read a study: ``best``, ``show`` and ``export``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.terminal import clean, dictionary, number, short

if TYPE_CHECKING:
    from luthier.problem import Problem
    from luthier.study import BaseStudy, TrialResult

_STORE = click.argument("store", required=False, metavar="[STORE|STUDY.toml]")
_STUDY = click.option("--study", "name", metavar="NAME", help="Which study, where the store has several.")
_UNSHOWN = ("origin", "error")


@click.command()
@_STORE
@_STUDY
@click.option("--expected", is_flag=True, help="Those that are believed best, not those that measured best by luck.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def best(store: str | None, name: str | None, expected: bool, as_json: bool) -> None:
    """Print the best values, ready to be pasted into code.

    Of several objectives, all trials are printed that no other is better than in every one of them.
    """
    from luthier.cli.resolve_study import opened_study

    with opened_study(store, name) as study:
        if expected:
            from luthier.cli.commands.explain import print_expected

            print_expected(study, as_json)
            return
        many = len(study.problem.objectives) > 1
        leaders = list(study.front) if many else [study.best]
        if as_json:
            plain = [_leader(study, trial) for trial in leaders]
            click.echo(json.dumps(plain if many else plain[0], indent=2, ensure_ascii=False))
            return
        for trial in leaders:
            click.echo(clean(f"# {study.name}: {goals(trial, study.problem)}, trial {trial.number} of {len(study)}"))
            click.echo(dictionary(trial.config))


def _leader(study: BaseStudy, trial: TrialResult) -> dict[str, Any]:
    return {
        "study": study.name,
        "number": trial.number,
        "trials": len(study),
        "values": _plain(dict(trial.values)),
        "params": _plain(dict(trial.config)),
    }


def goals(trial: TrialResult, problem: Problem) -> str:
    """Write the values of a trial: ``accuracy = 0.98 (maximized)``."""
    return ", ".join(
        f"{goal.name} = {number(trial.values[goal.name])} ({'maximized' if goal.maximize else 'minimized'})"
        for goal in problem.objectives
    )


@click.command()
@_STORE
@_STUDY
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list with one object a trial.")
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
    from luthier.cli.resolve_study import opened_study
    from luthier.study import counts, rows

    with opened_study(store, name) as study:
        found = rows(study.trials, study.problem)
        total = counts(study.trials)
        columns = list(found[0]) if found else []
    kept = _sorted(_kept(found, condition, columns), sort, columns)
    cut = kept[:limit]
    if as_json:
        click.echo(json.dumps([_plain(row) for row in cut], indent=2, ensure_ascii=False))
        return
    if cut:
        click.echo(_table(cut, [column for column in columns if column not in _UNSHOWN]))
    more = f"; {len(cut)} of {len(kept)} shown" if len(cut) < len(kept) else ""
    few = f"; {len(kept)} kept by the filter" if condition else ""
    click.echo(f"{clean(study.name)}: {total}{few}{more}")


def _kept(found: list[dict[str, Any]], condition: str | None, columns: Sequence[str]) -> list[dict[str, Any]]:
    if condition is None:
        return found
    from luthier.cli.studyfile.toml_source import listed, nearest
    from luthier.errors import InvalidExpression
    from luthier.space.expression import parse

    try:
        expression = parse(condition)
    except InvalidExpression as error:
        raise click.BadParameter(str(error), param_hint="--filter") from None
    for name in sorted(expression.names):
        if found and name not in columns:
            raise click.BadParameter(
                f"there is no column {name!r}{nearest(name, columns)}; {listed('there are', columns)}",
                param_hint="--filter",
            )
    active = [{key: value for key, value in row.items() if value is not None} for row in found]
    return [row for row, known in zip(found, active, strict=True) if expression.evaluate_one(known)]


def _sorted(found: list[dict[str, Any]], by: str | None, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Sort by a column: numbers before text, NaN and what is missing last."""
    if by is None or not found:
        return found
    down = by.startswith("-") and by not in columns
    column = by[1:] if down else by
    if column not in columns:
        from luthier.cli.studyfile.toml_source import listed, nearest

        raise click.BadParameter(
            f"there is no column {column!r}{nearest(column, columns)}; {listed('there are', columns)}",
            param_hint="--sort",
        )
    present = [row for row in found if row[column] is not None and row[column] == row[column]]
    missing = [row for row in found if row[column] is None or row[column] != row[column]]
    return [*sorted(present, key=lambda row: _order(row[column]), reverse=down), *missing]


def _order(value: Any) -> tuple[bool, Any]:
    is_number = isinstance(value, int | float)
    return (not is_number, value if is_number else short(value))


def _table(found: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    """Lay out rows in columns, numbers to the right."""
    cells = [[short(row[column]) if row[column] is not None else "" for column in columns] for row in found]
    heads = [short(column) for column in columns]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    right = [all(isinstance(row[column], int | float | None) for row in found) for column in columns]
    lines = []
    for line in (heads, *cells):
        padded = [cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(line, widths, right, strict=True)]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


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
    from luthier.cli.resolve_study import find, opened_study

    ending = Path(output).suffix[1:].lower() if output else ""
    form = form or (ending if ending in _FORMATS else "csv")
    if output is not None and Path(output).absolute() == Path(find(store)[0]).absolute():
        raise click.BadParameter("this is the store itself", param_hint="--output")
    with opened_study(store, name) as study:
        if form == "parquet":
            _write_parquet(study, output)
            return
        text = _csv(study) if form == "csv" else json.dumps(_document(study), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        _replace(Path(output), text.encode("utf-8", "backslashreplace"))


def _csv(study: BaseStudy) -> str:
    import csv
    import io

    from luthier.study import rows

    found = rows(study.trials, study.problem)
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


def _document(study: BaseStudy) -> dict[str, Any]:
    """Write everything that is known of a study's trials."""
    return {
        "study": study.name,
        "seed": study.seed,
        "objectives": [{"name": goal.name, "maximize": goal.maximize} for goal in study.problem.objectives],
        "space": study.space.to_plain(),
        "trials": [
            {
                "number": trial.number,
                "state": str(trial.state),
                "reason": str(trial.reason) if trial.reason else None,
                "values": _plain(dict(trial.values)),
                "params": _plain(dict(trial.config)),
                "violations": _plain(dict(trial.trial.outcome.violations) if trial.trial.outcome else {}),
                "duration_s": trial.duration_s,
                "origin": trial.trial.origin,
                "error": trial.error,
                "reports": [[report.step, _plain(report.value)] for report in trial.reports],
                "extra": _plain(dict(trial.extra)),
            }
            for trial in study.trials
        ],
    }


def _plain(value: Any) -> Any:
    from luthier import codec

    return codec.to_plain(value)


def _write_parquet(study: BaseStudy, output: str | None) -> None:
    from luthier.errors import MissingDependency

    if output is None:
        raise click.UsageError("Parquet is no text: name a file with --output")
    try:
        import pandas
        import pyarrow  # type: ignore[import-untyped]  # noqa: F401 - pandas writes with it
    except ImportError as error:
        raise MissingDependency(f"Parquet needs pandas and pyarrow ({error}): pip install pandas pyarrow") from None
    from luthier.study import rows

    found = rows(study.trials, study.problem)
    frame = pandas.DataFrame(
        {column: _uniform([row[column] for row in found]) for column in (found[0] if found else ())}
    )
    import io

    content = io.BytesIO()
    frame.to_parquet(content)
    _replace(Path(output), content.getvalue())


def _uniform(column: list[Any]) -> list[Any]:
    """Make a column of one type: where it has several, or tuples, its values are written as JSON."""
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
