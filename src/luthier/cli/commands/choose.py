"""The commands of several objectives: ``choose`` and ``prefer``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from luthier.render import clean, dictionary, json_text, one_line

if TYPE_CHECKING:
    from luthier.analysis import FrontChoice, PreferredTrial

_STORE = click.argument("store", required=False, metavar="[STORE|STUDY.toml]")
_STUDY = click.option("--study", "name", metavar="NAME", help="Which study, where the store has several.")


@click.command()
@_STORE
@_STUDY
@click.option("--weights", metavar="NAME=N,…", help="How important objectives are: error=0.7,seconds=0.3.")
@click.option("--prices", metavar="NAME=N,…", help="What a unit of each objective is worth: error=1,seconds=0.01.")
@click.option("--order", metavar="NAME,…", help="Objectives, the most important one first.")
@click.option("--tolerances", metavar="NAME=N,…", help="With --order: what counts as good: error=0.01.")
@click.option("--preferred", is_flag=True, help="By the answers of `luthier prefer`, and the next question.")
@click.option("--limit", "limits", multiple=True, metavar="NAME<=N", help="Only trials that keep it; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def choose(
    store: str | None,
    name: str | None,
    weights: str | None,
    prices: str | None,
    order: str | None,
    tolerances: str | None,
    preferred: bool,
    limits: tuple[str, ...],
    as_json: bool,
) -> None:
    """Choose one trial of the front of several objectives, ready to paste into code.

    By itself it is the knee of the front: a little more of one objective would cost most of the others.
    """
    from luthier.cli.resolve_study import opened_reader
    from luthier.run import FrontAnalysis

    kept = dict(_limit(text) for text in limits) or None
    with opened_reader(store, name) as study:
        fronts = FrontAnalysis(study)
        found: FrontChoice | PreferredTrial
        if preferred:
            found = fronts.preferred(limits=kept)
        elif weights is None and prices is None and order is None and tolerances is None:
            found = fronts.knee(limits=kept)
        else:
            found = fronts.choose(
                weights=_numbers(weights, "--weights"),
                prices=_numbers(prices, "--prices"),
                order=None if order is None else [one.strip() for one in order.split(",")],
                tolerances=_numbers(tolerances, "--tolerances"),
                limits=kept,
            )
        if as_json:
            click.echo(json_text({"study": study.name, "trials": len(study), **found.to_dict()}))
            return
        click.echo(clean(f"# {study.name}: {found.heading()}"))
        for label, text in found.rows()[len(found.config) :]:
            click.echo(clean(f"# {label}: {one_line(text, 300)}"))
        click.echo(dictionary(found.config))


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[STORE|STUDY.toml] BETTER WORSE")
@_STUDY
def prefer(words: tuple[str, ...], name: str | None) -> None:
    """Note that you prefer the trial BETTER to the trial WORSE, all objectives considered: two numbers.

    `luthier choose --preferred` learns from the answers, and says which two to compare next.
    """
    from luthier.cli.resolve_study import opened_editor
    from luthier.study import preferences

    *place, better, worse = words if len(words) > 1 else (*words, "")
    if len(place) > 1 or not (better.isdecimal() and worse.isdecimal()):
        raise click.UsageError("give the numbers of two trials, the better one first: luthier prefer study.db 4 7")
    with opened_editor(place[0] if place else None, name) as study:
        study.prefer(int(better), int(worse))
        told = len(preferences(study.reader.history))
        click.echo(
            clean(f"{study.reader.name}: trial {int(better)} is preferred to trial {int(worse)} (answer {told})")
        )


def _numbers(text: str | None, option: str) -> dict[str, float] | None:
    """Read ``error=0.7,seconds=0.3``."""
    if text is None:
        return None
    found = {}
    for part in text.split(","):
        name, _, value = part.rpartition("=")
        if name.strip() in found:
            raise click.BadParameter(f"{name.strip()!r} is there twice", param_hint=option)
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise click.BadParameter(f"{part!r} is no NAME=NUMBER", param_hint=option) from None
    return found


def _limit(text: str) -> tuple[str, str]:
    """Read ``seconds<=5``."""
    for relation in ("<=", ">="):
        name, found, value = text.partition(relation)
        if found:
            return name.strip(), f"{relation} {value.strip()}"
    raise click.BadParameter(f"{text!r}: write a limit as 'seconds <= 5'", param_hint="--limit")
