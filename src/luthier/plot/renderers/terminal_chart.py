"""Pictures drawn in a terminal: points and lines in Braille dots, bars in blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from luthier.plot.bounded_picture import bounded_picture
from luthier.plot.labels import even_ticks, flat, log_ticks, shortened, tick_text
from luthier.plot.picture import BandLayer, BarLayer, LineLayer, Panel, PanelAxis, Picture, PointLayer

if TYPE_CHECKING:
    from rich.text import Text

_STYLES = {
    "trial": "cyan",
    "best": "bold yellow",
    "front": "bold yellow",
    "failed": "bold red",
    "infeasible": "magenta",
    "running": "blue",
    "muted": "dim",
}
_SERIES = ("green", "yellow", "magenta", "cyan", "blue", "red")
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a Braille sign: by row, then column
_MOST_PANELS = 12
_LEFT = 11  # characters for the ticks of the vertical axis
_EIGHTHS = " ▏▎▍▌▋▊▉█"


class _Canvas:
    """A grid of Braille signs, two dots wide and four high each.

    Args:
        x: the horizontal axis, with its limits.
        y: the vertical axis, with its limits.
        columns: signs in a row.
        rows: of signs.
    """

    def __init__(self, x: PanelAxis, y: PanelAxis, columns: int, rows: int) -> None:
        self._x, self._y = x, y
        self._wide, self._high = 2 * columns, 4 * rows
        self._dots = [[0] * columns for _ in range(rows)]
        self._styles = [[""] * columns for _ in range(rows)]

    def place(self, x: float, y: float) -> tuple[float, float] | None:
        """Give the dot of a place, from the upper left; None outside the axes."""
        across, up = _share(self._x, x), _share(self._y, y)
        if across is None or up is None:
            return None
        return across * (self._wide - 1), (1.0 - up) * (self._high - 1)

    def dot(self, across: float, down: float, style: str) -> None:
        """Set one dot."""
        column, row = round(across), round(down)
        self._dots[row // 4][column // 2] |= _DOTS[row % 4][column % 2]
        self._styles[row // 4][column // 2] = style

    def stroke(self, start: tuple[float, float], end: tuple[float, float], style: str) -> None:
        """Set the dots between two."""
        steps = max(1, round(max(abs(end[0] - start[0]), abs(end[1] - start[1]))))
        for step in range(steps + 1):
            share = step / steps
            self.dot(start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]), style)

    def rows(self, plain: bool) -> Iterator[list[tuple[str, str]]]:
        """Give the signs of each row with their styles."""
        for dots, styles in zip(self._dots, self._styles, strict=True):
            yield [(_sign(bits, plain), style) for bits, style in zip(dots, styles, strict=True)]


def _sign(bits: int, plain: bool) -> str:
    if not bits:
        return " "
    return "*" if plain else chr(0x2800 + bits)


def _share(axis: PanelAxis, value: float) -> float | None:
    if axis.limits is None or not math.isfinite(value):
        return None
    low, high = axis.limits
    if axis.scale == "log":
        if value <= 0:
            return None
        low, high, value = math.log10(low), math.log10(high), math.log10(value)
    share = 0.5 if high <= low else (value - low) / (high - low)
    return share if -1e-9 <= share <= 1 + 1e-9 else None


def to_terminal(picture: Picture, width: int = 80, height: int = 24, plain: bool = False) -> Text:
    """Draw a picture with characters.

    Args:
        picture: of points, lines and bars; surfaces are left out.
        width: characters in a line.
        height: lines of a picture of one panel.
        plain: whether to use no sign beyond ASCII.

    Returns:
        A text of rich, which the console prints in colour where it can.
    """
    from rich.text import Text

    width, picture = max(40, width), bounded_picture(picture)
    text = Text(no_wrap=True, overflow="crop")
    _write(text, picture.title, "bold", plain)
    shown = picture.panels[:_MOST_PANELS]
    for panel in shown:
        rows = max(3, int((height if len(shown) == 1 else height * 0.7) * panel.height) - 5)
        if panel.title:
            _write(text, panel.title, "bold", plain)
        if any(isinstance(layer, BarLayer) and layer.horizontal for layer in panel.layers):
            _bar_rows(text, panel, width, plain)
        else:
            _chart(text, panel, width, rows, plain)
    _legend(text, picture, plain)
    if len(shown) < len(picture.panels):
        _write(text, f"{len(shown)} of {len(picture.panels)} panels; the others are in --out FILE", "dim", plain)
    for note in picture.notes:
        _write(text, note, "dim", plain)
    return text


def _write(text: Text, line: str, style: str, plain: bool) -> None:
    shown = flat(line)
    text.append(shown.encode("ascii", "replace").decode() if plain else shown, style)
    text.append("\n")


def _style(role: str) -> str:
    if role.startswith("series "):
        return _SERIES[int(role.removeprefix("series ")) % len(_SERIES)]
    return _STYLES.get(role, "")


def _chart(text: Text, panel: Panel, width: int, rows: int, plain: bool) -> None:
    x, y = _bounded(panel, "x"), _bounded(panel, "y")
    if y.ticks:
        rows = max(3, min(rows, len(y.ticks)))
    canvas = _Canvas(x, y, width - _LEFT - 1, rows)
    for layer in panel.layers:
        if isinstance(layer, LineLayer):
            _stroke(canvas, layer.x, layer.y, _style(layer.role), layer.steps)
        elif isinstance(layer, BandLayer):
            _stroke(canvas, layer.x, layer.low, "dim " + _style(layer.role), layer.steps)
            _stroke(canvas, layer.x, layer.high, "dim " + _style(layer.role), layer.steps)
        elif isinstance(layer, PointLayer):
            for place in map(canvas.place, layer.x, layer.y):
                if place is not None:
                    canvas.dot(*place, _style(layer.role))
    labels = _row_labels(y, rows)
    if y.title:
        _write_kept(text, " " * _LEFT + shortened(y.title, width - _LEFT - 1), plain)
    for row, signs in enumerate(canvas.rows(plain)):
        text.append(f"{labels.get(row, ''):>{_LEFT - 1}}{'|' if plain else '│'}", "dim")
        for sign, style in signs:
            text.append(sign, style)
        text.append("\n")
    _write(
        text,
        " " * (_LEFT - 1) + ("+" + "-" * (width - _LEFT - 1) if plain else "└" + "─" * (width - _LEFT - 1)),
        "dim",
        plain,
    )
    _write_kept(text, _column_labels(x, width - _LEFT - 1), plain)
    if x.title:
        _write_kept(text, " " * _LEFT + shortened(x.title, width - _LEFT - 1), plain)


def _write_kept(text: Text, line: str, plain: bool) -> None:
    """Write a line of our own, the spaces of which matter."""
    text.append((line.encode("ascii", "replace").decode() if plain else line) + "\n", "dim")


def _stroke(canvas: _Canvas, x: Sequence[float], y: Sequence[float], style: str, steps: bool) -> None:
    before: tuple[float, float] | None = None
    for place in map(canvas.place, x, y):
        if place is not None and before is not None:
            corner = (place[0], before[1]) if steps else before
            if steps:
                canvas.stroke(before, corner, style)
            canvas.stroke(corner, place, style)
        elif place is not None:
            canvas.dot(*place, style)
        before = place


def _bounded(panel: Panel, name: str) -> PanelAxis:
    """Give an axis with limits: its own, or the ends of the marks."""
    from dataclasses import replace

    axis: PanelAxis = panel.x if name == "x" else panel.y
    if axis.limits is not None:
        return axis
    found: list[float] = []
    for layer in panel.layers:
        if isinstance(layer, PointLayer | LineLayer):
            found += layer.x if name == "x" else layer.y
        elif isinstance(layer, BandLayer):
            found += layer.x if name == "x" else (*layer.low, *layer.high)
    finite = [value for value in found if math.isfinite(value) and (axis.scale == "linear" or value > 0)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    if low == high:
        low, high = (low / 2, high * 2) if axis.scale == "log" else (low - 0.5, high + 0.5)
    return replace(axis, limits=(low, high))


def _labels(axis: PanelAxis, most: int) -> list[tuple[float, str]]:
    if axis.ticks:
        return [*axis.ticks]
    low, high = axis.limits or (0.0, 1.0)
    places = log_ticks(low, high, most) if axis.scale == "log" else even_ticks(low, high, most, axis.whole)
    return [(place, tick_text(place)) for place in places]


def _row_labels(axis: PanelAxis, rows: int) -> dict[int, str]:
    found = {}
    for value, word in _labels(axis, max(2, rows // 3)):
        share = _share(axis, value)
        if share is not None:
            found[round((1.0 - share) * (4 * rows - 1)) // 4] = shortened(word, _LEFT - 2)
    return found


def _column_labels(axis: PanelAxis, columns: int) -> str:
    line = [" "] * (columns + _LEFT)
    end = 0
    for value, word in _labels(axis, max(2, columns // 12)):
        share = _share(axis, value)
        if share is None:
            continue
        shown = shortened(word, 14)
        start = min(_LEFT + round(share * (columns - 1)) - len(shown) // 2, len(line) - len(shown))
        if start >= end:
            line[start : start + len(shown)] = shown
            end = start + len(shown) + 1
    return "".join(line).rstrip()


def _bar_rows(text: Text, panel: Panel, width: int, plain: bool) -> None:
    words = dict(panel.y.ticks)
    left = min(28, max((len(word) for word in words.values()), default=1))
    for layer in panel.layers:
        if not isinstance(layer, BarLayer):
            continue
        most = max((abs(length) for length in layer.lengths), default=0.0) or 1.0
        room = max(8, width - left - 14)
        for place, length in sorted(zip(layer.places, layer.lengths, strict=True), key=lambda pair: -pair[0]):
            eighths = round(8 * room * abs(length) / most)
            bar = "#" * (eighths // 8) if plain else "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
            text.append(f"{shortened(words.get(place, tick_text(place)), left):>{left}} ", "")
            text.append(bar, _style(layer.role))
            text.append(f" {length:.3g}\n", "dim")
    if panel.x.title:
        _write_kept(text, " " * (left + 1) + shortened(panel.x.title, width - left - 1), plain)


def _legend(text: Text, picture: Picture, plain: bool) -> None:
    seen: dict[str, str] = {}
    for panel in picture.panels:
        for layer in panel.layers:
            label, role = getattr(layer, "label", ""), getattr(layer, "role", "")
            if label:
                seen.setdefault(label, _style(role))
    for label, style in seen.items():
        text.append("# " if plain else "■ ", style)
        shown = shortened(label, 40)
        text.append((shown.encode("ascii", "replace").decode() if plain else shown) + "   ")
    if seen:
        text.append("\n")
