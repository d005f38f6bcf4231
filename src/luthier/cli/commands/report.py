"""The command ``report``: one page about a study, as HTML or Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from luthier.render import clean

if TYPE_CHECKING:
    from luthier.report import Reportable

_STORE = click.argument("store", required=False, metavar="[STORE|STUDY.toml]")
_STUDY = click.option("--study", "name", metavar="NAME", help="Which study, where the store has several.")


@click.command()
@_STORE
@_STUDY
@click.option("--out", "-o", metavar="FILE", help="By default report.html, or standard output of md. - for that, too.")
@click.option(
    "--format", "form", type=click.Choice(("html", "md")), help="By default that of the file's name, or html."
)
def report(store: str | None, name: str | None, out: str | None, form: str | None) -> None:
    """Write one page about a study that can be sent to a colleague: it needs no network and no server.

    It has the best values as code, how sure they are, what mattered, what to try next, how time was spent, what failed,
    the space, every trial in a table that sorts and filters, and how to reproduce it. With --format md it is Markdown
    for a pull request.
    """
    from luthier.cli.commands.export import check_target
    from luthier.errors import InvalidSetting
    from luthier.report import report_text, write_report

    with _opened(store, name) as study:
        command = f"luthier run {store}" if store is not None and store.endswith(".toml") else ""
        if out == "-" or (out is None and form == "md"):
            click.echo(report_text(study, form or "html", command), nl=False)
            return
        target = out or "report.html"
        check_target(study.reader, target, store, "--out")
        try:
            written = write_report(study, target, form, command)
        except InvalidSetting as error:
            raise click.BadParameter(str(error), param_hint="--out") from None
    click.echo(f"wrote {clean(str(written))}")


@contextmanager
def _opened(store: str | None, name: str | None) -> Iterator[Reportable]:
    """Open the study that is meant, with its method where that can be built."""
    from luthier.cli.resolve_study import opened_reader, opened_study
    from luthier.errors import InvalidSetting
    from luthier.report import UnmodelledStudy

    with ExitStack() as stack:
        try:
            study: Reportable = stack.enter_context(opened_study(store, name))
        except InvalidSetting as error:
            study = UnmodelledStudy(stack.enter_context(opened_reader(store, name)), str(error))
        yield study
