"""Picture of intermediate reports: each trial a curve over its steps."""

from __future__ import annotations

import math

import numpy as np

from luthier.analysis import ReportCurve, report_curves
from luthier.plot.axis_range import padded, without_far
from luthier.plot.labels import TITLE, direction, shortened
from luthier.plot.picture import Layer, LineLayer, Panel, PanelAxis, Picture, PointLayer
from luthier.plot.subject import Subject
from luthier.plot.thinning import MOST_LINES, thinned, thinning_note
from luthier.render import number

_MOST_VERTICES = 40_000


def report_picture(subject: Subject, log: bool = False, objective: str | None = None) -> Picture:
    """Describe the intermediate values of the trials; the best one stands out, pruned and failed ones recede.

    Args:
        subject: the study.
        objective: its name; None: the first.
        log: whether the axis of the values is logarithmic; values not above 0 are left out then.

    Raises:
        NoResult: no trial reported anything.
    """
    found = report_curves(subject.table, objective)
    sign = -1.0 if found.maximize else 1.0
    ends = [sign * (curve.value if math.isfinite(curve.value) else math.inf) for curve in found.curves]
    order = np.argsort(ends, kind="stable")
    most = max(10, min(MOST_LINES, _MOST_VERTICES // max(len(curve.steps) for curve in found.curves)))
    drawn = thinned(len(found.curves), most, order[: most // 4].tolist())
    best = int(order[0]) if math.isfinite(ends[int(order[0])]) else None
    groups: dict[str, list[ReportCurve]] = {"failed": [], "pruned": [], "running": [], "done": []}
    for place in drawn.tolist():
        if place != best:
            curve = found.curves[place]
            kind = curve.outcome if curve.outcome in ("done", "pruned") else "failed"
            groups["running" if curve.outcome in ("running", "waiting") else kind].append(curve)
    layers: list[Layer] = [
        _joined(subject, curves, role, f"{kind}: {len(curves)}", style)
        for (kind, curves), role, style in zip(
            groups.items(), ("failed", "muted", "running", "trial"), ("dotted", "dashed", "solid", "solid"), strict=True
        )
        if curves
    ]
    if best is not None:
        curve = found.curves[best]
        label = f"best: trial {curve.number}, {number(curve.value)}"
        layers.append(_joined(subject, [curve], "best", label, "solid", 2.6))
    values = np.array(
        [value for place in drawn.tolist() for value in found.curves[place].values if math.isfinite(value)]
    )
    limits = None
    if len(values) and not log:
        limits = padded(*without_far(values, found.maximize))
    up = PanelAxis(shortened(found.objective, TITLE), "log" if log else "linear", limits)
    layers += _single(subject, [found.curves[place] for place in drawn.tolist()])
    steps = [curve.steps[end] for curve in found.curves for end in (0, -1)]
    across = PanelAxis("step", limits=padded(min(steps), max(steps), margin=0.02), whole=True)
    panel = Panel(across, up, tuple(layers), direction(found.objective, found.maximize))
    notes = thinning_note(len(drawn), len(found.curves), "curves", "the best are there")
    return Picture("reports", subject.title("intermediate reports"), (panel,), notes=(*notes, *subject.notes))


def _single(subject: Subject, curves: list[ReportCurve]) -> list[Layer]:
    """Give the curves of one step, which no line shows, as marks."""
    chosen = [curve for curve in curves if len(curve.steps) == 1]
    if not chosen:
        return []
    x, y = tuple(float(curve.steps[0]) for curve in chosen), tuple(curve.values[0] for curve in chosen)
    hover = subject.hover(subject.rows_of(curve.number for curve in chosen))
    return [PointLayer(x, y, "trial", "one step only", "circle", 4.0, (), hover)]


def _joined(
    subject: Subject, curves: list[ReportCurve], role: str, label: str, style: str, width: float = 1.0
) -> LineLayer:
    """Give several curves as one line that NaN interrupts."""
    x: list[float] = []
    y: list[float] = []
    hover: list[tuple[str, ...]] = []
    texts = subject.hover(subject.rows_of(curve.number for curve in curves))
    for curve, text in zip(curves, texts, strict=True):
        x += [*map(float, curve.steps), math.nan]
        y += [*curve.values, math.nan]
        said = [(f"step {step}: {number(value)}", *text) for step, value in zip(curve.steps, curve.values, strict=True)]
        hover += [*said, ()]
    return LineLayer(tuple(x), tuple(y), role, label, style, False, width, None, tuple(hover))  # type: ignore[arg-type]
