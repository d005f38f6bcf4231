"""Advice on the space of a study: ranges to widen, options to leave out, variables to fix."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from luthier.analysis import Importance
from luthier.errors import InvalidSpace
from luthier.render import literal, short
from luthier.report.document import Inline, Mono
from luthier.report.findings import Findings, Lack
from luthier.report.wording import counted
from luthier.space import Choice, Float, Int
from luthier.study import TrialResult

_EDGE = 0.02
"""How near to an end of its range, on the variable's scale, a value is at the edge."""
_NEGLIGIBLE = 0.05
"""An importance whose interval ends below this does not matter."""
_RELIABLE = 0.3
"""The least share of held-out values that a model must explain before a variable is called unimportant."""
_TRIED = 5
"""Trials that an option needs before it is judged."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Something to try.

    Args:
        headline: what to do.
        why: the evidence.
        code: that does it; empty where there is none.
    """

    headline: Inline
    why: Inline
    code: str = ""


def at_edges(findings: Findings) -> Iterator[Advice]:
    """Advise to widen ranges at whose ends the best values lie; not where 0 or 1 looks like a natural bound."""
    leaders = findings.leaders
    for name, variable in findings.problem.space.variables.items():
        held = [trial for trial in leaders if name in trial.config]
        if not isinstance(variable, Float | Int) or not held or _is_negligible(findings, name):
            continue
        places = np.array([_place(variable, trial.config[name]) for trial in held])
        for upper in (False, True):
            near = (places >= 1 - _EDGE if upper else places <= _EDGE).mean()
            wider = _widened(variable, upper)
            if near >= 0.5 and len(held) >= 0.5 * len(leaders) and wider is not None:
                yield _edge(name, variable, wider, upper, held)


def _edge(name: str, variable: Float | Int, wider: Float | Int, upper: bool, held: list[TrialResult]) -> Advice:
    end = variable.high if upper else variable.low
    new = wider.high if upper else wider.low
    many = "" if len(held) == 1 else f" in most of the {counted(len(held), 'trial')} of the front"
    why = (
        f"lies at the {'upper' if upper else 'lower'} end of its range, {short(end)}{many}: the optimum may be beyond."
    )
    best = (Mono(name), " = ", Mono(short(held[0].config[name])), f" {why}")
    head = ("Widen the range of ", Mono(name), f" {'up' if upper else 'down'} to {short(new)}.")
    return Advice(head, best, f"{literal(name)}: lt.{wider!r},")


def _place(variable: Float | Int, value: float) -> float:
    """Give the place of a value in its range, on the variable's scale, in [0, 1]."""
    low, high = float(variable.low), float(variable.high)
    if high <= low:
        return 0.5
    if variable.log:
        return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    return (value - low) / (high - low)


def _widened(variable: Float | Int, upper: bool) -> Float | Int | None:
    """Widen a range at one end, by a half on its scale; None where the end looks like a natural bound."""
    low, high = variable.low, variable.high
    natural = {0, 1} if isinstance(variable, Float) else {0, 1, 2}
    if (variable.step is not None and isinstance(variable, Float)) or high <= low:
        return None
    if variable.log:
        factor = max(2.0, math.sqrt(high / low))
        new = _round(high * factor) if upper else _round(low / factor)
    else:
        if upper and low == 0 and high == 1:
            return None
        if not upper and low in natural:
            return None
        new = _round(high + (high - low) / 2) if upper else _round(low - (high - low) / 2)
        new = max(new, 0.0) if not upper and low > 0 else new
    if isinstance(variable, Int):
        whole = math.ceil(new) if upper else max(math.floor(new), 1 if variable.log else -(2**62))
        if (whole <= high if upper else whole >= low) or variable.step not in (None, 1):
            return None
        return _with_end(variable, whole, upper)
    if not math.isfinite(new) or (new <= high if upper else new >= low):
        return None
    return _with_end(variable, new, upper)


def _with_end(variable: Float | Int, end: Any, upper: bool) -> Float | Int | None:
    """Give a variable another end; None where that is no range any more, as the numbers are too large or too small."""
    try:
        return replace(variable, high=end) if upper else replace(variable, low=end)
    except InvalidSpace:
        return None


def _round(value: float) -> float:
    """Round to two significant digits."""
    return float(f"{value:.2g}")


def without_effect(findings: Findings) -> Iterator[Advice]:
    """Advise to fix variables that do nothing, as far as the models can tell."""
    found = findings.importance
    if isinstance(found, Lack) or found.fit is None or found.fit < _RELIABLE or not findings.leaders:
        return
    config = findings.leaders[0].config
    names = [one.name for one in found.variables if _is_negligible(findings, one.name) and one.name in config]
    names = [name for name in names if isinstance(findings.problem.space.variables[name], Float | Int | Choice)]
    if not names or len(names) == len(findings.problem.space.names):
        return
    shown: list[str | Mono] = []
    for name in names:
        shown += [", " if shown else "", Mono(name)]
    code = "\n".join(f"{literal(name)}: lt.Constant({literal(config[name])})," for name in names)
    does = "does" if len(names) == 1 else "do"
    why = (
        f"What {'it does' if len(names) == 1 else 'they do'} cannot be told from nothing, and is at most a few percent."
    )
    yield Advice(("Fix what ", does, " not matter: ", *shown, "."), (why,), code)


def _is_negligible(findings: Findings, name: str) -> bool:
    """Tell whether a variable does nothing for any objective, as far as reliable models can tell."""
    return all(_does_nothing(found, name) for found in findings.importances.values())


def _does_nothing(found: Importance | Lack, name: str) -> bool:
    if isinstance(found, Lack) or found.fit is None or found.fit < _RELIABLE:
        return False
    one = next((one for one in found.variables if one.name == name), None)
    if one is None or one.matters:
        return False
    return one.score.high < _NEGLIGIBLE and (one.total is None or one.total.high < 2 * _NEGLIGIBLE)


def poor_options(findings: Findings) -> Iterator[Advice]:
    """Advise to leave out options whose best trial is worse than most trials of other options."""
    if not findings.single:
        return
    problem = findings.problem
    for name, variable in problem.space.variables.items():
        if not isinstance(variable, Choice) or variable.levels < 2:
            continue
        losses = _losses_by_option(findings, name)
        poor = []
        for option, own in losses.items():
            rest = [loss for other, each in losses.items() if other != option for loss in each]
            if len(own) >= _TRIED and len(rest) >= _TRIED and min(own) > statistics.median_low(rest):
                poor.append((option, len(own)))
        if poor and len(poor) < variable.levels - 1:
            options = ", ".join(repr(option) for option, _ in poor)
            count = sum(tried for _, tried in poor)
            why = f"The best of {counted(count, 'trial')} with it is worse than half of all others."
            yield Advice(("Leave out ", Mono(options), " of ", Mono(name), "."), (why,))


def _losses_by_option(findings: Findings, name: str) -> dict[object, list[float]]:
    found: dict[object, list[float]] = {}
    for trial, loss in zip(findings.table.trials, findings.losses.tolist(), strict=True):
        if trial.is_done and name in trial.config:
            found.setdefault(trial.config[name], []).append(loss)
    return found
