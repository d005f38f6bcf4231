"""Traces of plotly as plain values: the marks of layers, and the colour axis they share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from luthier.plot.labels import flat
from luthier.plot.picture import (
    BandLayer,
    BarLayer,
    ColorScale,
    HeatLayer,
    Hover,
    Layer,
    LineLayer,
    Picture,
    PointLayer,
)
from luthier.plot.theme import Theme

_SYMBOLS = {
    "circle": "circle",
    "ring": "circle-open",
    "cross": "x-thin",
    "diamond": "diamond",
    "triangle": "triangle-up",
    "triangle down": "triangle-down",
    "square": "square",
    "star": "star",
}
_DASHES = {"solid": "solid", "dashed": "dash", "dotted": "dot"}


def markup(text: str) -> str:
    """Write a user's text so that plotly shows it as it is: it takes ``<`` for a tag and ``$`` for TeX."""
    line = flat(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return line.replace("$", "&#36;")


def traces_of(layer: Layer, picture: Picture, theme: Theme) -> list[dict[str, Any]]:
    """Give the traces of a layer; a layer of words has none."""
    if isinstance(layer, PointLayer):
        return [_points(layer, picture, theme)]
    if isinstance(layer, LineLayer):
        return [_line(layer, picture, theme)]
    if isinstance(layer, BandLayer):
        return _band(layer, theme)
    if isinstance(layer, BarLayer):
        return [_bars(layer, theme)]
    if isinstance(layer, HeatLayer):
        return [_heat(layer, picture, theme)]
    return []  # words are annotations


def _points(layer: PointLayer, picture: Picture, theme: Theme) -> dict[str, Any]:
    color = theme.color(layer.role)
    marker: dict[str, Any] = {"symbol": _SYMBOLS[layer.symbol], "size": layer.size * 1.25, "color": color}
    if layer.symbol == "cross":
        marker["line"] = {"width": 1.6, "color": color}
    elif layer.symbol == "ring":
        marker["line"] = {"width": 1.4}
    elif layer.shades and picture.colors is not None:
        marker |= {"color": _shown(picture.colors, layer.shades), "line": _edge(picture, theme)}
        if has_surface(picture):  # a contour has a colour axis of its own, which marks cannot share
            marker |= {**color_axis(picture.colors, theme), "showscale": False}
            del marker["colorbar"]
        else:
            marker["coloraxis"] = "coloraxis"
    marks = {"type": "scatter", "mode": "markers", "x": layer.x, "y": layer.y, "marker": marker}
    return {**marks, "name": markup(layer.label), **_hover(layer.hover)}


def has_surface(picture: Picture) -> bool:
    """Tell whether a picture has a surface."""
    return any(isinstance(layer, HeatLayer) for panel in picture.panels for layer in panel.layers)


def _edge(picture: Picture, theme: Theme) -> dict[str, Any]:
    """Give the edge of shaded marks: of the ground's colour on a surface, which has the same shades."""
    return {"width": 0.9, "color": theme.ground} if has_surface(picture) else {"width": 0.4, "color": theme.ink}


def color_axis(colors: ColorScale, theme: Theme) -> dict[str, Any]:
    """Give the colour axis of a picture, with its bar."""
    low, high = colors.low, colors.high
    bar: dict[str, Any] = {
        "title": {"text": markup(colors.title), "side": "right"},
        "outlinewidth": 0,
        "thickness": 14,
    }
    if colors.log:
        low, high = math.log10(low), math.log10(high)
        powers = range(math.ceil(low), math.floor(high) + 1)
        bar |= {"tickvals": list(powers), "ticktext": [f"1e{power}" for power in powers]}
    if low == high:
        low, high = low - 0.5, high + 0.5
    ramp = theme.ramp if colors.better == "high" else theme.ramp[::-1]
    scale = [[place / (len(ramp) - 1), color] for place, color in enumerate(ramp)]
    return {"cmin": low, "cmax": high, "colorscale": scale, "colorbar": bar}


def _shown(colors: ColorScale, values: Sequence[float]) -> list[float]:
    """Give numbers as they are placed on the colour axis."""
    if not colors.log:
        return list(values)
    return [math.log10(value) if value > 0 else math.log10(colors.low) for value in values]


def _line(layer: LineLayer, picture: Picture, theme: Theme) -> dict[str, Any]:
    stroke = {
        "color": _stroke_color(layer, picture, theme),
        "width": layer.width,
        "dash": _DASHES[layer.style],
        "shape": "hv" if layer.steps else "linear",
    }
    line = {"type": "scatter", "mode": "lines", "x": layer.x, "y": layer.y, "line": stroke}
    return {**line, "name": markup(layer.label), **_hover(layer.hover)}


def _stroke_color(layer: LineLayer, picture: Picture, theme: Theme) -> str:
    if layer.shade is None or picture.colors is None:
        return theme.color(layer.role)
    return theme.shade(share_of(picture.colors, layer.shade))


def share_of(colors: ColorScale, value: float) -> float:
    """Give the place of a number on a theme's ramp, in [0, 1]."""
    low, high = colors.low, colors.high
    if colors.log:
        low, high, value = math.log10(low), math.log10(high), math.log10(max(value, colors.low))
    share = 0.5 if high <= low else (value - low) / (high - low)
    return share if colors.better == "high" else 1.0 - share


def _band(layer: BandLayer, theme: Theme) -> list[dict[str, Any]]:
    color = theme.color(layer.role)
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    stroke = {"width": 0, "shape": "hv" if layer.steps else "linear"}
    shared = {"type": "scatter", "mode": "lines", "x": layer.x, "line": stroke, "hoverinfo": "skip"}
    area = {"fill": "tonexty", "fillcolor": f"rgba({red},{green},{blue},0.22)", "name": markup(layer.label)}
    return [{**shared, "y": layer.low}, {**shared, "y": layer.high, **area}]


def _bars(layer: BarLayer, theme: Theme) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "bar",
        "orientation": "h" if layer.horizontal else "v",
        "x": layer.lengths if layer.horizontal else layer.places,
        "y": layer.places if layer.horizontal else layer.lengths,
        "width": layer.width,
        "marker": {"color": theme.color(layer.role), "line": {"width": 0}},
        "name": markup(layer.label),
    }
    if layer.base:
        found["base"] = layer.base
    if layer.low:
        ends = [
            base + length for base, length in zip(layer.base or [0.0] * len(layer.lengths), layer.lengths, strict=True)
        ]
        found["error_x" if layer.horizontal else "error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": [high - end for high, end in zip(layer.high, ends, strict=True)],
            "arrayminus": [end - low for low, end in zip(layer.low, ends, strict=True)],
            "color": theme.ink,
            "thickness": 1.2,
            "width": 3,
        }
    return found | _hover(layer.hover)


def _heat(layer: HeatLayer, picture: Picture, theme: Theme) -> dict[str, Any]:
    colors = picture.colors or ColorScale("", 0.0, 1.0)
    scale = color_axis(colors, theme)
    shared = {
        "x": layer.x,
        "y": layer.y,
        "z": [_shown(colors, row) for row in layer.z],
        "zmin": scale["cmin"],
        "zmax": scale["cmax"],
        "colorscale": scale["colorscale"],
        "colorbar": scale["colorbar"],
        "hoverinfo": "x+y+z",
    }
    if layer.contours:
        stroke = {"width": 0.6, "color": theme.ground}
        return {"type": "contour", **shared, "line": stroke, "ncontours": 18, "connectgaps": False}
    return {"type": "heatmap", **shared}


def _hover(hover: Hover) -> dict[str, Any]:
    if not hover:
        return {"hoverinfo": "skip"}
    return {"hovertext": ["<br>".join(map(markup, lines)) for lines in hover], "hoverinfo": "text"}
