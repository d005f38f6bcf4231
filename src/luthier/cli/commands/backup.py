"""The commands ``backup`` and ``upgrade``: a whole store copied, and brought to this version's schema."""

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
                Path(target).unlink(missing_ok=True)  # half a backup is none
            raise
    events = sum(copied.values())
    studies = "1 study" if len(copied) == 1 else f"{len(copied)} studies"
    click.echo(clean(f"{shown_place(place)}: {studies}, {events} events, backed up in {shown_place(target)}"))


def _beside(place: Path) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    return str(place.with_name(f"{place.stem}-{now}{place.suffix}"))


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
