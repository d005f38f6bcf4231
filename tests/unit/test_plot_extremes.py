"""Pictures and reports of extreme studies: numbers of any size, values outside the space, no best trial."""

from __future__ import annotations

import io
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import twelve_studies

import luthier as lt
from luthier.analysis import AblationPath, AblationStep, Interval, ValueChange
from luthier.errors import InvalidSetting, LuthierError, NoResult
from luthier.plot import KINDS, BarLayer, PointLayer, StudyPlots, draw, plotly_json
from luthier.plot.axis_range import LARGEST
from luthier.plot.bounded_picture import bounded_picture
from luthier.plot.labels import even_ticks
from luthier.plot.pictures.estimate_picture import ablation_picture
from luthier.plot.subject import Subject
from luthier.plot.theme import LIGHT
from luthier.report import report_text
from luthier.study import StudyReader

DESCRIBED = tuple(name for name, kind in KINDS.items() if not kind.modelled)
Value = Callable[[int, float], Any]


@pytest.fixture(autouse=True)
def strict() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def _study(value: Value, variables: dict[str, Any] | None = None, trials: int = 12, **given: Any) -> lt.Study:
    space = variables or {"x": lt.Float(0, 1), "k": lt.Choice("a", "b")}
    study = lt.Study("extreme", space, **({"minimize": "y"} | given), method=lt.Random(), seed=0)
    study.run(lambda trial: value(trial.number, trial.get("x", 0.0)), trials=trials, give_up_after=None)
    return study


def _interval(median: float) -> Interval:
    return Interval(median, median - 1.0, median + 1.0)


