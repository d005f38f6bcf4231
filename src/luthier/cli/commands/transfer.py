"""The command ``transfer``: results of another task, as a source of knowledge of a study."""

from __future__ import annotations

import click

from luthier.errors import StudyMismatch
from luthier.render import clean


@click.command()
@click.argument("store", metavar="STORE|STUDY.toml")
@click.argument("other", metavar="OTHER[#NAME]")
@click.option("--study", "name", metavar="NAME", help="Which study, where the store has several.")
@click.option("--names", multiple=True, metavar="THEIRS=OURS", help="What a variable of that study is called here.")
@click.option("--objective", "objectives", multiple=True, metavar="THEIRS=OURS", help="Likewise, for an objective.")
@click.option("--ignore", multiple=True, metavar="NAME", help="A variable of the other study that is left out.")
def transfer(
    store: str,
    other: str,
    name: str | None,
    names: tuple[str, ...],
    objectives: tuple[str, ...],
    ignore: tuple[str, ...],
) -> None:
    """Have a study learn from another one whose objective is another: the same program on other data, say.

    Its results do not become trials: the first trials begin with its best values, and models expect what it has seen as
    far as the study's own results bear it out. They are recorded in the study, so the other store may go.

    Example: luthier transfer new.db old.db#digits --names lr=rate.
    """
    from luthier.cli.resolve_study import opened_editor, opened_place

    called, goals = _pairs(names, "--names"), _pairs(objectives, "--objective")
    with opened_editor(store, name) as editor, opened_place(other) as reader:
        try:
            count = editor.transfer_from(reader, names=called, ignore=ignore, objectives=goals)
        except StudyMismatch as error:
            how = "here: --names THEIRS=OURS, --objective THEIRS=OURS, --ignore NAME, each as often as needed"
            raise StudyMismatch(f"{error} ({how})") from None
        click.echo(clean(f"{editor.reader.name}: learns from {count} results of {reader.name}"))


def _pairs(given: tuple[str, ...], option: str) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for theirs, sign, ours in pairs:
        if not (theirs and sign and ours):
            raise click.BadParameter("write it as THEIRS=OURS, as in lr=rate", param_hint=option)
    return {theirs: ours for theirs, _, ours in pairs}
