"""How groups are formed and planned, and what is said when nothing is feasible."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from luthier.errors import Infeasible, InvalidSpace
from luthier.key import Key
from luthier.space import (
    Beta,
    Bool,
    Choice,
    Constant,
    Float,
    Int,
    Normal,
    Number,
    Ordinal,
    Permutation,
    Simplex,
    Space,
    Subset,
)
from luthier.space.sampling.group import Group
from luthier.space.sampling.plans import EnumeratedPlan, HitAndRunPlan, PolytopePlan
from luthier.space.sampling.polytope import Polytope
from luthier.space.sampling.rejection import CubeProposal, PavedProposal, RejectionPlan, TransformedProposal


def unit(names: str) -> dict[str, Any]:
    return {name: Float(0, 1) for name in (names.split() if " " in names else names)}


def plans(space: Space) -> list[type]:
    return [type(plan.proposal if isinstance(plan, RejectionPlan) else plan) for plan in space.sampler.plans]


def test_variables_without_a_common_constraint_are_planned_apart() -> None:
    space = Space(unit("abcdef"), require=["a < b", "c + d <= 1", "b < e", "f > 0.5"])
    found = [list(group.flat.names) for group in space.sampler.groups]
    assert sorted(found) == [["a", "b", "e"], ["c", "d"], ["f"]]


def test_a_condition_ties_variables_together() -> None:
    space = Space({"k": Choice("a", "b"), "x": Float(0, 1, when="k == 'a'"), "y": Float(0, 1)}, require=["x < 0.1"])
    (group,) = space.sampler.groups
    assert group.flat.names == ("k", "x")
    configs = space.decode(space.sample(Key.of(1), 4000))
    # Where x is inactive nothing can break the constraint: 'b' is as likely as 'a' with a small x is.
    share = sum(config["k"] == "a" for config in configs) / 4000
    assert abs(share - 0.05 / 0.55) < 0.02


@pytest.mark.parametrize(
    "require, kind",
    [
        (["a + b <= 1"], CubeProposal),
        (["a < b < c < d < e"], TransformedProposal),
        (["a < 0.001"], TransformedProposal),
        (["a + b + c == 1"], TransformedProposal),
        (["(a - 0.5) ** 2 + b ** 2 < 1e-5"], PavedProposal),
        (["sin(20 * a) > 0.999", "abs(b - a) < 0.01"], PavedProposal),
        ([lambda p: p["a"] < 0.002], HitAndRunPlan),
    ],
)
def test_the_simplest_plan_that_is_good_enough_is_taken(require: list[Any], kind: type) -> None:
    space = Space(unit("abcde"), require=require)
    assert plans(space) == [kind]
    points = space.sample(Key.of(2), 50)
    assert points.shape == (50, 5)
    assert space.feasible(points).all()
    assert ((points >= 0) & (points <= 1)).all()


def test_finite_groups_are_listed() -> None:
    space = Space(
        {"n": Int(1, 30, log=True), "m": Int(1, 30, log=True), "s": Ordinal("a", "b")},
        require=["n * m == 30", "s == 'b' or n < 3"],
    )
    assert plans(space) == [EnumeratedPlan]
    found = {(c["n"], c["m"], c["s"]) for c in space.decode(space.sample(Key.of(1), 500))}
    assert found == {(n, 30 // n, s) for n in range(1, 31) if 30 % n == 0 for s in "ab" if s == "b" or n < 3}


def test_the_same_key_gives_the_same_points_in_another_space_object() -> None:
    def build() -> Space:
        ball = " + ".join(f"(x{i} - 0.5) ** 2" for i in range(6)) + " <= 0.003"
        return Space({**{f"x{i}": Float(0, 1) for i in range(6)}, "k": Bool()}, require=[ball])

    first, second = build().sample(Key.of(4), 20), build().sample(Key.of(4), 20)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, build().sample(Key.of(5), 20))


def test_no_points_are_no_trouble() -> None:
    for require in (["a + b <= 1"], ["a + b + c == 1"], ["a ** 2 + b ** 2 < 1e-6"], [lambda p: p["a"] < 0.002]):
        assert Space(unit("abc"), require=require).sample(Key.of(0), 0).shape == (0, 3)


def test_work_grows_linearly_with_the_number_of_points(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = 0
    points = Group.points

    def counting(self: Group, uniforms: Any) -> Any:
        nonlocal rows
        rows += len(uniforms)
        return points(self, uniforms)

    disc = "(a - 0.5) ** 2 + (b - 0.5) ** 2 < 3e-5"  # a share of 1e-4
    for require in (["a + b <= 1"], ["a < b < c < d"], [disc], ["a + b + c + d <= 0.2"]):
        space = Space(unit("abcdefghij"), require=require)
        space.sample(Key.of(1), 1)  # the plan is made once
        monkeypatch.setattr(Group, "points", counting)
        spent = []
        for count in (1000, 8000):
            rows = 0
            space.sample(Key.of(1).fold(count), count)
            spent.append(rows)
        monkeypatch.setattr(Group, "points", points)
        assert spent[0] < 8 * 1000
        assert 6 < spent[1] / spent[0] < 9


# --- nothing feasible ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "require, named, not_named",
    [
        (["a + b >= 3", "c < 0.5"], ["'a + b >= 3'"], ["c < 0.5"]),
        (["a + b <= 0.5", "a > b + 0.6", "a < 0.9"], ["'a + b <= 0.5'", "'a > b + 0.6'"], ["0.9"]),
        (["a < b", "b < c", "c < a", "d < 0.5"], ["'a < b'", "'b < c'", "'c < a'"], ["'d"]),
        (["a ** 2 + b ** 2 > 2.5"], ["'a ** 2 + b ** 2 > 2.5'"], []),
        (["a * b > 0.9", "a + b < 1", "c < d"], ["'a * b > 0.9'", "'a + b < 1'"], ["c < d"]),
        (["a + b + c == 4"], ["'a + b + c == 4'"], []),
        (["sqrt(a - 2) >= 0"], ["'sqrt(a - 2) >= 0'"], []),
    ],
)
def test_the_error_names_the_constraints_that_are_proven_impossible(
    require: list[str], named: list[str], not_named: list[str]
) -> None:
    space = Space(unit("abcd"), require=require)
    with pytest.raises(Infeasible) as caught:
        space.sample(Key.of(1), 1)
    message = str(caught.value)
    assert message.startswith("no point of the space keeps ")
    for text in named:
        assert text in message
    for text in not_named:
        assert text not in message


def test_an_equality_written_as_two_inequalities_is_told() -> None:
    space = Space(unit("ab"), require=["a <= b", "b <= a"])
    with pytest.raises(Infeasible, match="to keep two numbers equal, write =="):
        space.sample(Key.of(1), 1)


def test_a_finite_space_without_a_point_is_proven_empty() -> None:
    space = Space({"n": Int(0, 9), "m": Int(0, 9)}, require=["2 * n == 2 * m + 1"])
    with pytest.raises(Infeasible, match=r"no point of the space keeps '2 \* n == 2 \* m \+ 1'"):
        space.sample(Key.of(1), 1)
    assert list(space.configurations()) == []


def test_not_found_is_not_called_impossible() -> None:
    space = Space(unit("ab"), require=[lambda params: False])
    with pytest.raises(Infeasible, match="was found, though none of them is proven to be impossible"):
        space.sample(Key.of(1), 1)


def test_a_predicate_that_raises_is_named_with_the_configuration() -> None:
    def ratio(params: Any) -> bool:
        return params["a"] / params["missing"] > 1

    with pytest.raises(InvalidSpace, match=r"ratio.* raised KeyError.*'a': 0\."):
        Space(unit("a"), require=[ratio]).sample(Key.of(1), 1)


# --- equalities ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variables, require",
    [
        (unit("abcd"), ["a + b + c + d == 1"]),
        (unit("abcd"), ["a + b == 1", "b + c == 1", "c + d == 1"]),
        (unit("abcd"), ["a + b + c + d == 1", "a + 2 * b + 3 * c + 4 * d == 2"]),
        (unit("abc"), ["a == b == c"]),
        (unit("abc"), ["a ** 2 + b ** 2 == c"]),
        (unit("ab"), ["a ** 2 + b ** 2 == 1"]),
        (unit("ab"), ["exp(a) == 1 + b"]),
        ({"x": Float(1e-3, 1e3, log=True), "y": Float(1e-3, 1e3, log=True)}, ["x * y == 1"]),
        ({"x": Float(0, 1000), "y": Float(0, 1000), "z": Float(0, 1)}, ["x + y + z == 1"]),
        ({"n": Int(1, 10), "x": Float(0, 1)}, ["n * x == 1"]),
        ({"n": Int(0, 10**6), "m": Int(0, 10**6), "l": Int(0, 10**6)}, ["n + m == l"]),
        ({"k": Choice("poly", "rbf"), **unit("ab")}, ["k != 'poly' or a + b == 1"]),
        ({"k": Bool(), "x": Float(0, 1, when="k"), **unit("ab")}, ["a + b + x == 1", "a < b"]),
        ({"p": Float(0, 1), "m": Simplex(("u", "v", "w"))}, ["p == `m.u`"]),
    ],
    ids=range(14),
)
def test_equalities_are_kept_after_rounding(variables: dict[str, Any], require: list[str]) -> None:
    space = Space(variables, require=require)
    points = space.sample(Key.of(3), 300)
    assert space.feasible(points).all()
    configs = space.decode(points)
    for config in configs[:50]:
        space.check(config)
    again = space.decode(space.encode(configs))
    assert again == configs
    assert len({space.identity(config) for config in configs}) > 5


def test_a_conditional_equality_leaves_the_weights_of_its_branches() -> None:
    space = Space({"k": Choice("poly", "rbf"), **unit("ab")}, require=["k != 'poly' or a + b == 1"])
    configs = space.decode(space.sample(Key.of(3), 4000))
    assert abs(sum(config["k"] == "poly" for config in configs) / 4000 - 0.5) < 0.03


# --- rich variables --------------------------------------------------------------------------------------


def test_constraints_read_subsets_permutations_and_simplices() -> None:
    space = Space(
        {
            "s": Subset(("a", "b", "c", "d", "e"), size=(1, 4)),
            "p": Permutation((1, 2, 3)),
            "m": Simplex(("sand", "clay")),
            "x": Float(0, 1),
        },
        require=["'a' in s and len(s) <= 2", "p != (1, 2, 3)", "`m.sand` < x"],
    )
    for config in space.decode(space.sample(Key.of(1), 200)):
        assert "a" in config["s"]
        assert len(config["s"]) <= 2
        assert config["p"] != (1, 2, 3)
        space.check(config)


# --- which variables are active --------------------------------------------------------------------------


def test_activity_is_decided_in_order_of_the_conditions() -> None:
    space = Space(
        {"c": Choice(1, 2, when="b == 1"), "b": Choice(1, 2, when="a == 1"), "a": Choice(1, 2)},
        require=["c != 1 or b != 2"],
    )
    (group,) = space.sampler.groups
    points = group.points(np.array([[0.1, 0.1, 0.1], [0.1, 0.9, 0.1], [0.1, 0.1, 0.9]]))
    assert np.isnan(points).tolist() == [[False] * 3, [True, False, False], [True, True, False]]
    assert group.encoder.read(points, group.names)["c"].codes.tolist() == [0, -1, -1]
    assert group.encoder.feasible(points).all()
    found = [tuple(sorted(config.items())) for config in space.configurations()]
    assert len(found) == len(set(found)) == 4


def test_draws_of_a_group_do_not_depend_on_constants_that_nothing_reads() -> None:
    require = ["a + b <= 1", "n < 3"]
    variables = {**unit("ab"), "n": Int(0, 9)}
    one = Space({"c": Constant(1), **variables}, require).sample(Key.of(1), 40)
    other = Space({"c": Constant("x"), **variables}, require).sample(Key.of(1), 40)
    np.testing.assert_array_equal(one, other)


def test_a_constant_is_read_by_constraints() -> None:
    variables = {"c": Constant(0.25), "d": Constant("on", when="a > 0.2"), **unit("ab")}
    space = Space(variables, require=["a + b == c", "d != 'on' or b < 0.01"])
    configs = space.decode(space.sample(Key.of(1), 200))
    assert {"d" in config for config in configs} == {True, False}
    for config in configs:
        assert config["a"] + config["b"] == pytest.approx(0.25)
        assert config["b"] < 0.01 or "d" not in config
        space.check(config)


def test_a_weighted_choice_is_drawn_by_its_weights() -> None:
    variable = Choice("a", "b", "c", weights=(1, 2, 1))
    block = np.array([[0.0], [0.2], [0.25], [0.74], [0.75], [0.99]])
    assert variable.codes(variable.warp(block)).tolist() == [0, 0, 1, 1, 2, 2]
    assert variable.edges.tolist() == [0.0, 0.25, 0.75, 1.0]
    assert Choice("a", "b").edges.tolist() == Bool().edges.tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    "variable",
    [Int(0, 9), Int(0, 9, prior=Normal(3, 2)), Int(1, 40, log=True), Float(0, 1, step=0.25, prior=Beta(2, 5))],
)
def test_the_edges_of_a_number_in_steps_are_where_its_quantiles_jump(variable: Number) -> None:
    edges, values = variable.edges, variable.number(np.arange(variable.count))
    assert len(edges) == variable.count + 1
    np.testing.assert_array_equal(variable.quantile(edges[:-1] + 1e-9), values)
    np.testing.assert_array_equal(variable.quantile(edges[1:] - 1e-9), values)
    np.testing.assert_array_equal(variable.quantile(variable.uniform(values)), values)


def test_long_chains_of_order_are_walked_between_the_ends_of_lines() -> None:
    width = 12
    space = Space(unit(" ".join(f"x{i}" for i in range(width))), [f"x{i} <= x{i + 1} + 0.05" for i in range(width - 1)])
    assert plans(space) == [PolytopePlan]
    points = space.sample(Key.of(1), 2000)
    assert space.feasible(points).all()
    # The mirrored order is the same set turned round: x0 and 1 - x11 are distributed alike.
    turned = 1.0 - points[:, ::-1]
    assert np.abs(points.mean(axis=0) - turned.mean(axis=0)).max() < 0.03
    assert np.abs(points.std(axis=0) - turned.std(axis=0)).max() < 0.03


def test_a_polytope_is_sampled_as_sorted_uniforms_are() -> None:
    width = 10
    rows = np.zeros((width - 1, width))
    rows[np.arange(width - 1), np.arange(width - 1)] = 1.0
    rows[np.arange(width - 1), np.arange(1, width)] = -1.0
    points = Polytope(rows, np.zeros(width - 1), Key.of(2)).draw(Key.of(3), 3000)
    exact = np.sort(Key.of(4).uniform((3000, width)), axis=1)
    assert (np.diff(points, axis=1) >= -1e-9).all()
    assert np.abs(points.mean(axis=0) - exact.mean(axis=0)).max() < 0.03
    assert np.abs(points.std(axis=0) - exact.std(axis=0)).max() < 0.02


def test_a_polytope_without_room_is_not_found() -> None:
    rows = np.array([[1.0, 1.0], [-1.0, -1.0]])
    assert not Polytope(rows, np.array([0.5, -0.6]), Key.of(0)).found
