"""Pictures drawn by matplotlib: figures for print, without any state of pyplot."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.errors import MissingDependency
from luthier.plot.bounded_picture import bounded_picture
from luthier.plot.labels import flat
from luthier.plot.picture import (
    BandLayer,
    BarLayer,
    ColorScale,
    HeatLayer,
    Layer,
    LineLayer,
    Panel,
    PanelAxis,
    Picture,
    PointLayer,
    TextLayer,
)
from luthier.plot.theme import Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SYMBOLS = {
    "circle": "o",
    "ring": "o",
    "cross": "x",
    "diamond": "D",
    "triangle": "^",
    "triangle down": "v",
    "square": "s",
    "star": "*",
}
_STYLES = {"solid": "-", "dashed": "--", "dotted": ":"}
_PIXELS = 100.0  # to an inch
_SMALL = 9.0


def verbatim(text: str) -> str:
    """Write a user's text so that matplotlib shows it as it is: between two ``$`` it sees a formula."""
    return flat(text).replace("$", r"\$")


def to_matplotlib(picture: Picture, theme: Theme) -> Figure:
    """Draw a picture as a figure of matplotlib.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependency("this picture needs matplotlib: pip install 'luthier[plot]'") from None
    picture = bounded_picture(picture)
    with rc_context({"text.usetex": False, "text.parse_math": True, "font.size": _SMALL, "svg.fonttype": "path"}):
        figure = Figure(
            figsize=(picture.width / _PIXELS, picture.height / _PIXELS),
            dpi=_PIXELS,
            layout="constrained",
            facecolor=theme.ground,
        )
        rows = -(-len(picture.panels) // picture.columns)
        grid = figure.subplots(
            rows,
            picture.columns,
            squeeze=False,
            sharex="col" if picture.share_x else False,
            sharey="row" if picture.share_y else False,
            height_ratios=picture.row_heights,
        )
        for place, axes in enumerate(grid.ravel()):
            if place < len(picture.panels):
                _draw(axes, picture, picture.panels[place], theme, place)
            else:
                axes.set_axis_off()
        _add_color_bar(figure, grid, picture, theme)
        _add_heading(figure, picture, theme)
        _plain_texts(figure)
    return figure


def _draw(axes: Axes, picture: Picture, panel: Panel, theme: Theme, place: int) -> None:
    axes.set_facecolor(theme.ground)
    axes.grid(True, color=theme.grid, linewidth=0.7)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(theme.grid)
    axes.tick_params(which="both", colors=theme.ink, length=0, labelsize=_SMALL - 0.5)
    width = picture.width / picture.columns
    _scale_axis(axes, "x", panel.x, width)
    _scale_axis(axes, "y", panel.y, picture.height * picture.row_heights[place // picture.columns])
    lowest = len(picture.panels) - place <= picture.columns
    if lowest or not picture.share_x:
        axes.set_xlabel(verbatim(panel.x.title), color=theme.ink)
    if place % picture.columns == 0 or not picture.share_y:
        axes.set_ylabel(verbatim(panel.y.title), color=theme.ink)
    if panel.title:
        axes.set_title(verbatim(panel.title), loc="left", fontsize=_SMALL, color=theme.ink)
    limits = {f"{axis}lim": one.limits for axis, one in (("x", panel.x), ("y", panel.y)) if one.limits is not None}
    axes.set(**limits)  # before there are marks, whose own ends may be no numbers on a scale
    for depth, layer in enumerate(panel.layers):
        _add(axes, layer, picture, theme, 2.0 + depth * 0.01)
    axes.set(**limits)  # marks must not move the ends that the description sets


def _scale_axis(axes: Axes, name: str, axis: PanelAxis, room: float) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set(**{f"{name}scale": axis.scale})
    own = axes.xaxis if name == "x" else axes.yaxis
    if axis.ticks:
        words = [verbatim(word) for _, word in axis.ticks]
        crowded = name == "x" and sum(map(len, words)) * 6.0 > room * 0.8
        own.set_ticks([place for place, _ in axis.ticks], labels=words)
        own.set_tick_params(which="minor", length=0, labelbottom=False, labelleft=False)
        if crowded:
            axes.tick_params("x", labelrotation=35)
            for label in axes.get_xticklabels():
                label.set(ha="right", rotation_mode="anchor")
    elif axis.scale == "linear":
        own.set_major_locator(
            MaxNLocator(nbins=max(3, min(8, int(room / 55))), integer=axis.whole, steps=[1, 2, 5, 10])
        )
        if axis.whole:
            own.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _add(axes: Axes, layer: Layer, picture: Picture, theme: Theme, depth: float) -> None:
    if isinstance(layer, PointLayer):
        _add_points(axes, layer, picture, theme, depth)
    elif isinstance(layer, LineLayer):
        axes.plot(
            layer.x,
            layer.y,
            color=_stroke_color(layer, picture, theme),
            linewidth=layer.width * 0.8,
            linestyle=_STYLES[layer.style],
            drawstyle="steps-post" if layer.steps else "default",
            zorder=depth,
            label=_label(layer.label),
        )
    elif isinstance(layer, BandLayer):
        axes.fill_between(
            layer.x,
            layer.low,
            layer.high,
            step="post" if layer.steps else None,
            color=theme.color(layer.role),
            alpha=0.22,
            linewidth=0,
            zorder=depth,
            label=_label(layer.label),
        )
    elif isinstance(layer, BarLayer):
        _add_bars(axes, layer, theme, depth)
    elif isinstance(layer, HeatLayer):
        _add_heat(axes, layer, picture, theme)
    else:
        _add_texts(axes, layer, theme, depth)


def _label(text: str) -> str:
    """Mark a label: `_add_heading` reads it back. Without one a mark is not in the legend."""
    return f"luthier {text}" if text else "_nolegend_"


def _add_points(axes: Axes, layer: PointLayer, picture: Picture, theme: Theme, depth: float) -> None:
    color = theme.color(layer.role)
    shared: dict[str, Any] = {"s": layer.size**2, "marker": _SYMBOLS[layer.symbol], "zorder": depth}
    if layer.shades and picture.colors is not None:
        shared |= {"c": layer.shades, **_edge(picture, theme)}
        shared |= {"cmap": _colormap(picture.colors, theme), "norm": _norm(picture.colors)}
    elif layer.symbol == "ring":
        shared |= {"facecolors": "none", "edgecolors": color, "linewidths": 1.1}
    elif layer.symbol == "cross":
        shared |= {"color": color, "linewidths": 1.2}
    else:
        shared |= {"color": color, "linewidths": 0}
    axes.scatter(layer.x, layer.y, label=_label(layer.label), **shared)


def _edge(picture: Picture, theme: Theme) -> dict[str, Any]:
    """Give the edge of shaded marks: of the ground's colour on a surface, which has the same shades."""
    if any(isinstance(layer, HeatLayer) for panel in picture.panels for layer in panel.layers):
        return {"edgecolors": theme.ground, "linewidths": 0.8}
    return {"edgecolors": theme.ink, "linewidths": 0.3}


