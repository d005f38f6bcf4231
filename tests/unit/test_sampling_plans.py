"""How groups are formed and planned, and what is said when nothing is feasible."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from luthier.errors import Infeasible, InvalidSpace
from luthier.key import Key
from luthier.space import Bool, Choice, Float, Int, Ordinal, Permutation, Simplex, Space, Subset
from luthier.space.expression import parse
from luthier.space.sampling.cube import UnitCube
from luthier.space.sampling.cube_variables import CubeCategory, Predicate
from luthier.space.sampling.plans import EnumeratedPlan, HitAndRunPlan, PavedPlan, RejectionPlan, TransformedPlan
from luthier.space.sampling.sampler import Sampler


def unit(names: str) -> dict[str, Any]:
    return {name: Float(0, 1) for name in names}


def plans(space: Space) -> list[type]:
    return [type(plan) for plan in space.source.sampler.plans]


def test_variables_without_a_common_constraint_are_planned_apart() -> None:
    space = Space(unit("abcdef"), require=["a < b", "c + d <= 1", "b < e", "f > 0.5"])
    sampler = space.source.sampler
    found = [sorted(name for d in group.layout.domains for name in d.names) for group in sampler.groups]
    assert sorted(found) == [["a", "b", "e"], ["c", "d"], ["f"]]


def test_a_condition_ties_variables_together() -> None:
    space = Space({"k": Choice("a", "b"), "x": Float(0, 1, when="k == 'a'"), "y": Float(0, 1)}, require=["x < 0.1"])
    (group,) = space.source.sampler.groups
    assert [d.name for d in group.layout.domains] == ["k", "x"]
    configs = space.decode(space.sample(Key.of(1), 4000))
    # Where x is inactive nothing can break the constraint: 'b' is as likely as 'a' with a small x is.
    share = sum(config["k"] == "a" for config in configs) / 4000
    assert abs(share - 0.05 / 0.55) < 0.02


@pytest.mark.parametrize(
    "require, kind",
    [
        (["a + b <= 1"], RejectionPlan),
        (["a < b < c < d < e"], TransformedPlan),
        (["a < 0.001"], TransformedPlan),
        (["a + b + c == 1"], TransformedPlan),
        (["(a - 0.5) ** 2 + b ** 2 < 1e-5"], PavedPlan),
        (["sin(20 * a) > 0.999", "abs(b - a) < 0.01"], PavedPlan),
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
    values = UnitCube.values

    def counting(self: UnitCube, uniforms: Any) -> Any:
        nonlocal rows
        rows += len(uniforms)
        return values(self, uniforms)

    disc = "(a - 0.5) ** 2 + (b - 0.5) ** 2 < 3e-5"  # a share of 1e-4
    for require in (["a + b <= 1"], ["a < b < c < d"], [disc], ["a + b + c + d <= 0.2"]):
        space = Space(unit("abcdefghij"), require=require)
        space.sample(Key.of(1), 1)  # the plan is made once
        monkeypatch.setattr(UnitCube, "values", counting)
        spent = []
        for count in (1000, 8000):
            rows = 0
            space.sample(Key.of(1).fold(count), count)
            spent.append(rows)
        monkeypatch.setattr(UnitCube, "values", values)
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


# --- the sampler by itself -------------------------------------------------------------------------------


def test_unknown_names_are_refused() -> None:
    domains = [CubeCategory("k", ("a", "b"))]
    with pytest.raises(InvalidSpace, match=r"'j == 1' reads 'j', which is no variable"):
        Sampler(domains, [parse("j == 1")])
    with pytest.raises(InvalidSpace, match=r"condition of 'x' reads 'j'"):
        Sampler([CubeCategory("x", (1, 2), None, parse("j == 1"))])


def test_conditions_in_a_circle_are_refused() -> None:
    domains = [CubeCategory("a", (1, 2), None, parse("b == 1")), CubeCategory("b", (1, 2), None, parse("a == 1"))]
    with pytest.raises(InvalidSpace, match="in a circle: a -> b -> a"):
        Sampler(domains)


def test_activity_is_decided_in_order_of_the_conditions() -> None:
    domains = [
        CubeCategory("c", (1, 2), None, parse("b == 1")),
        CubeCategory("b", (1, 2), None, parse("a == 1")),
        CubeCategory("a", (1, 2)),
    ]
    sampler = Sampler(domains, [Predicate(lambda config: True, "always")])
    uniforms = np.array([[0.1, 0.1, 0.1], [0.1, 0.9, 0.1], [0.1, 0.1, 0.9]])
    assert sampler.active(uniforms).tolist() == [[True] * 3, [False, True, True], [False, False, True]]
    values = sampler.values(uniforms)
    assert values["c"].codes.tolist() == [0, -1, -1]
    assert sampler.keeps(uniforms).all()
    found = [tuple(sorted(config.items())) for config in sampler.configurations()]
    assert len(found) == len(set(found)) == 4


def test_a_weighted_category_draws_by_its_weights() -> None:
    domain = CubeCategory("k", ("a", "b", "c"), (1.0, 0.0, 3.0))
    assert domain.index(np.array([0.0, 0.2, 0.25, 0.99])).tolist() == [0, 0, 2, 2]
    assert list(itertools.pairwise(domain.edges.tolist())) == [(0.0, 0.25), (0.25, 0.25), (0.25, 1.0)]
