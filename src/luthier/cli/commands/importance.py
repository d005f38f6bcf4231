"""The command ``importance``: how much each variable matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from luthier.render import clean, json_text, one_line

if TYPE_CHECKING:
    from luthier.analysis import Importance, ImportanceMethod, StudyComparison

_METHODS = ("fanova", "shapley", "permutation", "ped-anova", "local")


@click.command()
@click.argument("store", required=False, metavar="[STORE|STUDY.toml]")
@click.option("--study", "name", metavar="NAME", help="Which study, where the store has several.")
@click.option("--objective", metavar="NAME", help="Of which objective; by default of each.")
@click.option("--method", type=click.Choice(_METHODS), help="How importance is measured; fanova by default.")
@click.option("--interactions", is_flag=True, help="Score pairs of variables, too (of fanova).")
@click.option("--failures", type=click.Choice(("ignore", "worst")), default="ignore", help="What crashes count as.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def importance(
    store: str | None,
    name: str | None,
    objective: str | None,
    method: ImportanceMethod | None,
    interactions: bool,
    failures: str,
    as_json: bool,
) -> None:
    """Print how much each variable matters for the objective, with intervals, the most important first.

    A variable whose interval holds 0 cannot be told from one that does nothing.
    """
    from luthier.cli.resolve_study import opened_study

    with opened_study(store, name) as study:
        wanted = [goal.name for goal in study.problem.objectives] if objective is None else [objective]
        found = [
            study.importance(
                one,
                method,
                interactions=interactions,
                failures="worst" if failures == "worst" else "ignore",
            )
            for one in wanted
        ]
        if as_json:
            plain = [{"study": study.name, **one.to_dict()} for one in found]
            click.echo(json_text(plain[0] if len(plain) == 1 else plain))
            return
        for one in found:
            print_result(one, f"{study.name}: ")


def print_result(found: Importance | StudyComparison, begin: str = "") -> None:
    """Print the result of an analysis: a heading after `begin`, and its rows."""
    click.echo(clean(begin + found.heading()))
    rows = [(clean(one_line(label, 60)), one_line(text, 300)) for label, text in found.rows()]
    wide = max(len(label) for label, _ in rows)
    for label, text in rows:
        click.echo(f"  {label.ljust(wide)}  {text}")
