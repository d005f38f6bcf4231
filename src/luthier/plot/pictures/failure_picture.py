"""Picture of failures: by reason, and by region of each variable."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.analysis import FailureKind, RegionRate, VariableFailures, failure_summary
from luthier.plot.labels import TICK, flat, shortened, shortened_apart, tick_text
from luthier.plot.picture import BarLayer, Panel, PanelAxis, Picture
from luthier.plot.subject import Subject

_MOST_KINDS = 8
_MOST_VARIABLES = 5


def failure_picture(subject: Subject, variables: Sequence[str] | None = None) -> Picture:
    """Describe how many trials failed for which reason, and the share that failed along each variable.

    Args:
        subject: the study.
        variables: names; by default those along which failures differ most from chance.

    Raises:
        InvalidSetting: there is no such variable.
        NoResult: no trial failed.
    """
    from luthier.analysis import chosen_coordinates

    found = failure_summary(subject.table)
    shown = found.variables
    if variables is not None:
        titles = [axis.title for axis in chosen_coordinates(subject.table.problem.space, variables)]
        shown = tuple(one for title in titles for one in found.variables if one.title == title)
    notes = []
    if len(found.kinds) > _MOST_KINDS:
        notes.append(f"the {_MOST_KINDS} most frequent of {len(found.kinds)} kinds of failures are drawn")
    if len(shown) > _MOST_VARIABLES:
        notes.append(f"{_MOST_VARIABLES} of {len(shown)} variables are drawn, those along which failures differ most")
    notes.append("bars: the share of trials that failed, with 90 % intervals; the dashed share is that of all trials")
    drawn = shown[:_MOST_VARIABLES]
    overall = found.failed / found.total
    highest = max(
        [overall, *(one.upper if one.total > 9 else one.share for v in drawn for one in v.regions if one.total)]
    )
    panels = (
        _kinds(found.kinds[:_MOST_KINDS]),
        *(
            _along(one, title, overall, min(1.04, 1.15 * highest))
            for one, title in zip(drawn, _titles(drawn), strict=True)
        ),
    )
    columns = min(3, len(panels))
    return Picture(
        "failures",
        subject.title(f"{found.failed:,} of {found.total:,} trials failed"),
        panels,
        columns,
        (*notes, *subject.notes),
        width=max(560, 360 * columns),
        height=140 + 270 * -(-len(panels) // columns),
    )


def _kinds(kinds: Sequence[FailureKind]) -> Panel:
    names = [f"{kind.reason}: {kind.error}" if kind.error else kind.reason for kind in kinds]
    words = shortened_apart(names, 26)
    last = len(kinds) - 1
    hover = tuple(
        (flat(name), f"{len(kind.numbers)} trials, the first is trial {kind.numbers[0]}", shortened(kind.example, 90))
        for name, kind in zip(names, kinds, strict=True)
    )
    bars = BarLayer(
        tuple(float(last - row) for row in range(len(kinds))),
        tuple(float(len(kind.numbers)) for kind in kinds),
        role="failed",
        horizontal=True,
        hover=hover,
    )
    ticks = tuple((float(last - row), word) for row, word in enumerate(words))
    most = max(len(kind.numbers) for kind in kinds)
    return Panel(
        PanelAxis("trials", limits=(0.0, 1.05 * most), whole=True),
        PanelAxis("", limits=(min(-0.6, last - 3.6), last + 0.6), ticks=ticks),
        (bars,),
        "by reason",
    )


def _titles(shown: Sequence[VariableFailures]) -> tuple[str, ...]:
    return shortened_apart([one.title for one in shown], 30)


def _along(one: VariableFailures, title: str, overall: float, highest: float) -> Panel:
    from luthier.plot.picture import LineLayer

    held = [(place, region) for place, region in enumerate(one.regions) if region.total]
    bars = BarLayer(
        tuple(float(place) for place, _ in held),
        tuple(region.share for _, region in held),
        role="series 4",
        low=tuple(region.lower for _, region in held),
        high=tuple(region.upper for _, region in held),
        hover=tuple(
            (flat(f"{one.title}: {_region(region)}"), f"{region.failed} of {region.total} failed") for _, region in held
        ),
    )
    last = len(one.regions) - 0.5
    rule = LineLayer((-0.5, last), (overall, overall), "muted", "", "dashed", width=1.2)
    across = PanelAxis(
        title,
        limits=(-0.6, last + 0.1),
        ticks=_ticks(one.regions),
        full_title=flat(one.title) if title != flat(one.title) else "",
    )
    return Panel(across, PanelAxis("share failed", limits=(0.0, highest)), (bars, rule))


def _region(region: RegionRate) -> str:
    return region.label or f"{tick_text(region.low)} to {tick_text(region.high)}"


def _ticks(regions: Sequence[RegionRate]) -> tuple[tuple[float, str], ...]:
    """Give the words of options in the middle of their bars, and numbers at the ends of ranges."""
    ticks = []
    words = shortened_apart([region.label for region in regions], TICK)
    ranges = [place for place, region in enumerate(regions) if not region.label]
    for place, region in enumerate(regions):
        if region.label:
            ticks.append((float(place), words[place]))
        elif place % 2 == 0:
            ticks.append((place - 0.5, _rounded(region.low)))
    if ranges and (ranges[-1] + 1) % 2 == 0 and ranges[-1] + 1 == len(regions):  # else a word stands there
        ticks.append((ranges[-1] + 0.5, _rounded(regions[ranges[-1]].high)))
    return tuple(ticks)


def _rounded(value: float) -> str:
    return tick_text(float(f"{value:.3g}"))
