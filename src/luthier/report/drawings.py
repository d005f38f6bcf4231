"""Drawings of a report's pictures: interactive by plotly, or as images by matplotlib."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from luthier.errors import MissingDependency
from luthier.plot import THEMES, Picture, check_backend, draw, plotly_json
from luthier.report.document import Document, Figure


@dataclass(frozen=True, slots=True)
class Drawings:
    """The pictures of a report, drawn.

    Args:
        interactive: by key, figures of plotly: the light one, and what differs in the dark one.
        library: the JavaScript that shows them, in UTF-8; empty where there are none.
        images: by key, images as ``data:`` URLs, light and dark.
    """

    interactive: dict[str, dict[str, Any]] = field(default_factory=dict)
    library: bytes = b""
    images: dict[str, tuple[str, str]] = field(default_factory=dict)


def draw_figures(document: Document) -> Drawings:
    """Draw all pictures of a report, by what is installed; nothing where neither library is."""
    figures = [block for section in document.sections for block in section.blocks if isinstance(block, Figure)]
    if not figures:
        return Drawings()
    if check_backend(None) == "plotly":
        return _interactive(figures)
    return Drawings(
        images={one.key: (image_url(one.picture, "light"), image_url(one.picture, "dark")) for one in figures}
    )


def can_draw() -> bool:
    """Tell whether a library is installed that draws pictures."""
    try:
        check_backend(None)
    except MissingDependency:
        return False
    return True


def _interactive(figures: Sequence[Figure]) -> Drawings:
    found = {}
    for one in figures:
        light, dark = (plotly_json(one.picture, THEMES[theme]) for theme in ("light", "dark"))
        found[one.key] = {
            "light": light,
            "dark": [[list(path), value] for path, value in differences(light, dark)],
            "width": one.picture.width,
            "least": _least_width(one.picture),
        }
    # Within JavaScript, the only text that ends its element is `</script`, which stands in strings and comments only.
    library = (files("plotly") / "package_data" / "plotly.min.js").read_bytes()  # as `plotly.offline.get_plotlyjs`
    return Drawings(found, library.replace(b"</script", b"<\\/script"))


def _least_width(picture: Picture) -> int:
    """Give the least width at which a picture can be read, in pixels; a narrower page scrolls it."""
    ticks = max((len(panel.x.ticks) for panel in picture.panels), default=0)
    words = max((len(word) for panel in picture.panels for _, word in panel.y.ticks), default=0)
    least = 300 * picture.columns if picture.columns > 1 else 280
    return max(least, min(90 * ticks, 700) if ticks > 4 else 0, 520 if words > 20 else 0)


def differences(
    before: Any, after: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Give the places at which plain values differ, with the later value."""
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        for key in before:
            yield from differences(before[key], after[key], (*path, key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after) and before != after:
        for place, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from differences(old, new, (*path, place))
    elif before != after:
        yield path, after


def image_url(picture: Picture, theme: str = "light") -> str:
    """Draw a picture by matplotlib, and give it as the ``data:`` URL of an SVG image, which a page can hold.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    content = io.BytesIO()
    figure = draw(picture, "matplotlib", theme)
    figure.savefig(content, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(content.getvalue()).decode('ascii')}"
