"""Pictures of ranks over pairs of variables, and of the distribution of values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from luthier.analysis import empirical_distribution
from luthier.errors import InvalidSetting
from luthier.plot.labels import TITLE, direction, shortened
from luthier.plot.picture import ColorScale, LineLayer, Panel, PanelAxis, Picture, PointLayer
from luthier.plot.subject import Subject, names_apart
from luthier.plot.thinning import MOST_MARKS, thinned, thinning_note
from luthier.plot.variable_axis import mark_size, numbers_of, side_by_side, titles_of, variable_axis
from luthier.plot.variable_order import ordered_coordinates

_MOST_AXES = 4
_MOST_NAMED = 6


def rank_picture(subject: Subject, variables: Sequence[str] | None = None, objective: str | None = None) -> Picture:
    """Describe the trials over pairs of variables, coloured by the rank of their values.

    Ranks show where the good trials lie whatever the scale of the objective is.

    Args:
        subject: the study.
        variables: two names or more; by default those that tell most about the objective.
        objective: its name; by default the first.

    Raises:
        InvalidSetting: there are not two variables, or no such variable or objective.
    """
    table = subject.table
    goal, column = table.of(objective)
    axes, few = ordered_coordinates(table, objective, variables, _MOST_NAMED if variables else _MOST_AXES)
    if len(axes) < 2:
        raise InvalidSetting("ranks are drawn over pairs of variables: name two or more")
    done = np.flatnonzero(table.done)
    values = column[done]
    order = np.argsort(np.argsort(-values if goal.maximize else values, kind="stable"), kind="stable")
    titles = dict(zip(axes, titles_of(axes, 28), strict=True))
    pairs = list(combinations(axes, 2))
    drawn = thinned(len(done), max(400, MOST_MARKS // len(pairs)), np.argsort(order)[:100].tolist())
    drawn = drawn[np.argsort(-order[drawn], kind="stable")]  # the best on top
    rows = done[drawn]
    configs, numbers = [table.configs[row] for row in rows], table.numbers[rows]
    shades = 100.0 * (order[drawn] + 0.5) / len(done)
    hover = subject.hover(rows.tolist())
    panels = []
    for across, up in pairs:
        x, y = across.places(configs), up.places(configs)
        both = np.flatnonzero(~np.isnan(x) & ~np.isnan(y))
        x, y = side_by_side(across, x, numbers), side_by_side(up, y, numbers * 7 + 3)
        layer = PointLayer(
            numbers_of(x[both]),
            numbers_of(y[both]),
            "trial",
            "",
            "circle",
            mark_size(len(both)),
            numbers_of(shades[both]),
            tuple(hover[place] for place in both),
        )
        absent = len(rows) - len(both)
        title = f"absent in {absent:,} of {len(rows):,}" if absent else ""
        panels.append(Panel(variable_axis(across, titles[across]), variable_axis(up, titles[up]), (layer,), title))
    columns = min(3, len(panels))
    return Picture(
        "rank",
        subject.title(f"ranks of {shortened(goal.name, TITLE)} over pairs of variables"),
        tuple(panels),
        columns,
        (*few, *thinning_note(len(drawn), len(done), kept="the best hundred are there"), *subject.notes),
        ColorScale("rank, in % (0: best)", 0.0, 100.0),
        width=max(520, 330 * columns),
        height=130 + 280 * -(-len(panels) // columns),
    )


def edf_picture(subject: Subject, others: Sequence[Subject] = (), objective: str | None = None) -> Picture:
    """Describe the share of the trials that are at least as good as each value, of one study or several.

    Args:
        subject: the study.
        others: studies of the same objective.
        objective: its name; by default the first.

    Raises:
        InvalidSetting: there is no such objective, or one study minimizes what another maximizes.
    """
    subjects = (subject, *others)
    goal = subject.table.of(objective)[0]
    layers = []
    notes: list[str] = []
    for place, (one, name) in enumerate(zip(subjects, names_apart(subjects), strict=True)):
        if one.table.of(goal.name)[0].maximize != goal.maximize:
            raise InvalidSetting(
                f"{goal.name!r} is minimized in one study and maximized in another: not to be compared"
            )
        found = empirical_distribution(one.table, goal.name)
        rows = thinned(len(found.values), 2000)
        rows = rows[::-1] if goal.maximize else rows  # a step begins at the value that is reached
        x, y = found.values[rows], found.shares[rows]
        if len(rows):  # the first step begins at no trial
            x, y = np.insert(x, 0, x[0]), np.insert(y, 0, 0.0)
        left_out = int(one.table.done.sum()) - len(found.values)
        if left_out:
            notes.append(f"{name}: {left_out:,} infeasible trial{'s are' if left_out > 1 else ' is'} left out")
        layers.append(LineLayer(numbers_of(x), numbers_of(y), f"series {place}", name if others else "", steps=True))
    up = PanelAxis(f"share of trials at least {'as large' if goal.maximize else 'as small'}", limits=(-0.02, 1.02))
    panel = Panel(PanelAxis(shortened(goal.name, TITLE)), up, tuple(layers), direction(goal.name, goal.maximize))
    title = f"distribution of values of {len(subjects)} studies" if others else subject.title("distribution of values")
    return Picture("edf", title, (panel,), notes=(*notes, *subject.notes))
