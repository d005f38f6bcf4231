"""Pictures of responses: partial dependence on one variable or two, and the acquisition function."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from luthier._typing import Floats
from luthier.analysis import AcquisitionSurface, Dependence, DependenceSurface, ResponsePoint, VariableAxis
from luthier.plot.axis_range import padded, without_far
from luthier.plot.labels import TICK, TITLE, direction, flat, shortened, shortened_apart
from luthier.plot.picture import (
    BandLayer,
    BarLayer,
    ColorScale,
    HeatLayer,
    Layer,
    LineLayer,
    Numbers,
    Panel,
    PanelAxis,
    Picture,
    PointLayer,
)
from luthier.plot.subject import Subject
from luthier.plot.thinning import thinned
from luthier.plot.variable_axis import numbers_of
from luthier.render import number

_MOST_POINTS = 1500


def _axis(axis: VariableAxis, title: str) -> PanelAxis:
    full = "" if title == flat(axis.name) else flat(axis.name)
    if axis.kind == "category":
        words = shortened_apart(axis.labels, TICK)
        ticks = tuple((float(place), word) for place, word in enumerate(words))
        return PanelAxis(title, limits=(-0.6, len(words) - 0.4), ticks=ticks, full_title=full)
    low, high = float(axis.values[0]), float(axis.values[-1])
    whole = all(isinstance(value, int) for value in axis.values)
    return PanelAxis(title, "log" if axis.log else "linear", padded(low, high, axis.log, 0.02), (), whole, full)


def _axes(axes: Sequence[VariableAxis]) -> list[PanelAxis]:
    titles = shortened_apart([axis.name for axis in axes], TITLE)
    return [_axis(axis, title) for axis, title in zip(axes, titles, strict=True)]


def _places(axis: VariableAxis, values: Sequence[Any]) -> Floats:
    """Give the places of values on an axis; NaN where a variable is inactive, or is none of the options."""
    if axis.kind == "number":
        return np.array([math.nan if value is None else float(value) for value in values])
    places = {repr(option): float(place) for place, option in enumerate(axis.values)}
    return np.array([places.get(repr(value), math.nan) for value in values])


def _is_smooth(axis: VariableAxis) -> bool:
    """Tell whether contours over an axis mean something: not over options, nor over a few whole numbers."""
    return axis.kind == "number" and (len(axis.values) > 12 or not all(isinstance(one, int) for one in axis.values))


def _grid(axis: VariableAxis) -> Numbers:
    return numbers_of(_places(axis, axis.values))


def dependence_picture(subject: Subject, found: Sequence[Dependence], few: Sequence[str] = ()) -> Picture:
    """Describe the partial dependence on each of some variables, with single configurations and the trials.

    Args:
        subject: the study.
        found: one a variable, of the same objective.
        few: what to say where these are not all variables.
    """
    first = found[0]
    values = np.array([value for one in found for value in (*one.mean, *one.low, *one.high)])
    values = values[np.isfinite(values)]
    measured = np.array([point.value for point in first.points if math.isfinite(point.value)])
    if len(measured):
        values = np.concatenate([values, without_far(measured, first.maximize)])
    limits = padded(float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    up = PanelAxis(shortened(first.objective, TITLE), limits=limits)
    columns = min(len(found), 2 if len(found) == 4 else 3)
    titles = shortened_apart([one.axis.name for one in found], 32)
    return Picture(
        "dependence",
        subject.title(f"{direction(first.objective, first.maximize)} along each variable"),
        tuple(
            _dependence_panel(subject, one, title, up, place == 0)
            for place, (one, title) in enumerate(zip(found, titles, strict=True))
        ),
        columns,
        (
            *few,
            f"on average over the other variables; model: {first.by}; what lies outside the axis is not drawn",
            *subject.notes,
        ),
        share_y=True,
        width=max(520, 320 * columns),
        height=150 + 260 * -(-len(found) // columns),
    )


def _dependence_panel(subject: Subject, one: Dependence, title: str, up: PanelAxis, labelled: bool) -> Panel:
    x = _grid(one.axis)
    band = f"{one.level:.0%} interval of the average" if labelled else ""
    mean = "average" if labelled else ""
    layers: list[Layer] = []
    if one.axis.kind == "number":
        if len(one.lines) > 1:
            label = "single configurations" if labelled else ""
            across = (*x, math.nan)
            joined = tuple(value for line in one.lines[1:] for value in (*line, math.nan))
            layers.append(LineLayer(across * (len(one.lines) - 1), joined, "muted", label, width=0.6))
        if one.lines:
            label = "from the best trial" if labelled else ""
            layers.append(LineLayer(x, one.lines[0], "best", label, "dashed", width=1.4))
        layers.append(BandLayer(x, one.low, one.high, "series 0", band))
        layers.append(LineLayer(x, one.mean, "series 0", mean))
    else:
        heights = tuple(high - low for low, high in zip(one.low, one.high, strict=True))
        layers.append(BarLayer(x, heights, one.low, "pale", band, width=0.5))
        layers.append(PointLayer(x, one.mean, "series 0", mean, "square", 8.0))
        if one.lines:
            label = "from the best trial" if labelled else ""
            layers.append(PointLayer(x, one.lines[0], "best", label, "diamond", 6.0))
    layers += _trials(subject, one.points, one.axis, up, labelled)
    where = f"where it is active ({one.active:.0%} of the space)" if one.active < 0.995 else ""
    return Panel(_axis(one.axis, title), up, tuple(layers), where)


def _trials(
    subject: Subject, points: Sequence[ResponsePoint], axis: VariableAxis, up: PanelAxis, labelled: bool
) -> list[Layer]:
    places = _places(axis, [point.at[0] for point in points])
    values = np.array([point.value for point in points])
    low, high = up.limits or (-math.inf, math.inf)
    chosen = np.flatnonzero(np.isfinite(places) & (values >= low) & (values <= high))
    chosen = chosen[thinned(len(chosen), _MOST_POINTS)]
    if not len(chosen):
        return []
    hover = subject.hover(subject.rows_of(points[place].number for place in chosen.tolist()))
    label = "trials" if labelled else ""
    return [
        PointLayer(numbers_of(places[chosen]), numbers_of(values[chosen]), "trial", label, "circle", 3.0, (), hover)
    ]


def contour_picture(subject: Subject, found: DependenceSurface) -> Picture:
    """Describe the partial dependence on two variables as a surface, with the trials on it.

    Args:
        subject: the study.
        found: the surface.
    """
    across, up = found.axes
    surface = np.array(found.mean, dtype=np.float64).T
    known = surface[np.isfinite(surface)]
    low, high = without_far(known, found.maximize) if len(known) else (0.0, 1.0)
    colors = ColorScale(shortened(found.objective, 30), low, high, "high" if found.maximize else "low")
    smooth = _is_smooth(across) and _is_smooth(up)
    layers: list[Layer] = [
        HeatLayer(_grid(across), _grid(up), tuple(numbers_of(row) for row in surface), smooth),
        *_marks(subject, found.points, found.axes, colors),
    ]
    best = [_places(axis, [value])[0] for axis, value in zip(found.axes, found.best, strict=True)]
    if all(map(math.isfinite, best)):
        layers.append(PointLayer((float(best[0]),), (float(best[1]),), "best", "best trial", "star", 13.0))
    title = subject.title(f"{direction(found.objective, found.maximize)} over two variables")
    notes = (f"averaged over the other variables; model: {found.by}", *subject.notes)
    across_axis, up_axis = _axes(found.axes)
    panel = Panel(across_axis, up_axis, tuple(layers))
    return Picture("contour", title, (panel,), notes=notes, colors=colors, width=760, height=560)


def _marks(
    subject: Subject, points: Sequence[ResponsePoint], axes: Sequence[VariableAxis], colors: ColorScale | None
) -> list[Layer]:
    """Give the trials over two variables, shaded by their values where these have the colours of the surface."""
    x, y = (_places(axis, [point.at[place] for point in points]) for place, axis in enumerate(axes))
    chosen = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    chosen = chosen[thinned(len(chosen), _MOST_POINTS)]
    if not len(chosen):
        return []
    hover = subject.hover(subject.rows_of(points[place].number for place in chosen.tolist()))
    values = np.array([points[place].value for place in chosen.tolist()])
    shades = numbers_of(values) if colors is not None and np.isfinite(values).all() else ()
    return [PointLayer(numbers_of(x[chosen]), numbers_of(y[chosen]), "ink", "trials", "circle", 4.5, shades, hover)]


def acquisition_picture(subject: Subject, found: AcquisitionSurface) -> Picture:
    """Describe the acquisition function of a moment over one variable or two, the others fixed.

    Args:
        subject: the study.
        found: the surface.
    """
    values = np.array(found.values, dtype=np.float64)
    when = "now" if found.number is None else f"when trial {found.number} was proposed"
    fixed = [name for name in found.config if name not in {axis.name for axis in found.axes}]
    notes = [f"the other variables are fixed at {'the best trial' if found.number is None else 'the proposal'}"] * bool(
        fixed
    )
    title = subject.title(f"acquisition ({shortened(found.acquisition, 30)}; more is better) {when}")
    if len(found.axes) == 1:
        x = _grid(found.axes[0])
        heights = numbers_of(values[:, 0])
        layers: list[Layer] = (
            [LineLayer(x, heights, "series 0")] if found.axes[0].kind == "number" else [BarLayer(x, heights)]
        )
        panel = Panel(_axes(found.axes)[0], PanelAxis(shortened(found.acquisition, TITLE)), tuple(layers))
        return Picture("acquisition", title, (panel,), notes=(*notes, *subject.notes))
    surface = values.T
    known = surface[np.isfinite(surface)]
    low, high = (float(np.quantile(known, 0.25)), float(known.max())) if len(known) else (0.0, 1.0)
    colors = ColorScale(shortened(found.acquisition, 30), low, high, "high")
    across, up = found.axes
    smooth = _is_smooth(across) and _is_smooth(up)
    proposal = [_places(axis, [found.config.get(axis.name)])[0] for axis in found.axes]
    layers = [
        HeatLayer(_grid(across), _grid(up), tuple(numbers_of(row) for row in surface), smooth),
        *_marks(subject, found.points, found.axes, None),
    ]
    if found.number is not None and all(map(math.isfinite, proposal)):
        at = ((float(proposal[0]),), (float(proposal[1]),))
        layers.append(PointLayer(*at, "best", f"proposal: trial {found.number}", "star", 13.0))
    across_axis, up_axis = _axes(found.axes)
    panel = Panel(across_axis, up_axis, tuple(layers))
    lowest = number(float(known.min())) if len(known) else "?"
    shown = f"highest {number(high)}, lowest {lowest}; the lowest quarter has one colour"
    return Picture("acquisition", title, (panel,), 1, (*notes, shown, *subject.notes), colors, width=760, height=560)
