"""Pictures of time: who ran what when, and what the time bought."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from luthier._typing import Floats
from luthier.analysis import Timeline, TrialSpan, cost_curve, timeline
from luthier.plot.labels import TITLE, direction, of_time, shortened
from luthier.plot.picture import BarLayer, Hover, Layer, LineLayer, Panel, PanelAxis, Picture, PointLayer
from luthier.plot.subject import Subject
from luthier.plot.thinning import thinned, thinning_note
from luthier.plot.variable_axis import mark_size, numbers_of
from luthier.render import seconds

_MOST_SPANS = 3000
_MOST_LANES = 40
_MOST_STEPS = 300
_BINS = 150
_SEEN = 0.004
"""The least length of a bar that must be seen, as a share of the whole time."""
_PAUSE_S = 60.0
_ROLES = {"done": "series 0", "pruned": "muted", "running": "running"}
_ORDER = ("done", "running", "pruned", "failed", "timeout", "memory", "nonfinite", "lost", "interrupted")


def timeline_picture(subject: Subject) -> Picture:
    """Describe when each trial ran, a lane for each worker, and how many ran at once.

    Pauses of more than a minute, in which the study did not run, are cut out.

    Args:
        subject: the study.

    Raises:
        NoResult: no trial was run for this study.
    """
    found = timeline(*subject.reader.stamped)
    spans = [span for span in found.spans if span.worker < _MOST_LANES]
    rows = thinned(len(spans), _MOST_SPANS)
    kept, cuts = _without_pauses(found)
    total = found.end_s - sum(length for _, length in cuts)
    unit, size = of_time(total)
    shown = [spans[row] for row in rows.tolist()]
    layers = [
        _bars(subject, [span for span in shown if span.outcome == outcome], outcome, kept, size, _SEEN * total)
        for outcome in sorted({span.outcome for span in shown}, key=_place)
    ]
    lanes = min(found.workers, _MOST_LANES)
    breaks = [kept(np.array([at]))[0] / size for at, _ in cuts]
    rules = tuple(LineLayer((at, at), (-0.5, lanes - 0.5), "muted", "", "dotted", width=1.2) for at in breaks)
    across = PanelAxis(f"{unit} since the first trial began", limits=(0.0, max(total / size, 1e-9) * 1.01))
    up = PanelAxis(
        "worker",
        limits=(lanes / 2 - max(lanes, 3) / 2 - 0.6, lanes / 2 + max(lanes, 3) / 2 - 0.4),
        ticks=tuple((float(lane), str(lane + 1)) for lane in range(lanes)),
    )
    notes = list(thinning_note(len(rows), len(spans), "attempts"))
    if len(spans) < len(found.spans):
        notes.append(f"{_MOST_LANES} of {found.workers} workers are drawn")
    if cuts:
        paused = seconds(sum(length for _, length in cuts))
        what = "a pause" if len(cuts) == 1 else f"{len(cuts)} pauses"
        notes.append(f"{what} ({paused} in all), in which the study did not run, cut out where it is dotted")
    moments, running = found.running()
    averaged = len(moments) > _MOST_STEPS
    moments, running = (_averaged if averaged else _as_it_is)(kept(moments), running)
    line = LineLayer(numbers_of(moments / size), numbers_of(running), "series 0", "", steps=True, width=1.4)
    use = f"running at once{', on average' if averaged else ''}; workers were used {found.use:.0%} of the time"
    panels = (
        Panel(across, up, (*layers, *rules), height=1.0),
        Panel(across, PanelAxis("trials", limits=(0, found.workers + 0.5), whole=True), (line,), use, height=0.45),
    )
    return Picture(
        "timeline",
        subject.title("timeline"),
        panels,
        notes=(*notes, *subject.notes),
        share_x=True,
        height=300 + 22 * min(lanes, 30),
    )


def _as_it_is(moments: Floats, running: Floats) -> tuple[Floats, Floats]:
    return moments, running


def _averaged(moments: Floats, running: Floats) -> tuple[Floats, Floats]:
    """Average a step function over equal spans of time: where they begin, and the means; the last place ends it."""
    area = np.concatenate([[0.0], np.cumsum(np.diff(moments) * running[:-1])])
    edges = np.linspace(moments[0], moments[-1], _BINS + 1)
    means = np.diff(np.interp(edges, moments, area)) / np.diff(edges)
    return edges, np.append(means, means[-1])


def _place(outcome: str) -> int:
    return _ORDER.index(outcome) if outcome in _ORDER else len(_ORDER)


class _Clock:
    """The time without pauses.

    Args:
        cuts: (beginning, length) of each pause, in seconds, ascending.
    """

    def __init__(self, cuts: Sequence[tuple[float, float]]) -> None:
        self._starts = np.array([at for at, _ in cuts])
        self._lengths = np.array([length for _, length in cuts])
        self._before = np.concatenate([[0.0], np.cumsum(self._lengths)])

    def __call__(self, times: Floats) -> Floats:
        """Give times with all pauses before them left out."""
        passed = np.searchsorted(self._starts + self._lengths, times, side="right")
        inside = np.minimum(passed, max(0, len(self._starts) - 1))
        found: Floats = times - self._before[passed]
        if len(self._starts):
            late = (passed < len(self._starts)) & (times > self._starts[inside])
            found = np.where(late, self._starts[inside] - self._before[passed], found)
        return found


def _without_pauses(found: Timeline) -> tuple[_Clock, list[tuple[float, float]]]:
    """Find the pauses in which nothing ran, longer than a minute and than a fiftieth of the rest."""
    cuts: list[tuple[float, float]] = []
    until = 0.0
    for span in found.spans:
        if span.start_s - until > max(_PAUSE_S, 0.02 * found.busy_s / max(1, found.workers)):
            cuts.append((until, span.start_s - until))
        until = max(until, span.end_s)
    return _Clock(cuts), cuts


def _bars(
    subject: Subject, spans: Sequence[TrialSpan], outcome: str, kept: _Clock, size: float, least_s: float
) -> BarLayer:
    """Give the bars of one outcome; short ones are drawn `least_s` long but where the trial is done."""
    starts = kept(np.array([span.start_s for span in spans])) / size
    ends = kept(np.array([span.end_s for span in spans])) / size
    present = set(subject.table.numbers.tolist())
    known = [span.number for span in spans if span.number in present]
    texts = dict(zip(known, subject.hover(subject.rows_of(known)), strict=True))
    hover: Hover = tuple(
        (
            f"{seconds(span.end_s - span.start_s)}, {span.outcome}"
            + (f", attempt {span.attempt}" if span.attempt > 1 else ""),
            *texts.get(span.number, (f"trial {span.number}, forgotten",)),
            *((f"worker {span.owner}",) if span.owner else ()),
        )
        for span in spans
    )
    lanes = numbers_of(np.array([span.worker for span in spans]))
    role = _ROLES.get(outcome, "failed" if outcome not in ("lost", "interrupted") else "series 4")
    lengths = np.maximum(ends - starts, 0.0 if outcome == "done" else least_s / size)
    return BarLayer(lanes, numbers_of(lengths), numbers_of(starts), role, outcome, True, 0.8, (), (), hover)


def cost_picture(subject: Subject, objective: str | None = None) -> Picture:
    """Describe the best value over the seconds of evaluation, and the seconds of each trial.

    Args:
        subject: the study.
        objective: its name; by default the first.

    Raises:
        InvalidSetting: there is no such objective.
        NoResult: no trial has a known duration.
    """
    found = cost_curve(subject.table, objective)
    unit, size = of_time(float(found.spent_s[-1]))
    changes = np.flatnonzero(np.isfinite(found.best) & (np.diff(found.best, prepend=np.nan) != 0))
    panels = []
    if len(changes):
        steps = np.union1d(changes, [len(found.best) - 1])
        x, y = numbers_of(found.spent_s[steps] / size), numbers_of(found.best[steps])
        hover = subject.hover(subject.rows_of(found.numbers[steps].tolist()))
        line = LineLayer(x, y, "best", "best so far", steps=True, hover=hover)
        up = PanelAxis(shortened(found.objective, TITLE))
        panels.append(
            Panel(
                PanelAxis(f"{unit} of evaluation, all trials together"),
                up,
                (line,),
                direction(found.objective, found.maximize),
            )
        )
    positive = found.durations_s[found.durations_s > 0]
    log = len(positive) > 1 and positive.max() > 30 * positive.min()
    floor = float(positive.min()) if len(positive) else 1.0
    _, small = of_time(float(np.median(found.durations_s)))
    name = {1.0: "seconds", 0.001: "milliseconds", 60.0: "minutes", 3600.0: "hours", 86400.0: "days"}[small]
    drawn = thinned(len(found.numbers))
    layers: list[Layer] = []
    for outcome in sorted(set(found.outcomes), key=_place):
        places = drawn[[found.outcomes[place] == outcome for place in drawn.tolist()]]
        if len(places):
            heights = np.maximum(found.durations_s[places], floor if log else 0.0) / small
            role = {"done": "trial", "pruned": "muted"}.get(outcome, "failed")
            share = found.by_outcome[outcome]
            layers.append(
                PointLayer(
                    numbers_of(found.numbers[places]),
                    numbers_of(heights),
                    role,
                    f"{outcome}: {seconds(share)}",
                    "cross" if role == "failed" else "circle",
                    mark_size(len(places)),
                    (),
                    subject.hover(subject.rows_of(found.numbers[places].tolist())),
                )
            )
    panels.append(
        Panel(
            PanelAxis("trial", whole=True),
            PanelAxis(name, "log" if log else "linear"),
            tuple(layers),
            "time of each trial",
        )
    )
    unknown = len(subject.table) - len(found.numbers)
    notes = [*thinning_note(len(drawn), len(found.numbers))]
    if unknown:
        notes.append(f"{unknown:,} trials have no known duration")
    return Picture(
        "cost",
        subject.title("cost over time"),
        tuple(panels),
        len(panels),
        (*notes, *subject.notes),
        width=380 * len(panels) + 180,
    )
