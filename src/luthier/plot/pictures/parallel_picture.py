"""Picture of parallel coordinates: each trial a line through its values."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from luthier._typing import Floats
from luthier.analysis import Coordinate
from luthier.plot.axis_range import LARGEST, without_far
from luthier.plot.labels import TICK, even_ticks, flat, log_ticks, shortened, tick_text
from luthier.plot.picture import ColorScale, Hover, LineLayer, Panel, PanelAxis, Picture, PointLayer, TextLayer
from luthier.plot.subject import Subject
from luthier.plot.thinning import MOST_LINES, thinned, thinning_note
from luthier.plot.variable_axis import numbers_of, titles_of, word_ticks
from luthier.plot.variable_order import ordered_coordinates

_MOST_AXES = 12
_BINS = 16
_ABSENT = -0.14
_NAME = 14


def parallel_picture(subject: Subject, variables: Sequence[str] | None = None, objective: str | None = None) -> Picture:
    """Describe the trials as lines over the variables, the objective last; the best lie on top.

    Args:
        subject: the study.
        variables: names, in order; by default those that tell most about the objective.
        objective: its name; by default the first.

    Raises:
        InvalidSetting: there is no such variable or objective.
    """
    table = subject.table
    goal, column = table.of(objective)
    axes, few = ordered_coordinates(table, objective, variables, _MOST_AXES)
    done = np.flatnonzero(table.done)
    values = np.clip(column[done], -LARGEST, LARGEST)
    order = np.argsort(-values if goal.maximize else values, kind="stable")
    drawn = thinned(len(done), MOST_LINES, order[: MOST_LINES // 4].tolist())
    rows = done[drawn]
    configs = [table.configs[row] for row in rows]
    shares = np.stack([_shares(axis, axis.places(configs)) for axis in axes], axis=1)
    low, high = without_far(values, goal.maximize)
    last = np.clip((values[drawn] - low) / (high - low), 0, 1) if high > low else np.full(len(rows), 0.5)
    absent = np.isnan(shares)
    heights = np.column_stack([np.where(absent, _ABSENT, shares), last])
    colors = _colors(shortened(goal.name, 30), values, goal.maximize)
    lines = _binned(heights, values[drawn], goal.maximize, subject.hover(rows.tolist()), colors)
    ticks = [_ticks(axis) for axis in axes] + [
        [(share, tick_text(at)) for at, share in _number_ticks(low, high, False)]
    ]
    if absent.any():
        for place in np.flatnonzero(absent.any(axis=0)).tolist():
            ticks[place].append((_ABSENT, "absent"))
    names = [*titles_of(axes, _NAME), shortened(goal.name, _NAME)]
    full = [flat(axis.title) for axis in axes] + [flat(goal.name)]
    panel = Panel(
        PanelAxis(
            "", limits=(-0.35, len(axes) + 0.35), ticks=tuple((float(at), name) for at, name in enumerate(names))
        ),
        PanelAxis("", limits=(-0.22 if absent.any() else -0.06, 1.08), ticks=((-9.0, ""),)),
        (*lines, *_rules(ticks, full)),
    )
    return Picture(
        "parallel",
        subject.title("parallel coordinates"),
        (panel,),
        notes=(*few, *thinning_note(len(drawn), len(done), kept="the best hundred are there"), *subject.notes),
        colors=colors,
        width=min(1700, max(620, 124 * (len(axes) + 1) + 120)),
        height=500,
    )


def _colors(title: str, values: Floats, maximize: bool) -> ColorScale:
    """Give the scale of the values, which ends before the worst twentieth of them: else these would use most of it."""
    worst = float(np.quantile(values, 0.05 if maximize else 0.95, method="nearest"))
    low, high = (worst, float(values.max())) if maximize else (float(values.min()), worst)
    return ColorScale(title, low, high, "high" if maximize else "low")


def _shares(axis: Coordinate, places: Floats) -> Floats:
    """Give the place of each value between the ends of its axis, in [0, 1]; NaN where it is absent."""
    if axis.categories:
        return (places + 0.5) / len(axis.categories)
    low, high = (math.log(axis.low), math.log(axis.high)) if axis.log else (axis.low, axis.high)
    return ((np.log(places) if axis.log else places) - low) / (high - low)


def _ticks(axis: Coordinate) -> list[tuple[float, str]]:
    if axis.categories:
        return [((at + 0.5) / len(axis.categories), shortened(word, _NAME)) for at, word in word_ticks(axis)]
    found = _number_ticks(axis.low, axis.high, axis.log)
    return [(share, tick_text(at)) for at, share in found]


def _number_ticks(low: float, high: float, log: bool) -> list[tuple[float, float]]:
    """Give round numbers on an axis, with their shares; both ends where there are none between."""
    if high <= low:
        return [(low, 0.5)]
    places = log_ticks(low, high, 6) if log else even_ticks(low, high, 6)
    if len(places) < 2:
        places = (low, high)
    if log:
        return [(at, (math.log(at) - math.log(low)) / (math.log(high) - math.log(low))) for at in places]
    return [(at, (at - low) / (high - low)) for at in places]


def _binned(heights: Floats, values: Floats, maximize: bool, hover: Hover, colors: ColorScale) -> list[LineLayer]:
    """Give the lines in a few groups of like values, the best last; NaN parts the lines of a group."""
    losses = -values if maximize else values
    ends = (-colors.high, -colors.low) if maximize else (colors.low, colors.high)
    width = (ends[1] - ends[0]) / _BINS or 1.0
    bins = np.clip((losses - ends[0]) / width, 0, _BINS - 1).astype(np.int64)
    across = [*map(float, range(heights.shape[1])), math.nan]
    layers = []
    for one in sorted(set(bins.tolist()), reverse=True):
        rows = np.flatnonzero(bins == one)
        x, y, texts = [], [], []
        for row in rows.tolist():
            x += across
            y += [*heights[row].tolist(), math.nan]
            texts += [hover[row]] * heights.shape[1] + [()]
        middle = float(np.clip(np.median(values[rows]), colors.low, colors.high))
        layers.append(LineLayer(tuple(x), tuple(y), "trial", width=1.2, shade=middle, hover=tuple(texts)))
    return layers


def _rules(
    ticks: Sequence[Sequence[tuple[float, str]]], names: Sequence[str]
) -> list[LineLayer | TextLayer | PointLayer]:
    """Give the vertical axes with their words, and at the top of each a mark that says its name in full."""
    layers: list[LineLayer | TextLayer | PointLayer] = []
    x, y = [], []
    for at in range(len(ticks)):
        x += [float(at), float(at), math.nan]
        y += [0.0, 1.0, math.nan]
    layers.append(LineLayer(tuple(x), tuple(y), "muted", width=1.4))
    flat_ticks = [(float(at), share, word) for at, row in enumerate(ticks) for share, word in row]
    layers.append(
        TextLayer(
            tuple(at for at, _, _ in flat_ticks),
            tuple(share for _, share, _ in flat_ticks),
            tuple(shortened(word, TICK) for _, _, word in flat_ticks),
            "ink",
            "left",
        )
    )
    layers.append(
        PointLayer(
            numbers_of(np.arange(len(names))),
            (1.04,) * len(names),
            "muted",
            "",
            "triangle down",
            4.0,
            (),
            tuple((name,) for name in names),
        )
    )
    return layers
