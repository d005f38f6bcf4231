"""What a log says without a model: closed forms, and brute force on small studies."""

from __future__ import annotations

import json
import math
from itertools import product

import numpy as np
import plotted_studies
import pytest

import luthier as lt
from luthier.analysis import (
    attainment,
    coordinates,
    cost_curve,
    empirical_distribution,
    failure_summary,
    front_course,
    optimization_history,
    report_curves,
    timeline,
    trial_table,
)
from luthier.errors import InvalidSetting, NoResult
from luthier.event import Asked, Freed, Retried, Told
from luthier.numeric import hypervolume
from luthier.plot.axis_range import padded, without_far
from luthier.plot.labels import even_ticks, log_ticks, shortened, shortened_apart, tick_text
from luthier.plot.thinning import thinned
from luthier.plot.variable_order import explained_share


def test_a_history_follows_the_best_that_counts() -> None:
    history = optimization_history(trial_table(plotted_studies.conditional().history))
    assert history.numbers.tolist() == [0, 1, 2, 4, 5]
    assert history.best.tolist() == [0.5, 0.7, 0.7, 0.7, 0.9]
    assert history.improvements == (0, 1, 5)
    assert history.without.tolist() == [3]
    assert history.outcomes == ("nonfinite",)
    assert np.allclose(history.regret(1.0), [0.5, 0.3, 0.3, 0.3, 0.1])
    assert str(history).startswith("accuracy: best 0.9 of 5 values, in trial 5")


def test_forgotten_trials_do_not_count() -> None:
    study = plotted_studies.conditional()
    study.forget([5])
    table = trial_table(study.history)
    assert (len(table), table.forgotten) == (5, 1)
    assert optimization_history(table).improvements == (0, 1)
    assert any("forgotten" in note for note in study.plot.history(backend="picture").notes)


def test_a_distribution_counts_what_is_at_least_as_good() -> None:
    found = empirical_distribution(trial_table(plotted_studies.conditional().history))
    assert found.values.tolist() == [0.5, 0.6, 0.7, 0.9]
    assert found.shares.tolist() == [1.0, 0.75, 0.5, 0.25]  # the infeasible one is left out


def test_the_hypervolume_is_that_of_the_front_after_each_trial() -> None:
    rng = np.random.default_rng(3)
    study = lt.Study("volume", {"x": lt.Float(0, 1)}, minimize=["a", "b"], maximize="c", seed=0)
    values = rng.random((25, 3))
    study.add_many(
        [{"x": float(x)} for x in rng.random(25)], [dict(zip("abc", v.tolist(), strict=True)) for v in values]
    )
    course = front_course(trial_table(study.history), reference=[1.1, 1.1, -0.1])
    losses, origin = values * [1, 1, -1], np.array([1.1, 1.1, 0.1])
    assert np.allclose(course.volumes, [hypervolume(losses[: n + 1], origin) for n in range(25)])
    front = {trial.number for trial in study.front}
    assert set(course.numbers[course.on_front].tolist()) == front
    with pytest.raises(InvalidSetting, match="give one finite number for each objective, in order: a, b, c"):
        front_course(trial_table(study.history), reference=[1.0])


def test_attainment_is_what_so_many_studies_reached() -> None:
    rng = np.random.default_rng(4)
    tables = []
    for seed in range(3):
        study = lt.Study(f"s{seed}", {"x": lt.Float(0, 1)}, minimize="a", maximize="b", seed=0)
        study.add_many(
            [{"x": place / 8} for place in range(8)], [{"a": a, "b": b} for a, b in rng.random((8, 2)).tolist()]
        )
        tables.append(trial_table(study.history))
    found = attainment(tables)
    assert found.levels == (1, 2, 3)
    for a, b in product(np.linspace(0, 1.1, 23), np.linspace(-0.1, 1, 23)):
        reached = sum(bool(((t.values[:, 0] <= a) & (t.values[:, 1] >= b)).any()) for t in tables)
        for level, curve in zip(found.levels, found.curves, strict=True):
            behind = bool(((curve[:, 0] <= a) & (curve[:, 1] >= b)).any())
            assert behind == (reached >= level)


def test_a_timeline_puts_attempts_that_overlap_on_lanes_of_their_own() -> None:
    events = [
        Asked(0, {}, 0, owner="h/1"),
        Asked(1, {}, 0, owner="h/2"),
        Told(0, 0, "done", {"y": 1.0}),
        Asked(2, {}, 0, owner="h/1"),
        Freed(1, 1, "lost", ran_s=2.0),
        Retried(1, owner="h/3"),
        Told(1, 5, "failed"),
    ]
    found = timeline(events, [10.0, 11.0, 14.0, 15.0, 20.0, 21.0, 23.0], now=25.0)
    spans = [(s.number, s.attempt, s.worker, s.start_s, s.end_s, s.outcome) for s in found.spans]
    assert spans == [
        (0, 1, 0, 0.0, 4.0, "done"),
        (1, 1, 1, 1.0, 3.0, "lost"),  # to its last sign of life
        (2, 1, 0, 5.0, 15.0, "running"),
        (1, 2, 1, 11.0, 13.0, "failed"),
    ]
    assert (found.workers, found.end_s, found.busy_s) == (2, 15.0, 18.0)
    assert found.use == 18 / 30
    moments, running = found.running()
    assert dict(zip(moments.tolist(), running.tolist(), strict=True))[1.0] == 2
    assert running[-1] == 0


