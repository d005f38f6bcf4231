"""Labels: shortened names, numbers, ticks, and the words beneath the pointer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from luthier.render import clean, number, short
from luthier.study import TrialResult

TITLE = 34
"""The most characters of an axis' title."""
TICK = 18
"""The most characters of a tick's words."""
_HOVER = 60
_LEAST_STEP = 1e-300


def flat(text: object) -> str:
    """Put a text on one line, without control characters."""
    return " ".join(clean(str(text)).split())


def shortened(text: object, most: int) -> str:
    """Shorten a text to at most `most` characters by leaving out its middle."""
    line = flat(text)
    if len(line) <= most:
        return line
    tail = (most - 1) // 2
    return f"{line[: most - 1 - tail]}…{line[len(line) - tail :]}"


def shortened_apart(texts: Sequence[object], most: int) -> tuple[str, ...]:
    """Shorten texts so that they can be told apart: of those that would be alike, the part that differs is kept."""
    lines = [flat(text) for text in texts]
    found = [shortened(line, most) for line in lines]
    for text in {text for text in found if found.count(text) > 1}:
        alike = [place for place, one in enumerate(found) if one == text]
        if len({lines[place] for place in alike}) > 1:
            start = _common([lines[place] for place in alike])
            for place in alike:
                found[place] = _window(lines[place], start, most)
    for place, text in enumerate(found):
        if text in found[:place] and lines[place] not in lines[:place]:
            mark = f" ({found[:place].count(text) + 1})"
            found[place] = shortened(lines[place], max(4, most - len(mark))) + mark
    return tuple(found)


def _common(lines: Sequence[str]) -> int:
    """Give the length of the beginning that texts share."""
    first, last = min(lines), max(lines)
    return next((place for place, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))


def _window(line: str, start: int, most: int) -> str:
    """Cut a text to the part around a place, with what was left out as dots."""
    first = max(0, min(start - most // 2 + 1, len(line) - most + 1))
    cut = line[first : first + most]
    cut = cut if first == 0 else "…" + cut[1:]
    return cut if first + most >= len(line) else cut[:-1] + "…"


def assigned(config: Mapping[str, object]) -> tuple[str, ...]:
    """Write a configuration, one line a variable."""
    return tuple(f"{shortened(name, _HOVER)} = {shortened(short(value), _HOVER)}" for name, value in config.items())


def trial_hover(trial: TrialResult, most: int = 14) -> tuple[str, ...]:
    """Describe a trial beneath the pointer: its number, its outcome and values, and its configuration."""
    head = f"trial {trial.number}"
    values = [f"{shortened(name, _HOVER)}: {number(value)}" for name, value in trial.values.items()]
    if not values:
        head += f": {trial.reason or trial.state}"
        values = [shortened(trial.error.partition("\n")[0], _HOVER)] if trial.error else []
    broken = [f"{shortened(name, _HOVER)} violated by {number(by)}" for name, by in trial.violations.items() if by > 0]
    lines = assigned(trial.config)
    more = (f"… and {len(lines) - most} more variables",) if len(lines) > most else ()
    return (head, *values, *broken, *lines[:most], *more)


def direction(name: str, maximize: bool) -> str:
    """Name an objective with the direction that is better."""
    return f"{shortened(name, TITLE)} ({'more' if maximize else 'less'} is better)"


def even_ticks(low: float, high: float, most: int = 6, whole: bool = False) -> tuple[float, ...]:
    """Give round numbers between two ends, at most `most` of them: 1, 2 or 5 times a power of ten apart."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return (low,) if math.isfinite(low) else ()
    parts = max(1, most - 1)
    raw = (high - low) / parts if math.isfinite(high - low) else high / parts - low / parts
    if raw < _LEAST_STEP:  # that of the smallest numbers, which have no powers of ten between them
        return (low, high)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * (1 - 1e-9))
    if whole:
        step = max(1.0, step)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return tuple(place * step for place in range(first, last + 1))


def log_ticks(low: float, high: float, most: int = 6) -> tuple[float, ...]:
    """Give powers of ten between two ends above 0, or round numbers where there are fewer than two of them."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if last - first < 1:
        return even_ticks(low, high, most)
    step = max(1, math.ceil((last - first + 1) / most))
    return tuple(10.0**power for power in range(first, last + 1, step))


def tick_text(value: float) -> str:
    """Write a number at a tick: short, in powers where it is large or small."""
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e6:
        return f"{value:.6g}"
    mantissa, _, power = f"{value:.3e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(power)}"


def of_time(span_s: float) -> tuple[str, float]:
    """Give the unit in which times of up to `span_s` seconds are drawn, and its seconds."""
    for name, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if span_s > 2 * size:
            return name, size
    return ("seconds", 1.0) if span_s > 0.2 or span_s == 0 else ("milliseconds", 0.001)
