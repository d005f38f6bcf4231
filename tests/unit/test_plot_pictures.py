"""Descriptions of pictures: data, axes, labels and notes; a few of them whole, against what is written down.

Where a change is meant, write the file again by ``python tests/unit/test_plot_pictures.py``, and look at the pictures
(``python examples/gallery.py OUT``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import plotted_studies
import pytest

import luthier as lt
from luthier import codec
from luthier.errors import InvalidSetting, NoResult
from luthier.plot import KINDS, BarLayer, LineLayer, Picture, PointLayer, StudyPlots

FILE = Path(__file__).parent.parent / "golden" / "pictures.json"
GOLDEN: dict[str, tuple[Callable[[], lt.Study], tuple[str, ...]]] = {
    "conditional": (plotted_studies.conditional, ("history", "slice", "parallel", "rank", "edf", "failures")),
    "two_objectives": (plotted_studies.two_objectives, ("front", "hypervolume")),
    "reporting": (plotted_studies.reporting, ("reports",)),
}


def described(study: lt.Study, kind: str, **settings: Any) -> Picture:
    picture: Picture = study.plot.draw(kind, backend="picture", **settings)
    return picture


def plain(study: lt.Study, kind: str) -> Any:
    """Give the description of a picture as JSON has it, numbers to nine digits."""

    def rounded(value: Any) -> Any:
        if isinstance(value, float):
            return float(f"{value:.9g}")
        if isinstance(value, list):
            return [rounded(item) for item in value]
        return {key: rounded(item) for key, item in value.items()} if isinstance(value, dict) else value

    return json.loads(json.dumps(codec.to_plain(rounded(described(study, kind).to_dict()))))


@pytest.mark.parametrize("name", GOLDEN)
def test_pictures_are_those_written_down(name: str) -> None:
    make, kinds = GOLDEN[name]
    study, written = make(), json.loads(FILE.read_text(encoding="utf-8"))[name]
    for kind in kinds:
        assert plain(study, kind) == written[kind], f"{kind} looks different: see the head of this file"


def test_a_maximized_objective_is_the_right_way_up() -> None:
    (main, low) = described(plotted_studies.conditional(), "history").panels
    best = next(layer for layer in main.layers if isinstance(layer, LineLayer))
    assert best.x == (0.0, 1.0, 5.0, 5.0)
    assert best.y == (0.5, 0.7, 0.9, 0.9)  # 0.99 breaks a constraint
    assert main.y.limits is not None
    assert main.y.limits[0] < 0.5 < 0.99 < main.y.limits[1]
    assert low.y.ticks == ((0.0, "nonfinite"),)
    assert [layer.x for layer in low.layers if isinstance(layer, PointLayer)] == [(3.0,)]


def test_an_inactive_variable_is_absent_and_not_zero() -> None:
    study = plotted_studies.conditional()
    panels = {panel.x.title: panel for panel in described(study, "slice").panels}
    assert panels["gamma"].title == "absent in 2 of 5"
    assert panels["gamma"].x.scale == "log"
    drawn = [x for layer in panels["gamma"].layers if isinstance(layer, PointLayer) for x in layer.x]
    assert sorted(drawn) == [1e-4, 0.01, 0.01, 0.1]  # the best is drawn twice, with a star
    assert [word for _, word in panels["kernel"].x.ticks] == ["rbf", "linear"]
    parallel = described(study, "parallel").panels[0]
    words = next(layer for layer in parallel.layers if hasattr(layer, "texts"))
    assert words.texts.count("absent") == 1
    heights = {y for layer in parallel.layers if isinstance(layer, LineLayer) for y in layer.y if y < 0}
    assert heights == {-0.14}


def test_ends_do_not_follow_a_few_values_far_out() -> None:
    study = lt.Study("far", {"x": lt.Float(0, 1)}, minimize="y", seed=0)
    study.add_many([{"x": place / 40} for place in range(40)], [*(1 + place / 40 for place in range(38)), 1e6, 1e9])
    picture = described(study, "history")
    assert picture.panels[0].y.limits is not None
    assert picture.panels[0].y.limits[1] < 3
    assert picture.notes == ("2 values of y above 1.962 are drawn at the edge",) or "2 values" in picture.notes[0]
    edge = next(one for one in picture.panels[0].layers if isinstance(one, PointLayer) and one.symbol == "triangle")
    assert edge.x == (38.0, 39.0)


def test_of_many_variables_the_telling_ones_come_first() -> None:
    rng = np.random.default_rng(0)
    names = [f"v{place}" for place in range(40)]
    study = lt.Study("many", {name: lt.Float(0, 1) for name in names}, minimize="y", seed=0)
    points = rng.random((120, 40))
    configs = [dict(zip(names, row.tolist(), strict=True)) for row in points]
    study.add_many(configs, [10 * row[7] + 4 * row[31] for row in points])
    picture = described(study, "slice")
    assert [panel.x.title for panel in picture.panels][:2] == ["v7", "v31"]
    assert len(picture.panels) == 12
    assert "12 of 40 variables are drawn" in picture.notes[0]
    named = described(study, "slice", variables=["v3", "v1"])
    assert [panel.x.title for panel in named.panels] == ["v3", "v1"]
    assert not [note for note in named.notes if "variables" in note]


def test_of_many_trials_some_are_drawn_and_all_that_improved() -> None:
    rng = np.random.default_rng(1)
    values = rng.random(8000)
    study = lt.Study("long", {"x": lt.Float(0, 1), "k": lt.Choice("a", "b")}, minimize="y", seed=0)
    study.add_many([{"x": float(x), "k": "ab"[int(2 * x)]} for x in rng.random(8000)], values.tolist())
    picture = described(study, "history")
    points = next(one for one in picture.panels[0].layers if isinstance(one, PointLayer))
    assert len(points.x) == 5000
    assert "5,000 of 8,000 trials are drawn" in picture.notes[0]
    better = np.flatnonzero(np.diff(np.minimum.accumulate(values), prepend=2) < 0)
    assert set(better.tolist()) <= set(points.x)
    for kind in ("slice", "parallel", "rank"):
        assert any("of 8,000 trials are drawn" in note for note in described(study, kind).notes)


def test_regret_and_a_logarithmic_axis() -> None:
    study = plotted_studies.conditional()
    (panel,) = described(study, "history", optimum=1.0).panels
    line = next(layer for layer in panel.layers if isinstance(layer, LineLayer))
    assert panel.y.scale == "log"
    assert np.allclose(line.y, [0.5, 0.3, 0.1])
    assert described(study, "history", log=True).panels[0].y.scale == "log"
    study.add({"kernel": "linear", "C": 5.0, "size": "s"}, -1.0)
    with pytest.raises(InvalidSetting, match="log=True needs values above 0"):
        described(study, "history", log=True)


def test_several_studies_are_told_apart() -> None:
    first, second = plotted_studies.conditional(), plotted_studies.conditional()
    picture: Picture = first.plot.history(second, backend="picture")
    lines = [layer for layer in picture.panels[0].layers if isinstance(layer, LineLayer)]
    assert [line.label for line in lines] == ["conditional (1)", "conditional (2)"]
    assert [line.role for line in lines] == ["series 0", "series 1"]
    two = plotted_studies.two_objectives()
    picture = two.plot.front(plotted_studies.two_objectives(), backend="picture")
    assert "attained by all of 2" in [getattr(layer, "label", "") for layer in picture.panels[0].layers]
    with pytest.raises(InvalidSetting, match="no study to compare with"):
        first.plot.history("other.db", backend="picture")
    with pytest.raises(InvalidSetting, match="no objective 'accuracy'"):
        first.plot.history(two, backend="picture")


def test_a_timeline_has_a_bar_for_each_attempt() -> None:
    study = plotted_studies.reporting()
    lanes, running = described(study, "timeline").panels
    bars = [layer for layer in lanes.layers if isinstance(layer, BarLayer)]
    assert {bar.label for bar in bars} == {"done", "failed", "running"}
    assert all(length >= 0 for bar in bars for length in bar.lengths)
    assert running.title.startswith("running at once")


NONE = {
    "empty": lambda: lt.Study("empty", {"x": lt.Float(0, 1)}, minimize="y", seed=0),
    "failed": lambda: _failed(),
}


def _failed() -> lt.Study:
    study = lt.Study("failed", {"x": lt.Float(0, 1)}, minimize="y", seed=0)
    study.add_many([{"x": place / 4} for place in range(4)], [math.nan] * 4)
    return study


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_no_meaning_is_refused_with_what_has(kind: str) -> None:
    with pytest.raises((NoResult, InvalidSetting), match=f"no {kind} of study 'empty'"):
        NONE["empty"]().plot.draw(kind, backend="picture")
    study = _failed()
    if kind in study.plot.kinds():
        assert kind in ("history", "failures")
        assert described(study, kind).panels
    else:
        with pytest.raises((NoResult, InvalidSetting), match="there are history, failures"):
            study.plot.draw(kind, backend="picture")


@pytest.mark.slow
def test_one_trial_has_pictures() -> None:
    study = lt.Study("one", {"x": lt.Float(0, 1), "n": lt.Int(1, 5)}, minimize="y", seed=0)
    study.add({"x": 0.5, "n": 2}, 1.0)
    assert study.plot.kinds() == ("history", "slice", "parallel", "rank", "edf")
    for kind in study.plot.kinds():
        for backend in ("plotly", "matplotlib"):
            study.plot.draw(kind, backend=backend)


def test_bad_arguments() -> None:
    plots = plotted_studies.conditional().plot
    for settings, message in (
        ({"backend": "bokeh"}, "backend='bokeh'.*'plotly', 'matplotlib'"),
        ({"theme": "drak"}, "theme='drak': there are 'light' and 'dark' .did you mean 'dark'"),
        ({"variables": ["gama"]}, "no variable 'gama' .did you mean 'gamma'"),
        ({"objective": "acuracy"}, "no objective 'acuracy' .did you mean 'accuracy'"),
        ({"variables": []}, "name at least one"),
    ):
        with pytest.raises(InvalidSetting, match=message):
            plots.draw("slice", **{"backend": "picture", **settings})
    with pytest.raises(InvalidSetting, match=r"no picture 'histori' .did you mean 'history'"):
        plots.draw("histori")
    with pytest.raises(InvalidSetting, match="front of study 'conditional': it needs two objectives"):
        plots.front()
    with pytest.raises(InvalidSetting, match="calibration takes a model: open the study"):
        StudyPlots(plotted_studies.conditional().reader).calibration()


def write() -> None:
    """Write the file again, a picture a line."""
    parts = []
    for name, (make, kinds) in GOLDEN.items():
        study = make()
        lines = [f"  {json.dumps(kind)}: {json.dumps(plain(study, kind), ensure_ascii=False)}" for kind in kinds]
        parts.append(f" {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n }")
    FILE.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    write()
