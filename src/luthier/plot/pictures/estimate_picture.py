"""Pictures of estimates with intervals: importance, forecast, calibration, ablation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from luthier.analysis import AblationPath, Calibration, Forecast, Importance, IntervalEstimate, ValueChange
from luthier.plot.axis_range import padded
from luthier.plot.labels import TITLE, direction, flat, shortened, shortened_apart
from luthier.plot.picture import (
    BandLayer,
    BarLayer,
    Hover,
    Layer,
    LineLayer,
    Panel,
    PanelAxis,
    Picture,
    PointLayer,
    TextLayer,
)
from luthier.plot.subject import Subject
from luthier.render import number, short

_MOST_BARS = 30
_MOST_PAIRS = 10
_WORD = 26
_MOST_CHANGES = 16
_WORD_OF_CHANGE = 20


def importance_picture(subject: Subject, found: Importance) -> Picture:
    """Describe the importance of the variables, the most important on top, with intervals.

    Args:
        subject: the study.
        found: the scores.
    """
    shown = found.variables[:_MOST_BARS]
    names = [one.name for one in shown]
    hover = tuple(
        (
            flat(one.name),
            f"{one.score}",
            *((f"with interactions {one.total}",) if one.total else ()),
            *((f"active in {one.active:.0%} of the space, in {one.trials} trials",) if one.active < 1 else ()),
            *(() if one.matters else ("may do nothing",)),
        )
        for one in shown
    )
    totals = [one.total for one in shown if one.total is not None]
    layers: list[Layer] = []
    if len(totals) == len(shown) and shown:
        layers.append(_bars(totals, "pale", "with interactions", hover, 0.74, False))
    layers.append(_bars([one.score for one in shown], "series 0", "alone" if totals else "", hover, 0.5, True))
    panels = [_bar_panel(layers, names, _measure(found))]
    heights = [len(shown)]
    for title, pairs in (
        ("interactions of pairs", [(" × ".join(one.names), one.score) for one in found.interactions[:_MOST_PAIRS]]),
        ("groups", [(one.name, one.score) for one in found.groups[:_MOST_PAIRS]]),
    ):
        if pairs:
            texts: Hover = tuple((flat(name), f"{score}") for name, score in pairs)
            bars = _bars([score for _, score in pairs], "series 2", "", texts, 0.5, True)
            panels.append(_bar_panel([bars], [name for name, _ in pairs], title, title))
            heights.append(len(pairs))
    panels = [
        Panel(one.x, one.y, one.layers, one.title, height=count + 1.5)
        for one, count in zip(panels, heights, strict=True)
    ]
    notes = [*found.remarks, f"{found.level:.0%} intervals; from {found.trials:,} trials; {found.by}"]
    if found.fit is not None:
        notes.append(f"the model explains {max(0.0, found.fit):.0%} of the variance of values held out")
    if len(shown) < len(found.variables):
        notes.insert(0, f"{len(shown)} of {len(found.variables)} variables are drawn, the most important")
    return Picture(
        "importance",
        subject.title(f"importance for {shortened(found.objective, TITLE)} ({found.method})"),
        tuple(panels),
        notes=(*notes, *subject.notes),
        height=170 + 24 * sum(heights) + 60 * len(heights),
    )


def _measure(found: Importance) -> str:
    return {
        "fanova": "share of the variance",
        "ped-anova": "difference of the best trials from all",
        "permutation": "share of the variance lost by shuffling",
        "shapley": "share of the variance, interactions divided",
        "local": "share of the change around the best",
    }.get(found.method, found.method)


def _bars(
    scores: Sequence[IntervalEstimate], role: str, label: str, hover: Hover, width: float, whiskers: bool
) -> BarLayer:
    last = len(scores) - 1
    return BarLayer(
        tuple(float(last - row) for row in range(len(scores))),
        tuple(float(score.value) for score in scores),
        (),
        role,
        label,
        True,
        width,
        tuple(min(float(score.low), float(score.value)) for score in scores) if whiskers else (),
        tuple(max(float(score.high), float(score.value)) for score in scores) if whiskers else (),
        hover,
    )


def _bar_panel(layers: Sequence[Layer], names: Sequence[str], measure: str, title: str = "") -> Panel:
    last = len(names) - 1
    words = shortened_apart(names, _WORD)
    ticks = tuple((float(last - row), word) for row, word in enumerate(words))
    return Panel(PanelAxis(measure), PanelAxis("", limits=(-0.7, last + 0.7), ticks=ticks), tuple(layers), title)


def forecast_picture(subject: Subject, found: Forecast) -> Picture:
    """Describe how much better the best becomes by further trials, beside the noise of one measurement.

    Args:
        subject: the study.
        found: the forecast.
    """
    x = tuple(map(float, found.trials))
    layers: list[Layer] = [
        BandLayer(
            x,
            tuple(one.low for one in found.gain),
            tuple(one.high for one in found.gain),
            "series 0",
            f"{found.level:.0%} interval",
        ),
        LineLayer(x, tuple(one.value for one in found.gain), "series 0", "expected gain"),
    ]
    if found.noise > 0:
        ends = (x[0], x[-1]) if len(x) > 1 else (x[0] - 0.5, x[0] + 0.5)
        layers.append(LineLayer(ends, (found.noise, found.noise), "best", "noise of one measurement", "dashed"))
    title = subject.title(f"what the next {found.trials[-1]} trials may gain")
    now = f"best now: {number(found.best)} (trial {found.number}); {found.chance:.0%} to gain more than the noise"
    up = PanelAxis(shortened(f"gain in {found.objective}", TITLE))
    panel = Panel(
        PanelAxis("further trials", whole=True), up, tuple(layers), direction(found.objective, found.maximize)
    )
    return Picture("forecast", title, (panel,), notes=(now, f"model: {found.by}", *subject.notes))


def calibration_picture(subject: Subject, found: Calibration) -> Picture:
    """Describe how predictions without a value compare with it, and how often intervals held.

    Args:
        subject: the study.
        found: the calibration.
    """
    measured, medians = np.array(found.measured), np.array([one.median for one in found.predicted])
    lows, highs = np.array([one.low for one in found.predicted]), np.array([one.high for one in found.predicted])
    hover = tuple(
        (f"predicted {number(one.median)}, {number(one.low)} to {number(one.high)}", *text)
        for one, text in zip(found.predicted, subject.hover(subject.rows_of(found.numbers)), strict=True)
    )
    everything = np.concatenate([measured, medians])
    ends = padded(float(everything.min()), float(everything.max()))
    layers: list[Layer] = [LineLayer(ends, ends, "muted", "predicted = measured", "dashed", width=1.2)]
    held = (measured >= lows) & (measured <= highs)
    for inside, role, label in (
        (True, "series 0", "90 % interval holds"),
        (False, "best", "90 % interval does not hold"),
    ):
        rows = np.flatnonzero(held == inside)
        if len(rows):
            x, y = tuple(map(float, medians[rows])), tuple(map(float, measured[rows]))
            layers.append(_whiskers(lows[rows], highs[rows], measured[rows], role))
            layers.append(PointLayer(x, y, role, label, "circle", 5.0, (), tuple(hover[row] for row in rows)))
    name = shortened(found.objective, TITLE)
    agreement = Panel(
        PanelAxis(f"predicted {name}", limits=ends), PanelAxis(f"measured {name}", limits=ends), tuple(layers)
    )
    levels = np.linspace(0.02, 0.98, 49)
    scores = np.sort([0.5 * (1.0 + math.erf(one / math.sqrt(2.0))) for one in found.residuals])
    shares = [float((np.abs(2 * scores - 1) <= level).mean()) for level in levels]
    coverage = Panel(
        PanelAxis("level of the interval", limits=(0.0, 1.0)),
        PanelAxis("share that held", limits=(0.0, 1.02)),
        (
            LineLayer((0.0, 1.0), (0.0, 1.0), "muted", "", "dashed", width=1.2),
            LineLayer(tuple(map(float, levels)), tuple(shares), "series 0"),
            *_judged(found),
        ),
        "intervals",
    )
    how = "each value by a model of the trials before it" if found.how == "ahead" else "each value without it"
    notes = (found.heading(), f"predicted: {how}; model: {found.by}", *subject.notes)
    return Picture(
        "calibration",
        subject.title("calibration of predictions"),
        (agreement, coverage),
        2,
        notes,
        width=940,
        height=480,
    )


def _whiskers(lows: np.ndarray, highs: np.ndarray, measured: np.ndarray, role: str) -> LineLayer:
    """Give the intervals as level strokes at the height of what was measured."""
    x = tuple(float(value) for low, high in zip(lows, highs, strict=True) for value in (low, high, math.nan))
    y = tuple(float(value) for one in measured for value in (one, one, math.nan))
    return LineLayer(x, y, role, width=0.8)


def _judged(found: Calibration) -> list[Layer]:
    """Give the shares that held at the levels that are judged, with what they are compatible with."""
    layers: list[Layer] = []
    for place, one in enumerate(found.coverages):
        text = (f"{one.held} of {one.of} intervals of {one.level:.0%} hold",)
        label = "judged, with its interval" if place == 0 else ""
        layers.append(LineLayer((one.level, one.level), (one.low, one.high), "series 1", width=1.6))
        layers.append(PointLayer((one.level,), (one.share,), "series 1", label, "diamond", 7.0, (), (text,)))
    return layers


def _names_of_changes(found: AblationPath) -> Iterator[tuple[str, str]]:
    """Give the names of the variables that change, shortened so that they can be told apart."""
    names = list(dict.fromkeys(one.name for step in found.steps for one in step.changes))
    yield from zip(names, shortened_apart(names, _WORD_OF_CHANGE), strict=True)


def _change(name: str, change: ValueChange) -> str:
    """Write a change: ``gamma: absent → 0.1``."""
    before, after = ("absent" if value is None else short(value) for value in (change.before, change.after))
    return f"{name}: {before} → {after}"


def ablation_picture(subject: Subject, found: AblationPath) -> Picture:
    """Describe the way from the defaults to the best trial, a change a row, the most rewarding on top.

    Of a long way, the changes after the first ones are one row.

    Args:
        subject: the study.
        found: the path.
    """
    steps = found.steps if len(found.steps) <= _MOST_CHANGES else found.steps[: _MOST_CHANGES - 1]
    rest = found.steps[len(steps) :]
    shown = dict(_names_of_changes(found))
    names = [found.origin, *(", ".join(_change(shown[one.name], one) for one in step.changes) for step in steps)]
    names += [f"… and {len(rest)} more changes"] if rest else []
    predicted = [found.predicted, *(step.predicted for step in steps), *(one.predicted for one in rest[-1:])]
    last = len(names) - 1
    places = tuple(float(last - row) for row in range(len(names)))
    gains = [0.0, *(step.gain for step in steps), *([sum(step.gain for step in rest)] if rest else [])]
    hover = tuple(
        (flat(name), f"predicted {one}", *((f"gain {number(gain)}",) if row else ()))
        for row, (name, one, gain) in enumerate(zip(names, predicted, gains, strict=True))
    )
    x, y = tuple(one.median for one in predicted), places
    low, high = (tuple(getattr(one, end) for one in predicted) for end in ("low", "high"))
    path_x = (x[0], *(value for before, after in pairwise(x) for value in (before, after)))
    path_y = (y[0], *(value for at in y[1:] for value in (at, at)))
    strokes_x = tuple(value for a, b in zip(low, high, strict=True) for value in (a, b, math.nan))
    strokes_y = tuple(value for at in places for value in (at, at, math.nan))
    layers: tuple[Layer, ...] = (
        LineLayer(strokes_x, strokes_y, "series 0", f"{found.level:.0%} interval", width=1.4),
        LineLayer(path_x, path_y, "best", width=1.6),
        PointLayer(x, y, "best", "predicted", "circle", 7.0, (), hover),
        TextLayer(x, y, tuple(number(one) for one in x), "ink"),
    )
    ticks = tuple(zip(places, shortened_apart(names, 40), strict=True))
    up = PanelAxis("", limits=(-0.7, last + 0.7), ticks=ticks)
    panel = Panel(PanelAxis(direction(found.objective, found.maximize)), up, layers)
    title = subject.title(f"from {found.origin} to trial {found.number}, one change at a time")
    return Picture(
        "ablation",
        title,
        (panel,),
        notes=(f"model: {found.by}", *subject.notes),
        width=820,
        height=190 + 34 * len(names),
    )
