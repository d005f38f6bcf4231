"""Wording of reports: values, trials, intervals and counts as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from luthier.analysis import Interval
from luthier.problem import Objective
from luthier.render import number, one_line, short
from luthier.report.document import Inline, Mono

MOST_NUMBERS = 8
"""Numbers of trials that are written out; further ones are counted."""


def direction(goal: Objective) -> str:
    """Say how an objective is optimized."""
    return "maximized" if goal.maximize else "minimized"


def rough(value: float) -> str:
    """Write an estimate, whose further digits mean nothing."""
    return f"{value:.3g}"


def counted(count: int, noun: str) -> str:
    """Write a count with its noun: ``1 trial``, ``12,000 trials``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def interval(found: Interval, level: float) -> str:
    """Write a median with its interval: ``0.98 (90 % interval: 0.97 to 0.99)``."""
    return f"{number(found.median)} ({level * 100:.0f} % interval: {number(found.low)} to {number(found.high)})"


def values_of(values: Mapping[str, float], goals: Sequence[Objective]) -> Inline:
    """Write the objectives of a trial: ``accuracy = 0.98 (maximized), seconds = 3 (minimized)``."""
    parts: list[str | Mono] = []
    for goal in goals:
        parts += [", " if parts else "", Mono(goal.name), f" = {number(values[goal.name])} ({direction(goal)})"]
    return tuple(parts)


def value(plain: Any) -> Mono:
    """Write a value of a variable."""
    return Mono(short(plain))


def change(name: str, before: Any, after: Any) -> Inline:
    """Write the change of a variable."""
    if before is None:
        return (Mono(name), " = ", value(after), " (was inactive)")
    if after is None:
        return (Mono(name), " becomes inactive (was ", value(before), ")")
    return (Mono(name), ": ", value(before), " → ", value(after))


def joined(parts: Iterable[Inline], between: str = ", ") -> Inline:
    """Join lines of text."""
    found: list[str | Mono] = []
    for part in parts:
        found += [between] if found else []
        found += part
    return tuple(found)


def numbers(trials: Sequence[int]) -> str:
    """Write the numbers of trials: ``3, 8, 11 and 40 more``."""
    shown = ", ".join(map(str, trials[:MOST_NUMBERS]))
    return shown + (f" and {len(trials) - MOST_NUMBERS:,} more" if len(trials) > MOST_NUMBERS else "")


def message(text: str, width: int = 300) -> Mono:
    """Write the first line of an error."""
    return Mono(one_line(text.strip().partition("\n")[0], width))
