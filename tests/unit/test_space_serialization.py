"""The text form of a space, in JSON and TOML, with every mistake; and changing a space."""

from __future__ import annotations

import json
import math
import tomllib
from typing import Any

import pytest

from luthier import codec
from luthier.errors import InvalidExpression, InvalidSpace
from luthier.space import (
    Beta,
    Bool,
    Choice,
    Constant,
    Float,
    Int,
    LogNormal,
    Normal,
    Option,
    Ordinal,
    Permutation,
    Simplex,
    Space,
    Subset,
    compare,
    migrate,
)


def rich() -> Space:
    inner = {"degree": Int(2, 5), "coef": Float(0, 1, when="degree > 3")}
    return Space(
        {
            "kernel": Choice("rbf", Option("poly", inner), None, ("a", (1, 2.5)), math.inf, weights=[1, 2, 3, 4, 5],
                             default=["a", [1, 2.5]]),
            "C": Float(1e-3, 1e3, log=True, prior=LogNormal(0, 2), default=1.0),
            "n": Int(1, 10, step=3, prior=Normal(4, 2), when="kernel == 'poly'"),
            "a b": Float(0, 1, step=0.25, prior=Beta(1, 2)),
            "o": Ordinal("small", "large", default="small"),
            "flag": Bool(default=True),
            "k": Constant((1, "x")),
            "s": Subset(["age", "in\"come\n", "ü"], size=(1, 2), default=["age"]),
            "p": Permutation([1, 2, 3], default=[3, 2, 1]),
            "m": Simplex(["sand", "clay"], default={"sand": 0.25, "clay": 0.75}),
        },
        require=["C < 100 or `a b` > 0.5", "o == 'small' or flag"],
    )  # fmt: skip


def test_the_plain_form_is_json_with_the_order_kept() -> None:
    space = Space({"z": Float(0, 1), "a": Int(1, 9, log=True, when="z>0.5")}, require=["a*z<3"])
    assert space.to_plain() == {
        "variables": [
            {"name": "z", "float": [0.0, 1.0]},
            {"name": "a", "int": [1, 9], "log": True, "when": "z > 0.5"},
        ],
        "require": ["a * z < 3"],
    }
    again = Space.from_plain(json.loads(json.dumps(space.to_plain(), sort_keys=True)))
    assert again == space
    assert again.names == ("z", "a")


def test_every_setting_survives_both_forms() -> None:
    space = rich()
    plain = space.to_plain()
    assert codec.loads(codec.dumps(plain)) == plain
    assert Space.from_plain(plain) == space
    assert Space.from_plain(plain).variables == space.variables
    toml = space.to_toml()
    assert Space.from_toml(toml) == space
    assert Space.from_toml(toml).variables == space.variables
    assert Space.from_toml_table(tomllib.loads(toml)["space"]) == space


def test_the_toml_form_is_what_a_person_would_write() -> None:
    text = """
    [space]
    C = {float = [1e-3, 1e3], log = true}
    kernel = {choice = ["rbf", "poly"]}
    n = {int = [1, 10], when = "kernel == 'poly'"}
    require = ["C < 10 or kernel == 'rbf'"]
    """
    space = Space.from_toml(text)
    assert space == Space(
        {"C": Float(1e-3, 1e3, log=True), "kernel": Choice("rbf", "poly"), "n": Int(1, 10, when="kernel == 'poly'")},
        require=["C < 10 or kernel == 'rbf'"],
    )
    assert space.to_toml() == (
        "[space]\n"
        "C = {float = [0.001, 1000.0], log = true}\n"
        'kernel = {choice = ["rbf", "poly"]}\n'
        "n = {int = [1, 10], when = \"kernel == 'poly'\"}\n"
        "require = [\"C < 10 or kernel == 'rbf'\"]\n"
    )


