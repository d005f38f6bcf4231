"""Building spaces: names, conditions, nesting, constraints, and every mistake with its message."""

from __future__ import annotations

import functools
import pickle
import re
from typing import Any

import numpy as np
import pytest

import luthier as lt
from luthier.errors import InvalidConfig, InvalidExpression, InvalidSetting, InvalidSpace
from luthier.key import Key
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


def svm() -> Space:
    return Space(
        {
            "kernel": Choice("rbf", "poly", "linear"),
            "C": Float(1e-3, 1e3, log=True),
            "gamma": Float(1e-5, 1e1, log=True, when="kernel != 'linear'"),
            "degree": Int(2, 5, when="kernel == 'poly'"),
        },
        require=["kernel != 'poly' or C * gamma <= 10"],
    )


def small_enough(params: Any) -> bool:
    return bool(params["x"] + params.get("y", 0) < 1)


@pytest.mark.parametrize(
    ("variables", "require", "message"),
    [
        ({}, (), "needs at least one variable"),
        ([("x", Float(0, 1))], (), "built from a mapping"),
        ({"": Float(0, 1)}, (), "the name of a variable is a text, not ''"),
        ({"\ud800": Float(0, 1)}, (), "not valid Unicode text"),
        ({3: Float(0, 1)}, (), "the name of a variable is a text, not 3"),
        ({"x": (0, 1)}, (), r"variable 'x' is a tuple, \(0, 1\): write lt.Choice"),
        ({"x": 0.5}, (), r"write lt.Constant\(0.5\)"),
        ({"x": Float}, (), r"write Float\(…\), with its arguments"),
        ({"x": object()}, (), "use lt.Float"),
        ({"x": Float(0, 1, when="z > 1")}, (), "the condition of 'x': there is no variable 'z'; there is 'x'"),
        ({"kernel": Bool(), "x": Float(0, 1, when="kernl")}, (), "'kernl'; did you mean 'kernel'"),
        ({"x": Float(0, 1, when="x > 0.5")}, (), "cyclic condition: 'x' needs 'x'"),
        (
            {"a": Bool(when="c"), "b": Bool(when="a"), "c": Bool(when="b")},
            (),
            "cyclic condition: 'a' needs 'c' needs 'b' needs 'a'",
        ),
        ({"x": Float(0, 1, when="x >")}, (), "the condition of 'x': cannot read"),
        (
            {"kernel": Choice("rbf", "poly"), "d": Int(1, 3, when="kernel == 'polly'")},
            (),
            "the condition of 'd': 'polly' is not one of the options of 'kernel'; did you mean 'poly'",
        ),
        (
            {"kernel": Choice("rbf", "poly"), "d": Int(1, 3, when="kernel in ('rbf', 'polly')")},
            (),
            "'polly' is not one of the options of 'kernel'",
        ),
        ({"o": Ordinal("a", "b"), "d": Int(1, 3)}, ["o < 'c'"], "the constraint .* 'c' is not one of the options"),
        ({"x": Float(0, 1)}, ["x == 'a'"], "'x' is a number and is compared with 'a'"),
        ({"s": Subset(["age", "income"])}, ["'aged' in s"], "'aged' is not an item of 's'; did you mean 'age'"),
        ({"k": Choice("a", "b")}, ["'c' != k"], "'c' is not one of the options of 'k'"),
        ({"m": Simplex(2)}, ["m > 0.5"], "'m' is a tuple of 2 shares that sum to 1 and is compared with 0.5"),
        ({"x": Float(0, 1)}, ["x + y < 1"], "the constraint 'x \\+ y < 1': there is no variable 'y'"),
        ({"x": Float(0, 1)}, ["__import__('os')"], "constraint 1: "),
        ({"x": Float(0, 1)}, [3], "constraint 1 is an expression in text or a function of the parameters, not 3"),
        ({"x": Float(0, 1)}, [functools.partial(max, 3)], r"has no name to write down: give it one, as in lt.Named"),
        (
            {"k": Choice(Option("a", {"x": Float(0, 1)})), "k.a.x": Float(0, 1)},
            (),
            "two variables are called 'k.a.x'",
        ),
        ({"m": Simplex(["a", "b"]), "m.a": Float(0, 1)}, (), "'m.a' has the name of a share of the simplex 'm'"),
    ],
)
def test_mistakes_are_named(variables: Any, require: Any, message: str) -> None:
    with pytest.raises(InvalidSpace, match=message):
        Space(variables, require)


