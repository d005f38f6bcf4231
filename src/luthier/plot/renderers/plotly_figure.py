"""Pictures drawn by plotly: its JSON for pages, and interactive figures for notebooks."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luthier.errors import MissingDependency
from luthier.plot.bounded_picture import bounded_picture
from luthier.plot.labels import flat
from luthier.plot.picture import Panel, PanelAxis, Picture, TextLayer
from luthier.plot.renderers.plotly_traces import color_axis, has_surface, markup, traces_of
from luthier.plot.theme import Theme

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_FONT = "Inter, Segoe UI, Helvetica, Arial, sans-serif"
_LEFT, _RIGHT, _BOTTOM = 64, 28, 58  # pixels


def to_plotly(picture: Picture, theme: Theme) -> Figure:
    """Draw a picture as a figure of plotly.

    Raises:
        MissingDependency: plotly is not installed.
    """
    try:
        from plotly.graph_objects import Figure
    except ImportError:
        raise MissingDependency("this picture needs plotly: pip install 'luthier[plot]'") from None
    figure = plotly_json(picture, theme)
    return Figure(data=figure["data"], layout={**figure["layout"], "template": "none"})


def plotly_json(picture: Picture, theme: Theme) -> dict[str, Any]:
    """Describe a picture in the JSON of plotly: its ``data`` and ``layout`` as plain values. Needs no plotly."""
    picture = bounded_picture(picture)
    rows = -(-len(picture.panels) // picture.columns)
    notes = _wrapped(picture)
    words = _height_of_words(picture)
    top = 42 + 19 * len(_title_lines(picture)) + 21 * _legend_lines(picture)
    bottom = _BOTTOM + 15 * len(notes) + words
    titled = any(panel.title for panel in picture.panels)
    between = (26 if picture.share_x else 62 + words) + 18 * titled
    height = picture.height + words * (1 if picture.share_x else rows)
    inner = max(80, height - top - bottom)
    down = 0.0 if rows == 1 else min(0.9 / (rows - 1), between / inner)
    across = (
        0.0 if picture.columns == 1 else min(0.9 / picture.columns, (24 if picture.share_y else 66) / picture.width)
    )
    grid = PanelGrid(picture.columns, picture.row_heights, across, down)
    data: list[dict[str, Any]] = []
    layout = _layout(picture, theme, height, top, bottom)
    if picture.colors is not None and not has_surface(picture):
        layout["coloraxis"] = color_axis(picture.colors, theme)
    for place, panel in enumerate(picture.panels):
        _draw(data, layout, picture, panel, theme, place, grid)
    _show_labels_once(data)
    layout["annotations"] += _notes(notes, theme, bottom)
    return {"data": data, "layout": layout}


@dataclass(frozen=True, slots=True)
class PanelGrid:
    """The places of panels in a picture: shares of its width, and of its height from below.

    Args:
        columns: how many panels stand in a row.
        heights: of the rows from above, summing to 1.
        across: the space between two columns.
        down: the space between two rows.
    """

    columns: int
    heights: tuple[float, ...]
    across: float
    down: float

    def horizontal(self, column: int) -> list[float]:
        """Give the left and the right end of a column."""
        width = (1.0 - self.across * (self.columns - 1)) / self.columns
        left = column * (width + self.across)
        return [left, min(1.0, left + width)]

    def vertical(self, row: int) -> list[float]:
        """Give the lower and the upper end of a row."""
        free = 1.0 - self.down * (len(self.heights) - 1)
        upper = 1.0 - sum(self.heights[:row]) * free - row * self.down
        return [max(0.0, upper - self.heights[row] * free), upper]


def _legend_lines(picture: Picture) -> int:
    """Estimate the lines that the legend takes."""
    labels = {getattr(layer, "label", "") for panel in picture.panels for layer in panel.layers} - {""}
    pixels = sum(44 + 6.6 * len(label) for label in labels)
    return math.ceil(pixels / (picture.width - _LEFT - _RIGHT)) if labels else 0


def _height_of_words(picture: Picture) -> int:
    """Estimate the pixels that words at horizontal ticks take more than numbers do, where they are turned."""
    room = (picture.width - 60) / picture.columns - 60
    tallest = 0
    for panel in picture.panels:
        words = [word for _, word in panel.x.ticks]
        if sum(7 * len(word) + 10 for word in words) > room:
            tallest = max(tallest, *(int(4.5 * len(word)) for word in words))
    return tallest


def _title_lines(picture: Picture) -> list[str]:
    return textwrap.wrap(flat(picture.title), max(20, int(picture.width / 9))) or [""]


def _wrapped(picture: Picture) -> list[str]:
    """Break the notes into lines that fit."""
    wide = max(30, int((picture.width - 40) / 6.2))
    return [line for note in picture.notes for line in textwrap.wrap(flat(note), wide)]


def _layout(picture: Picture, theme: Theme, height: int, top: int, bottom: int) -> dict[str, Any]:
    return {
        "title": {
            "text": "<br>".join(map(markup, _title_lines(picture))),
            "x": 14.0 / picture.width,
            "xref": "container",
            "y": 1.0,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 14},
            "font": {"size": 16},
        },
        "width": picture.width,
        "height": height,
        "margin": {"l": _LEFT, "r": _RIGHT, "t": top, "b": bottom},
        "paper_bgcolor": theme.ground,
        "plot_bgcolor": theme.ground,
        "font": {"family": _FONT, "size": 12, "color": theme.ink},
        "hoverlabel": {"align": "left", "font": {"family": _FONT, "size": 12}},
        "modebar": {"orientation": "v", "bgcolor": "rgba(0,0,0,0)"},
        "hovermode": "closest",
        "barmode": "overlay",
        "autotypenumbers": "strict",
        "annotations": [],
        "legend": {
            "orientation": "h",
            "x": 0.0,
            "xref": "paper",
            "y": 1.0 - (18.0 + 19.0 * len(_title_lines(picture))) / height,
            "yref": "container",
            "yanchor": "top",
            "bgcolor": "rgba(0,0,0,0)",
        },
    }


def _draw(
    data: list[dict[str, Any]],
    layout: dict[str, Any],
    picture: Picture,
    panel: Panel,
    theme: Theme,
    place: int,
    grid: PanelGrid,
) -> None:
    """Add a panel: its axes, traces and words."""
    row, column = divmod(place, picture.columns)
    suffix = "" if place == 0 else str(place + 1)
    x = _axis(panel.x, theme, picture.width / picture.columns - 60)
    y = _axis(panel.y, theme, 0.7 * picture.height * picture.row_heights[row])
    x |= {"anchor": f"y{suffix}", "domain": grid.horizontal(column)}
    y |= {"anchor": f"x{suffix}", "domain": grid.vertical(row)}
    if picture.share_x and row:
        x["matches"] = f"x{column + 1}" if column else "x"
    if picture.share_x and place + picture.columns < len(picture.panels):  # another one stands below
        x |= {"showticklabels": False, "title": {}}
    if picture.share_y and column:
        y |= {"showticklabels": False, "title": {}, "matches": f"y{place - column + 1}" if place > column else "y"}
    layout |= {f"xaxis{suffix}": x, f"yaxis{suffix}": y}
    for layer in panel.layers:
        if isinstance(layer, TextLayer):
            layout["annotations"] += _words(layer, panel, theme, suffix)
        data += [{**trace, "xaxis": f"x{suffix}", "yaxis": f"y{suffix}"} for trace in traces_of(layer, picture, theme)]
    layout["annotations"] += _titles(panel, suffix)


def _show_labels_once(data: list[dict[str, Any]]) -> None:
    """Have the legend show each label once; those of one label are shown and hidden together."""
    used = {""}
    for trace in data:
        label = trace.get("name", "")
        trace["showlegend"] = label not in used
        if label:
            trace["legendgroup"] = label
        used.add(label)


def _titles(panel: Panel, suffix: str) -> list[dict[str, Any]]:
    """Give the title of a panel, and unseen copies of shortened titles, with the whole ones beneath the pointer."""
    ground = {"xref": f"x{suffix} domain", "yref": f"y{suffix} domain", "showarrow": False}
    found: list[dict[str, Any]] = []
    if panel.title:
        title = {"text": markup(panel.title), "x": 0.0, "y": 1.0, "xanchor": "left", "yanchor": "bottom", **ground}
        found.append(title | ({"hovertext": markup(panel.full_title)} if panel.full_title else {}))
    for axis, x, y, shift in (
        (panel.x, 0.5, 0.0, {"yshift": -38}),
        (panel.y, 0.0, 0.5, {"xshift": -52, "textangle": -90}),
    ):
        if axis.full_title:
            words = {"text": markup(axis.title), "hovertext": markup(axis.full_title), "opacity": 0.01}
            found.append({**words, "x": x, "y": y, **ground, **shift})
    return found


def _axis(axis: PanelAxis, theme: Theme, room: float) -> dict[str, Any]:
    found: dict[str, Any] = {
        "title": {"text": markup(axis.title), "standoff": 8},
        "type": axis.scale,
        "gridcolor": theme.grid,
        "linecolor": theme.grid,
        "zeroline": False,
        "automargin": True,
        "showline": True,
    }
    if axis.limits is not None:
        low, high = axis.limits
        found["range"] = [math.log10(low), math.log10(high)] if axis.scale == "log" else [low, high]
    if axis.ticks:
        found |= {"tickmode": "array", "tickvals": [place for place, _ in axis.ticks]}
        found["ticktext"] = [markup(word) for _, word in axis.ticks]
    elif axis.whole and axis.scale == "linear":
        found |= {
            "tickformat": ",d",
        }
        if axis.limits is not None and axis.limits[1] - axis.limits[0] < 8:
            found |= {"dtick": 1}
    elif axis.scale == "log":
        found |= {"dtick": _decades(axis, room), "exponentformat": "power"}
    return found


def _decades(axis: PanelAxis, room: float) -> float | str:
    """Give the distance of ticks on a logarithmic axis: as many decades as leave each its room, or less than one."""
    if axis.limits is None:
        return 1
    decades = math.log10(axis.limits[1]) - math.log10(axis.limits[0])
    return "D2" if decades < 1.7 else math.ceil(48 * decades / room)


def _words(layer: TextLayer, panel: Panel, theme: Theme, suffix: str) -> list[dict[str, Any]]:
    """Give words as annotations, which have a ground of their own."""
    moves = {"above": ("yshift", 13), "below": ("yshift", -13), "left": ("xshift", -3), "right": ("xshift", 3)}
    move, pixels = moves[layer.side]
    return [
        {
            "text": markup(text),
            "x": math.log10(x) if panel.x.scale == "log" else x,
            "y": math.log10(y) if panel.y.scale == "log" else y,
            "xref": f"x{suffix}",
            "yref": f"y{suffix}",
            "xanchor": {"left": "right", "right": "left"}.get(layer.side, "center"),
            "showarrow": False,
            "borderpad": 1,
            "bgcolor": theme.ground,
            "opacity": 0.85,
            "font": {"size": 11, "color": theme.color(layer.role)},
            move: pixels,
        }
        for x, y, text in zip(layer.x, layer.y, layer.texts, strict=True)
    ]


def _notes(notes: list[str], theme: Theme, bottom: int) -> list[dict[str, Any]]:
    if not notes:
        return []
    return [
        {
            "text": "<br>".join(map(markup, notes)),
            "x": 0.0,
            "xref": "paper",
            "y": 0.0,
            "yref": "paper",
            "yshift": 8 - bottom,
            "yanchor": "bottom",
            "xanchor": "left",
            "align": "left",
            "showarrow": False,
            "font": {"size": 11, "color": theme.roles["muted"]},
        }
    ]