@pytest.mark.parametrize("names", [("require",), ("variables",), ("require", "variables"), ("space",), ("name",)])
def test_any_name_can_be_written(names: tuple[str, ...]) -> None:
    space = Space({name: Float(0, 1) for name in names}, require=[f"{names[0]} < 0.5"])
    assert Space.from_toml(space.to_toml()) == space
    assert Space.from_plain(space.to_plain()) == space


def test_predicates_stand_in_the_text_by_name() -> None:
    space = Space({"x": Float(0, 1)}, require=[Space.__len__])
    assert space.to_plain()["require"] == [{"predicate": "Space.__len__"}]
    assert Space.from_toml(space.to_toml()) == space


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (3, "a space is a table of variables, not 3"),
        ({}, "at least one variable"),
        ({"x": 3}, r"variable 'x' is 3; it is a table such as \{float = \[0.0, 1.0\]\}"),
        ({"x": {"flaot": [0, 1]}}, r"variable 'x' has no kind \(it has 'flaot'; did you mean 'float'\?\)"),
        ({"x": {"zzz": 0}}, "variable 'x' has no kind; it needs exactly one of float, int, choice"),
        ({"x": {"float": [0, 1], "int": [0, 1]}}, "variable 'x' has float and int; it needs exactly one"),
        ({"x": {"float": [0, 1], "lgo": True}}, "variable 'x' has the unknown setting 'lgo'; allowed are float, log"),
        ({"x": {"float": [0]}}, r"variable 'x': float is \[smallest, largest\], not \[0\]"),
        ({"x": {"float": [1, 0]}}, "variable 'x': the range from 1.0 to 0.0 is empty"),
        ({"x": {"float": [1, 2], "log": "yes"}}, "variable 'x': log is true or false, not 'yes'"),
        ({"x": {"int": [1, 2.5]}}, "variable 'x': high of an Int is a whole number, not 2.5"),
        ({"x": {"float": [0, 1], "prior": {"gamma": [1, 2]}}}, r"variable 'x': a prior is \{normal = \[mean, std\]\}"),
        ({"x": {"choice": "ab"}}, "variable 'x': choice is a list, not 'ab'"),
        ({"x": {"choice": []}}, "variable 'x': a Choice needs at least one option"),
        ({"x": {"choice": [{"valeu": 1}]}}, "variable 'x': an option is a plain value or a table with value and"),
        ({"x": {"bool": False}}, "variable 'x': bool is written bool = true"),
        ({"x": {"subset": ["a"], "size": 2}}, "variable 'x': size is from 0 to 1"),
        ({"x": {"simplex": 1}}, "variable 'x': a Simplex has 2 to 10000 shares, not 1"),
        ({"x": {"float": [0, 1]}, "require": [3]}, "a constraint is an expression in text, not 3"),
        ({"variables": {"x": {"float": [0, 1]}}, "require": 3}, "require is a list of expressions, not 3"),
        ({"variables": {"x": {"float": [0, 1]}}, "requires": []}, "a space has the unknown setting 'requires'"),
        ({"variables": [{"float": [0, 1]}]}, "a variable in a list is a table with a name"),
        (
            {"variables": [{"name": "x", "float": [0, 1]}, {"name": "x", "float": [0, 1]}]},
            "two variables are called 'x'",
        ),
        ({"x": {"choice": [{"value": "a", "variables": {"y": {"float": [1, 1]}}}]}}, "variable 'x': variable 'y': "),
    ],
)
def test_mistakes_in_tables_are_named(table: Any, message: str) -> None:
    with pytest.raises(InvalidSpace, match=message):
        Space.from_toml_table(table)


def test_mistakes_in_expressions_and_toml() -> None:
    with pytest.raises(InvalidExpression, match="the condition of 'x'"):
        Space.from_toml_table({"x": {"float": [0, 1], "when": "y >"}})
    with pytest.raises(InvalidSpace, match="this is not TOML"):
        Space.from_toml("x = {")


# --- changing a space ------------------------------------------------------------------------------------


