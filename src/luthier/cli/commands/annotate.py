"""The command ``annotate``: notes and tags of a study."""

from __future__ import annotations

import click

from luthier.render import clean


@click.command()
@click.argument("store", required=False, metavar="[STORE|STUDY.toml]")
@click.option("--study", "name", metavar="NAME", help="Which study, where the store has several.")
@click.option(
    "--notes", metavar="TEXT", help="The notes, in place of those that it has; an empty text takes them away."
)
@click.option("--tag", "added", multiple=True, metavar="TAG", help="A further tag; may be given several times.")
@click.option("--untag", "removed", multiple=True, metavar="TAG", help="A tag that is taken away; likewise.")
def annotate(
    store: str | None, name: str | None, notes: str | None, added: tuple[str, ...], removed: tuple[str, ...]
) -> None:
    """Give a study notes and tags, which luthier list and show print; without options, print them.

    Example: luthier annotate digits.db --notes "with the new scaler" --tag paper --tag gpu.
    """
    from luthier.cli.resolve_study import opened_editor

    with opened_editor(store, name) as editor:
        study = editor.reader
        unknown = [tag for tag in removed if tag not in study.tags]
        if unknown:
            known = ", ".join(map(repr, study.tags)) or "none"
            raise click.BadParameter(f"it has no tag {unknown[0]!r}; it has {known}", param_hint="--untag")
        tags = [*(tag for tag in study.tags if tag not in removed), *added]
        editor.annotate(notes, tags if added or removed else None)
        click.echo(clean(f"{study.name}: {' '.join(f'#{tag}' for tag in study.tags) or 'no tags'}"))
        click.echo(clean(study.notes or "no notes"))
