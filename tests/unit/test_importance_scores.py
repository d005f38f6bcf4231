"""Importance where it is known: Sobol' indices, conditions by hand, Shapley's axioms, PED-ANOVA by brute force."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import luthier as lt
from luthier._typing import Floats, Integers
from luthier.analysis.importance.fitted_halves import ForestHalves, fit_halves
from luthier.analysis.importance.forest_marginals import gridded, main_effects, pair_effect
from luthier.analysis.importance.ped_anova import ValueCounts, densities, pearson_divergence, variance_share
from luthier.analysis.importance.resampled import Resampled, covariance, score
from luthier.analysis.importance.shapley_effects import ShapleyWalks
from luthier.analysis.importance.variance_shares import FunctionalAnova
from luthier.analysis.latent_sampling import blocks_of
from luthier.errors import InvalidSetting, NoResult
from luthier.key import Key
from luthier.memo import Memo


class Exact:
    """A model that is right: its halves, too, are the function itself."""

    name = "exact"
    splits: tuple[tuple[Integers, Integers], ...] = ((np.arange(1), np.arange(1)),) * 4

    def __init__(self, space: lt.Space, function: Callable[[Mapping[str, Any]], float]) -> None:
        self.space, self.function = space, function

    def values(self, x: Floats) -> Resampled:
        found = np.array([self.function(config) for config in self.space.decode(x)])
        return Resampled(np.tile(found, (4, 1)), np.tile(found, (4, 2, 1)))

    def half_values(self, number: int, side: int, x: Floats) -> Floats:
        found: Floats = self.values(x).halves[number, side]
        return found


def ishigami(config: Mapping[str, Any]) -> float:
    a, b, c = (config[name] for name in "abc")
    return math.sin(a) + 7 * math.sin(b) ** 2 + 0.1 * c**4 * math.sin(a)


CUBE = lt.Space({name: lt.Float(-math.pi, math.pi) for name in "abcd"})


def test_sobol_indices_of_ishigamis_function() -> None:
    anova = FunctionalAnova(Exact(CUBE, ishigami), CUBE, Key.of(1))
    shares = anova.shares()
    mains = [one.main.value / one.whole for one in shares]
    totals = [one.total.value / one.whole for one in shares]
    assert mains == pytest.approx([0.3139, 0.4424, 0.0, 0.0], abs=0.03)
    assert totals == pytest.approx([0.5576, 0.4424, 0.2437, 0.0], abs=0.03)
    assert totals[3] == 0.0
    pair, whole = anova.pair(0, 2)
    assert pair.value / whole == pytest.approx(0.2437, abs=0.03)
    assert anova.group(["a", "c"]).value / anova.variance == pytest.approx(0.5576, abs=0.03)
    assert anova.group(["d"]).value == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(InvalidSetting, match="no variable 'z'"):
        anova.group(["z"])


def test_conditional_variables_are_scored_where_they_are_active() -> None:
    space = lt.Space({"k": lt.Choice("p", "q", "r"), "x": lt.Float(0, 1, when="k != 'r'"), "y": lt.Float(0, 1)})

    def function(config: Mapping[str, Any]) -> float:
        return {"p": 4.0 * config.get("x", 0.0), "q": 0.0, "r": 1.0}[config["k"]] + config["y"]

    k, x, y = FunctionalAnova(Exact(space, function), space, Key.of(1)).shares()
    # Over everything: the means of the three options are 2, 0 and 1; within p the variance is 16/12.
    whole = np.var([2.0, 0.0, 1.0]) + 16 / 12 / 3 + 1 / 12
    assert k.whole == pytest.approx(whole, rel=0.03)
    assert k.main.value == pytest.approx(np.var([2.0, 0.0, 1.0]), rel=0.03)
    assert y.main.value == pytest.approx(1 / 12, rel=0.03)
    # Where x is active (p or q): the mean along x is 2 x + 1/2, and the variance by x within p is averaged with 0.
    assert x.active == pytest.approx(2 / 3, abs=0.01)
    assert x.whole == pytest.approx(np.var([2.0, 0.0]) + 16 / 12 / 2 + 1 / 12, rel=0.03)
    assert x.main.value == pytest.approx(4 / 12, rel=0.04)
    assert x.total.value == pytest.approx(16 / 12 / 2, rel=0.05)


def test_marginals_of_a_forest_are_those_of_all_its_values() -> None:
    space = lt.Space({"n": lt.Int(1, 5), "k": lt.Choice("p", "q", "r"), "m": lt.Int(1, 4)})
    x = space.encode(list(space.configurations()))
    losses = np.sin(7.0 * x @ np.array([1.0, 2.0, 3.0])) + x[:, 0] * x[:, 1]
    data = _data(space, x, losses)
    splits = [(np.arange(0, 60, 2), np.arange(1, 60, 2))]
    model = ForestHalves.fit(data, splits, Key.of(3), Memo())
    blocks = blocks_of(space)
    forests = gridded(model, blocks)
    values = model.values(x).full[0].reshape(5, 3, 4)
    for place, effect in enumerate(main_effects(forests, blocks)):
        others = tuple(axis for axis in range(3) if axis != place)
        assert effect.full[0] == pytest.approx(values.mean(axis=others), abs=1e-6)
    assert pair_effect(forests, blocks, 0, 2).full[0] == pytest.approx(values.mean(axis=1).ravel(), abs=1e-6)
    halves = model.values(x).halves[0, 1].reshape(5, 3, 4)
    assert main_effects(forests, blocks)[1].halves[0, 1] == pytest.approx(halves.mean(axis=(0, 2)), abs=1e-6)


def test_shapleys_axioms() -> None:
    walks = ShapleyWalks(CUBE, Key.of(2), 8192)

    def on(function: Callable[[Floats], Floats]) -> Floats:
        return walks.of_function(function)

    product = on(lambda x: (x[:, 0] - 0.5) * (x[:, 1] - 0.5) + x[:, 2])
    values = ((walks.points[:, 0] - 0.5) * (walks.points[:, 1] - 0.5) + walks.points[:, 2]).reshape(5, -1)
    assert product.sum() == pytest.approx(0.5 * ((values[0] - values[-1]) ** 2).mean())  # efficiency, exactly
    assert product[3] == 0.0  # a variable that does nothing
    assert product[0] == pytest.approx(product[1], abs=0.002)  # symmetry
    assert product[0] == pytest.approx(1 / 144 / 2, abs=0.001)  # the interaction, divided evenly
    assert product[2] == pytest.approx(1 / 12, rel=0.05)
    alone = on(lambda x: (x[:, 0] - 0.5) * (x[:, 1] - 0.5))
    assert product[:2] == pytest.approx(alone[:2], abs=0.003)  # additivity: x₂ does not change their shares
    assert on(lambda x: 2.0 * x[:, 2])[2] == pytest.approx(4.0 * on(lambda x: x[:, 2])[2])
    true = np.array([0.3139 + 0.2437 / 2, 0.4424, 0.2437 / 2, 0.0])
    found = walks.of_function(lambda x: np.array([ishigami(config) for config in CUBE.decode(x)]))
    assert found / found.sum() == pytest.approx(true, abs=0.03)


def _brute(counts: list[int], ordered: bool) -> list[float]:
    """Estimate a density as the paper says, one observation and one cell at a time."""
    cells, number = len(counts), sum(counts)
    seen = [cell for cell, count in enumerate(counts) for _ in range(count)]
    different = sum(count > 0 for count in counts)
    found = []
    mean = sum(seen) / number
    spread = math.sqrt(sum((cell - mean) ** 2 for cell in seen) / max(1, number - 1))
    quartiles = seen[max(number // 4 - 1, 0)], seen[min(number * 3 // 4, number - 1)]
    width = max(1.059 * min((quartiles[1] - quartiles[0]) / 1.34, spread) * number**-0.2, 0.5 / 1.64)

    def normal(at: int, centre: float, std: float) -> float:
        def below(edge: float) -> float:
            return 0.5 * (1 + math.erf((edge - centre) / std / math.sqrt(2)))

        return (below(at + 0.5) - below(at - 0.5)) / (below(cells - 0.5) - below(-0.5))

    for at in range(cells):
        if ordered:
            total = sum(normal(at, cell, width) for cell in seen) + normal(at, (cells - 1) / 2, cells)
        else:
            each = 1 / (different + 1)
            total = sum(((cell == at) + each) / (1 + cells * each) for cell in seen) + 1 / cells
        found.append(total / (number + 1))
    return found


@pytest.mark.parametrize("ordered", [True, False])
def test_ped_anova_is_that_of_brute_force(ordered: bool) -> None:
    top, base = [0, 3, 2, 0, 0, 1], [4, 3, 5, 6, 2, 8]
    counts = np.array([top, base], dtype=np.float64)
    found = densities(ValueCounts(counts, ordered))
    brute = [_brute(top, ordered), _brute(base, ordered)]
    assert found == pytest.approx(np.array(brute), rel=1e-9)
    divergence = sum(b * (t / b - 1) ** 2 for t, b in zip(*brute, strict=True))
    assert pearson_divergence(found[:1], found[1:])[0] == pytest.approx(divergence, rel=1e-6)
    # By definition: the variance of P(best | value) = q top / base over that of the event "is among the best".
    q = 6 / 28
    chance = [q * t / b for t, b in zip(*brute, strict=True)]
    mean = sum(b * c for b, c in zip(brute[1], chance, strict=True))
    variance = sum(b * (c - mean) ** 2 for b, c in zip(brute[1], chance, strict=True))
    assert variance_share(np.array([divergence]), np.array(q))[0] == pytest.approx(variance / (q * (1 - q)))


def test_noise_has_no_score_and_its_interval_holds_0() -> None:
    """Of means of two groups of pure noise: a model that is linear in the losses."""
    values, held = [], 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        noise, group = rng.standard_normal(60), np.repeat([0, 1], 30)

        def fitted(rows: Floats, y: Floats = noise, group: Integers = group) -> Floats:
            return np.array([y[rows][group[rows] == side].mean() for side in (0, 1)])

        splits = [rng.permutation(60) for _ in range(8)]
        full = np.tile(fitted(np.arange(60)), (8, 1))
        halves = np.array([[fitted(order[:30]), fitted(order[30:])] for order in splits])
        found = score(Resampled(full, halves), covariance)
        values.append(found.value)
        interval = found.share_of(1.0, 0.95)
        assert interval.value >= 0
        held += interval.low <= 0
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(len(values))
    assert held >= 114
    steady = np.tile([1.0, 3.0], (4, 1))
    found = score(Resampled(steady, np.tile([1.0, 3.0], (4, 2, 1))), covariance)
    assert (found.value, found.deviation) == (1.0, 0.0)


def _data(space: lt.Space, x: Floats, losses: Floats) -> Any:
    study = lt.Study("data", space, minimize="y", seed=0)
    data = study.history.data(study.problem)
    from dataclasses import replace

    nothing = np.empty((len(x), 0))
    return replace(data, x=x, losses=losses[:, None], violations=nothing, costs=np.full(len(x), np.nan))


def test_the_model_that_predicts_best_is_chosen() -> None:
    space = lt.Space({"a": lt.Float(0, 1), "k": lt.Choice(*"pqrstuvw")})
    x = space.sample(Key.of(5), 60)
    smooth, _ = fit_halves(_data(space, x, np.sin(6.0 * x[:, 0])), Key.of(1), Memo())
    assert smooth.name == "a Gaussian process"


# --- by a study -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def study() -> lt.Study:
    space = {"a": lt.Float(0, 1), "k": lt.Choice("p", "q"), "one": lt.Choice("only"), "dead": lt.Int(1, 9)}
    made = lt.Study("scored", space, minimize="y", maximize="z", method=lt.Random(), seed=4)

    def objective(trial: lt.RunningTrial) -> dict[str, float]:
        if trial.number in (7, 11):
            raise RuntimeError("out of order")
        return {"y": 3.0 * trial["a"] + (trial["k"] == "q"), "z": -10.0 * (trial["k"] == "q") + 0.1 * trial["a"]}

    made.run(objective, trials=40)
    return made


def test_each_objective_has_an_importance_of_its_own(study: lt.Study) -> None:
    by_y, by_z = study.importance("y"), study.importance("z")
    assert list(by_y.scores) == ["a", "k", "dead"]
    assert next(iter(by_z.scores)) == "k"
    assert by_y["a"].score.value == pytest.approx(0.75, abs=0.1)  # (9/12) / (9/12 + 1/4)
    assert not by_y["dead"].matters
    assert by_y.trials == 38
    assert any("2 trials that crashed" in remark for remark in by_y.remarks)
    assert study.importance("y", failures="worst").trials == 40
    text = str(by_y)
    assert "importance for y (fanova" in text
    assert "dead" in text and "may do nothing" in text
    plain = json.loads(json.dumps(by_y.to_dict()))
    assert [one["name"] for one in plain["variables"]] == list(by_y.scores)
    assert study.importance("y").to_dict() == by_y.to_dict()


@pytest.mark.parametrize("method", ["shapley", "permutation"])
def test_groups_have_the_scores_of_their_members_together(study: lt.Study, method: Any) -> None:
    found = study.importance("y", method, groups={"both": ["a", "k"], "rest": ["dead"]})
    both, rest = found.groups
    assert both.score.value > 0.9
    assert rest.score.low <= 0 <= rest.score.high
    assert both.score.value > found["a"].score.value > found["k"].score.value
    if method == "shapley":
        assert sum(found.scores.values()) == pytest.approx(1.0)


def test_ped_anova_and_local_importance(study: lt.Study) -> None:
    by_best = study.importance("y", "ped-anova")
    assert by_best.fit is None
    assert not by_best["dead"].matters
    local = study.importance("y", "local")
    assert next(iter(local.scores)) == "a"


def test_what_cannot_be_scored_is_refused_with_what_can(study: lt.Study) -> None:
    for arguments, message in [
        ({}, "choose one of 'y', 'z'"),
        ({"objective": "x"}, "choose one of 'y', 'z'"),
        ({"objective": "y", "method": "fanva"}, "did you mean 'fanova'"),
        ({"objective": "y", "groups": {"g": ["b"]}}, "there is no variable 'b'"),
        ({"objective": "y", "groups": {"g": ["one"]}}, "'one' has a single value"),
        ({"objective": "y", "groups": {"g": "a"}}, "give a list of variables"),
        ({"objective": "y", "method": "local", "groups": {"g": ["a"]}}, "'local' scores single variables only"),
        ({"objective": "y", "method": "shapley", "interactions": True}, "interactions are scored by method='fanova'"),
        ({"objective": "y", "failures": "best"}, "choose 'ignore' or 'worst'"),
        ({"objective": "y", "level": 95}, "probability between 0 and 1"),
    ]:
        with pytest.raises(InvalidSetting, match=message):
            study.importance(**arguments)  # type: ignore[arg-type]
    empty = lt.Study("empty", {"x": lt.Float(0, 1)}, minimize="y", seed=0)
    with pytest.raises(NoResult, match="at least 8 trials with values; there are 0"):
        empty.importance()
    empty.run(lambda trial: 1.0, trials=9)
    with pytest.raises(NoResult, match="all 9 values of y are equal"):
        empty.importance()
    fixed = lt.Study("fixed", {"x": lt.Constant(1)}, minimize="y", noisy=True, method=lt.Random(), seed=0)
    fixed.run(lambda trial: float(trial.number), trials=9)
    with pytest.raises(NoResult, match="nothing to score"):
        fixed.importance()
    with pytest.raises(InvalidSetting, match="no importance of 'A'"):
        study.importance("y")["A"]