def space(**variables: Any) -> Space:
    return Space(variables)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (space(x=Float(0, 1)), space(x=Choice(0.1, 0.2)), "variable 'x' changes from Float to Choice"),
        (space(x=Float(0, 1)), space(x=Int(0, 1)), "variable 'x' changes from Float to Int"),
        (space(x=Float(0, 1)), space(x=Float(0, 1), y=Int(1, 3)), "variable 'y' is new and has no default"),
        (space(x=Float(0, 1)), space(y=Int(1, 3, default=2)), "no variable in common"),
        (space(p=Permutation([1, 2])), space(p=Permutation([1, 2, 3])), "the items of the permutation 'p' change"),
        (space(m=Simplex(2)), space(m=Simplex(3)), "the shares of the simplex 'm' change"),
        (space(s=Subset(["a"])), space(s=Subset(["b"])), "no longer has any of its items"),
    ],
)
def test_changes_without_meaning_are_refused(old: Space, new: Space, reason: str) -> None:
    assert any(reason in why for why in compare(old, new))


@pytest.mark.parametrize(
    ("old", "new", "config", "moved"),
    [
        (space(x=Float(0, 1)), space(x=Float(0, 1), y=Int(1, 3, default=2)), {"x": 0.5}, {"x": 0.5, "y": 2}),
        (space(x=Float(0, 1)), space(x=Float(0, 1), k=Constant("c")), {"x": 0.5}, {"x": 0.5, "k": "c"}),
        (space(x=Float(0, 1), y=Bool()), space(x=Float(0, 1)), {"x": 0.5, "y": True}, {"x": 0.5}),
        (space(x=Float(0, 1)), space(x=Float(0, 2)), {"x": 0.5}, {"x": 0.5}),
        (space(x=Float(0, 1)), space(x=Float(0, 0.4)), {"x": 0.5}, None),
        (space(x=Float(0.1, 1)), space(x=Float(0.1, 1, log=True)), {"x": 0.5}, {"x": 0.5}),
        (space(x=Float(0, 1)), space(x=Float(0, 1, step=0.25)), {"x": 0.5}, {"x": 0.5}),
        (space(x=Float(0, 1)), space(x=Float(0, 1, step=0.25)), {"x": 0.6}, None),
        (space(c=Choice("a", "b")), space(c=Choice("b", "a", "c")), {"c": "a"}, {"c": "a"}),
        (space(c=Choice("a", "b")), space(c=Choice("b")), {"c": "a"}, None),
        (space(x=Float(0, 1)), Space({"x": Float(0, 1)}, require=["x < 0.2"]), {"x": 0.5}, None),
        (space(b=Bool(), n=Int(1, 3, when="b")), space(b=Bool(), n=Int(1, 3)), {"b": False}, None),
        (space(b=Bool(), n=Int(1, 3, when="b")), space(b=Bool(), n=Int(1, 3, default=2)), {"b": False},
         {"b": False, "n": 2}),
        (space(b=Bool(), n=Int(1, 3)), space(b=Bool(), n=Int(1, 3, when="b")), {"b": False, "n": 2}, {"b": False}),
        (space(b=Bool()), space(b=Bool(), n=Int(1, 3, when="b")), {"b": True}, None),
        (space(b=Bool()), space(b=Bool(), n=Int(1, 3, when="b")), {"b": False}, {"b": False}),
        (space(s=Subset(["a", "b"])), space(s=Subset(["c", "b", "a"])), {"s": ("a", "b")}, {"s": ("b", "a")}),
    ],
)  # fmt: skip
def test_old_configurations_read_in_the_new_space(old: Space, new: Space, config: Any, moved: Any) -> None:
    assert compare(old, new) == ()
    assert migrate(config, old, new) == moved


def test_migrating_needs_no_predicate() -> None:
    old = space(x=Float(0, 1))
    new = Space.from_plain(Space({"x": Float(0, 2)}, require=[Space.__len__]).to_plain())
    assert migrate({"x": 0.5}, old, new) == {"x": 0.5}
