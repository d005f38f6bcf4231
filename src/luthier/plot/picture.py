"""Picture: one description of a figure, of which every library draws the same."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal, TypeAlias

Numbers: TypeAlias = tuple[float, ...]
Hover: TypeAlias = tuple[tuple[str, ...], ...]
"""For each mark the lines of text that are shown beneath the pointer, as the user wrote them: nothing is escaped."""

Symbol: TypeAlias = Literal["circle", "ring", "cross", "diamond", "triangle", "triangle down", "square", "star"]
Scale: TypeAlias = Literal["linear", "log"]
Role: TypeAlias = str
"""What a mark is: ``trial``, ``best``, ``failed``, ``infeasible``, ``muted``, ``running``,
``pale``; or ``series 0``, ``series 1``, …, which colours tell apart. A theme gives the colours."""


@dataclass(frozen=True, slots=True)
class PanelAxis:
    """One axis of a panel.

    Args:
        title: beside it.
        scale: linear, or logarithmic to the base 10.
        limits: its ends; None: from the marks.
        ticks: places and their words; empty: numbers that the library chooses.
        whole: whether only whole numbers are ticks.
        full_title: the title where that was shortened; empty where it was not.
    """

    title: str = ""
    scale: Scale = "linear"
    limits: tuple[float, float] | None = None
    ticks: tuple[tuple[float, str], ...] = ()
    whole: bool = False
    full_title: str = ""


@dataclass(frozen=True, slots=True)
class ColorScale:
    """A scale from numbers to colours, with its bar.

    Args:
        title: of the bar.
        low: the smallest number.
        high: the largest.
        better: the end that is drawn with most contrast to the background.
        log: whether it is logarithmic.
    """

    title: str
    low: float
    high: float
    better: Literal["low", "high"] = "low"
    log: bool = False


@dataclass(frozen=True, slots=True)
class PointLayer:
    """Marks at places.

    Args:
        x: places.
        y: places.
        role: what they are; their colour where there are no `shades`.
        label: in the legend; empty: not there.
        symbol: of the marks.
        size: in points.
        shades: one number a mark, on the picture's colour scale; empty: `role`.
        hover: one a mark, or none.
    """

    x: Numbers
    y: Numbers
    role: Role = "trial"
    label: str = ""
    symbol: Symbol = "circle"
    size: float = 6.0
    shades: Numbers = ()
    hover: Hover = ()


@dataclass(frozen=True, slots=True)
class LineLayer:
    """A line through places; NaN interrupts it.

    Args:
        x: places.
        y: places.
        role: what it is.
        label: in the legend; empty: not there.
        style: of the stroke.
        steps: whether it goes on level to the next place, and there up or down.
        width: in points.
        shade: a number on the picture's colour scale, in place of the role's colour.
        hover: one a place, or none.
    """

    x: Numbers
    y: Numbers
    role: Role = "series 0"
    label: str = ""
    style: Literal["solid", "dashed", "dotted"] = "solid"
    steps: bool = False
    width: float = 2.0
    shade: float | None = None
    hover: Hover = ()


@dataclass(frozen=True, slots=True)
class BandLayer:
    """The area between two curves: an interval, say.

    Args:
        x: places.
        low: the lower curve.
        high: the upper curve.
        role: what it is.
        label: in the legend; empty: not there.
        steps: see `LineLayer`.
    """

    x: Numbers
    low: Numbers
    high: Numbers
    role: Role = "series 0"
    label: str = ""
    steps: bool = False


@dataclass(frozen=True, slots=True)
class BarLayer:
    """Bars from 0, or from `base`.

    Args:
        places: the middles of the bars.
        lengths: how far each goes.
        base: where each begins; empty: 0.
        role: what they are.
        label: in the legend; empty: not there.
        horizontal: whether the places are on the vertical axis.
        width: of the bars, in units of the places.
        low: the lower end of the interval of each; empty: none.
        high: the upper end.
        hover: one a bar, or none.
    """

    places: Numbers
    lengths: Numbers
    base: Numbers = ()
    role: Role = "series 0"
    label: str = ""
    horizontal: bool = False
    width: float = 0.7
    low: Numbers = ()
    high: Numbers = ()
    hover: Hover = ()


@dataclass(frozen=True, slots=True)
class HeatLayer:
    """A surface over a grid, on the picture's colour scale; NaN is left blank.

    Args:
        x: (p,) places of the columns.
        y: (q,) places of the rows.
        z: (q,) rows of (p,) numbers.
        contours: whether contour lines are drawn.
    """

    x: Numbers
    y: Numbers
    z: tuple[Numbers, ...]
    contours: bool = True


@dataclass(frozen=True, slots=True)
class TextLayer:
    """Words at places, above them.

    Args:
        x: places.
        y: places.
        texts: one a place.
        role: their colour.
        side: of the place on which the words stand.
    """

    x: Numbers
    y: Numbers
    texts: tuple[str, ...]
    role: Role = "muted"
    side: Literal["above", "right", "left", "below"] = "above"


Layer: TypeAlias = PointLayer | LineLayer | BandLayer | BarLayer | HeatLayer | TextLayer


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes with its marks, the lowest first.

    Args:
        x: the horizontal axis.
        y: the vertical axis.
        layers: what is drawn.
        title: above it.
        full_title: the title where that was shortened; empty where it was not.
        height: its share of the height of the picture, among the panels of its column.
    """

    x: PanelAxis
    y: PanelAxis
    layers: tuple[Layer, ...]
    title: str = ""
    full_title: str = ""
    height: float = 1.0


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of an analysis.

    Args:
        kind: ``history``, ``slice``, …
        title: above it.
        panels: row by row.
        columns: how many panels stand in a row.
        notes: what a reader must know, such as that not all trials are drawn; beneath it.
        colors: the scale of all shades and surfaces.
        share_x: whether the panels of a column have one horizontal axis.
        share_y: whether the panels of a row have one vertical axis.
        width: in pixels of a screen.
        height: likewise.
    """

    kind: str
    title: str
    panels: tuple[Panel, ...]
    columns: int = 1
    notes: tuple[str, ...] = ()
    colors: ColorScale | None = None
    share_x: bool = False
    share_y: bool = False
    width: int = 760
    height: int = 460

    def to_dict(self) -> dict[str, Any]:
        """Give the description as plain values; fields that have their defaults are left out."""
        form: dict[str, Any] = _plain(self)
        return form

    @property
    def row_heights(self) -> tuple[float, ...]:
        """The share of the height that each row of panels has; they sum to 1."""
        tallest = [
            max(panel.height for panel in self.panels[start : start + self.columns])
            for start in range(0, len(self.panels), self.columns)
        ]
        return tuple(height / sum(tallest) for height in tallest)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        shown = [(one, getattr(value, one.name)) for one in fields(value)]
        kept = {one.name: _plain(found) for one, found in shown if found != one.default}
        return (
            kept
            if isinstance(value, PanelAxis | ColorScale | Panel | Picture)
            else {"layer": type(value).__name__, **kept}
        )
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
