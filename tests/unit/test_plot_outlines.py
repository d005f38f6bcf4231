"""Outlines of the pictures of twelve studies: titles, axes, labels, counts and ends of marks, as they are written down.

Where a change is meant, write the file again by ``python tests/unit/test_plot_outlines.py``, and look at the pictures
(``python examples/gallery.py OUT``).
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import twelve_studies

import luthier as lt
from luthier.plot import KINDS, Layer, Panel, PanelAxis, Picture

FILE = Path(__file__).parent.parent / "golden" / "outlines.json"
TIMED = ("timeline", "cost")
"""Kinds whose data are times of day."""


def outline(picture: Picture) -> dict[str, Any]:
    """Write down a picture in few words: a line a panel, axis and layer."""
    return {"title": picture.title, "notes": list(picture.notes), "panels": list(map(_panel, picture.panels))}


def _panel(panel: Panel) -> list[str]:
    head = [panel.title] if panel.title else []
    return [*head, f"x: {_axis(panel.x)}", f"y: {_axis(panel.y)}", *map(_layer, panel.layers)]


def _axis(axis: PanelAxis) -> str:
    ends = "" if axis.limits is None else f" from {axis.limits[0]:.4g} to {axis.limits[1]:.4g}"
    words = [word for _, word in axis.ticks]
    return f"{axis.title!r}, {axis.scale}{ends}{f', {len(words)} ticks: {words[:3]}' if words else ''}"


def _layer(layer: Layer) -> str:
    """Name a layer: its kind, role and label, how many marks it has, and the sum of each of its coordinates."""
    words = [type(layer).__name__, str(getattr(layer, "role", "")), repr(getattr(layer, "label", ""))]
    for one in fields(layer):
        value = getattr(layer, one.name)
        if isinstance(value, tuple) and value and isinstance(value[0], float):
            known = [number for number in value if math.isfinite(number)]
            words.append(f"{one.name}: {len(value)}, sum {sum(known):.5g}")
    return " ".join(words)


def outlines(name: str, folder: Path) -> Iterator[tuple[str, Any]]:
    """Give the outlines of all pictures of a study that take no model."""
    study: lt.Study = twelve_studies.STUDIES[name](folder)
    for kind in study.plot.kinds():
        if not KINDS[kind].modelled and kind not in TIMED:
            yield kind, outline(study.plot.draw(kind, backend="picture"))
    study.close()


@pytest.mark.parametrize("name", twelve_studies.STUDIES)
def test_outlines_are_those_written_down(name: str, tmp_path: Path) -> None:
    written = json.loads(FILE.read_text(encoding="utf-8"))[name]
    found = dict(outlines(name, tmp_path))
    assert list(found) == list(written)
    for kind, one in found.items():
        assert one == written[kind], f"{kind} looks different: see the head of this file"


def write() -> None:
    """Write the file again."""
    with tempfile.TemporaryDirectory() as folder:
        found = {name: dict(outlines(name, Path(folder))) for name in twelve_studies.STUDIES}
    FILE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
