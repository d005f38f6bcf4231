"""The parts that feasible sampling is made of: linear forms, proposals, equalities, boxes, measures, polytopes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from luthier.errors import InvalidSpace
from luthier.key import Key
from luthier.numeric import chebyshev_radius
from luthier.space import Choice, Float, Int, Permutation, Space, Subset
from luthier.space.expression import parse, tree
from luthier.space.sampling.branch_and_prune import pave
from luthier.space.sampling.distance import violation
from luthier.space.sampling.equalities import affine
from luthier.space.sampling.group import Group
from luthier.space.sampling.linear import Relation, relations
from luthier.space.sampling.transforms import ConstantDensityTransform


def group(*require: str, **variables: Any) -> Group:
    return Group(Space(variables, require=require).structure)


def linear(text: str, **variables: Any) -> list[Relation]:
    where = group(text, **variables)
    return list(relations(where, where.rules))


def test_reads_linear_constraints_in_the_cube() -> None:
    where = {"a": Float(0, 2), "b": Float(1, 5)}
    (found,) = linear("3 * a - b / 2 < 1", **where)
    assert found == Relation({0: 6.0, 1: -2.0}, "<", 1.5)
    (found,) = linear("not (a + 1 <= 2 - b)", **where)
    assert found == Relation({0: -2.0, 1: -4.0}, "<", 0.0)
    assert len(linear("0 < a < b and b < 3", **where)) == 3
    assert len(linear("sum(a, b, 1) <= 3", **where)) == 1


def test_reads_products_on_logarithmic_scales() -> None:
    where = {"C": Float(1, math.e**2, log=True), "g": Float(1, math.e**4, log=True)}
    (found,) = linear("C ** 2 * sqrt(g) / 3 <= 1", **where)
    assert found.weights == pytest.approx({0: 4.0, 1: 2.0})
    assert found.bound == pytest.approx(math.log(3))


@pytest.mark.parametrize("text", ["a * b < 1", "a ** 2 < 1", "a < 1 or b < 1", "n < a", "c < 1", "L + a < 1", "a != b"])
def test_leaves_what_is_not_linear(text: str) -> None:
    found = linear(
        text,
        a=Float(0, 1),
        b=Float(0, 1),
        n=Int(0, 3),
        L=Float(0.1, 1, log=True),
        k=Choice(1, 2),
        c=Float(0, 1, when="k == 1"),
    )
    assert found == []


@pytest.mark.parametrize(
    "text, names, expected",
    [
        ("a + 2 * b - c == 1", "abc", True),
        ("a * b == 1", "a", True),
        ("a * b == 1", "ab", False),
        ("a / b == 1", "a", True),
        ("a / b == 1", "b", False),
        ("-(a + 1) * 3 == b ** 2", "a", True),
        ("-(a + 1) * 3 == b ** 2", "b", False),
        ("a // 2 == 1", "a", False),
        ("sum(a, b) == exp(c)", "ab", True),
    ],
)
def test_knows_what_is_affine(text: str, names: str, expected: bool) -> None:
    root = parse(text).root
    assert isinstance(root, tree.Compare)
    left, ((_, right),) = root.first, root.rest
    assert affine(tree.Series(left, (("-", right),)), frozenset(names)) is expected


def test_bounds_shrink_the_proposal() -> None:
    where = {"a": Float(0, 1), "b": Float(0, 1), "c": Float(0, 1)}
    proposal = ConstantDensityTransform(group("a + b <= 0.1", "c > 0.75", "b > 0.04", **where))
    assert proposal.low == pytest.approx([0, 0.04, 0.75], abs=1e-9)
    assert proposal.high == pytest.approx([0.06, 0.1, 1], abs=1e-9)
    assert ConstantDensityTransform(group("a != b", **where)).trivial


def test_straightens_negations() -> None:
    root = tree.straighten(parse("not (a < 1 and (b != 2 or not c > 3))").root)
    assert root == parse("a >= 1 or (b == 2 and c > 3)").root


@pytest.mark.parametrize(
    "text",
    [
        "a < b",
        "a == b",
        "not (a < b and c < 1)",
        "a < b or c > 1 and a > 0.5",
        "k == 1 or a < c",
        "a < b < c",
        "k in (1,)",
    ],
)
def test_the_measure_is_zero_exactly_where_nothing_is_broken(text: str) -> None:
    where = group(text, a=Float(0, 1), b=Float(0, 1), k=Choice(1, 2, 3), c=Float(0, 2, when="k != 3"))
    columns = where.values(Key.of(1).uniform((500, where.width)))
    found = violation(parse(text))(columns, 500)
    assert ((found > 0) == parse(text).broken(columns, 500)).all()
    assert (found >= 0).all()


def test_the_measure_falls_towards_the_feasible_set() -> None:
    where = group("a < b", a=Float(0, 1), b=Float(0, 1))
    uniforms = np.column_stack([np.linspace(0.9, 0.1, 9), np.full(9, 0.05)])
    found = violation(parse("a < b"))(where.values(uniforms), 9)
    assert (np.diff(found) < 0).all()


def test_a_paving_knows_what_is_inside() -> None:
    variables = {"a": Float(0, 1), "b": Float(0, 1), "k": Choice("x", "y")}
    where = group("a < 0.25 or k == 'x' and b > 0.5", **variables)
    paving = pave(where, where.rules, frozenset(), 200)
    # What stays undecided are slivers along a = 0.25 and b = 0.5.
    assert paving.volumes[paving.inside].sum() == pytest.approx(0.25 + 0.75 * 0.25, abs=1e-3)
    assert paving.volumes.sum() == pytest.approx(0.25 + 0.75 * 0.25, abs=1e-3)
    where = group("a + b > 2", **variables)
    assert len(pave(where, where.rules, frozenset(), 64).low) == 0


def test_the_interior_of_polytopes() -> None:
    room, _ = chebyshev_radius(np.array([[1.0, 1.0]]), np.array([1.0]))
    assert room == pytest.approx(1 / (2 + math.sqrt(2)))
    room, blame = chebyshev_radius(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]), np.array([0.3, -0.5, 0.9]))
    assert room == pytest.approx(-0.1)
    assert blame.tolist() == [True, True, False]


# --- listing ---------------------------------------------------------------------------------------------


def test_listing_is_lazy_and_in_order() -> None:
    space = Space({f"n{i}": Int(0, 10**6) for i in range(4)}, require=["n0 == n1"])
    found = space.configurations()
    assert [next(found) for _ in range(2)] == [
        {"n0": 0, "n1": 0, "n2": 0, "n3": 0},
        {"n0": 0, "n1": 0, "n2": 0, "n3": 1},
    ]


def test_listing_propagates_constraints() -> None:
    space = Space({f"n{i}": Int(0, 10**6) for i in range(5)}, require=["n0 + n1 + n2 + n3 + n4 == 3"])
    assert len(list(space.configurations())) == math.comb(7, 4)
    queens = [
        f"q{i} != q{j} and q{i} - q{j} != {j - i} and q{j} - q{i} != {j - i}" for i in range(6) for j in range(i + 1, 6)
    ]
    assert len(list(Space({f"q{i}": Int(0, 5) for i in range(6)}, require=queens).configurations())) == 4


def test_listing_gives_whole_numbers_that_doubles_cannot_tell_apart() -> None:
    space = Space({"n": Int(2**60, 2**60 + 3), "m": Int(0, 2)}, require=["m < 1"])
    assert [config["n"] - 2**60 for config in space.configurations()] == [0, 1, 2, 3]
    assert {config["n"] - 2**60 for config in space.decode(space.sample(Key.of(1), 50))} == {0, 1, 2, 3}


def test_listing_does_not_hold_all_permutations() -> None:
    space = Space(
        {"k": Choice(1, 2), "p": Permutation(tuple(range(12)), when="k == 1")}, require=["k == 2 or p != (0, 1)"]
    )
    found = space.configurations()
    first = [next(found) for _ in range(3)]
    assert first[0]["p"] == tuple(range(12))
    assert sum(config["k"] == 2 for config in first) == 1


def test_listing_needs_a_finite_space() -> None:
    with pytest.raises(InvalidSpace, match="infinitely many configurations, as 'x' is continuous"):
        Space({"n": Int(1, 3), "x": Float(0, 1)}).configurations()
    assert len(list(Space({"s": Subset(("a", "b", "c"), size=2)}).configurations())) == 3