def test_failures_are_counted_by_region() -> None:
    study = lt.Study("fails", {"x": lt.Float(0, 1), "k": lt.Choice("a", "b")}, minimize="y", seed=0)
    xs = np.linspace(0.01, 0.99, 80)
    study.add_many(
        [{"x": float(x), "k": "ab"[place % 2]} for place, x in enumerate(xs)],
        [math.nan if x > 0.75 else 1.0 for x in xs],
    )
    found = failure_summary(trial_table(study.history))
    assert (found.failed, found.total) == (20, 80)
    assert [one.title for one in found.variables] == ["x", "k"]
    shares = [one.share for one in found.variables[0].regions]
    assert shares == [0] * 6 + [1, 1]
    one = found.variables[1].regions[0]
    assert (one.label, one.failed, one.total) == ("a", 10, 40)
    z, p, n = 1.6448536269514722, 0.25, 40
    for end in (one.lower, one.upper):  # Wilson's interval: the rates at which the score test just holds
        assert abs(abs(p - end) - z * math.sqrt(end * (1 - end) / n)) < 1e-12
    with pytest.raises(NoResult, match="no trial failed"):
        failure_summary(trial_table(plotted_studies.two_objectives().history))


def test_results_have_a_json_form() -> None:
    study = plotted_studies.reporting()
    table = trial_table(study.history)
    results = [
        optimization_history(table),
        empirical_distribution(table),
        report_curves(table),
        cost_curve(table),
        failure_summary(table),
        timeline(*study.reader.stamped),
        front_course(trial_table(plotted_studies.two_objectives().history)),
    ]
    for result in results:
        assert json.loads(json.dumps(result.to_dict()))
        assert str(result) and result._repr_html_()
    assert report_curves(table).to_dict()["curves"][0]["steps"] == [0, 1, 2]
    assert cost_curve(table).by_outcome == {"done": 2.0, "failed": 0.5}


def test_every_kind_of_variable_has_axes() -> None:
    space = lt.Space(
        {
            "f": lt.Float(1e-3, 1, log=True),
            "i": lt.Int(1, 9),
            "c": lt.Choice(None, "x", 2),
            "o": lt.Ordinal("s", "l"),
            "b": lt.Bool(),
            "fixed": lt.Constant(3),
            "s": lt.Subset(["p", "q"]),
            "p": lt.Permutation(["u", "v"]),
            "m": lt.Simplex(["sand", "lime"]),
        }
    )
    config = {"f": 0.5, "i": 3, "c": 2, "o": "l", "b": True, "fixed": 3, "s": ("q",), "p": ("v", "u")}
    config["m"] = {"sand": 0.25, "lime": 0.75}
    axes = {axis.title: axis for axis in coordinates(space)}
    found = {title: float(axis.places([config])[0]) for title, axis in axes.items()}
    assert found == {
        "f": 0.5,
        "i": 3.0,
        "c": 2.0,
        "o": 1.0,
        "b": 1.0,
        "s: p": 0.0,
        "s: q": 1.0,
        "place of u in p": 2.0,
        "place of v in p": 1.0,
        "m: sand": 0.25,
        "m: lime": 0.75,
    }
    assert axes["c"].categories == ("None", "x", "2")
    assert math.isnan(axes["f"].places([{}])[0]) and math.isnan(axes["f"].places([None])[0])


def test_what_tells_about_ranks_and_what_does_not() -> None:
    rng = np.random.default_rng(5)
    x = rng.random(400)
    assert explained_share(x, np.argsort(np.argsort((x - 0.5) ** 2)).astype(float)) > 0.9
    null = [explained_share(rng.random(60), rng.permutation(60).astype(float)) for _ in range(200)]
    assert abs(np.mean(null)) < 0.02  # unbiased where there is nothing
    assert explained_share(np.full(9, np.nan), np.arange(9.0)) == 0.0


def test_labels_ticks_ranges_and_thinning() -> None:
    assert shortened("a" * 50, 11) == "aaaaa…aaaaa"
    names = [f"block_{place:02}.attention.dropout_probability_of_the_model" for place in (3, 17)]
    assert len(set(shortened_apart(names, 16))) == 2 and "03" in shortened_apart(names, 16)[0]
    assert even_ticks(0.0, 1.0) == (0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0)
    assert log_ticks(1e-3, 1e3) == (1e-3, 1e-1, 1e1, 1e3)
    assert [tick_text(value) for value in (0.0, 1e-7, 2.5e8, 0.25)] == ["0", "1e-7", "2.5e8", "0.25"]
    assert padded(2.0, 2.0) == (1.9, 2.1)
    values = np.array([*np.linspace(0, 1, 30), 50.0])
    assert without_far(values, maximize=False) == (0.0, 1.0)
    assert without_far(-values, maximize=True) == (-1.0, 0.0)
    assert without_far(values, maximize=True) == (0.0, 50.0)  # the best is never cut off
    rows = thinned(10_000, 100, keep=[9_999, 5])
    assert len(rows) == len(set(rows.tolist())) == 100
    assert {5, 9_999} <= set(rows.tolist())