def test_mistakes_in_expressions_have_their_class() -> None:
    with pytest.raises(InvalidExpression):
        Space({"x": Float(0, 1)}, require=["x <"])


def test_inactive_variables_are_left_out() -> None:
    space = svm()
    points = space.encode([{"kernel": "linear", "C": 1.0}, {"kernel": "poly", "C": 1.0, "gamma": 0.1, "degree": 3}])
    assert np.isnan(points).tolist() == [[False, False, True, True], [False] * 4]
    assert space.decode(points)[0] == {"kernel": "linear", "C": 1.0}
    full = points.copy()
    full[0, 2:] = 0.5
    assert space.decode(full) == space.decode(points)
    assert [column.conditional for column in space.columns] == [False, False, True, True]


def test_conditions_go_to_any_depth_in_any_order() -> None:
    space = Space(
        {
            "d": Float(0, 1, when="c > 2"),
            "c": Int(1, 4, when="b != 'off' and not a"),
            "b": Choice("off", "on", when="a or a == False"),
            "a": Bool(),
        }
    )
    assert space.complete({"a": False, "b": "on", "c": 3}) == {"d": 0.5, "c": 3, "b": "on", "a": False}
    assert space.complete({"a": True}) == {"b": "off", "a": True}
    for config in space.decode(space.sample(Key.of(0), 200)):
        assert ("d" in config) == (config.get("c", 0) > 2)
        assert ("c" in config) == (config["b"] == "on" and not config["a"])


def test_a_comparison_with_an_inactive_variable_is_unknown() -> None:
    space = Space(
        {"a": Bool(), "b": Float(0, 1, when="a"), "c": Float(0, 1, when="not b > 0.5"), "x": Float(0, 1)},
        require=["b < x"],
    )
    assert "c" not in space.complete({"a": False, "x": 0.1})
    space.check({"a": False, "x": 0.1})
    with pytest.raises(InvalidConfig, match=r"the constraint 'b < x' is broken by b = 0.7, x = 0.1"):
        space.check({"a": True, "b": 0.7, "x": 0.1})


def test_nested_spaces_bring_variables_conditions_and_constraints() -> None:
    inner = Space({"degree": Int(2, 5), "coef": Float(0, 1, when="degree > 3")}, require=["degree != 4 or coef < 0.5"])
    space = Space({"kernel": Choice("rbf", Option("poly", inner), "linear"), "C": Float(1, 2, when="kernel != 'rbf'")})
    assert space.names == ("kernel", "kernel.poly.degree", "kernel.poly.coef", "C")
    assert str(space.condition("kernel.poly.coef").text) == "kernel == 'poly' and `kernel.poly.degree` > 3"  # type: ignore[union-attr]
    assert space.condition("kernel") is None
    space.check({"kernel": "rbf"})
    with pytest.raises(InvalidConfig, match="constraint"):
        space.check({"kernel": "poly", "kernel.poly.degree": 4, "kernel.poly.coef": 0.7, "C": 1.0})
    for config in space.decode(space.sample(Key.of(1), 100)):
        space.check(config)
    outer = Space({"model": Choice(Option("svm", space), "tree")}, require=["`model.svm.C` > 1.5"])
    assert "model.svm.kernel.poly.degree" in outer.names
    for config in outer.decode(outer.sample(Key.of(2), 100)):
        assert ("model.svm.kernel" in config) == (config["model"] == "svm")
        assert config.get("model.svm.C", 2.0) > 1.5


def test_an_option_holds_the_declaration_of_what_it_brings() -> None:
    variables = {"n": Int(1, 3), "x": Float(0, 1, when="n > 1")}
    option = Option("on", Space(variables, require=["n<3", small_enough]))
    assert option.space.variables == variables
    assert [constraint.text for constraint in option.space.require] == ["n < 3", "predicate small_enough"]
    assert option == Option("on", Space(variables, require=["n < 3", small_enough])) != Option("on", variables)
    assert hash(Option("on", variables)) == hash(Option("on", Space(variables)))
    assert pickle.loads(pickle.dumps(option)) == option
    assert Space({"k": Choice(option)}).constraints == ("`k.on.n` < 3", "predicate k.on.small_enough")


