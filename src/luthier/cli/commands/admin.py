"""The commands that maintain studies, from ``enqueue`` and ``retry`` to ``rm`` and ``init``."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luthier.render import assignments, clean, json_text, one_line, short

if TYPE_CHECKING:
    from collections.abc import Callable

    from luthier.space import Space
    from luthier.study import StudyEditor, StudyReader, TrialSelection

_STORE = click.argument("store", required=False, metavar="[STORE|STUDY.toml]")
_NUMBERS = re.compile(r"([0-9]{1,7})(?:-([0-9]{1,7}))?")
_STUDY = click.option("--study", "name", metavar="NAME", help="Which study, where the store has several.")


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[STORE|STUDY.toml] KEY=VALUE…")
@_STUDY
def enqueue(words: tuple[str, ...], name: str | None) -> None:
    """Have given values tried next; what is left out takes its default.

    Values are written as in JSON, text without quotation marks: kernel=rbf C=10 flag=true order='[3, 1, 2]'.
    Enqueueing the same values again changes nothing.
    """
    from luthier.cli.resolve_study import opened_editor

    store = words[0] if "=" not in words[0] else None
    pairs = words if store is None else words[1:]
    for pair in pairs:
        if "=" not in pair:
            raise click.UsageError(f"{pair!r} is not KEY=VALUE")
    if not pairs:
        raise click.UsageError("give at least one KEY=VALUE")
    with opened_editor(store, name) as editor:
        study = editor.reader
        given = _values(study.space, pairs)
        config = study.space.complete(study.space.plain(given))
        waiting = len(study.history.queue)
        editor.enqueue(given)
        what = "enqueued" if len(study.history.queue) > waiting else "was enqueued before; nothing changed"
    click.echo(f"{clean(study.name)}: {assignments(config)}: {what}")


def _values(space: Space, pairs: tuple[str, ...]) -> dict[str, Any]:
    """Read values as their variables take them: a text that looks like a number may be an option's name."""
    from luthier.cli.studyfile.toml_source import hint

    found: dict[str, Any] = {}
    for pair in pairs:
        key, _, text = pair.partition("=")
        if key not in space.variables:
            # A name may hold an equals sign itself.
            longer = [other for other in space.names if pair.startswith(f"{other}=")]
            if not longer:
                raise click.UsageError(f"there is no variable {key!r}{hint(key, space.names, 'there are')}")
            key = max(longer, key=len)
            text = pair[len(key) + 1 :]
        if key in found:
            raise click.UsageError(f"{key!r} is given twice")
        variable = space.variables[key]
        candidates = [*_json(text), text]
        fitting = [value for value in candidates if variable.fault(variable.plain(value)) is None]
        found[key] = (fitting or candidates)[0]
    return found