def _stroke_color(layer: LineLayer, picture: Picture, theme: Theme) -> Any:
    if layer.shade is None or picture.colors is None:
        return theme.color(layer.role)
    norm = _norm(picture.colors)
    return _colormap(picture.colors, theme)(float(norm(layer.shade)))


def _colormap(colors: ColorScale, theme: Theme) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    ramp = theme.ramp if colors.better == "high" else theme.ramp[::-1]
    return LinearSegmentedColormap.from_list("luthier", list(ramp))


def _norm(colors: ColorScale) -> Any:
    from matplotlib.colors import LogNorm, Normalize

    low, high = colors.low, colors.high
    if low == high:
        low, high = (low / 2, high * 2) if colors.log else (low - 0.5, high + 0.5)
    return LogNorm(low, high, clip=True) if colors.log else Normalize(low, high)


def _add_bars(axes: Axes, layer: BarLayer, theme: Theme, depth: float) -> None:
    base = np.array(layer.base) if layer.base else np.zeros(len(layer.lengths))
    color = theme.color(layer.role)
    shared: dict[str, Any] = {"color": color, "zorder": depth, "label": _label(layer.label)}
    ends = base + np.array(layer.lengths)
    if layer.horizontal:
        axes.barh(layer.places, layer.lengths, height=layer.width, left=base, **shared)
    else:
        axes.bar(layer.places, layer.lengths, width=layer.width, bottom=base, **shared)
    if layer.low:
        around = np.maximum(0.0, [ends - np.array(layer.low), np.array(layer.high) - ends])
        where: dict[str, Any] = {"xerr" if layer.horizontal else "yerr": around}
        x, y = (ends, layer.places) if layer.horizontal else (layer.places, ends)
        axes.errorbar(
            x,
            y,
            fmt="none",
            ecolor=theme.ink,
            elinewidth=0.9,
            capsize=2.0,
            zorder=depth + 0.001,
            label="_nolegend_",
            **where,
        )


