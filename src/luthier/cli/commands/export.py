"""The command ``export``: the trials as CSV, JSON or Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luthier.render import check_output, escaped, json_text, replace_file

if TYPE_CHECKING:
    from luthier.study import StudyReader

_STORE = click.argument("store", required=False, metavar="[STORE|STUDY.toml]")
_STUDY = click.option("--study", "name", metavar="NAME", help="Which study, where the store has several.")
_FORMATS = ("csv", "json", "parquet")


@click.command()
@_STORE
@_STUDY
@click.option("--format", "form", type=click.Choice(_FORMATS), help="By default that of the file's name, or csv.")
@click.option(
    "--out", "-o", "--output", "output", type=click.Path(), metavar="FILE", help="By default standard output."
)
@click.option(
    "--predictions", is_flag=True, help="With the predicted mean and standard deviation of each objective, too."
)
def export(store: str | None, name: str | None, form: str | None, output: str | None, predictions: bool) -> None:
    """Write the trials as CSV, JSON or Parquet (which needs pandas and pyarrow).

    Every trial has its values, variables, violations, times of day, attempts, worker, reports and note. In CSV, text
    that a spreadsheet would take for a formula (it begins with = + - or @) gets an apostrophe before it. JSON gives
    back every value exactly: tuples are {"$tuple": […]}, NaN is {"$float": "nan"}.
    """
    with _opened(store, name, predictions) as (study, more):
        if output is not None:
            check_target(study, output, store, "--out")
        ending = Path(output).suffix[1:].lower() if output else ""
        if form is None and output is not None and ending not in _FORMATS:
            raise click.BadParameter(
                f"what format is {output!r}? Give it a name that ends in .csv, .json or .parquet "
                "(spreadsheets read CSV), or give --format",
                param_hint="--out",
            )
        form = form or ending or "csv"
        if form == "parquet":
            _write_parquet(study.rows(more), output)
            return
        text = _csv(study.rows(more)) if form == "csv" else json_text(study.to_dict(more)) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        replace_file(output, text.encode("utf-8", "backslashreplace"))


@contextmanager
def _opened(
    store: str | None, name: str | None, predictions: bool
) -> Iterator[tuple[StudyReader, dict[str, list[float | None]]]]:
    """Open the study that is meant; with its method only where predictions are wanted, which are given as columns."""
    from luthier.cli.resolve_study import opened_reader, opened_study

    if predictions:
        with opened_study(store, name) as study:
            yield study.reader, study.predicted_columns()
        return
    with opened_reader(store, name) as reader:
        yield reader, {}


def check_target(study: StudyReader, output: str, store: str | None, option: str) -> None:
    """Refuse to write over what must not be destroyed: a store, or the study file.

    Args:
        study: that is written about.
        output: the file to be written.
        store: where the study was looked for, as it was given.
        option: that names the file.
    """
    from luthier.errors import InvalidSetting

    try:
        check_output(study, output)
        if Path(output).samefile(store if store is not None else "study.toml"):
            raise InvalidSetting(f"{output!r} is the study file: give another file")
    except InvalidSetting as error:
        raise click.BadParameter(str(error), param_hint=option) from None
    except OSError:  # one of them is no file
        return


def _csv(found: list[dict[str, Any]]) -> str:
    import csv
    import io

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
    if isinstance(value, datetime):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else _json(value)


def _harmless(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula, and a terminal from obeying it."""
    text = escaped(text)
    return f"'{text}" if text[:1] in tuple("=+-@\t\r\n") and text else text


def _json(value: Any) -> str:
    from luthier import codec

    return escaped(json.dumps(codec.to_plain(value), ensure_ascii=False))


def _write_parquet(found: list[dict[str, Any]], output: str | None) -> None:
    import io

    from luthier.errors import MissingDependency

    if output is None:
        raise click.UsageError("Parquet is a binary format: name a file with --output")
    try:
        import pandas
        import pyarrow  # type: ignore[import-untyped]  # noqa: F401 - pandas writes with it
    except ImportError as error:
        raise MissingDependency(f"Parquet needs pandas and pyarrow ({error}): pip install pandas pyarrow") from None
    frame = pandas.DataFrame(
        {column: _uniform([row[column] for row in found]) for column in (found[0] if found else ())}
    )
    content = io.BytesIO()
    frame.to_parquet(content)
    replace_file(output, content.getvalue())


def _uniform(column: list[Any]) -> list[Any]:
    """Make a column of one type: of several types, of lists, or of ints that would be rounded, it is one of JSON."""
    kinds = {type(value) for value in column if value is not None}
    if (kinds <= {int, float} and _fits(column)) or (len(kinds) <= 1 and kinds <= {str, bool, datetime}):
        return column
    return [None if value is None else value if type(value) is str else _json(value) for value in column]


def _fits(column: list[Any]) -> bool:
    """Tell whether all whole numbers of a column are exact in its type: that of floats, where there are others."""
    limit = 2**63 - 1 if all(type(value) is int for value in column) else 2**53
    return all(abs(value) <= limit for value in column if type(value) is int)