def _draw_all(study: lt.Study, kinds: tuple[str, ...]) -> None:
    for kind in kinds:
        picture = study.plot.draw(kind, backend="picture")
        draw(picture, "plotly").to_json()
        draw(picture, "matplotlib").savefig(io.BytesIO(), format="png", dpi=40)
        assert str(draw(picture, "terminal"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "value",
    [
        lambda number, x: 1e300 * (x - 0.5),
        lambda number, x: 10.0 ** (300 * x),
        lambda number, x: 5e-324 * (number % 3),
        lambda number, x: sys.float_info.max * (1 if number % 2 else -1),
        lambda number, x: 1e16 + 2 * number,
        lambda number, x: [x, math.nan, math.inf, -math.inf][number % 4],
    ],
    ids=["1e300", "300 decades", "smallest", "largest", "offset", "not finite"],
)
def test_values_of_any_size_are_drawn_and_reported(value: Value) -> None:
    study = _study(value)
    _draw_all(study, tuple(kind for kind in study.plot.kinds() if kind in DESCRIBED))
    if "forecast" in study.plot.kinds():
        assert math.isfinite(study.forecast().noise)
        frame = study.to_frame(predictions=True)
        assert np.isfinite(frame["predicted_std.y"].dropna()).all()
    assert "<html" in report_text(study) and "# " in report_text(study, "md")


@pytest.mark.parametrize(
    "variables",
    [
        {"x": lt.Float(-8e307, 8e307)},
        {"x": lt.Int(2**53 - 4000, 2**53 - 1)},
        {"x": lt.Float(1.0, 1.0 + 1e-12)},
        {"x": lt.Float(1e-300, 2e-300)},
    ],
    ids=["wide", "whole", "narrow", "small"],
)
def test_ranges_of_any_size_are_drawn_and_reported(variables: dict[str, Any]) -> None:
    study = _study(lambda number, x: float(number), variables, maximize="y", minimize=())
    _draw_all(study, ("slice", "parallel"))
    report_text(study, "md")


def test_a_logarithmic_axis_of_600_decades_has_ends() -> None:
    study = _study(lambda number, x: math.log10(x), {"x": lt.Float(1e-300, 1e300, log=True)})
    for kind in ("slice", "parallel"):
        for value in plotly_json(study.plot.draw(kind, backend="picture"), LIGHT)["layout"].values():
            assert not isinstance(value, dict) or all(map(math.isfinite, value.get("range", ())))
    report_text(study)


def test_numbers_that_cannot_be_drawn_are_drawn_at_the_edge_and_the_picture_says_so() -> None:
    largest = sys.float_info.max
    study = _study(lambda number, x: largest if number % 2 else 0.0)
    picture = study.plot.history(backend="picture")
    shown = bounded_picture(picture)
    assert max(place for layer in shown.panels[0].layers for place in layer.y if place == place) == LARGEST
    assert "numbers beyond 1e+306 are drawn there" in shown.notes[-1]
    small = _study(lambda number, x: x).plot.history(backend="picture")
    assert bounded_picture(small) is small
    with pytest.raises(NoResult, match="the values of y lie too far apart for a model"):
        _study(lambda number, x: largest if number % 2 else -largest).importance()


def test_ticks_of_the_smallest_and_the_largest_ranges() -> None:
    assert even_ticks(0.0, 1e-323) == (0.0, 1e-323)
    assert len(even_ticks(-1.7e308, 1.7e308)) > 2
    assert even_ticks(1e16, 1e16 + 2) and even_ticks(0.0, 1.0) == pytest.approx((0.0, 0.2, 0.4, 0.6, 0.8, 1.0))


def test_a_volume_beyond_all_numbers_is_refused_and_its_front_is_drawn() -> None:
    study = _study(lambda n, x: {"c": 1e300 * x, "g": -1e300 * n}, minimize="c", maximize="g")
    _draw_all(study, ("front",))
    with pytest.raises(NoResult, match="larger than the largest number"):
        study.plot.hypervolume(backend="picture")


# --- kinds that a study has -------------------------------------------------------------------------------


def _outside() -> lt.Study:
    study = _study(lambda number, x: x, {"x": lt.Float(0, 1)}, 9)
    study.change(lt.Space({"x": lt.Float(5, 6)}))
    return study


STUDIES: dict[str, Callable[[], lt.Study]] = {
    "random": lambda: _study(lambda number, x: x),
    "infeasible": lambda: _study(lambda number, x: {"y": x, "violations": {"v": 1.0}}),
    "outside the space": _outside,
    "one option": lambda: _study(lambda n, x: float(n), {"k": lt.Choice("a")}, noisy=True),
    "largest": lambda: _study(lambda number, x: sys.float_info.max * (1 if number % 2 else -1)),
}


@pytest.mark.parametrize("name", STUDIES)
def test_what_is_listed_is_drawn_and_what_is_not_listed_is_refused(name: str) -> None:
    study = STUDIES[name]()
    listed = study.plot.kinds()
    for kind in KINDS:
        if kind in listed:
            study.plot.draw(kind, backend="picture")
        else:
            with pytest.raises(LuthierError):
                study.plot.draw(kind, backend="picture")
    assert "acquisition" not in listed


def test_an_acquisition_function_of_the_past_is_drawn_whatever_the_method_is_now() -> None:
    bayes = lt.Bayes(surrogate=lt.GP(), acquisition=lt.EI(), initial=4)
    study = lt.Study("past", {"x": lt.Float(0, 1), "z": lt.Float(0, 1)}, minimize="y", method=bayes, seed=0)
    study.run(lambda trial: trial["x"], trials=6)
    assert "acquisition" in study.plot.kinds()
    study.method = lt.Random()
    study.run(lambda trial: trial["x"], trials=1)
    assert "acquisition" not in study.plot.kinds()
    with pytest.raises(InvalidSetting, match="the method has no acquisition function; of this study there are history"):
        study.plot.acquisition(backend="picture")
    assert study.plot.acquisition(trial=5, backend="picture").kind == "acquisition"


# --- what a look at pictures found ------------------------------------------------------------------------


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_a_distribution_begins_at_no_trial_so_that_one_value_is_seen(goal: str) -> None:
    study = lt.Study("one", {"x": lt.Float(0, 1)}, **{goal: "y"}, method=lt.Random(), seed=0)
    study.add({"x": 0.5}, 3.5)
    (line,) = study.plot.edf(backend="picture").panels[0].layers
    assert (line.x, line.y) == ((3.5, 3.5), (0.0, 1.0))
    study.add_many([{"x": 0.1}, {"x": 0.2}], [1.0, 5.0])
    (line,) = study.plot.edf(backend="picture").panels[0].layers
    first = 1.0 if goal == "minimize" else 5.0
    assert line.x[:2] == (first, first) and line.y[:2] == pytest.approx((0.0, 1 / 3)) and line.y[-1] == 1.0


def test_a_long_way_from_the_defaults_ends_in_one_row_and_its_names_can_be_told_apart() -> None:
    steps = tuple(
        AblationStep(
            (ValueChange(f"model.encoder.block_{n:02}.attention.dropout", 0.5, n / 40),), _interval(n), 1.0, 0.03
        )
        for n in range(40)
    )
    path = AblationPath("loss", False, "the defaults", {}, {}, 7, _interval(40), steps, 0.9, "a GP")
    study = _study(lambda number, x: x)
    (panel,) = ablation_picture(Subject.of(study.reader), path).panels
    words = [word for _, word in panel.y.ticks]
    assert len(words) == 17 and words[-1] == "… and 25 more changes" and len(set(words)) == 17
    assert all(f"block_{n:02}" in words[n + 1] and len(words[n + 1]) <= 40 for n in range(15))
    points = next(layer for layer in panel.layers if isinstance(layer, PointLayer))
    assert points.x[-1] == 39.0 and points.hover[-1][-1] == "gain 25"


def test_an_attempt_that_was_lost_at_once_is_seen_on_the_timeline(tmp_path: Path) -> None:
    study = twelve_studies.killed_and_resumed(tmp_path)
    bars = [layer for layer in study.plot.timeline(backend="picture").panels[0].layers if isinstance(layer, BarLayer)]
    by_label = {layer.label: layer for layer in bars}
    end = max(base + length for layer in bars for base, length in zip(layer.base, layer.lengths, strict=True))
    assert set(by_label) == {"done", "lost"} and by_label["lost"].lengths[0] >= 0.003 * end
    study.close()


def test_the_kinds_of_a_stored_study_follow_from_the_method_in_its_log(tmp_path: Path) -> None:
    for method, has in ((lt.Random(), False), (lt.Bayes(initial=2), True)):
        store = tmp_path / f"{has}.db"
        with lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", method=method, store=store, seed=0) as study:
            study.run(lambda trial: trial["x"], trials=4)
        with StudyReader.open(store) as reader:
            assert ("acquisition" in StudyPlots(reader).kinds()) is has


def test_columns_of_one_name_are_all_kept() -> None:
    study = lt.Study("names", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random(), seed=0)
    study.run(lambda trial: {"y": 1.0, "violations.v": 9, "violations": {"v": -1.0}, "note": "mine"}, trials=1)
    columns = study.reader.columns()
    assert (
        columns["violations.v"] == [9]
        and columns["outcome.violations.v"] == [-1.0]
        and columns["extra.note"] == ["mine"]
    )
