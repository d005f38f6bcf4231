"""The command ``copy``: a study copied into another store, or under another name."""

from __future__ import annotations

import click

from luthier.render import clean


@click.command()
@click.argument("store", required=False, metavar="[STORE|STUDY.toml]")
@click.argument("target", required=False, metavar="[STORE]")
@click.option("--study", "name", metavar="NAME", help="Which study, where the store has several.")
@click.option("--as", "called", metavar="NAME", help="The name of the copy; by default that of the study.")
def copy(store: str | None, target: str | None, name: str | None, called: str | None) -> None:
    """Copy a study into another store, or under another name in its own.

    The log is copied as it is, with all times, so the copy goes on with the same proposals. Nothing is overwritten.
    Trials that are running wait in the copy to be run again; files in the folders of trials stay where they are.

    Examples: luthier copy digits.db backup.db; luthier copy digits.db --study digits --as "second try".
    """
    from luthier.cli.resolve_study import opened_reader
    from luthier.store import shown_place

    if target is None and called is None:
        raise click.UsageError("say where the copy goes: another store, or another name with --as")
    with opened_reader(store, name) as study:
        waiting = study.copy(target, called)
        title = study.name if called is None else called
        where = f" into {shown_place(target)}" if target is not None else ""
        more = f"; {waiting} that are running wait in the copy to be run again" if waiting else ""
        click.echo(clean(f"{study.name}: copied{where} as {title!r}, {study.summary()}{more}"))
