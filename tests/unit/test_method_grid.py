"""Grid: which points, in which order, at what cost, and what is refused."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from luthier.errors import Infeasible, InvalidSetting, SpaceExhausted
from luthier.key import Key
from luthier.method import Grid
from luthier.method.spec import from_plain, to_plain
from luthier.space import (
    Bool,
    Choice,
    Constant,
    Float,
    Int,
    Named,
    Option,
    Ordinal,
    Permutation,
    Simplex,
    Space,
    Subset,
)
from luthier.testing.methods import Drive, assert_valid, finite_configs, finite_space


def points(grid, space):
    return list(grid.at(space, range(grid.count(space))))


# --- which values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "setting", "expected"),
    [
        (Float(0, 1), 5, [0.0, 0.25, 0.5, 0.75, 1.0]),
        (Float(0, 1), 1, [0.5]),
        (Float(1e-3, 1e3, log=True), 3, [0.001, 1.0, 1000.0]),
        (Float(0, 1, step=0.1), 3, [0.0, 0.5, 1.0]),
        (Float(0, 1, step=0.5), 10, [0.0, 0.5, 1.0]),
        (Int(1, 3), 10, [1, 2, 3]),
        (Int(0, 100), 5, [0, 25, 50, 75, 100]),
        (Int(0, 100), 1, [50]),
        (Int(1, 1000, log=True), 4, [1, 10, 100, 1000]),
        (Int(1, 4, log=True), 10, [1, 2, 3, 4]),
        (Int(1, 100, log=True), 20, None),
        (Choice("a", "b", "c"), ("c", "a"), ["c", "a"]),
        (Ordinal("s", "m", "l", "xl", "xxl"), 3, ["s", "l", "xxl"]),
        (Float(0, 10), (3, 0.1, 3.0), [3.0, 0.1]),
        (Int(0, 10), (7,), [7]),
        (Bool(), (True,), [True]),
        (Simplex(2), 3, [(0.0, 1.0), (0.5, 0.5), (1.0, 0.0)]),
        (Simplex(2), 1, [(0.5, 0.5)]),
    ],
)
def test_values_of_one_variable(variable, setting, expected):
    space = Space({"v": variable})
    found = [config["v"] for config in points(Grid(points={"v": setting}), space)]
    if expected is None:
        assert found == sorted(set(found)) and found[0] == variable.low and found[-1] == variable.high
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("variable", "count"),
    [
        (Choice(*range(12)), 12),
        (Ordinal(*range(12)), 12),
        (Bool(), 2),
        (Subset(tuple("abcd"), size=2), 6),
        (Subset(tuple("abcd")), 16),
        (Permutation(tuple("abcd")), 24),
        (Simplex(3), math.comb(11, 2)),
        (Constant(3), 1),
    ],
)
def test_all_values_of_what_has_no_scale(variable, count):
    found = [repr(config["v"]) for config in points(Grid(points=10), Space({"v": variable, "x": Int(1, 1 + 1)}))]
    assert len(set(found)) == count and len(found) == 2 * count


def test_the_order_given_is_that_of_nested_loops():
    space = Space({"a": Int(1, 3), "b": Choice("x", "y"), "c": Int(1, 2)})
    expected = [{"a": a, "b": b, "c": c} for a, b, c in itertools.product((1, 2, 3), "xy", (1, 2))]
    assert points(Grid(), space) == expected


def test_the_order_given_holds_under_conditions_and_constraints():
    space = Space({"a": Int(1, 3), "c": Int(1, 2, when="b == 'x'"), "b": Choice("x", "y")}, require=["a != 2"])
    found = [tuple(config.get(name) for name in "acb") for config in points(Grid(), space)]
    assert found == [(1, 1, "x"), (1, None, "y"), (1, 2, "x"), (3, 1, "x"), (3, None, "y"), (3, 2, "x")]


def test_variables_left_out_of_the_mapping():
    space = Space({"a": Int(1, 100), "b": Float(0, 1, default=0.3), "c": Float(0, 1)})
    assert Grid(points={"a": 2}).count(space) == 2 * 10 * 10
    assert Grid(points={"a": 2}, otherwise=3).count(space) == 2 * 3 * 3
    assert points(Grid(points={"a": 2}, otherwise=None), space) == [
        {"a": 1, "b": 0.3, "c": 0.5},
        {"a": 100, "b": 0.3, "c": 0.5},
    ]


def test_several_grids_and_no_point_of_both_twice():
    space = Space({"kernel": Choice("rbf", "poly"), "C": Float(0.1, 10, log=True), "degree": Int(2, 5, default=3)})
    grid = Grid(
        points=[{"kernel": ["rbf"], "C": [1, 10]}, {"kernel": ("poly", "rbf"), "C": [1], "degree": [2, 3]}],
        otherwise=None,
    )
    drive = Drive(space, grid)
    assert [tuple(config.values()) for config in drive.run(100)] == [
        ("rbf", 1.0, 3),
        ("rbf", 10.0, 3),
        ("poly", 1.0, 2),
        ("poly", 1.0, 3),
        ("rbf", 1.0, 2),
    ]
    with pytest.raises(SpaceExhausted, match=r"\(6 in all\)"):
        drive.propose()
    assert from_plain(to_plain(grid)) == grid


def test_named_objects_are_listed_by_name_or_by_themselves():
    space = Space({"f": Choice(Named("one", len), Named("two", max))})
    assert points(Grid(points={"f": ["two"]}), space) == [{"f": "two"}]


def test_arrays_and_ranges_are_lists():
    space = Space({"x": Float(0, 10), "n": Int(0, 10)})
    grid = Grid(points={"x": np.linspace(0, 1, 3), "n": range(2)})
    assert [config["x"] for config in points(grid, space)] == [0.0, 0.0, 0.5, 0.5, 1.0, 1.0]


# --- conditions and constraints --------------------------------------------------------------------------------


def test_the_48_points_of_a_conditional_and_constrained_grid_and_a_clean_end():
    space = finite_space()
    for order in ("given", "shuffled", "nested"):
        grid = Grid(order=order)
        assert grid.count(space) == 48
        drive = Drive(space, grid)
        found = drive.run(1000)
        assert sorted(map(repr, map(sorted, (c.items() for c in found)))) == sorted(
            map(repr, map(sorted, (c.items() for c in finite_configs())))
        )
        with pytest.raises(SpaceExhausted, match="keeps the constraints has been tried or is being tried"):
            drive.propose()


def test_inactive_variables_multiply_nothing():
    space = Space(
        {"model": Choice(*(Option(f"m{i}", Space({f"p{j}": Float(0, 1) for j in range(3)})) for i in range(6)))}
    )
    for order in ("given", "shuffled", "nested"):
        grid = Grid(order=order)
        assert grid.count(space) == 6 * 10**3
        assert len({space.identity(config) for config in points(grid, space)}) == 6 * 10**3


def test_an_ordered_chain_in_a_grid_that_could_not_be_listed():
    space = Space({f"x{i}": Float(0, 1) for i in range(9)}, require=["x0 < x1 < x2 < x3 < x4 < x5 < x6 < x7"])
    assert Grid(order="nested").count(space) == math.comb(10, 8) * 10
    drive = Drive(space, Grid())
    drive.run(1000)
    assert len(drive.configs) == 450
    assert_valid(drive)


def test_a_function_as_a_constraint():
    space = Space({"a": Int(1, 4), "b": Int(1, 4)}, require=[_ascending])
    assert [(c["a"], c["b"]) for c in points(Grid(), space)] == list(itertools.combinations(range(1, 5), 2))
    wide = Space({"a": Int(1, 500), "b": Int(1, 500)}, require=[_ascending])
    drive = Drive(wide, Grid(points=500))
    assert drive.run(3) == [{"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 1, "b": 4}]


def _ascending(params):
    return params["a"] < params["b"]


def test_conditions_over_more_values_than_can_be_listed():
    space = Space({"a": Float(0, 1), "b": Float(0, 1), "c": Float(0, 1, when="a > 0.5 or b > 0.5")})
    grid = Grid(points={"a": 1000, "b": 1000, "c": 3})
    assert grid.count(space) == 3 * 10**6  # with inactive ones, which are passed over
    drive = Drive(space, grid)
    drive.run(600)
    assert_valid(drive)
    assert sum("c" in config for config in drive.configs) == 100


def test_nothing_feasible_is_said_with_the_constraint():
    space = Space({"x": Float(0, 1), "y": Float(0, 1)}, require=["x + y == 0.05"])
    for points_ in (5, 400):
        with pytest.raises(Infeasible, match=r"no point of the grid keeps the constraints \(x \+ y == 0.05\)"):
            Drive(space, Grid(points_)).propose()


# --- orders ------------------------------------------------------------------------------------------------


def test_a_grid_of_10_to_the_12_points_can_be_entered_anywhere():
    space = Space({f"x{i}": Float(0, 1) for i in range(12)})
    grid = Grid()
    assert grid.count(space) == 10**12
    assert set(grid.point(space, 0).values()) == {0.0}
    assert set(grid.point(space, 10**12 - 1).values()) == {1.0}
    digits = [round(value * 9) for value in grid.point(space, 1_000_001).values()]
    assert digits == [int(digit) for digit in f"{1_000_001:012d}"]
    for order in ("shuffled", "nested"):
        grid = Grid(order=order)
        found = [grid.point(space, index) for index in (0, 1_000_001, 10**12 - 1)]
        assert len({space.identity(config) for config in found}) == 3
        assert Drive(space, grid).run(1) == [found[0]]


def test_nested_is_coarse_to_fine():
    space = Space({"x": Float(0, 1), "y": Float(0, 1), "kind": Choice("a", "b")})
    grid = Grid(points={"x": 9, "y": 5}, order="nested")
    found = points(grid, space)
    assert len(found) == 90
    for size, xs, ys in ((2, 1, 1), (18, 3, 3), (50, 5, 5), (90, 9, 5)):
        seen = {(config["x"], config["y"], config["kind"]) for config in found[:size]}
        grid_x = [0.5] if xs == 1 else np.linspace(0, 1, xs)
        grid_y = [0.5] if ys == 1 else np.linspace(0, 1, ys)
        assert seen == set(itertools.product(grid_x, grid_y, "ab"))


@pytest.mark.parametrize("order", ["given", "shuffled", "nested"])
def test_every_order_has_the_same_points(order):
    space = Space(
        {
            "a": Int(1, 7),
            "b": Choice("u", "v"),
            "c": Float(0, 1, when="b == 'u'"),
            "d": Float(0, 1),
            "e": Int(1, 6, when="a > 3"),
        }
    )
    grid = Grid(points={"c": 5, "d": 6}, order=order)
    found = [space.identity(config) for config in points(grid, space)]
    expected = {space.identity(config) for config in points(Grid(points={"c": 5, "d": 6}), space)}
    assert len(found) == len(set(found)) == 6 * (3 + 4 * 6) * (5 + 1)
    assert set(found) == expected


def test_shuffles_differ_by_the_studys_seed():
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    runs = [Drive(space, Grid(order="shuffled"), seed=seed).run(10) for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]
    assert Grid(order="shuffled").point(space, 0, Key.of(1)) == runs[2][0]


def test_a_batch_is_what_single_asks_give():
    space = finite_space()
    for order in ("given", "shuffled", "nested"):
        assert Drive(space, Grid(order=order)).run(30, count=7) == Drive(space, Grid(order=order)).run(30)


def test_another_grid_goes_over_the_same_study():
    space = Space({"x": Float(0, 1)})
    drive = Drive(space, Grid(3))
    drive.run(10)
    drive.method = Grid(5)
    assert [config["x"] for config in drive.run(10)] == [0.0, 0.5, 1.0, 0.25, 0.75]
    drive.method = Grid(3)
    with pytest.raises(SpaceExhausted):
        drive.propose()


# --- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"points": 0}, "points is a number of points, at least 1"),
        ({"points": True}, "points is a number of points"),
        ({"points": 2.5}, "points is a number of points"),
        ({"points": []}, "several grids are a list of mappings"),
        ({"points": [1, 2]}, "several grids are a list of mappings"),
        ({"points": {"x": []}}, "the list of points of 'x' is empty"),
        ({"points": {"x": "abc"}}, "the points of 'x' is a number of points"),
        ({"order": "random"}, "one of given, shuffled, nested"),
        ({"otherwise": 0}, "otherwise is a number of points"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(InvalidSetting, match=message):
        Grid(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"z": 3}, "there is no variable 'z'"),
        ({"x": [0.5, 2.0]}, "the point 2.0 of 'x' is not"),
        ({"n": [1.5]}, "the point 1.5 of 'n' is not"),
        ({"kind": ["c"]}, "the point 'c' of 'kind' is not one of its options"),
        ({"kind": 2}, "2 points of 'kind', whose values have no order"),
        ({"order": 2}, "2 points of 'order', whose values have no order"),
        ({"many": 2_000_000}, "at most 1000000 points of 'many'"),
    ],
)
def test_settings_that_do_not_fit_the_space(settings, message):
    space = Space(
        {
            "x": Float(0, 1),
            "n": Int(1, 3),
            "kind": Choice("a", "b"),
            "order": Permutation(["a", "b", "c"]),
            "many": Int(1, 10**9, log=True),
        }
    )
    with pytest.raises(InvalidSetting, match=message):
        Grid(points=settings).count(space)


def test_there_is_no_point_beyond_the_last():
    with pytest.raises(InvalidSetting, match="the points 0 to 9, not 10"):
        Grid().point(Space({"x": Float(0, 1)}), 10)


def test_text_hash_and_equality():
    grids = [
        Grid(),
        Grid(5),
        Grid(points={"x": (1.0, 2.0), "y": 3}),
        Grid(points=[{"x": 3}, {"x": [0.5]}]),
        Grid(otherwise=None),
    ]
    for grid in grids:
        again = from_plain(to_plain(grid))
        assert again == grid and hash(again) == hash(grid)
    assert len(set(grids)) == len(grids)
    assert to_plain(Grid()) == {"use": "Grid"}
    assert from_plain({"use": "Grid", "points": {"C": [1, 10], "use": 3}}) == Grid(points={"C": (1, 10), "use": 3})