@pytest.mark.parametrize(
    ("brings", "message"),
    [
        ({"n": Int(1, 3), "x": Float(0, 1, when="m > 1")}, "the condition of 'k.on.x': there is no variable 'k.on.m'"),
        ({"x": Float(0, 1, when="x > 0.5")}, "cyclic condition: 'k.on.x' needs 'k.on.x'"),
        ({"x": Float(0, 1, when="x >")}, "the condition of 'k.on.x': cannot read"),
    ],
)
def test_mistakes_in_an_option_have_the_full_name(brings: Any, message: str) -> None:
    with pytest.raises(InvalidSpace, match=message):
        Space({"k": Choice("off", Option("on", brings))})
    for empty in ({}, {"x": 3}):
        with pytest.raises(InvalidSpace, match=r"needs at least one variable|write lt.Constant"):
            Option("on", empty)


def test_options_with_spaces_may_be_objects() -> None:
    space = Space({"f": Choice(Option(Named("largest", max), {"n": Int(1, 3)}), "none")})
    assert space.names == ("f", "f.largest.n")
    assert space.realize({"f": "largest", "f.largest.n": 1}) == {"f": max, "f.largest.n": 1}


def test_names_are_any_text() -> None:
    space = Space(
        {
            "learning rate": Float(0, 1),
            "lambda": Float(0, 1, when="`learning rate` > 0.5"),
            "größe": Int(1, 3),
            "a`b": Bool(),
        },
        require=["`lambda` < 0.9", "größe < 3", "not `a``b`"],
    )
    for config in space.decode(space.sample(Key.of(0), 50)):
        assert config["größe"] < 3
        assert config["a`b"] is False
    assert Space.from_toml(space.to_toml()) == space


def test_any_expression_can_be_nested() -> None:
    rules = [
        "a in (1, 2) or -a < b",
        "not a == 3",
        "a + b - 1 < 5 and a * b <= 9",
        "min(a, b) ** 2 < 7",
        "(a if b > 1 else b) < 3",
        "1 < b",
        "s in (('u',), ('u', 'v'))",
    ]
    inner = {"a": Int(1, 4), "b": Int(1, 4), "s": Subset(["u", "v"], size=(1, 2))}
    flat = Space(inner, require=rules)
    space = Space({"k": Choice(Option("on", flat), "off")})
    expected = [{"k": "on"} | {f"k.on.{name}": value for name, value in c.items()} for c in flat.configurations()]
    found = list(space.configurations())
    assert sorted(map(space.identity, found)) == sorted(map(space.identity, [*expected, {"k": "off"}]))
    assert len(expected) > 3


def test_variables_stand_behind_what_their_conditions_read() -> None:
    space = Space(
        {
            "d": Float(0, 1, when="z == 1 or `m.u` > 0.5 or b"),
            "z": Int(1, 3, when="b"),
            "m": Simplex(["u", "v"]),
            "b": Bool(),
        }
    )
    assert [part.name for part in space.structure.order] == ["b", "m", "z", "d"]
    assert space.structure.by_name["d"].when.reads == ("b", "m", "z")  # type: ignore[union-attr]


def test_conditions_may_read_shares() -> None:
    space = Space({"m": Simplex(["u", "v"]), "x": Float(0, 1, when="`m.u` > 0.5"), "b": Bool(when="`m.v` > 0.9")})
    for config in space.decode(space.sample(Key.of(0), 100)):
        assert ("x" in config) == (config["m"]["u"] > 0.5)
        assert ("b" in config) == (config["m"]["v"] > 0.9)
        space.check(config)


def test_shares_have_names_in_expressions() -> None:
    space = Space({"mix": Simplex(["sand", "clay"]), "n": Simplex(2)}, require=["`mix.sand` > 0.7", "`n.0` < 0.2"])
    for config in space.decode(space.sample(Key.of(0), 50)):
        assert config["mix"]["sand"] > 0.7
        assert config["n"][0] < 0.2


