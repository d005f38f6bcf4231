"""Section of next steps: where something may still be won, and what to do for it."""

from __future__ import annotations

import numpy as np

from luthier.analysis import Forecast, Importance
from luthier.report.advice import Advice, at_edges, poor_options, without_effect
from luthier.report.document import Mono, Paragraph, ReportSection, StepList
from luthier.report.findings import Findings, Lack
from luthier.report.percentage import percent
from luthier.report.regions import telling_region
from luthier.report.wording import counted, rough, values_of

_FAILING = 0.1
"""The share of failed trials from which failures are worth a step."""
_FEW = 5
"""Trials with values per variable, below which a study has only begun."""


def next_steps(findings: Findings) -> ReportSection:
    """Say what to try next, the most promising first."""
    failing, more = _fewer_failures(findings), _more_trials(findings)
    found = [
        *(failing + more if _mostly_failed(findings) else more),
        *at_edges(findings),
        *([] if _mostly_failed(findings) else failing),
        *poor_options(findings),
        *without_effect(findings),
        *_measure_again(findings),
    ]
    if not found:
        nothing = Paragraph(
            ("Nothing stands out: the best values lie inside their ranges, and the models are settled.",)
        )
        return ReportSection("next", "What to try next", (nothing,))
    return ReportSection(
        "next", "What to try next", (StepList(tuple((one.headline, one.why, one.code) for one in found)),)
    )


def _more_trials(findings: Findings) -> list[Advice]:
    """Say what further trials may bring, or that more are needed to say anything."""
    done = int(findings.table.done.sum())
    wanted = _FEW * max(1, len(findings.problem.space.names))
    if done < wanted:
        variables = counted(len(findings.problem.space.names), "variable")
        why = f"{counted(done, 'trial')} with a value tell{'s' * (done == 1)} little about {variables}."
        return [Advice((f"Go on to {wanted} trials with values, or more.",), (why,))]
    found = findings.forecast
    if isinstance(found, Lack):
        return []
    return [_forecast(found)]


def _forecast(found: Forecast) -> Advice:
    gain, more = found.expected, found.trials[-1]
    ends = f"{rough(gain.low)} to {rough(gain.high)} with {percent(found.level)} probability"
    noise = f" One measurement varies by {rough(found.noise)}." if found.noise > 0 else ""
    worth = gain.value > max(found.noise, 1e-3 * abs(found.best))
    headline = (
        f"Go on: {more} more trials may still win." if worth else f"Stop here: {more} more trials will win little."
    )
    why = f"They are expected to better the best value by {rough(gain.value)} ({ends})"
    chance = f"; by more than the noise with {percent(found.chance)} probability." if found.noise > 0 else "."
    return Advice((headline,), (f"{why}{chance}{noise}",))


def _mostly_failed(findings: Findings) -> bool:
    found = findings.failures
    return not isinstance(found, Lack) and found.failed > found.total / 2


def _fewer_failures(findings: Findings) -> list[Advice]:
    """Say how to spare failures, where many trials fail."""
    found = findings.failures
    if isinstance(found, Lack) or found.failed < _FAILING * found.total:
        return []
    reason = found.kinds[0].reason
    share = f"{found.failed} of {counted(found.total, 'trial')} failed, most of them for the reason {reason!r}"
    region = telling_region(found)
    if reason == "timeout":
        return [Advice(("Give trials more time, or leave out slow values.",), (f"{share}.",))]
    if region is None:
        return [
            Advice(("Look at the failures.",), (f"{share}, in all parts of the space: the objective may be broken.",))
        ]
    title, one = region
    name = title if title.isidentifier() else f"`{title}`"
    rule = f"{name} != {one.label!r}" if one.label else f"{name} < {one.low:.4g} or {name} > {one.high:.4g}"
    code = "" if one.label == "absent" else f"require=[{rule!r}]"
    where = f"; {one.failed} of the {one.total} trials in one region of "
    return [Advice(("Leave out the region that fails.",), (share, where, Mono(title), "."), code)]


def _measure_again(findings: Findings) -> list[Advice]:
    """Say which trials to measure again, where noise hides which one is best."""
    found, importance = findings.forecast, findings.importance
    if findings.table.is_race:  # which goes on with further cases by itself
        return []
    if not findings.single or not findings.leaders or isinstance(found, Lack) or found.noise <= 0:
        return []
    (goal,), best = findings.problem.objectives, findings.leaders[0]
    losses = findings.losses
    first = np.argsort(losses, kind="stable")[:5]
    close = findings.table.numbers[first[losses[first] <= goal.loss(best.value) + found.noise]].tolist()
    weak = isinstance(importance, Importance) and importance.fit is not None and importance.fit < 0.0
    if len(close) < 2 or weak:
        return []
    numbers = ", ".join(map(str, close))
    why = ("The best is ", *values_of(best.values, (goal,)), f", and noise is about {rough(found.noise)}.")
    return [Advice((f"Measure trials {numbers} again: noise hides which of them is best.",), why)]
