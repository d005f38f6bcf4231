"""Picture of the optimization history: values, the best so far, regret, and the trials without values."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from luthier._typing import Bools, Floats
from luthier.analysis import OptimizationHistory, optimization_history
from luthier.errors import InvalidSetting, NoResult
from luthier.plot.axis_range import padded, without_far
from luthier.plot.labels import TITLE, direction, shortened
from luthier.plot.picture import Layer, LineLayer, Panel, PanelAxis, Picture, PointLayer, Symbol
from luthier.plot.subject import Subject, names_apart
from luthier.plot.thinning import thinned, thinning_note
from luthier.plot.variable_axis import mark_size, numbers_of
from luthier.render import number

_OUTCOMES = ("failed", "timeout", "memory", "nonfinite", "lost", "pruned", "interrupted", "waiting", "running")
_WORSE_LABEL = "worse than the axis"


def history_picture(
    subject: Subject,
    others: Sequence[Subject] = (),
    objective: str | None = None,
    optimum: float | None = None,
    log: bool = False,
) -> Picture:
    """Describe the history of a study, or compare the best values of several.

    Args:
        subject: the study.
        others: studies of the same objective.
        objective: its name; by default every one of the study.
        optimum: the best possible value: the regret is drawn then, how far the best is from it.
        log: whether the axis of the values is logarithmic.

    Raises:
        InvalidSetting: there is no such objective, or values are not above 0 where `log` is asked for.
        NoResult: there are no trials.
    """
    for one in (subject, *others):
        one.check_begun()
    if others:
        return _comparison(subject, others, objective, optimum, log)
    if optimum is not None:
        return _regret(subject, objective, optimum)
    goals = [goal.name for goal in subject.table.problem.objectives]
    named = [subject.table.of(objective)[0].name] if objective is not None else goals
    histories = [optimization_history(subject.table, name) for name in named]
    count = int(subject.table.numbers[-1]) + 1
    across = PanelAxis("trial", limits=padded(0, max(1, count - 1), margin=0.015), whole=True)
    panels, notes = [], []
    if len(histories[0].values):
        for history in histories:
            layers, limits, said = _marks(subject, history, log)
            up = PanelAxis(shortened(history.objective, TITLE), "log" if log else "linear", limits)
            panels.append(Panel(across, up, layers, direction(history.objective, history.maximize), _full(history)))
            notes += [line for line in said if line not in notes]
    else:
        notes.append("no trial has a value yet")
    notes += _add_without(panels, subject, histories[0], across)
    height = 160 + 280 * len(named) * bool(len(histories[0].values)) + 22 * len(panels)
    return Picture(
        "history",
        subject.title("optimization history"),
        tuple(panels),
        notes=(*notes, *subject.notes),
        share_x=True,
        height=min(height, 1600),
    )


def _full(history: OptimizationHistory) -> str:
    return history.objective if len(history.objective) > TITLE else ""


def _marks(
    subject: Subject, history: OptimizationHistory, log: bool
) -> tuple[tuple[Layer, ...], tuple[float, float], list[str]]:
    """Give the marks of one objective, the ends of its axis, and what has to be said."""
    values, numbers, rows = history.values, history.numbers, subject.rows_of(history.numbers.tolist())
    if log and not (values > 0).all():
        raise InvalidSetting(
            f"log=True needs values above 0; {history.objective!r} has {number(float(values.min()))}: leave it out, or "
            "give optimum= to draw the regret"
        )
    low, high = without_far(np.log10(values) if log else values, history.maximize)
    limits = padded(10**low, 10**high, True) if log else padded(low, high)
    inside = (values >= limits[0]) & (values <= limits[1])
    best_rows = np.flatnonzero(np.isin(numbers, history.improvements)).tolist()
    drawn = thinned(len(values), keep=[*best_rows[::-1], *np.flatnonzero(~history.eligible)[:500].tolist()])
    layers: list[Layer] = []
    groups: tuple[tuple[str, Symbol, str, Bools], ...] = (
        ("infeasible", "ring", "breaks a constraint, or is outside the space", ~history.eligible & inside),
        ("trial", "circle", "trials", history.eligible & inside),
        ("trial", "triangle down" if history.maximize else "triangle", _WORSE_LABEL, ~inside),
    )
    for role, symbol, label, chosen in groups:
        places = drawn[chosen[drawn]]
        if len(places):
            up = np.clip(values[places], *_inner(limits, log))
            hover = subject.hover(rows[place] for place in places)
            layers.append(
                PointLayer(
                    numbers_of(numbers[places]), numbers_of(up), role, label, symbol, mark_size(len(places)), (), hover
                )
            )
    if best_rows:
        steps = _turns(history.best)
        x = (*numbers_of(numbers[steps]), float(subject.table.numbers[-1]))
        y = (*numbers_of(history.best[steps]), float(history.best[-1]))
        label = "incumbent" if subject.table.is_race else "best so far"
        layers.append(LineLayer(x, y, "best", label, steps=True))
        final = int(np.flatnonzero(numbers == history.improvements[-1])[0])
        label = f"best: trial {history.improvements[-1]}, {number(float(values[final]))}"
        star = ((float(numbers[final]),), (float(values[final]),))
        layers.append(PointLayer(*star, "best", label, "star", 12.0, (), subject.hover([rows[final]])))
    notes = [*thinning_note(len(drawn), len(values), kept="all that improved on the best are there")]
    if subject.table.is_race:
        notes.append("each trial stands at its mean over the cases that it has had")
    far = int((~inside).sum())
    if far:
        edge = limits[0] if history.maximize else limits[1]
        notes.append(
            f"{far:,} {'values' if far > 1 else 'value'} of {shortened(history.objective, TITLE)} "
            f"{'below' if history.maximize else 'above'} {number(edge)} {'are' if far > 1 else 'is'} drawn at the edge"
        )
    return tuple(layers), limits, notes


def _inner(limits: tuple[float, float], log: bool) -> tuple[float, float]:
    """Give the heights at which marks at the edge are seen as a whole."""
    low, high = (math.log10(limits[0]), math.log10(limits[1])) if log else limits
    room = 0.018 * (high - low)
    return (10 ** (low + room), 10 ** (high - room)) if log else (low + room, high - room)


def _add_without(panels: list[Panel], subject: Subject, history: OptimizationHistory, across: PanelAxis) -> list[str]:
    """Add a low panel of the trials without values, a row for each reason; give what has to be said."""
    if not len(history.without):
        return []
    there = [outcome for outcome in _OUTCOMES if outcome in history.outcomes]
    there += sorted(set(history.outcomes) - set(there))
    drawn = thinned(len(history.without))
    layers, size = [], 5.0 if len(drawn) <= 150 else 3.0
    for row, outcome in enumerate(reversed(there)):
        places = [place for place in drawn.tolist() if history.outcomes[place] == outcome]
        numbers = tuple(float(history.without[place]) for place in places)
        hover = subject.hover(subject.rows_of(int(one) for one in numbers))
        role = "running" if outcome in ("running", "waiting") else "muted" if outcome == "pruned" else "failed"
        layers.append(PointLayer(numbers, (float(row),) * len(numbers), role, "", "cross", size, (), hover))
    ticks = tuple((float(row), outcome) for row, outcome in enumerate(reversed(there)))
    up = PanelAxis("", limits=(-0.7, len(there) - 0.3), ticks=ticks)
    panels.append(Panel(across, up, tuple(layers), "without a value", height=0.12 + 0.09 * len(there)))
    return [*thinning_note(len(drawn), len(history.without), "trials without a value")]


def _regret(subject: Subject, objective: str | None, optimum: float) -> Picture:
    history = optimization_history(subject.table, objective)
    panel, notes = _regret_panel([history], [""], objective, optimum)
    title = subject.title(f"regret, the distance of the best so far from {number(optimum)}")
    return Picture("history", title, (panel,), notes=(*notes, *subject.notes))


def _regret_panel(
    histories: Sequence[OptimizationHistory], labels: Sequence[str], objective: str | None, optimum: float
) -> tuple[Panel, list[str]]:
    """Give the regrets of studies on a logarithmic axis, on which 0 is drawn at the lower end."""
    regrets = [history.regret(optimum) for history in histories]
    known = np.concatenate([regret[np.isfinite(regret)] for regret in regrets])
    if not len(known):
        raise NoResult("no trial has a value that counts: there is no regret to draw")
    above = known[known > 0]
    floor = float(above.min()) / 10 if len(above) else 1e-12
    notes = [f"a regret of 0 is drawn at {number(floor)}"] if len(above) < len(known) else []
    layers: list[Layer] = []
    for place, (history, regret, label) in enumerate(zip(histories, regrets, labels, strict=True)):
        steps = _changes(regret)
        x, y = history.numbers[steps], np.maximum(regret[steps], floor)
        layers.append(LineLayer(numbers_of(x), numbers_of(y), f"series {place}", label, steps=True))
    title = f"regret of {shortened(histories[0].objective, TITLE)}"
    return Panel(PanelAxis("trial", whole=True), PanelAxis(title, "log"), tuple(layers)), notes


def _turns(best: Floats) -> list[int]:
    """Give the rows at which the best changes."""
    found: list[int] = np.flatnonzero(np.isfinite(best) & (np.diff(best, prepend=np.nan) != 0)).tolist()
    return found


def _changes(best: Floats) -> list[int]:
    """Give the rows at which the best changes, and the last one."""
    rows = _turns(best)
    return [*rows, len(best) - 1] if rows and rows[-1] != len(best) - 1 else rows


def _comparison(
    subject: Subject, others: Sequence[Subject], objective: str | None, optimum: float | None, log: bool
) -> Picture:
    subjects = (subject, *others)
    goal = subject.table.of(objective)[0]
    histories = []
    for one in subjects:
        found = one.table.of(goal.name)[0]
        if found.maximize != goal.maximize:
            raise InvalidSetting(
                f"{goal.name!r} is minimized in one study and maximized in another: not to be compared"
            )
        histories.append(optimization_history(one.table, goal.name))
    labels = names_apart(subjects)
    if optimum is not None:
        panel, notes = _regret_panel(histories, labels, objective, optimum)
        return Picture("history", f"regret of {len(subjects)} studies", (panel,), notes=tuple(notes))
    layers: list[Layer] = []
    for place, (history, label) in enumerate(zip(histories, labels, strict=True)):
        rows = _changes(history.best)
        if log and not (history.best[rows] > 0).all():
            raise InvalidSetting("log=True needs values above 0: leave it out, or give optimum= to draw the regret")
        x, y = numbers_of(history.numbers[rows]), numbers_of(history.best[rows])
        style = ("solid", "dashed", "dotted")[place // 8 % 3]
        layers.append(LineLayer(x, y, f"series {place}", label, style, steps=True))  # type: ignore[arg-type]
    up = PanelAxis(f"best {shortened(goal.name, TITLE)} so far", "log" if log else "linear")
    panel = Panel(
        PanelAxis("trial", whole=True), up, tuple(layers), direction(goal.name, goal.maximize), _full(histories[0])
    )
    return Picture("history", f"optimization history of {len(subjects)} studies", (panel,))
