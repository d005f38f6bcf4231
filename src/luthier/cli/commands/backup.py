"""The commands ``backup``, ``restore`` and ``upgrade``: a store copied, put back, brought up to date."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from luthier.render import clean


@click.command()
@click.argument("store", required=False, metavar="[STORE|STUDY.toml]")
@click.argument("target", required=False, metavar="[STORE]")
def backup(store: str | None, target: str | None) -> None:
    """Copy all studies of a store into a new one of any kind, while others go on using it.

    Everything is copied as it is, with all times, and read back. Nothing is overwritten; without a target, the copy of
    a file is one beside it, with the time in its name. A database server's own tools back up its tables as well.

    Put it back by luthier restore.

    Examples: luthier backup digits.db; luthier backup postgresql://me@host/tuning tuning.db.
    """
    from luthier.cli.resolve_study import find, opened_store
    from luthier.errors import InvalidSetting
    from luthier.store import back_up, open_store, shown_place

    place, _ = find(store)
    if target is None:
        if "://" in place:
            raise click.UsageError("say where the backup goes: a new file, or another store")
        target = _beside(Path(place))
    is_file = "://" not in target
    if is_file and Path(target).exists():
        raise InvalidSetting(f"{target!r} exists, and is not overwritten: give a backup a new place of its own")
    with opened_store(place) as source:
        try:
            with open_store(target) as copy:
                copied = back_up(source, copy)
        except BaseException:
            if is_file:
                Path(target).unlink(missing_ok=True)  # half a backup is useless
            raise
    events = sum(copied.values())
    studies = "1 study" if len(copied) == 1 else f"{len(copied)} studies"
    click.echo(clean(f"{shown_place(place)}: {studies}, {events} events, backed up in {shown_place(target)}"))
    click.echo(clean(f"to put it back: luthier restore {shown_place(target)} {shown_place(place)}"))


def _beside(place: Path) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    return str(place.with_name(f"{place.stem}-{now}{place.suffix}"))


@click.command()
@click.argument("backup", metavar="BACKUP")
@click.argument("store", metavar="STORE|STUDY.toml")
@click.option("--study", "wanted", multiple=True, metavar="NAME", help="That study only; may be given several times.")
def restore(backup: str, store: str, wanted: tuple[str, ...]) -> None:
    """Put the studies of a backup into a store of any kind, which is made where there is none.

    All studies of the backup, or of any other store, are copied with all times, or none of them: a study that the store
    has already is never overwritten. Trials that ran when the backup was made wait to be run again. The folders of
    trials are no part of a store: copy them yourself (digits.db.trials belongs to digits.db).

    Examples: luthier restore digits-backup.jsonl digits.db; luthier restore all.db digits.toml --study digits.
    """
    from luthier.cli.resolve_study import choose, opened_store
    from luthier.store import open_store, shown_place
    from luthier.study import StudyReader

    place = _place(store)
    is_new = "://" not in place and not Path(place).exists()
    with opened_store(backup) as source:
        names = tuple(choose(source.names(), name, backup) for name in wanted) or source.names()
        _check_restorable(source.names(), backup, place, is_new)
        try:
            with open_store(place) as target:
                _check_free(names, target.names(), backup, place)
                readers = [StudyReader.open(source, name) for name in names]
                waiting = sum(reader.copy(target) for reader in readers)
            lines = [f"{reader.name}: restored in {shown_place(place)}, {reader.summary()}" for reader in readers]
        except BaseException:
            if is_new:
                Path(place).unlink(missing_ok=True)  # half of a store is useless
            raise
    if waiting:
        lines.append(f"{waiting} that ran when the backup was made wait to be run again: luthier run goes on")
    click.echo(clean("\n".join(lines)))


def _place(store: str) -> str:
    """Give the place of a store that need not exist, also where a study file names it."""
    if "://" in store or not store.endswith(".toml"):
        return store
    from luthier.cli.studyfile.read import store_of
    from luthier.cli.studyfile.toml_source import TomlSource

    return store_of(TomlSource(store))


def _check_restorable(there: tuple[str, ...], backup: str, place: str, is_new: bool) -> None:
    """Refuse a backup without studies, and a store that is the backup itself."""
    from luthier.errors import InvalidSetting, StudyNotFound
    from luthier.store import shown_place

    if not there:
        raise StudyNotFound(f"{shown_place(backup)} has no studies to restore")
    if not is_new and "://" not in backup + place and Path(place).samefile(backup):
        raise InvalidSetting(f"{place!r} is the backup itself: say where its studies go")


def _check_free(names: tuple[str, ...], there: tuple[str, ...], backup: str, place: str) -> None:
    """Refuse to restore a study that the store has."""
    from luthier.errors import InvalidSetting
    from luthier.store import shown_place

    taken = [name for name in names if name in there]
    if taken:
        shown, source = shown_place(place), shown_place(backup)
        raise InvalidSetting(
            f"{shown} has {', '.join(map(repr, taken))} already, and nothing is overwritten: restore into a new place, "
            f"move {shown} away, or give the copy of a study another name: luthier copy {source} {shown} "
            f"--study {taken[0]!r} --as 'another name'"
        )


@click.command()
@click.argument("store", required=False, metavar="[STORE|STUDY.toml]")
def upgrade(store: str | None) -> None:
    """Bring a store that an earlier version of Luthier made up to date, once all its workers are stopped.

    Nobody can write to it meanwhile, and a copy of what was there is kept beside it. A store is never upgraded by
    itself; one from a newer version is left alone.
    """
    from luthier.cli.resolve_study import find
    from luthier.store import shown_place, upgrade_store

    place, _ = find(store)
    done = upgrade_store(place)
    if done.backup:
        text = f"from schema {done.before} to {done.after}; what was there before is in {done.backup}"
    else:
        text = f"has schema {done.after}, which is the newest: nothing to do"
    click.echo(clean(f"{shown_place(place)}: {text}"))
