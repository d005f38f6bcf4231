"""Pictures of several objectives: the front, attainment over several studies, and the hypervolume."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.analysis import Attainment, FrontCourse, attainment, front_course
from luthier.errors import NoResult
from luthier.plot.axis_range import padded, without_far
from luthier.plot.labels import TITLE, direction, shortened
from luthier.plot.picture import Layer, LineLayer, Panel, PanelAxis, Picture, PointLayer
from luthier.plot.subject import Subject, names_apart
from luthier.plot.thinning import MOST_MARKS, thinned, thinning_note
from luthier.plot.variable_axis import numbers_of
from luthier.render import number

_MOST_OBJECTIVES = 4


def front_picture(subject: Subject, others: Sequence[Subject] = ()) -> Picture:
    """Describe the Pareto front among all trials; of several studies, the attainment.

    Args:
        subject: a study of two objectives or more.
        others: studies of the same two objectives.

    Raises:
        InvalidSetting: there is one objective, or others have not the same two.
        NoResult: no trial has values.
    """
    if others:
        return _attainment(subject, others)
    course = front_course(subject.table)
    notes: list[str] = []
    pairs = list(combinations(range(min(len(course.objectives), _MOST_OBJECTIVES)), 2))
    if len(course.objectives) > _MOST_OBJECTIVES:
        notes.append(f"the first {_MOST_OBJECTIVES} of {len(course.objectives)} objectives are drawn")
    keep = np.flatnonzero(course.on_front).tolist()
    drawn = thinned(len(course.values), MOST_MARKS // len(pairs), keep)
    if len(course.objectives) > 2:
        notes.append("a trial of the front may look dominated where two of its objectives are seen")
    panels = tuple(_panel(subject, course, drawn, across, up) for across, up in pairs)
    columns = min(3, len(panels))
    return Picture(
        "front",
        subject.title(f"front of {shortened(' and '.join(course.objectives), 60)}"),
        panels,
        columns,
        (*thinning_note(len(drawn), len(course.values), kept="the front is there"), *notes, *subject.notes),
        width=760 if columns == 1 else 340 * columns,
        height=500 if columns == 1 else 130 + 300 * -(-len(panels) // columns),
    )


def _axis(name: str, maximize: bool, values: Floats) -> PanelAxis:
    limits = padded(*without_far(values, maximize))
    return PanelAxis(direction(shortened(name, 22), maximize), limits=limits, full_title=name if len(name) > 22 else "")


def _panel(subject: Subject, course: FrontCourse, drawn: Integers, across: int, up: int) -> Panel:
    x, y = course.values[:, across], course.values[:, up]
    axes = [_axis(course.objectives[one], course.maximize[one], course.values[:, one]) for one in (across, up)]
    rows = subject.rows_of(course.numbers.tolist())
    layers: list[Layer] = []
    kinds: list[tuple[str, str, str, float, Bools]] = [
        ("infeasible", "ring", "breaks a constraint, or is outside the space", 5.0, ~course.eligible),
        ("trial", "circle", "dominated", 5.0, course.eligible & ~course.on_front),
        ("front", "circle", f"front: {int(course.on_front.sum())} trials", 7.0, course.on_front),
    ]
    for role, symbol, label, size, chosen in kinds:
        places = drawn[chosen[drawn]]
        if role == "front" and len(course.objectives) == 2 and len(places):
            layers.append(_staircase(course.values[places], course.maximize, "front", "", axes))
        if len(places):
            hover = subject.hover(rows[place] for place in places)
            right, high = (np.clip(v[places], *(axis.limits or (0, 0))) for v, axis in zip((x, y), axes, strict=True))
            layers.append(PointLayer(numbers_of(right), numbers_of(high), role, label, symbol, size, (), hover))  # type: ignore[arg-type]
    return Panel(axes[0], axes[1], tuple(layers))


def _staircase(
    corners: Floats, maximize: Sequence[bool], role: str, label: str, axes: Sequence[PanelAxis], dashed: bool = False
) -> LineLayer:
    """Give the border of what corners dominate: level and upright strokes only, to the ends of the axes."""
    signs = np.array([-1.0 if one else 1.0 for one in maximize])
    losses = corners * signs
    losses = losses[np.argsort(losses[:, 0], kind="stable")]
    ends = [float(axis.limits[0] if flag else axis.limits[1]) * s if axis.limits else float(column.max())
            for axis, flag, s, column in zip(axes, maximize, signs, losses.T, strict=True)]  # fmt: skip
    x = [losses[0, 0]]
    y = [max(ends[1], losses[0, 1])]
    for place, (first, second) in enumerate(losses.tolist()):
        x += [first, losses[place + 1, 0] if place + 1 < len(losses) else max(ends[0], first)]
        y += [second, second]
    points = np.array([x, y]).T * signs
    style = "dashed" if dashed else "solid"
    return LineLayer(numbers_of(points[:, 0]), numbers_of(points[:, 1]), role, label, style, width=1.6)  # type: ignore[arg-type]


def _attainment(subject: Subject, others: Sequence[Subject]) -> Picture:
    """Draw the front of each study, and what the best, half and all of them attain."""
    subjects = (subject, *others)
    found: Attainment = attainment([one.table for one in subjects])
    stacked = np.concatenate([one.table.values[one.table.eligible] for one in subjects])
    axes = [
        _axis(name, flag, stacked[:, place])
        for place, (name, flag) in enumerate(zip(found.objectives, found.maximize, strict=True))
    ]
    layers: list[Layer] = []
    for place, (one, name) in enumerate(zip(subjects, names_apart(subjects), strict=True)):
        course = front_course(one.table)
        rows = np.flatnonzero(course.on_front)
        hover = one.hover(one.rows_of(course.numbers[rows].tolist()))
        x, y = numbers_of(course.values[rows, 0]), numbers_of(course.values[rows, 1])
        layers.append(PointLayer(x, y, f"series {place}", f"front of {name}", "circle", 5.0, (), hover))
    for level, curve in zip(found.levels, found.curves, strict=True):
        said = f"attained by {'all' if level == found.studies else level} of {found.studies}"
        if len(curve):
            layers.append(_staircase(curve, found.maximize, "muted" if level > 1 else "best", said, axes, level > 1))
    title = f"fronts and attainment of {len(subjects)} studies"
    return Picture("front", title, (Panel(axes[0], axes[1], tuple(layers)),), height=520)


def hypervolume_picture(
    subject: Subject, others: Sequence[Subject] = (), reference: Sequence[float] | None = None
) -> Picture:
    """Describe the volume that the front dominates after each trial, of one study or several.

    Args:
        subject: a study of two objectives or more.
        others: studies of the same objectives, measured from the same point.
        reference: see `front_course`; by default that of the first study, or for several the worst of theirs.

    Raises:
        InvalidSetting: there is one objective, or the reference is not a point.
        NoResult: no trial has values.
    """
    subjects = (subject, *others)
    courses = [front_course(one.table, reference) for one in subjects]
    if reference is None and others:
        signs = np.array([-1.0 if one else 1.0 for one in courses[0].maximize])
        worst = np.max([course.reference * signs for course in courses], axis=0) * signs
        courses = [front_course(one.table, worst.tolist()) for one in subjects]
    if not all(np.isfinite(course.volumes).all() for course in courses):
        raise NoResult("the volume is larger than the largest number: give the objectives in larger units")
    layers: list[Layer] = []
    for place, (course, name) in enumerate(zip(courses, names_apart(subjects), strict=True)):
        rows = np.flatnonzero(np.diff(course.volumes, prepend=-1.0) != 0)
        rows = np.union1d(rows, [len(course.volumes) - 1])
        rows = rows[thinned(len(rows), 3000)]
        x, y = numbers_of(course.numbers[rows]), numbers_of(course.volumes[rows])
        layers.append(LineLayer(x, y, f"series {place}", name if others else "", steps=True))
    from_point = ", ".join(
        f"{shortened(name, 20)} = {number(at)}"
        for name, at in zip(courses[0].objectives, courses[0].reference.tolist(), strict=True)
    )
    title = f"hypervolume of {len(subjects)} studies" if others else subject.title("hypervolume of the front")
    panel = Panel(
        PanelAxis("trial", whole=True), PanelAxis(shortened("hypervolume (more is better)", TITLE)), tuple(layers)
    )
    return Picture("hypervolume", title, (panel,), notes=(f"measured from {from_point}", *subject.notes))
