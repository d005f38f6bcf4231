"""Picture of slices: the objective over each variable by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.analysis import Coordinate
from luthier.plot.axis_range import padded, without_far
from luthier.plot.labels import TITLE, direction, shortened
from luthier.plot.picture import ColorScale, Layer, Panel, PanelAxis, Picture, PointLayer
from luthier.plot.subject import Subject
from luthier.plot.thinning import MOST_MARKS, thinned, thinning_note
from luthier.plot.variable_axis import mark_size, numbers_of, side_by_side, titles_of, variable_axis
from luthier.plot.variable_order import ordered_coordinates
from luthier.render import number

MOST_PANELS = 12


def slice_picture(
    subject: Subject, variables: Sequence[str] | None = None, objective: str | None = None, log: bool = False
) -> Picture:
    """Describe the values of an objective over each variable, the most telling variables first.

    Args:
        subject: the study.
        variables: names; by default those that tell most about the objective.
        objective: its name; by default the first.
        log: whether the axis of the objective is logarithmic.

    Raises:
        InvalidSetting: there is no such variable or objective.
    """
    table = subject.table
    goal, column = table.of(objective)
    axes, few = ordered_coordinates(table, objective, variables, MOST_PANELS)
    done = np.flatnonzero(table.done)
    values = column[done]
    low, high = without_far(np.log10(values) if log else values, goal.maximize)
    limits = padded(10**low, 10**high, True) if log else padded(low, high)
    best = _best(values, table.eligible[done], goal.maximize)
    most = max(300, MOST_MARKS // max(1, len(axes)))
    drawn = thinned(len(done), most, [] if best is None else [best])
    up = PanelAxis(shortened(goal.name, TITLE), "log" if log else "linear", limits)
    panels = tuple(
        _panel(subject, variable_axis(axis, title), axis, done, values, drawn, best, up)
        for axis, title in zip(axes, titles_of(axes, 32), strict=True)
    )
    far = int(((values < limits[0]) | (values > limits[1])).sum())
    notes = [*few, *thinning_note(len(drawn), len(done), kept="the best is there")]
    if far:
        notes.append(f"{far:,} values far out are drawn at the edge")
    columns = min(len(panels), 2 if len(panels) == 4 else 3)
    rows = -(-len(panels) // columns)
    return Picture(
        "slice",
        subject.title(f"{direction(goal.name, goal.maximize)} over each variable"),
        panels,
        columns,
        (*notes, *subject.notes),
        ColorScale("trial", float(table.numbers[done[0]]), float(table.numbers[done[-1]]), "high")
        if len(done) > 1
        else None,
        share_y=True,
        width=max(520, 300 * columns),
        height=130 + 260 * rows,
    )


def _best(values: Floats, eligible: Bools, maximize: bool) -> int | None:
    """Give the place of the best eligible value; None where there is none."""
    if not eligible.any():
        return None
    losses = np.where(eligible, -values if maximize else values, np.inf)
    return int(np.argmin(losses))


def _panel(
    subject: Subject,
    across: PanelAxis,
    axis: Coordinate,
    done: Integers,
    values: Floats,
    drawn: Integers,
    best: int | None,
    up: PanelAxis,
) -> Panel:
    table = subject.table
    rows = done[drawn]
    places = axis.places([table.configs[row] for row in rows])
    active = ~np.isnan(places)
    shown = side_by_side(axis, places, table.numbers[rows])
    heights = np.clip(values[drawn], *up.limits) if up.limits else values[drawn]
    layers: list[Layer] = []
    for eligible in (False, True):
        chosen = np.flatnonzero(active & (table.eligible[rows] == eligible))
        if len(chosen):
            x, y = numbers_of(shown[chosen]), numbers_of(heights[chosen])
            hover = subject.hover(rows[chosen].tolist())
            shades = numbers_of(table.numbers[rows[chosen]])
            if eligible:
                layers.append(PointLayer(x, y, "trial", "", "circle", mark_size(len(chosen)), shades, hover))
            else:
                label = "breaks a constraint, or is outside the space"
                layers.append(PointLayer(x, y, "infeasible", label, "ring", 5.0, (), hover))
    if best is not None:
        at = np.flatnonzero(drawn == best)
        if len(at) and active[at[0]]:
            x, y = numbers_of(shown[at]), numbers_of(heights[at])
            row = int(done[best])
            label = f"best: trial {table.numbers[row]}, {number(float(values[best]))}"
            layers.append(PointLayer(x, y, "best", label, "star", 12.0, (), subject.hover([row])))
    absent = int((~active).sum())
    title = f"absent in {absent:,} of {len(drawn):,}" if absent else ""
    return Panel(across, up, tuple(layers), title)