def _json(text: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except ValueError:
        return []


@click.command()
@click.argument("words", nargs=-1, metavar="[STORE|STUDY.toml] [NUMBER…]")
@click.option("--failed", is_flag=True, help="All that failed; those that were pruned did not.")
@_STUDY
def retry(words: tuple[str, ...], failed: bool, name: str | None) -> None:
    """Have trials run again, with their own values, by the next luthier run; they cost nothing of its budget.

    Trials are given by their numbers (3 5 8-11), or by --failed. What they came to before stays in the log.
    """
    _retract(words, failed, name, lambda editor, which: editor.retry(which), "will be run again: luthier run goes on")


@click.command()
@click.argument("words", nargs=-1, metavar="[STORE|STUDY.toml] [NUMBER…]")
@click.option("--failed", is_flag=True, help="All that failed; those that were pruned did not.")
@_STUDY
def forget(words: tuple[str, ...], failed: bool, name: str | None) -> None:
    """Have trials count for nothing: they stay in the log, but teach nothing, and none is the best.

    Trials are given by their numbers (3 5 8-11), or by --failed. luthier retry brings them back.
    """
    _retract(words, failed, name, lambda editor, which: editor.forget(which), "forgotten")


def _retract(
    words: tuple[str, ...],
    failed: bool,
    name: str | None,
    retraction: Callable[[StudyEditor, TrialSelection], tuple[int, ...]],
    done: str,
) -> None:
    """Have trials run again, or forgotten, and say which."""
    from luthier.cli.resolve_study import opened_editor
    from luthier.study import has_failed

    store = words[0] if words and not _NUMBERS.fullmatch(words[0]) else None
    numbers = [number for word in words[store is not None :] for number in _range(word)]
    if failed == bool(numbers):
        raise click.UsageError("give the numbers of trials (3 5 8-11), or --failed for all that failed")
    with opened_editor(store, name) as editor:
        found = retraction(editor, has_failed if failed else numbers)
        title = editor.reader.name
    which = f"trial{'s' * (len(found) > 1)} {', '.join(map(str, found))} {done}" if found else "no trial failed"
    click.echo(f"{clean(title)}: {which}")


def _range(word: str) -> range:
    match = _NUMBERS.fullmatch(word)
    if match is None:
        raise click.UsageError(f"{word!r} is not the number of a trial, nor a range of them such as 8-11")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise click.UsageError(f"{word!r} is an empty range: the smaller number comes first")
    return range(first, last + 1)


@click.command()
@_STORE
@_STUDY
def verify(store: str | None, name: str | None) -> None:
    """Make every proposal of a study again from its log, and compare.

    Proposals made on another machine or version may differ; that is reported and is not a failure.
    """
    from luthier.cli.resolve_study import opened_study
    from luthier.errors import ReplayMismatch

    with opened_study(store, name) as study:
        found = study.verify()
    click.echo(f"{clean(study.name)}: {found}")
    if not found.ok:
        first = found.mismatches[0]
        raise ReplayMismatch(
            f"{len(found.mismatches)} proposals are not what their method makes of the log; trial {first.number} has "
            f"{short(first.logged)} and should have {short(first.again)}"
        )


@click.command()
@_STORE
@_STUDY
@click.option("--yes", is_flag=True, help="Do not ask.")
def rm(store: str | None, name: str | None, yes: bool) -> None:
    """Remove a study and all its trials from its store. The file of the store stays, and files of trials beside it."""
    from luthier.cli.resolve_study import opened_reader

    with opened_reader(store, name) as study:
        total, running = len(study), len(study.history.running)
        title, files = study.name, _files(study)
    busy = f", of which {running} are marked as running" if running else ""
    if not yes:
        _confirm(clean(f"Remove study {title!r} with its {total} trials{busy}, for good?"))
    from luthier.cli.resolve_study import find, opened_store

    with opened_store(find(store)[0]) as opened:
        opened.delete(title)
    left = f"; the files of its trials are left in {files}" if files is not None else ""
    click.echo(clean(f"{title}: removed{left}"))


def _confirm(question: str) -> None:
    try:
        sure = click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise click.UsageError("nothing was removed, for nobody answered: give --yes") from None
    if not sure:
        raise click.Abort


def _files(study: StudyReader) -> Path | None:
    """Give the folder with the files of a study's trials, where there is one."""
    from luthier.errors import InvalidSetting

    try:
        folder = study.folder(0).parent
    except InvalidSetting:
        return None
    return folder if folder.is_dir() else None


# --- doctor ---------------------------------------------------------------------------------------


_NEEDED = ("numpy", "scipy", "msgspec", "click", "rich", "cloudpickle", "threadpoolctl")
_OPTIONAL = (
    "scikit-learn",
    "pandas",
    "pyarrow",
    "plotly",
    "matplotlib",
    "cmaes",
    "SQLAlchemy",
    "psycopg",
    "PyMySQL",
    "pysqlite3",
)


@click.command()
@click.argument("store", required=False, metavar="[STORE|STUDY.toml]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(store: str | None, as_json: bool) -> None:
    """Show versions, and check a store for damage.

    The check reads everything in the store; others can go on using it meanwhile.
    """
    from luthier.errors import StoreCorrupt
    from luthier.store import shown_place

    report: dict[str, Any] = {**_versions(), **(_health(store) if store is not None else {})}
    faults = report.get("faults", [])
    if as_json:
        click.echo(json_text(report))
    else:
        width = max(len(key) for key in report)
        for key, value in report.items():
            shown = (", ".join(map(str, value)) or "none") if isinstance(value, list) else value
            click.echo(f"{key.ljust(width)}  {one_line(str(shown), 400)}")
    if faults:
        raise StoreCorrupt(f"{shown_place(store)}: {len(faults)} faults found; put back a copy of the file")


def _versions() -> dict[str, str]:
    import os
    import platform
    import sys
    from importlib import metadata

    from luthier.store import journal_mode, sqlite_library
    from luthier.version import VERSION

    def version(package: str, missing: str) -> str:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            return missing

    return {
        "luthier": VERSION,
        "python": f"{platform.python_version()} ({sys.executable})",
        "system": f"{platform.platform()}, {os.cpu_count()} CPUs",
        **{name: version(name, "MISSING: pip install luthier again") for name in _NEEDED},
        **{name: version(name, "not installed (optional)") for name in _OPTIONAL},
        "sqlite": f"{sqlite_library()}, journal mode {journal_mode()}",
    }


def _health(store: str) -> dict[str, Any]:
    from luthier.cli.resolve_study import find, opened_store
    from luthier.errors import StoreCorrupt
    from luthier.store import shown_place
    from luthier.study import StudyReader

    place, _ = find(store)
    report: dict[str, Any] = {"store": shown_place(place)}
    if "://" not in place:
        report["size"] = f"{Path(place).stat().st_size:,} bytes"
    try:
        with opened_store(place) as opened:
            faults = list(opened.check())
            for name in opened.names() if not faults else ():
                study = StudyReader.open(opened, name)
                report[f"study {clean(name)}"] = f"{len(study)} trials, {study.history.length} events"
    except StoreCorrupt as error:
        faults = [str(error)]
    report["faults"] = faults
    return report


# --- init -----------------------------------------------------------------------------------------


@click.command()
@click.argument("path", default="study.toml", metavar="[STUDY.toml]", type=click.Path(dir_okay=False))
def init(path: str) -> None:
    """Write a commented study file to begin with, and an objective for it. Overwrites nothing."""
    from luthier.cli.studyfile.example import OBJECTIVE, STUDY
    from luthier.errors import InvalidSetting

    study = Path(path)
    if not study.absolute().parent.is_dir():
        raise InvalidSetting(f"there is no folder {str(study.parent)!r}: create it first")
    objective = study.with_name("objective.py")
    for file in (study, objective):
        if file.exists():
            raise InvalidSetting(f"{str(file)!r} exists, and is not overwritten: give another path, or move it away")
    for file, text in ((objective, OBJECTIVE), (study, STUDY)):
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    click.echo(f"wrote {study} and {objective}; now run: luthier run {study}")
