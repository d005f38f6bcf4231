"""The command ``compare``: two studies, or repetitions of them, at equal numbers of trials."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from luthier.cli.commands.importance import print_result
from luthier.render import json_text

if TYPE_CHECKING:
    from luthier.study import StudyReader


@click.command()
@click.argument("first", metavar="STORE[#NAME]")
@click.argument("second", metavar="STORE[#NAME]")
@click.option("--objective", metavar="NAME", help="Of which objective, where there are several.")
@click.option("--level", type=float, default=0.95, metavar="P", help="The probability of each interval; 0.95.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the best values after each number of trials.")
def compare(first: str, second: str, objective: str | None, level: float, as_json: bool) -> None:
    """Compare the best values of two studies at equal numbers of trials.

    Examples: luthier compare old.db new.db; luthier compare "work.db#random" "work.db#auto". One pair says nothing
    about luck: give repetitions with other seeds, separated by commas, such as a0.db,a1.db,a2.db b0.db,b1.db,b2.db;
    the i-th of each are a pair.
    """
    from luthier.run import compare as compare_studies

    with ExitStack() as opened:
        found = compare_studies(_opened(opened, first), _opened(opened, second), objective, level)
        if as_json:
            click.echo(json_text(found.to_dict()))
        else:
            print_result(found)


def _opened(opened: ExitStack, text: str) -> list[StudyReader]:
    from luthier.cli.resolve_study import opened_place

    return [opened.enter_context(opened_place(place.strip())) for place in text.split(",") if place.strip()]