def _add_heat(axes: Axes, layer: HeatLayer, picture: Picture, theme: Theme) -> None:
    colors = picture.colors or ColorScale("", 0.0, 1.0)
    z = np.ma.masked_invalid(np.array(layer.z, dtype=np.float64))
    shared: dict[str, Any] = {"cmap": _colormap(colors, theme), "norm": _norm(colors)}
    if layer.contours and len(layer.x) > 1 and len(layer.y) > 1 and z.count() > 3:
        low, high = shared["norm"].vmin, shared["norm"].vmax
        levels = np.geomspace(low, high, 19) if colors.log else np.linspace(low, high, 19)
        axes.contourf(layer.x, layer.y, z, levels=levels, extend="both", zorder=1.0, **shared)
        axes.contour(
            layer.x, layer.y, z, levels=levels[::2], colors=theme.ground, linewidths=0.5, linestyles="solid", zorder=1.1
        )
    else:
        axes.pcolormesh(layer.x, layer.y, z, shading="nearest", zorder=1.0, **shared)


def _add_texts(axes: Axes, layer: TextLayer, theme: Theme, depth: float) -> None:
    from matplotlib.patheffects import withStroke

    offset = {"above": (0, 4), "below": (0, -4), "left": (-4, 0), "right": (4, 0)}[layer.side]
    across = {"left": "right", "right": "left"}.get(layer.side, "center")
    upward = {"above": "bottom", "below": "top"}.get(layer.side, "center")
    halo = [withStroke(linewidth=2.0, foreground=theme.ground)]
    for x, y, text in zip(layer.x, layer.y, layer.texts, strict=True):
        axes.annotate(
            verbatim(text),
            (x, y),
            xytext=offset,
            textcoords="offset points",
            ha=across,
            va=upward,
            fontsize=_SMALL - 1,
            color=theme.color(layer.role),
            path_effects=halo,
            zorder=depth,
        )


def _add_color_bar(figure: Figure, grid: Any, picture: Picture, theme: Theme) -> None:
    if picture.colors is None:
        return
    from matplotlib.cm import ScalarMappable

    shown = ScalarMappable(_norm(picture.colors), _colormap(picture.colors, theme))
    bar = figure.colorbar(shown, ax=grid, pad=0.02, fraction=0.05, aspect=30)
    bar.set_label(verbatim(picture.colors.title), color=theme.ink)
    bar.ax.tick_params(colors=theme.ink, labelsize=_SMALL - 1, length=0)
    bar.outline.set_visible(False)


def _add_heading(figure: Figure, picture: Picture, theme: Theme) -> None:
    """Put the title and the legend above the panels, and the notes beneath."""
    handles: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label.removeprefix("luthier "), handle)
    title = "\n".join(textwrap.wrap(verbatim(picture.title), max(20, int(picture.width / 8.5))))
    if handles:
        legend = figure.legend(
            list(handles.values()),
            [f"{place}" for place in range(len(handles))],
            title=title,
            title_fontsize=_SMALL + 3,
            alignment="left",
            loc="outside upper left",
            ncols=_legend_columns(list(handles), picture.width),
            frameon=False,
            fontsize=_SMALL,
            labelcolor=theme.ink,
            scatterpoints=1,
        )
        legend.get_title().set_color(theme.ink)
        for text, label in zip(legend.get_texts(), handles, strict=True):
            text.set_text(verbatim(label))
    else:
        figure.suptitle(title, x=0.012, ha="left", fontsize=_SMALL + 3, color=theme.ink)
    if picture.notes:
        wide = max(30, int((picture.width - 30) / 6.2))
        lines = [verbatim(line) for note in picture.notes for line in textwrap.wrap(flat(note), wide)]
        figure.supxlabel("\n".join(lines), x=0.012, ha="left", fontsize=_SMALL - 1, color=theme.roles["muted"])


def _legend_columns(labels: list[str], width: int) -> int:
    """Give how many entries fit side by side."""
    longest = max(len(label) for label in labels) * 6.5 + 50
    return max(1, min(len(labels), math.floor((width - 40) / longest)))


def _plain_texts(figure: Figure) -> None:
    """Keep every text from TeX, whatever the user's own settings are when the figure is drawn."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_usetex(False)