def test_constants_take_no_column_and_have_conditions() -> None:
    space = Space({"b": Bool(), "c": Constant("on", when="b"), "x": Float(0, 1, when="c == 'on'")})
    assert space.dimensions == 2
    configs = space.decode(np.array([[0.25, 0.5], [0.75, 0.5]]))
    assert configs == ({"b": False}, {"b": True, "c": "on", "x": 0.5})
    assert space.decode(space.encode(configs)) == configs
    settled = space.settle(np.array([[0.25, 0.5], [0.75, 0.5]]))
    assert np.isnan(settled).tolist() == [[False, True], [False, False]]
    only = Space({"c": Constant(1)})
    assert (only.dimensions, only.size, list(only.configurations())) == (0, 1, [{"c": 1}])
    assert only.decode(only.sample(Key.of(0), 2)) == ({"c": 1}, {"c": 1})


def test_predicates_see_parameters_and_are_kept() -> None:
    space = Space({"f": Choice(Named("largest", max)), "x": Float(0, 1), "y": Float(0, 1)}, require=[small_enough])
    assert space.constraints == ("predicate small_enough",)
    assert all(small_enough(config) for config in space.decode(space.sample(Key.of(0), 50)))
    with pytest.raises(
        InvalidConfig, match=r"the constraint 'predicate small_enough' is broken by f = 'largest', x = 0.9"
    ):
        space.check({"f": "largest", "x": 0.9, "y": 0.9})


def test_a_predicate_that_raises_is_named() -> None:
    space = Space({"x": Float(0, 1)}, require=Named("broken", lambda params: params["z"]))
    for act in (lambda: space.check({"x": 0.5}), lambda: space.sample(Key.of(0), 1)):
        with pytest.raises(InvalidSpace, match=r"predicate broken' raised KeyError: 'z', for \{'x': 0") as caught:
            act()
        assert str(caught.value).count("raised") == 1


def test_predicates_of_nested_spaces_see_the_nested_names() -> None:
    inner = Space({"x": Float(0, 1), "y": Float(0, 1)}, require=[small_enough])
    space = Space({"k": Choice("off", Option("on", inner))})
    space.check({"k": "off"})
    space.check({"k": "on", "k.on.x": 0.2, "k.on.y": 0.2})
    with pytest.raises(InvalidConfig, match=r"predicate k\.on\.small_enough"):
        space.check({"k": "on", "k.on.x": 0.8, "k.on.y": 0.8})
    assert space.feasible(space.sample(Key.of(0), 30)).all()


