"""Section of the best values: as code to paste, how sure they are, and against the defaults."""

from __future__ import annotations

from luthier.analysis import Forecast, Lead, Prediction, SmallestChange
from luthier.errors import NoResult
from luthier.problem import Objective
from luthier.render import dictionary, number, short
from luthier.report.document import Block, Cell, Code, DataTable, Facts, Inline, Mono, Paragraph, ReportSection
from luthier.report.findings import Findings, Lack
from luthier.report.wording import change, counted, direction, interval, joined, rough, values_of
from luthier.study import TrialResult

_FRONT = 20
"""Trials of a front that are listed; all of them are in the table of trials."""


def best_values(findings: Findings) -> ReportSection:
    """Say which values are best, how sure that is, and how they compare with the defaults."""
    if not findings.leaders:
        blocks: tuple[Block, ...] = (Paragraph((_why_none(findings),), "warning"),)
    elif findings.single:
        blocks = _of_one(findings)
    else:
        blocks = _of_several(findings)
    return ReportSection("best", "Best values" if findings.single else "Best trade-offs", blocks)


def _why_none(findings: Findings) -> str:
    if findings.single:
        try:
            return f"Trial {findings.reader.best.number} became the best meanwhile: write the report again."
        except NoResult as error:
            return f"{str(error)[:1].upper()}{str(error)[1:]}."
    return "No trial has values of all objectives and keeps the outcome constraints."


def _of_one(findings: Findings) -> tuple[Block, ...]:
    best, (goal,) = findings.leaders[0], findings.problem.objectives
    lead = (Mono(goal.name), f" = {number(best.value)} ({direction(goal)}), in trial {best.number} of ")
    return (
        Paragraph((*lead, counted(len(findings.trials), "trial"), "."), "lead"),
        *_overtuned(findings.lead),
        Code(f"params = {dictionary(best.config)}", "python", "The best values, as Python"),
        Facts((*_sureness(findings, best, goal), *_against_defaults(findings, best, goal))),
        *_smallest_change(findings.smallest_change),
    )


def _overtuned(lead: Lead | None) -> tuple[Block, ...]:
    """Warn where the best is better than the defaults by less than the noise of that difference."""
    if lead is None or not lead.is_noise:
        return ()
    how = f"over the {lead.pairs} folds that both have" if lead.source == "folds" else "of two measurements"
    text = (
        f"The best trial is {rough(lead.value)} better than the defaults (trial {lead.other}), which is below the "
        f"noise of that difference, {rough(lead.noise)} {how}: it may be no better at all. Measure both again before "
        "you change anything."
    )
    return (Paragraph((text,), "warning"),)


def _sureness(findings: Findings, best: TrialResult, goal: Objective) -> list[tuple[str, Inline]]:
    """Say how sure the best value is: what the models expect there, the noise, and rivals within it."""
    rows: list[tuple[str, Inline]] = []
    expected, likely = findings.expected_best, findings.at_best
    if not isinstance(expected, Lack) and expected.number == best.number and len(expected.measured) > 1:
        rows.append(("measured", (", ".join(map(number, expected.measured)),)))
    if isinstance(likely, Prediction):
        text = f"{interval(likely.interval, likely.level)}, by {likely.by}"
        rows.append(("expected of these values", (text,)))
    else:
        rows.append(("expected of these values", (f"nothing can be predicted: {likely.why}",)))
    noise = findings.forecast.noise if isinstance(findings.forecast, Forecast) else 0.0
    if noise > 0:
        close = int((findings.losses <= goal.loss(best.value) + noise).sum()) - 1
        others = f"{counted(close, 'other trial')} lie{'s' if close == 1 else ''} within it" if close > 0 else ""
        rows.append(("noise", (f"one measurement varies by about {rough(noise)}", f"; {others}" if others else "")))
    if not isinstance(expected, Lack) and expected.number != best.number:
        where = f"trial {expected.number}" if expected.number is not None else "an untried configuration"
        text = f"{where} is expected to be better than the one that was measured best: "
        values = joined([(Mono(name), " = ", Mono(short(item))) for name, item in expected.prediction.config.items()])
        rows.append(("best by the model", (text, interval(expected.prediction.interval, 0.9), ", with ", *values)))
    return rows


def _against_defaults(findings: Findings, best: TrialResult, goal: Objective) -> list[tuple[str, Inline]]:
    """Compare the best trial with the defaults: as measured, or else as predicted."""
    tried = findings.defaults
    if tried is not None:
        gain = goal.loss(tried.value) - goal.loss(best.value)
        gained = "they are the best" if tried.number == best.number else f"the best is {rough(gain)} better"
        return [("the defaults", (f"{number(tried.value)} in trial {tried.number}; {gained}",))]
    path = findings.ablation
    if isinstance(path, Lack) or path.origin != "the defaults":
        return []
    text = f"not tried; {interval(path.predicted, path.level)} is predicted, and the best is expected to be "
    return [("the defaults", (f"{text}{rough(path.gain)} better",))]


def _smallest_change(found: SmallestChange | Lack) -> tuple[Block, ...]:
    """Say which changes from the defaults suffice, where not all of them are needed."""
    if isinstance(found, Lack) or not found.kept:
        return ()
    changed = joined([change(one.name, one.before, one.after) for one in found.changes])
    kept = joined([(Mono(one.name), " = ", Mono(short(one.before))) for one in found.kept if one.before is not None])
    text: Inline = (
        f"Fewer changes from {found.origin} are as good within {rough(found.tolerance)}: ",
        *(changed or ("none",)),
        *(("; as they were: ", *kept) if kept else ()),
        f". Expected: {interval(found.predicted, found.level)}.",
    )
    return (Paragraph(text, "note"),)


def _of_several(findings: Findings) -> tuple[Block, ...]:
    goals, front = findings.problem.objectives, findings.leaders
    names = [name for name in findings.problem.space.names if any(name in trial.config for trial in front)]
    head: tuple[Cell, ...] = ("trial", *(Mono(goal.name) for goal in goals), *map(Mono, names))
    rows = []
    for trial in front[:_FRONT]:
        config = trial.config
        chosen = [Mono(short(config[name])) if name in config else None for name in names]
        rows.append((trial.number, *(trial.values[goal.name] for goal in goals), *chosen))
    more = f" The first {_FRONT} are listed." if len(front) > _FRONT else ""
    aims = joined([(Mono(goal.name), f" ({direction(goal)})") for goal in goals])
    text: Inline = (f"{counted(len(front), 'trial')} are dominated by no other one in ", *aims, f".{more}")
    if len(front) == 1:
        text = ("One trial is at least as good as all others in ", *aims, ": ", *values_of(front[0].values, goals), ".")
    codes = [f"{trial.number}: {dictionary(trial.config)}," for trial in front[:_FRONT]]
    listing = "front = {\n" + "\n".join(f"    {line}" for code in codes for line in code.splitlines()) + "\n}"
    return (
        Paragraph(text, "lead"),
        DataTable("Trials of the Pareto front", head, tuple(rows)),
        Code(listing, "python", "Their values, as Python, by number of trial"),
    )
