"""Feasible samples are uniform (by the priors) over the feasible set: against closed forms and brute force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from luthier.key import Key
from luthier.space import Beta, Choice, Float, Int, Normal, Ordinal, Space
from luthier.space.sampling.plans import EnumeratedPlan, HitAndRunPlan
from luthier.space.sampling.rejection import CubeProposal, PavedProposal, RejectionPlan, TransformedProposal

ENOUGH = 1e-3  # a p-value below this is a failure; keys are fixed, so a test passes always or never


def unit(count: int) -> dict[str, Any]:
    return {f"x{i}": Float(0, 1) for i in range(count)}


def draw(space: Space, count: int = 3000, seed: int = 1) -> dict[str, Any]:
    points = space.sample(Key.of(seed), count)
    assert space.feasible(points).all()
    configs = space.decode(points)
    return {name: np.array([config.get(name, np.nan) for config in configs]) for name in space.names}


def brute(space: Space, wanted: int = 2000) -> dict[str, Any]:
    """Draw from the space without its constraints, and reject."""
    free = Space(dict(space.given))
    found = np.empty((0, space.dimensions))
    turn = 0
    while len(found) < wanted:
        points = free.sample(Key.of(99).fold(turn), 60_000)
        found = np.concatenate([found, points[space.feasible(points)]])
        turn += 1
    configs = space.decode(found[:wanted])
    return {name: np.array([config.get(name, np.nan) for config in configs]) for name in space.names}


def plan(space: Space) -> type:
    (only,) = space.sampler.plans
    return type(only.proposal if isinstance(only, RejectionPlan) else only)


def fits(values: Any, distribution: Callable[..., Any]) -> None:
    assert stats.kstest(values, distribution).pvalue > ENOUGH


def same(first: Any, second: Any) -> None:
    assert stats.ks_2samp(first[~np.isnan(first)], second[~np.isnan(second)]).pvalue > ENOUGH


def total(terms: range, text: str = "x{}") -> str:
    return " + ".join(text.format(i) for i in terms)


def test_a_triangle_in_ten_dimensions() -> None:
    space = Space(unit(10), require=["x0 + x1 <= 1"])
    found = draw(space)
    assert plan(space) is CubeProposal
    fits(found["x0"], stats.beta(1, 2).cdf)
    fits(found["x1"], stats.beta(1, 2).cdf)
    fits(found["x0"] + found["x1"], stats.beta(2, 1).cdf)
    for i in range(2, 10):
        fits(found[f"x{i}"], stats.uniform.cdf)


def test_ordered_variables_in_ten_dimensions() -> None:
    space = Space(unit(10), require=["x0 < x1 < x2 < x3"])
    found = draw(space)
    assert plan(space) is TransformedProposal
    for i in range(4):
        fits(found[f"x{i}"], stats.beta(i + 1, 4 - i).cdf)
    fits(found["x3"] - found["x1"], stats.beta(2, 3).cdf)
    fits(found["x9"], stats.uniform.cdf)


def test_ten_variables_in_order() -> None:
    space = Space(unit(10), require=[" < ".join(f"x{i}" for i in range(10))])  # a share of 3e-7
    found = draw(space)
    for i in (0, 4, 9):
        fits(found[f"x{i}"], stats.beta(i + 1, 10 - i).cdf)


def irwin_hall(values: Any, count: int) -> Any:
    """Distribution function of the sum of `count` uniforms."""
    from math import comb, factorial

    terms = [(-1) ** k * comb(count, k) * np.maximum(values - k, 0) ** count for k in range(count + 1)]
    return sum(terms) / factorial(count)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_share_of_one_in_ten_thousand_in_ten_dimensions(mirrored: bool) -> None:
    bound = 1.8
    share = irwin_hall(np.array(bound), 10)
    assert 0.5e-4 < share < 2e-4
    text = f"{total(range(10))} >= {10 - bound}" if mirrored else f"{total(range(10))} <= {bound}"
    space = Space(unit(10), require=[text])
    found = draw(space)
    values = np.array([found[f"x{i}"] for i in range(10)])
    values = 1 - values if mirrored else values
    fits(values.sum(axis=0), lambda s: irwin_hall(s, 10) / share)
    # One variable under the constraint that the other nine leave it room.
    for i in (0, 5, 9):
        fits(values[i], lambda x: _marginal(x, bound))


def _marginal(values: Any, bound: float) -> Any:
    """Distribution function of one of ten uniforms whose sum is at most `bound`, by integration on a grid."""
    grid = np.linspace(0, 1, 2001)
    density = irwin_hall(np.maximum(bound - grid, 0), 9)
    cumulated = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return np.interp(values, grid, cumulated / cumulated[-1])


def test_a_small_disc_in_ten_dimensions_by_paving() -> None:
    radius = 0.0001**0.5 / np.pi**0.5  # a share of 1e-4
    space = Space(unit(10), require=[f"(x0 - 0.5) ** 2 + (x1 - 0.3) ** 2 <= {radius**2!r}"])
    found = draw(space)
    assert plan(space) is PavedProposal
    across, up = found["x0"] - 0.5, found["x1"] - 0.3
    fits((across**2 + up**2) / radius**2, stats.uniform.cdf)
    fits(np.arctan2(up, across), stats.uniform(-np.pi, 2 * np.pi).cdf)


def test_a_ball_in_ten_dimensions_by_hit_and_run() -> None:
    # A share of 1.2e-4 of the cube [-1, 1]^10.
    space = Space({f"x{i}": Float(-1, 1) for i in range(10)}, require=[f"{total(range(10), 'x{} ** 2')} <= 0.55"])
    found = draw(space, 1500)
    assert plan(space) is HitAndRunPlan
    values = np.array([found[f"x{i}"] for i in range(10)])
    squares = (values**2).sum(axis=0)
    fits((squares / 0.55) ** 5, stats.uniform.cdf)
    for i in range(10):
        fits(values[i] ** 2 / squares, stats.beta(0.5, 4.5).cdf)
        assert abs((values[i] > 0).mean() - 0.5) < 0.06
    later = np.corrcoef(values[0][1:], values[0][:-1])[0, 1]
    assert abs(later) < 0.1


@pytest.mark.slow
def test_hit_and_run_weighs_separate_parts_by_their_volume() -> None:
    near = total(range(12), "(x{} - 0.3) ** 2") + " <= 0.04"
    far = total(range(12), "(x{} - 0.8) ** 2") + " <= 0.035"
    space = Space(unit(12), require=[f"{near} or {far}"])
    found = draw(space, 2000)
    assert plan(space) is HitAndRunPlan
    values = np.array([found[f"x{i}"] for i in range(12)])
    share = (((values - 0.3) ** 2).sum(axis=0) <= 0.04).mean()
    expected = 0.04**6 / (0.04**6 + 0.035**6)
    assert abs(share - expected) < 0.12


def test_a_plane_is_sampled_evenly() -> None:
    space = Space(unit(3), require=["x0 + x1 + x2 == 1"])
    found = draw(space)
    assert np.abs(found["x0"] + found["x1"] + found["x2"] - 1).max() < 1e-9
    for i in range(3):
        fits(found[f"x{i}"], stats.beta(1, 2).cdf)


def test_a_plane_of_twenty_shares() -> None:
    space = Space(unit(20), require=[f"{total(range(20))} == 1"])
    found = draw(space)
    for i in (0, 10, 19):
        fits(found[f"x{i}"], stats.beta(1, 19).cdf)


def test_a_plane_with_different_ranges_and_weights() -> None:
    space = Space({"a": Float(0, 2), "b": Float(1, 3), "c": Float(-1, 1)}, require=["2 * a + b - c == 3"])
    found = draw(space)
    # Brute force: a and b are free, c follows and has to be in its range.
    u = Key.of(5).uniform((2, 60_000))
    a, b = 2 * u[0], 1 + 2 * u[1]
    c = 2 * a + b - 3
    good = np.abs(c) <= 1
    for name, values in (("a", a), ("b", b), ("c", c)):
        same(found[name], values[good])


def test_a_plane_under_priors() -> None:
    space = Space(
        {"a": Float(0, 1, prior=Normal(0.2, 0.1)), "b": Float(0, 1, prior=Beta(5, 3))}, require=["a + b == 1"]
    )
    found = draw(space)
    grid = np.linspace(0, 1, 4001)
    chances = stats.norm(0.2, 0.1).pdf(grid) * stats.beta(5, 3).pdf(1 - grid)
    cumulated = np.cumsum(chances) / chances.sum()
    fits(found["a"], lambda values: np.interp(values, grid, cumulated))


def test_products_on_logarithmic_scales() -> None:
    space = Space(
        {"C": Float(1e-3, 1e3, log=True), "g": Float(1e-5, 10, log=True)}, require=["C * g <= 1e-4", "C > 0.1"]
    )
    found = draw(space)
    expected = brute(space)
    for name in ("C", "g"):
        same(np.log(found[name]), np.log(expected[name]))


def test_priors_are_kept() -> None:
    space = Space(
        {
            "a": Float(0, 1, prior=Normal(0.3, 0.2)),
            "b": Float(0, 1, prior=Normal(0.3, 0.2)),
            "c": Float(0, 1, prior=Beta(2, 5)),
        },
        require=["a < b", "a + c < 0.4"],
    )
    found, expected = draw(space), brute(space)
    for name in ("a", "b", "c"):
        same(found[name], expected[name])


def test_disjunctions_are_weighed_by_probability() -> None:
    space = Space(
        {"k": Choice("a", "b", weights=(0.75, 0.25)), **unit(3)},
        require=["k == 'a' and x0 + x1 + x2 <= 0.05 or k == 'b' and x0 > 0.99 and x1 > 0.99"],
    )
    found = draw(space)
    assert plan(space) is PavedProposal
    weights = 0.75 * 0.05**3 / 6, 0.25 * 0.01**2
    share = weights[0] / sum(weights)
    assert abs((found["k"] == "a").mean() - share) < 4 * np.sqrt(share * (1 - share) / 3000)
    fits(found["x2"][found["k"] == "b"], stats.uniform.cdf)
    fits(found["x2"][found["k"] == "a"] / 0.05, stats.beta(1, 3).cdf)


def test_whole_numbers_with_a_given_sum() -> None:
    space = Space({f"n{i}": Int(0, 1000) for i in range(4)}, require=["n0 + n1 + n2 + n3 == 1000"])
    found = draw(space)
    left = 1000 - np.arange(1001)
    chances = (left + 2) * (left + 1) / 2
    for i in range(4):
        counts, _ = np.histogram(found[f"n{i}"], bins=np.arange(0, 1011, 101))
        expected = np.add.reduceat(chances, np.arange(0, 1001, 101))
        expected = expected / expected.sum() * 3000
        keep = expected > 5
        assert stats.chisquare(counts[keep], expected[keep] * counts[keep].sum() / expected[keep].sum()).pvalue > ENOUGH


def test_a_listed_group_keeps_the_probabilities() -> None:
    space = Space(
        {
            "k": Choice("a", "b", "c", weights=(0.5, 0.3, 0.2)),
            "n": Int(0, 40, prior=Normal(10, 8)),
            "m": Int(1, 1000, log=True, when="k != 'b'"),
            "o": Ordinal("low", "mid", "high"),
        },
        require=["n + m <= 2", "o >= 'mid' or k == 'c'", "k != 'b' or n == 7 and o == 'high'"],
    )
    assert plan(space) is EnumeratedPlan
    found, expected = draw(space, 4000), brute(space, 800)

    def cells(columns: dict[str, Any]) -> list[tuple[Any, ...]]:
        return [
            (k, n, None if np.isnan(m) else m, o)
            for k, n, m, o in zip(columns["k"], columns["n"], columns["m"], columns["o"], strict=True)
        ]

    ours, theirs = cells(found), cells(expected)
    kinds = sorted(set(ours) | set(theirs), key=str)
    table = np.array([[ours.count(kind), theirs.count(kind)] for kind in kinds])
    rare = table.sum(axis=1) < 40
    table = np.concatenate([table[~rare], table[rare].sum(axis=0, keepdims=True)])
    table = table[table.sum(axis=1) > 0]
    assert stats.chi2_contingency(table).pvalue > ENOUGH


def test_conditions_and_constraints_together() -> None:
    space = Space(
        {
            "k": Choice("rbf", "poly", "linear"),
            "C": Float(1e-3, 1e3, log=True),
            "gamma": Float(1e-5, 10, log=True, when="k != 'linear'"),
            "degree": Int(2, 5, when="k == 'poly'"),
        },
        require=["k != 'poly' or C * gamma <= 1e-3", "k == 'poly' or C < 2e-3", "degree < 4"],
    )
    found, expected = draw(space), brute(space)
    table = np.array([[(side["k"] == kind).sum() for kind in ("rbf", "poly", "linear")] for side in (found, expected)])
    assert stats.chi2_contingency(table).pvalue > ENOUGH
    same(np.log(found["C"]), np.log(expected["C"]))
    same(np.log(found["gamma"]), np.log(expected["gamma"]))
    same(found["degree"] + 0.0, expected["degree"] + 0.0)


def test_a_rare_predicate() -> None:
    space = Space(unit(3), require=[lambda params: params["x0"] < 0.001 and params["x1"] > 0.5])
    found = draw(space, 600)
    assert plan(space) is HitAndRunPlan
    fits(found["x0"] * 1000, stats.uniform.cdf)
    fits(found["x1"] * 2 - 1, stats.uniform.cdf)
    fits(found["x2"], stats.uniform.cdf)


@pytest.mark.parametrize("seed", range(5))
def test_keys_give_independent_samples(seed: int) -> None:
    space = Space(unit(2), require=["x0 + x1 <= 0.001"])
    first, second = draw(space, 1000, seed), draw(space, 1000, seed + 100)
    assert abs(np.corrcoef(first["x0"], second["x0"])[0, 1]) < 0.12
    assert abs(np.corrcoef(first["x0"][1:], first["x0"][:-1])[0, 1]) < 0.12
