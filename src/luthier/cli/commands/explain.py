"""What the models of a study believe: ``explain``, and ``best --expected``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.terminal import assignments, clean, dictionary, number, one_line, short

if TYPE_CHECKING:
    from luthier.analysis import Calibration, ExpectedBest, Explanation, Interval
    from luthier.study import BaseStudy

_STUDY = click.option("--study", "name", metavar="NAME", help="Which study, where the store has several.")


@click.command()
@click.argument("words", nargs=-1, metavar="[STORE|STUDY.toml] [TRIAL]")
@_STUDY
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(words: tuple[str, ...], name: str | None, as_json: bool) -> None:
    """Say why a trial was made, and what was expected of it before there was a result.

    Without a TRIAL it is the newest one, and the calibration of the models' intervals is printed too.
    """
    from luthier.cli.resolve_study import opened_study
    from luthier.errors import NoResult, TrialNotFound

    store, trial = _split(words)
    with opened_study(store, name) as study:
        if not len(study):
            raise TrialNotFound(f"study {study.name!r} has no trials yet")
        found = study.explain(len(study) - 1 if trial is None else trial)
        judged: list[Calibration] = []
        if trial is None:
            try:
                judged = [study.calibration(goal.name) for goal in study.problem.objectives]
            except NoResult:  # as the explanation says already
                judged = []
        if as_json:
            plain = _explained(study, found)
            if trial is None:
                plain["calibration"] = {one.objective: _calibrated(one) for one in judged}
            click.echo(json.dumps(plain, indent=2, ensure_ascii=False))
            return
        click.echo(clean(f"{study.name}: {found.heading()}"))
        labelled = [("values", assignments(found.config)), *found.rows()[1:]]
        labelled += [("calibration", one.heading()) for one in judged]
        wide = max(len(label) for label, _ in labelled)
        for label, text in labelled:
            click.echo(f"  {clean(label).ljust(wide)}  {one_line(text, 300)}")


def print_expected(study: BaseStudy, as_json: bool) -> None:
    """Print the configuration that is believed best."""
    found = study.expected_best()
    if as_json:
        click.echo(json.dumps(_expected(study, found), indent=2, ensure_ascii=False))
        return
    (goal,) = study.problem.objectives
    which = f"trial {found.number} of {len(study)}"
    how = f"{found.prediction.level:.0%}: {number(found.low)} to {number(found.high)}"
    direction = "maximized" if goal.maximize else "minimized"
    click.echo(clean(f"# {study.name}: {goal.name} = {number(found.value)} expected ({how}; {direction}), {which}"))
    if found.luckiest != found.number:
        lucky = f"{number(found.luckiest_value)} of trial {found.luckiest}"
        click.echo(clean(f"# best measured: {lucky}, of which {number(found.luckiest_expected)} is expected"))
    click.echo(dictionary(found.prediction.config))


def _split(words: tuple[str, ...]) -> tuple[str | None, int | None]:
    """Tell the store from the number of a trial; a store whose name is a number is written ``./7``."""
    given = list(words)
    trial = int(given.pop()) if given and given[-1].isdecimal() else None
    if len(given) > 1:
        raise click.UsageError(f"{short(given[-1])!r} is no number of a trial: they are 0, 1, 2, …")
    return (given[0] if given else None), trial


def _explained(study: BaseStudy, found: Explanation) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "study": study.name,
        "number": found.number,
        "params": _plain(dict(found.config)),
        "purpose": found.purpose,
        "why": found.why,
        "origin": found.origin,
        "method": found.method,
        "known": found.known,
        "expected": None,
        "improvement": found.improvement,
        "acquisition": _plain(found.acquisition._asdict()) if found.acquisition else None,
        "neighbours": [{**near._asdict(), "values": _plain(dict(near.values))} for near in found.neighbours],
        "unit": found.unit,
        "values": _plain(dict(found.values)),
        "surprises": _plain(dict(found.surprises)),
        "note": _plain(dict(found.note)),
        "remarks": list(found.remarks),
    }
    if found.prediction is not None:
        plain["expected"] = _intervals(found.prediction.intervals)
        plain |= {
            "level": found.prediction.level,
            "chance": found.prediction.chance,
            "model": found.prediction.by,
        }
    return plain


def _expected(study: BaseStudy, found: ExpectedBest) -> dict[str, Any]:
    return {
        "study": study.name,
        "number": found.number,
        "trials": len(study),
        "expected": _intervals(found.prediction.intervals),
        "level": found.prediction.level,
        "chance": found.prediction.chance,
        "measured": _plain(list(found.measured)),
        "params": _plain(dict(found.prediction.config)),
        "model": found.prediction.by,
        "best_measured": {
            "number": found.luckiest,
            "value": found.luckiest_value,
            "expected": found.luckiest_expected,
        },
    }


def _calibrated(found: Calibration) -> dict[str, Any]:
    return {
        "verdict": found.verdict,
        "text": found.heading(),
        "coverages": [one._asdict() for one in found.coverages],
        "numbers": list(found.numbers),
        "residuals": _plain(list(found.residuals)),
        "model": found.by,
    }


def _intervals(intervals: Mapping[str, Interval]) -> dict[str, dict[str, float]]:
    return {name: _plain(interval._asdict()) for name, interval in intervals.items()}


def _plain(value: Any) -> Any:
    from luthier import codec

    return codec.to_plain(value)