def test_a_space_read_without_its_predicate_says_so() -> None:
    space = Space({"x": Float(0, 1)}, require=[small_enough])
    text = Space.from_plain(space.to_plain())
    assert text.to_plain() == space.to_plain()
    assert text == space
    for act in (
        lambda: text.sample(Key.of(0), 1),
        lambda: text.check({"x": 0.5}),
        lambda: text.feasible(np.array([[0.5]])),
        text.defaults,
    ):
        with pytest.raises(InvalidSpace, match="small_enough' is a Python function, which text does not hold"):
            act()
    assert text.decode(text.encode([{"x": 0.5}])) == ({"x": 0.5},)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"kernel": "linear", "C": 1.0, "gama": 0.1}, "there is no variable 'gama' in the space; did you mean 'gamma'"),
        ({"kernel": "linear"}, "variable 'C' is missing: it is from 0.001 to 1000.0, log"),
        ({"kernel": "rbf", "C": 1.0}, "variable 'gamma' is missing: .* active because kernel != 'linear'"),
        (
            {"kernel": "linear", "C": 1.0, "degree": 3},
            "variable 'degree' is set but inactive: it is active when kernel == 'poly'",
        ),
        ({"kernel": "linear", "C": 5000.0}, "variable 'C': 5000.0 is not from 0.001 to 1000.0, log"),
        ({"kernel": "linear", "C": float("nan")}, "variable 'C': nan is not from"),
        ({"kernel": "linear", "C": "1"}, "variable 'C': '1' is not a number"),
        ({"kernel": "lin", "C": 1.0}, "variable 'kernel': 'lin' is not one of its options; did you mean 'linear'"),
        ({"kernel": {}, "C": 1.0}, "variable 'kernel': {} is not one of its options"),
        ({"kernel": "poly", "C": 1.0, "gamma": 1.0, "degree": True}, "variable 'degree': True is not a whole number"),
        (
            {"kernel": "poly", "C": 100.0, "gamma": 1.0, "degree": 3},
            r"the constraint \"kernel != 'poly' or C \* gamma <= 10\" is broken by kernel = 'poly', C = 100.0",
        ),
        ("rbf", "a configuration is a mapping of names to values, not 'rbf'"),
    ],
)
def test_check_says_which_rule_is_broken(config: Any, message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        svm().check(config)


def test_plain_names_unknown_variables() -> None:
    with pytest.raises(InvalidConfig, match="did you mean 'kernel'"):
        svm().plain({"kernle": "rbf"})
    with pytest.raises(InvalidConfig, match="mapping of names to values"):
        svm().plain([1])  # type: ignore[arg-type]


def test_identity_rounds_and_leaves_out_what_is_inactive() -> None:
    space = Space({"x": Float(0, 1), "b": Bool(), "n": Int(1, 3, when="b")})
    same = space.identity({"x": 0.3, "b": False})
    assert space.identity({"b": False, "x": 0.1 + 0.2}) == same
    assert space.identity({"x": 0.3, "b": False, "n": 2}) == same
    assert space.identity({"x": 0.3, "b": True, "n": 2}) != same
    assert space.identity({"x": 1, "b": False}) == space.identity({"x": 1.0, "b": False})
    options = Space({"c": Choice(None, float("inf"), -float("inf"), "inf")})
    assert len({options.identity(config) for config in options.configurations()}) == 4


def test_a_value_that_cannot_be_hashed_makes_nothing_active() -> None:
    assert svm().complete({"kernel": {}}) == {"kernel": {}, "C": 1.0}
    both = Space({"a": Bool(), "b": Bool(), "c": Bool(when="a or b")})
    assert both.complete({"a": [], "b": True}) == {"a": [], "b": True}


def test_values_are_read_as_expressions_take_them() -> None:
    space = svm()
    points = space.encode([{"kernel": "linear", "C": 10.0}, {"kernel": "poly", "C": 1.0, "gamma": 0.1, "degree": 3}])
    found = space.read(points, frozenset(["C", "degree"]))
    np.testing.assert_array_equal(found["C"], [10.0, 1.0])
    np.testing.assert_array_equal(found["degree"], [np.nan, 3.0])
    with pytest.raises(InvalidSetting, match="there is no variable 'z' to read"):
        space.read(points, frozenset(["z"]))


def test_points_of_another_shape_are_refused() -> None:
    with pytest.raises(InvalidSetting, match=r"shape \(n, 4\), not \(1, 3\)"):
        svm().decode(np.zeros((1, 3)))
    with pytest.raises(InvalidSetting, match=r"shape \(n, 4\), not \(4,\)"):
        svm().settle(np.zeros(4))


def test_no_points_are_no_configurations() -> None:
    space = svm()
    none = np.empty((0, 4))
    assert space.decode(none) == ()
    assert space.encode([]).shape == space.settle(none).shape == space.warp(none).shape == (0, 4)
    assert space.feasible(none).shape == (0,)
    assert space.sample(Key.of(0), 0).shape == (0, 4)
    with pytest.raises(InvalidSetting, match="at least 0"):
        space.sample(Key.of(0), -1)


def test_decoding_needs_the_columns_of_active_variables() -> None:
    with pytest.raises(InvalidConfig, match="active variable 'C' is NaN"):
        svm().decode(np.array([[0.1, np.nan, 0.5, 0.5]]))
    with pytest.raises(InvalidConfig, match="active variable 'x' is NaN"):
        Space({"x": Float(0, 1)}).decode(np.array([[np.nan]]))
    with pytest.raises(InvalidConfig, match="lacks the variable 'C'"):
        svm().encode([{"kernel": "rbf"}])


def test_size_counts_conditional_spaces() -> None:
    assert Space({"b": Bool(), "n": Int(1, 5, when="b")}).size == 6
    assert Space({"b": Bool(), "x": Float(0, 1)}).size is None
    assert Space({"a": Int(1, 10**6), "b": Int(1, 10**6)}).size == 10**12
    assert Space({"s": Subset(list("abcd"), size=(1, 2)), "b": Bool()}).size == 20
    assert Space({"p": Permutation([1, 2]), "b": Bool(when="p == (1, 2)"), "k": Constant(1, when="b")}).size == 3
    assert Space({"a": Bool(), "b": Bool(when="a"), "c": Bool(when="b"), "d": Bool(when="not a")}).size == 5
    with pytest.raises(InvalidSpace, match="infinitely many configurations"):
        Space({"x": Float(0, 1)}).configurations()


def test_size_is_an_upper_bound_where_conditions_read_too_much() -> None:
    space = Space({"a": Int(1, 10**6), "b": Bool(when="a > 10")})
    assert space.size == 3 * 10**6


def test_a_space_is_frozen_hashable_and_pickles() -> None:
    space = svm()
    assert space == svm()
    assert hash(space) == hash(svm())
    assert space != Space({"x": Float(0, 1)})
    assert len(space.digest) == 32
    assert pickle.loads(pickle.dumps(space)) == space
    assert "C" in space
    assert len(space) == 4
    with pytest.raises(AttributeError, match="frozen"):
        space.names = ()
    with pytest.raises(AttributeError, match="frozen"):
        del space.names


def test_the_order_of_variables_is_the_order_of_columns() -> None:
    one = Space({"a": Float(0, 1), "b": Int(1, 2)})
    other = Space({"b": Int(1, 2), "a": Float(0, 1)})
    assert one != other
    assert [column.name for column in other.columns] == ["b", "a"]


def test_the_shown_form() -> None:
    assert repr(svm()) == (
        "Space of 4 variables\n"
        "  kernel  Choice  one of 'rbf', 'poly', 'linear'\n"
        "  C       Float   from 0.001 to 1000.0, log\n"
        "  gamma   Float   from 1e-05 to 10.0, log   when kernel != 'linear'\n"
        "  degree  Int     from 2 to 5   when kernel == 'poly'\n"
        "  require kernel != 'poly' or C * gamma <= 10"
    )
    assert "6 configurations" in repr(Space({"a": Choice("x", "y"), "b": Int(1, 3)}))


def test_the_notebook_form_escapes_everything() -> None:
    evil = "<script>alert('x')</script>"
    space = Space(
        {evil: Choice(evil, "b", default=evil), "x": Float(0, 1, when=f'`{evil}` == "{evil}"')},
        require=[f'`{evil}` != "{evil}" or x < 2'],
    )
    page = space._repr_html_()
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 5


def test_neighbours_change_a_little() -> None:
    space = Space(
        {
            "x": Float(0, 1), "i": Int(1, 9), "j": Int(1, 100, log=True), "c": Choice("a", "b", "c"), "b": Bool(),
            "s": Subset(list("abcd"), size=2), "u": Subset(list("ab")), "m": Simplex(3), "o": Ordinal("a", "b", "c"),
            "k": Constant(1), "one": Choice("only"), "p": Permutation([1, 2, 3]),
        },
        require=["x < 0.9"],
    )  # fmt: skip
    point = space.sample(Key.of(0), 1)[0]
    (start,) = space.decode(point[None, :])
    found = space.decode(space.neighbours(point, Key.of(1), 300, 0.05))
    assert len(found) == 300
    changed = [sum(config[name] != start[name] for name in space.names) for config in found]
    assert set(changed) == {1, 2}
    for name in space.names:
        moved = any(config[name] != start[name] for config in found)
        assert moved == (name not in ("k", "one"))
    steps = [abs(config["x"] - start["x"]) for config in found]
    assert max(steps) < 0.3
    with pytest.raises(InvalidSetting, match="more than 0"):
        space.neighbours(point, Key.of(1), 3, 0.0)


def test_mutation_changes_one_or_two_active_variables_of_each_point() -> None:
    space = Space({"b": Bool(), "x": Float(0, 1, when="b"), "c": Choice("a", "b", "c"), "i": Int(1, 9)})
    points = space.sample(Key.of(0), 200)
    found = space.mutate(points, Key.of(1), np.full(200, 0.1))
    np.testing.assert_array_equal(space.settle(found), found)
    changed = [
        sum(old[name] != new[name] for name in old.keys() & new.keys())
        for old, new in zip(space.decode(points), space.decode(found), strict=True)
    ]
    assert set(changed) == {1, 2}
    assert space.mutate(points[:0], Key.of(1), np.empty(0)).shape == (0, 4)


def test_neighbours_fill_what_becomes_active() -> None:
    space = Space({"b": Bool(), "x": Float(0, 1, when="b")})
    found = space.neighbours(space.encode([{"b": False}])[0], Key.of(0), 50, 0.1)
    values = [config["x"] for config in space.decode(found)]
    assert len(values) == 50
    assert max(values) - min(values) > 0.7


def test_a_space_of_one_configuration_has_no_neighbours() -> None:
    space = Space({"c": Choice("only"), "k": Constant(1)})
    assert space.neighbours(np.array([0.5]), Key.of(0), 5, 0.1).shape == (0, 1)


def test_what_cannot_be_declared_is_answered_with_what_can() -> None:
    """A log scale from 0, a reversed one, and a condition on what is inactive."""
    for make in (lambda: lt.Int(0, 8, log=True), lambda: lt.Float(0, 8, step=1, log=True)):
        with pytest.raises(InvalidSpace, match="to have 0 as well, declare a Bool"):
            make()
    with pytest.raises(InvalidSpace, match="x = 1 - distance"):
        lt.Float(1e-3, 1, log="reverse")  # type: ignore[arg-type]
    for when in ("not active(b)", "b is None", "b == None", "b is inactive", "isnan(b)"):
        with pytest.raises(InvalidSpace, match=r"write the opposite of its own condition: not \("):
            lt.Space({"a": lt.Bool(), "b": lt.Float(0, 1, when="a"), "c": lt.Float(0, 1, when=when)})
    space = lt.Space({"a": lt.Bool(), "b": lt.Float(0, 1, when="a"), "c": lt.Float(0, 1, when="not (a)")})
    drawn = space.decode(space.sample(Key.of(0), 20))
    assert {tuple(sorted(config)) for config in drawn} == {("a", "b"), ("a", "c")}


def test_identities_are_the_same_however_many_were_asked_for() -> None:
    space = Space({"x": Float(0, 1), "k": Int(0, 5000), "c": Choice("a", "b")})
    first = space.identity({"x": 0.5, "k": 0, "c": "a"})
    others = {space.identity({"x": 0.5, "k": k, "c": "a"}) for k in range(3000)}
    assert len(others) == 3000 and first in others
    assert (
        first
        == space.identity({"c": "a", "k": 0, "x": 0.5})
        == space.identity({"x": np.float64(0.5), "k": 0, "c": "a"})
    )
    assert len({space.identity({"x": x, "k": 0, "c": "a"}) for x in (0, 0.0, 1, 1.0)}) == 2


def test_a_space_is_altered_by_name_and_keeps_the_rest() -> None:
    option = lt.Choice(lt.Option("a", {"c": lt.Int(1, 2)}), "b")
    space = lt.Space({"x": lt.Float(0, 1), "y": lt.Float(0, 1), "m": option}, require=["x < 0.9", "y < 0.8"])
    wider = space.replace({"x": lt.Float(0, 2), "z": lt.Float(0, 1)}, remove="y", require=space.require[:1])
    assert wider == lt.Space({"x": lt.Float(0, 2), "m": option, "z": lt.Float(0, 1)}, require=["x < 0.9"])
    assert space.replace() == space
    assert space.replace(require=[*space.require, "x < y"]).constraints[-1] == "x < y"
    assert space.replace(remove=["y", "x"], require=()).names == ("m", "m.a.c")
    even = lt.Space({"n": lt.Int(0, 9)}, require=[is_even]).replace({"k": lt.Bool()})
    assert all(config["n"] % 2 == 0 for config in even.configurations())


def is_even(params: Any) -> bool:
    return bool(params["n"] % 2 == 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"remove": "x"}, "the constraint 'x < 0.9': there is no variable 'x'"),
        ({"remove": "w"}, "there is no variable 'w' to remove; there is 'x', 'm'"),
        ({"remove": 3}, "remove is the name of a variable, or a list of names, not 3"),
        ({"remove": "x", "variables": {"x": lt.Bool()}}, "variable 'x' is both given and removed"),
        ({"variables": {"m.a.c": lt.Int(1, 3)}}, "'m.a.c' belongs to an option of 'm': give 'm' anew"),
        ({"variables": [lt.Bool()]}, "what is replaced is a mapping of names to variables"),
        ({"variables": {"z": 3}}, "variable 'z' is an int"),
    ],
)
def test_a_change_of_a_space_that_makes_no_sense_is_refused(change: Any, message: str) -> None:
    space = lt.Space(
        {"x": lt.Float(0, 1), "m": lt.Choice(lt.Option("a", {"c": lt.Int(1, 2)}), "b")}, require=["x < 0.9"]
    )
    with pytest.raises(InvalidSpace, match=re.escape(message)):
        space.replace(**change)
