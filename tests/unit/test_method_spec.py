"""The text form of methods."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from luthier import codec
from luthier.errors import InvalidSetting
from luthier.method import Grid, Quasi, Random
from luthier.method.spec import buildable_names, from_plain, register, to_plain


@register
@dataclass(frozen=True)
class Nested:
    """A method of a third party, with another one inside."""

    inner: object = None
    weights: tuple[float, ...] = ()


METHODS = [
    Random(),
    Grid(),
    Grid(3, order="nested", otherwise=None),
    Grid(points={"lr": (0.1, 1.0), "a name": 4, "use": ("x", None, True)}),
    Grid(points=({"a": (1,)}, {"b": 2})),
    Quasi("latin", size=30),
    Nested(Quasi("halton"), (0.5, 1.0)),
]


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_what_is_written_is_read_back(method):
    plain = to_plain(method)
    assert from_plain(plain) == method
    assert from_plain(codec.loads(codec.dumps(plain))) == method
    assert to_plain(from_plain(plain)) == plain


def test_defaults_are_left_out_and_a_name_is_enough():
    assert to_plain(Quasi()) == {"use": "Quasi"}
    assert from_plain("Quasi") == Quasi()
    assert from_plain({"use": "Grid", "points": {"x": [1, 2]}}) == Grid(points={"x": (1, 2)})
    assert {"Grid", "Quasi", "Random", "Nested"} <= set(buildable_names())


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ("Gird", "no method 'Gird'; did you mean 'Grid'"),
        ({"use": "Grid", "point": 3}, "Grid has no setting 'point'; did you mean 'points'"),
        ({"points": 3}, "names no method"),
        (3, "names no method"),
        ({"use": "Quasi", "kind": "halten"}, "one of sobol, halton"),
        ("Threshold", "Threshold needs 'worst': write it beside 'use'"),
    ],
)
def test_mistakes(plain, message):
    with pytest.raises(InvalidSetting, match=message):
        from_plain(plain)


@dataclass(frozen=True)
class Unregistered:
    """A surrogate that no name leads to."""


def _other_gp() -> type:
    return dataclass(frozen=True)(type("GP", (), {}))


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (Unregistered(), "Unregistered could not be opened again, as it is not registered: .* @luthier.register"),
        (Nested(Unregistered()), "Unregistered could not be opened again"),
        (Nested((Random(), Unregistered())), "Unregistered could not be opened again"),
        (_other_gp()(), r"its name is that of luthier\.surrogate\.gp\.model\.GP: give it another one"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(thing, message):
    with pytest.raises(InvalidSetting, match=message):
        to_plain(thing)


def test_what_is_no_method_is_not_written():
    with pytest.raises(InvalidSetting, match="is not a method"):
        to_plain("Random")
    with pytest.raises(InvalidSetting, match="is not a method"):
        to_plain(Random)
    with pytest.raises(InvalidSetting, match="is not a dataclass"):
        register(int)
