"""Each kind of variable: its values, its places in [0, 1], and what it refuses."""

from __future__ import annotations

import enum
import json
import math
from typing import Any

import numpy as np
import pytest

from luthier.errors import InvalidConfig, InvalidSpace
from luthier.key import Key
from luthier.space import (
    Beta,
    Bool,
    Choice,
    Constant,
    Float,
    Int,
    LogNormal,
    Named,
    Normal,
    Option,
    Ordinal,
    Permutation,
    Simplex,
    Space,
    Subset,
    Variable,
)


def decoded(variable: Variable, *places: float) -> list[Any]:
    space = Space({"v": variable})
    return [config["v"] for config in space.decode(np.array(places, dtype=float).reshape(-1, variable.width))]


def encoded(variable: Variable, *values: Any) -> list[Any]:
    return Space({"v": variable}).encode([{"v": value} for value in values]).tolist()


# --- Float -----------------------------------------------------------------------------------------------


def test_a_float_is_linear_between_its_bounds() -> None:
    assert decoded(Float(-5, 5), 0.0, 0.25, 1.0) == [-5.0, -2.5, 5.0]
    assert encoded(Float(-5, 5), 0, -2.5) == [[0.5], [0.25]]


def test_a_float_on_a_log_scale_is_linear_in_its_logarithm() -> None:
    assert decoded(Float(1e-3, 1e3, log=True), 0.0, 0.5, 1.0) == [0.001, 1.0, 1000.0]
    np.testing.assert_allclose(encoded(Float(1e-3, 1e3, log=True), 10.0), [[4 / 6]])


def test_a_float_in_steps_has_levels() -> None:
    variable = Float(0, 1, step=0.25)
    assert variable.levels == variable.count == 5
    assert decoded(variable, 0.0, 0.19, 0.21, 0.99, 1.0) == [0.0, 0.0, 0.25, 1.0, 1.0]
    assert encoded(variable, 0.25) == [[1.5 / 5]]


def test_steps_give_the_decimals_that_people_write() -> None:
    space = Space({"v": Float(0, 1, step=0.1)})
    values = [config["v"] for config in space.configurations()]
    assert values == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]


def test_a_step_that_misses_the_upper_bound_stops_below_it() -> None:
    assert Float(0, 1, step=0.3).count == 4
    assert decoded(Float(0, 1, step=0.3), 0.999) == [0.9]


def test_a_float_in_steps_on_a_log_scale_owns_the_nearest_values() -> None:
    variable = Float(1, 4, step=1, log=True)
    assert (variable.levels, variable.count) == (0, 4)
    places = [place for (place,) in encoded(variable, 1.0, 2.0, 3.0, 4.0)]
    assert places == sorted(places)
    assert decoded(variable, *places) == [1.0, 2.0, 3.0, 4.0]


def test_decoded_floats_have_few_digits() -> None:
    places = Key.of(1).uniform(200)
    assert all(len(repr(value).lstrip("0.")) <= 13 for value in decoded(Float(0, 1), *places))
    assert all(float(f"{value:.11e}") == value for value in decoded(Float(1e-9, 1e9, log=True), *places))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        (Float(-1e20, 1e20), 3.25e19),
        (Float(-1e300, 1e300), -1.5e299),
        (Float(0, 1e-15), 3e-16),
        (Float(1e-30, 1e-3, log=True), 4.2e-27),
        (Float(1e3, 1e30, log=True), 7.7e22),
        (Float(1e6, 1e6 + 1), 1000000.1234567),
    ],
)
def test_extreme_ranges_give_the_value_as_written(variable: Float, value: float) -> None:
    places = [0.1, 0.5, encoded(variable, value)[0][0]]
    assert decoded(variable, *places)[2] == value
    many = decoded(variable, *places, *[0.3] * 20)
    assert many[:3] == decoded(variable, *places)


def test_the_rounding_never_leaves_the_range() -> None:
    third = 1 / 3
    assert decoded(Float(third, 2 * third), 0.0, 1.0) == [third, 2 * third]
    assert decoded(Float(1e-320, 1.0, log=True), 0.0) == [1e-320]


def test_plain_converts_numbers_and_keeps_their_digits() -> None:
    variable = Float(0, 1)
    assert variable.plain(0.1 + 0.2) == 0.1 + 0.2
    assert Float(0, 1, default=0.1 + 0.2).start == 0.3
    assert type(variable.plain(1)) is float
    assert type(variable.plain(np.float32(0.5))) is float
    assert Float(0, 1, step=0.1).plain(0.1 + 0.2) == 0.3
    assert variable.plain("0.5") == "0.5"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Float(1, 1), "is empty: use Constant"),
        (lambda: Float(2, 1), "is empty: swap the bounds"),
        (lambda: Float(math.nan, 1), "low of a Float is a finite number, not nan"),
        (lambda: Float(0, math.inf), "high of a Float is a finite number, not inf"),
        (lambda: Float("0", 1), "finite number, not '0'"),
        (lambda: Float(True, 2), "finite number, not True"),
        (lambda: Float(0, 1, log=True), "a log scale needs a lower bound above 0, not 0.0"),
        (lambda: Float(-1, 1, log=True), "a log scale needs a lower bound above 0, not -1.0"),
        (lambda: Float(0, 1, step=0), "step is more than 0"),
        (lambda: Float(0, 1, step=-0.1), "step is more than 0"),
        (lambda: Float(0, 1, step=2), "the step 2.0 is larger than the range"),
        (lambda: Float(0, 1, step=1e-15), "too small for the range"),
        (lambda: Float(-1.7e308, 1.7e308), "wider than the largest double"),
        (lambda: Float(0, 1, default=2), "the default 2 is not from 0.0 to 1.0"),
        (lambda: Float(0, 1, default="a"), "the default 'a' is not a number"),
        (lambda: Float(0, 1, step=0.5, default=0.3), "the default 0.3 is not on the step"),
        (lambda: Float(0, 1, prior=3), "a prior is Normal, LogNormal or Beta, not 3"),  # type: ignore[arg-type]
        (lambda: Float(-2, -1, prior=LogNormal(0, 1)), "needs values above 0"),
        (lambda: Float(0, 1, prior=Normal(1e6, 1)), "no mass between the bounds"),
        (lambda: Float(0, 1, when=3), "when is an expression in text"),  # type: ignore[arg-type]
        (lambda: Normal(0, 0), "std is more than 0"),
        (lambda: Normal(math.nan, 1), "mean is a finite number"),
        (lambda: LogNormal(0, -1), "std is more than 0"),
        (lambda: Beta(0, 1), "a is more than 0"),
        (lambda: Int(1, 2.5), "high of an Int is a whole number, not 2.5: use a Float"),
        (lambda: Int(1.0, 2), "low of an Int is a whole number, not 1.0"),
        (lambda: Int(False, 2), "low of an Int is a whole number, not False"),
        (lambda: Int(3, 3), "is empty"),
        (lambda: Int(0, 3, log=True), "above 0, not 0"),
        (lambda: Int(1, 3, step=0), "step is more than 0"),
        (lambda: Int(1, 3, step=5), "larger than the range"),
        (lambda: Int(0, 2**60), "too many values"),
        (lambda: Int(1, 10**14, log=True), "too many values"),
        (lambda: Int(10**400, 10**400 + 3), "low of an Int has at most 64 bits"),
        (lambda: Choice(2**64), "more than 64 bits: write it as text"),
        (lambda: Float(1, 1 + 1e-15, step=1e-15), "the step .* is too small to tell 1.0 and its neighbour apart"),
        (lambda: Choice("\ud800"), "not valid Unicode text"),
        (lambda: Named("\ud800", 3), "not valid Unicode text"),
        (lambda: Int(1, 9, default=2.5), "the default 2.5 is not a whole number"),
        (lambda: Int(1, 9, step=2, default=2), "not on the step"),
        (lambda: Choice(), "at least one option"),
        (lambda: Choice("a", "a"), "option 'a' is given twice"),
        (lambda: Choice(1, True), r"1 \(int\) and True \(bool\) are equal in Python"),
        (lambda: Choice(1, 1.0), r"1 \(int\) and 1.0 \(float\) are equal in Python"),
        (lambda: Choice((0,), (False,)), "are equal in Python"),
        (lambda: Choice(math.nan), "NaN is equal to nothing"),
        (lambda: Choice(object()), "is an object, which cannot be written down: give it a name, as in lt.Named"),
        (lambda: Choice({"a": 1}), "is a dict, which cannot be written down"),
        (lambda: Choice(Named("relu", max), "relu"), "'relu' is given twice"),
        (lambda: Choice("a", "b", weights=[1]), "one number for each of the 2 options"),
        (lambda: Choice("a", "b", weights=[1, 0]), "a weight is a finite number above 0, not 0"),
        (lambda: Choice("a", "b", weights="ab"), "one number for each"),
        (
            lambda: Choice("rbf", "poly", default="polly"),
            "the default 'polly' is not one of its options; did you mean 'poly'",
        ),
        (lambda: Named("", 3), "the name is a text"),
        (lambda: Option("a", 3), "brings a Space or a mapping of variables, not 3"),  # type: ignore[arg-type]
        (lambda: Option(Option("a", {"x": Float(0, 1)}), {"x": Float(0, 1)}), "not another Option"),
        (lambda: Ordinal(), "at least one option"),
        (lambda: Ordinal("a", "b", default="c"), "the default 'c' is not one of its options"),
        (lambda: Bool(default="yes"), "the default 'yes' is not one of its options"),  # type: ignore[arg-type]
        (lambda: Constant(object()), "cannot be written down"),
        (lambda: Subset([]), "a Subset needs at least one item"),
        (lambda: Subset("abc"), "needs a list of items, not 'abc'"),
        (lambda: Subset(["a", "a"]), "item 'a' is given twice"),
        (lambda: Subset(["a", "b"], size=3), "size is from 0 to 2"),
        (lambda: Subset(["a", "b"], size=(2, 1)), "size is from 0 to 2"),
        (lambda: Subset(["a", "b"], size=1.5), "size is a whole number or"),
        (lambda: Subset(["a", "b"], size=1, default=["a", "b"]), "has 2 items and is 1 of"),
        (lambda: Permutation([]), "at least one item"),
        (lambda: Permutation(["a", "b"], default=["a"]), "is not an order of"),
        (lambda: Simplex(1), "2 to 10000 shares, not 1"),
        (lambda: Simplex(["a", 3]), "the names of a Simplex are texts"),
        (lambda: Simplex(2, default=(0.5, 0.6)), "sum to 1.1"),
    ],
)
def test_what_makes_no_sense_is_refused(make: Any, message: str) -> None:
    with pytest.raises(InvalidSpace, match=message):
        make()


# --- Int -------------------------------------------------------------------------------------------------


def test_an_int_has_one_level_a_value() -> None:
    variable = Int(2, 5)
    assert variable.levels == 4
    assert decoded(variable, 0.0, 0.24, 0.26, 1.0) == [2, 2, 3, 5]
    assert encoded(variable, 2, 5) == [[0.125], [0.875]]
    assert all(type(value) is int for value in decoded(variable, 0.3))


def test_an_int_in_steps() -> None:
    assert [c["v"] for c in Space({"v": Int(1, 10, step=4)}).configurations()] == [1, 5, 9]


def test_an_int_on_a_log_scale_owns_half_a_unit_on_either_side() -> None:
    variable = Int(1, 8, log=True)
    assert (variable.levels, variable.count) == (0, 8)
    uniforms = np.arange(0.00005, 1, 0.0001)
    counts = np.bincount(decoded(variable, *uniforms), minlength=9)[1:]
    edges = np.log(np.arange(0.5, 9))
    np.testing.assert_allclose(counts / len(uniforms), np.diff(edges) / (edges[-1] - edges[0]), atol=2e-4)


def test_large_ints_are_exact() -> None:
    assert decoded(Int(0, 2**49), *(encoded(Int(0, 2**49), value)[0][0] for value in (1, 2**48 + 1, 2**49))) == [
        1,
        2**48 + 1,
        2**49,
    ]
    low = 10**17
    assert decoded(Int(low, low + 3), 0.0, 0.3, 0.6, 0.9) == [low, low + 1, low + 2, low + 3]
    assert encoded(Int(1, 10**12, log=True), 999_999_999_999)[0][0] < 1
    variable = Int(1, 10**12, log=True)
    for value in (1, 999_999_999_998, 123_456_789_012):
        assert decoded(variable, encoded(variable, value)[0][0]) == [value]


def test_plain_takes_whole_floats_for_ints() -> None:
    assert Int(1, 9).plain(3.0) == 3
    assert type(Int(1, 9).plain(np.int64(3))) is int
    assert Int(1, 9).plain(True) is True
    assert Int(1, 9).fault(True) is not None
    assert Int(1, 9).plain(2.5) == 2.5


# --- Choice, Ordinal, Bool, Constant ------------------------------------------------------------------


def test_a_choice_gives_values_back_as_written() -> None:
    options = ("rbf", None, True, 3, 0.5, ("adam", (1, 2)), math.inf, "")
    variable = Choice(*options)
    assert decoded(variable, *((i + 0.5) / 8 for i in range(8))) == list(options)
    assert variable.plain(["adam", [1, 2]]) == ("adam", (1, 2))


def test_a_choice_tells_one_from_true() -> None:
    assert Choice(1, 2).fault(True) is not None
    assert Choice(True, 2).fault(1) is not None
    assert Choice((1,), 2).fault((1.0,)) is not None
    assert Choice(1, 2).fault(1) is None


def test_named_objects_are_stored_by_name_and_given_back() -> None:
    space = Space(
        {"f": Choice(Named("largest", max), Named("smallest", min), "none"), "g": Constant(Named("sum", sum))}
    )
    assert space.plain({"f": min, "g": sum}) == {"f": "smallest", "g": "sum"}
    assert space.plain({"f": "largest", "g": "sum"}) == {"f": "largest", "g": "sum"}
    assert space.plain({"f": Named("largest", max)}) == {"f": "largest"}
    assert space.realize({"f": "smallest", "g": "sum"}) == {"f": min, "g": sum}
    assert space.realize({"f": "none"}) == {"f": "none"}
    text = Space.from_plain(space.to_plain())
    assert text == space
    assert text.realize({"f": "smallest", "g": "sum"}) == {"f": "smallest", "g": "sum"}


def test_named_objects_may_be_arrays() -> None:
    array = np.arange(3)
    variable = Choice(Named("a", array), Named("b", np.arange(3) + 1))
    assert variable.plain(array) == "a"
    assert variable.realize("a") is array
    assert variable.fault(variable.plain(np.arange(3))) is not None


def test_enumerations_become_their_values() -> None:
    class Kernel(str, enum.Enum):  # noqa: UP042
        RBF = "rbf"

    assert Choice(Kernel.RBF, "poly").options == ("rbf", "poly")
    assert Choice("rbf", "poly").plain(Kernel.RBF) == "rbf"

    class Size(enum.IntEnum):
        SMALL = 1

    assert type(Choice(Size.SMALL, np.float64(0.5)).options[0]) is int
    assert Choice(1, 2).plain(np.int64(1)) == 1


def test_weights_say_how_often_an_option_is_drawn() -> None:
    space = Space({"v": Choice("a", "b", "c", weights=[6, 3, 1])})
    drawn = [config["v"] for config in space.decode(space.sample(Key.of(0), 4000))]
    assert [round(drawn.count(option) / 4000, 1) for option in "abc"] == [0.6, 0.3, 0.1]


def test_ordinals_keep_their_order() -> None:
    variable = Ordinal("small", "medium", "large")
    assert variable.start == "medium"
    assert encoded(variable, "small", "large") == [[1 / 6], [5 / 6]]
    assert Space({"v": variable}).columns[0].kind == "number"


def test_defaults_and_middles() -> None:
    variables = {
        "f": Float(0, 2),
        "l": Float(1, 100, log=True),
        "i": Int(1, 9),
        "c": Choice("a", "b"),
        "o": Ordinal("a", "b", "c"),
        "b": Bool(),
        "k": Constant(7),
        "s": Subset(["a", "b", "c"], size=2),
        "p": Permutation(["a", "b"]),
        "x": Simplex(["u", "v"]),
    }
    assert Space(variables).defaults() == {
        "f": 1.0, "l": 10.0, "i": 5, "c": "a", "o": "b", "b": False, "k": 7, "s": ("a", "b"), "p": ("a", "b"),
        "x": {"u": 0.5, "v": 0.5},
    }  # fmt: skip
    given = {
        "f": Float(0, 2, default=0.1),
        "i": Int(1, 9, default=2),
        "c": Choice("a", "b", default="b"),
        "b": Bool(default=True),
        "s": Subset(["a", "b", "c"], default=["c", "a"]),
        "p": Permutation(["a", "b"], default=["b", "a"]),
        "x": Simplex(2, default=[1, 0]),
    }
    assert Space(given).defaults() == {
        "f": 0.1, "i": 2, "c": "b", "b": True, "s": ("a", "c"), "p": ("b", "a"), "x": (1.0, 0.0),
    }  # fmt: skip


# --- Subset, Permutation, Simplex --------------------------------------------------------------------


def test_a_subset_has_one_column_an_item() -> None:
    variable = Subset(["a", "b", "c"], size=2)
    assert encoded(variable, ("a", "c")) == [[0.75, 0.25, 0.75]]
    assert decoded(variable, 0.9, 0.8, 0.7, 0.1, 0.0, 0.2) == [("a", "b"), ("a", "c")]
    assert variable.count == 3
    assert variable.plain({"c", "a"}) == ("a", "c")
    assert variable.plain(["c", "b"]) == ("b", "c")


@pytest.mark.parametrize("size", [2, (0, 4), (1, 3)])
def test_every_subset_is_equally_likely(size: Any) -> None:
    space = Space({"v": Subset(list("abcd"), size=size)})
    count = 12000
    drawn = [config["v"] for config in space.decode(space.sample(Key.of(3), count))]
    shares = [drawn.count(value["v"]) / count for value in space.configurations()]
    expected = 1 / len(shares)
    assert len(shares) == space.size
    assert max(abs(share - expected) for share in shares) < 5 * math.sqrt(expected / count)


def test_every_order_is_equally_likely() -> None:
    space = Space({"v": Permutation(list("abc"))})
    count = 6000
    drawn = [config["v"] for config in space.decode(space.sample(Key.of(5), count))]
    shares = [drawn.count(value["v"]) / count for value in space.configurations()]
    assert len(shares) == space.size == 6
    assert max(abs(share - 1 / 6) for share in shares) < 5 * math.sqrt(1 / 6 / count)


def test_a_permutation_is_encoded_by_ranks() -> None:
    variable = Permutation(["a", "b", "c"])
    np.testing.assert_allclose(encoded(variable, ("c", "a", "b")), [[0.5, 5 / 6, 1 / 6]])
    assert decoded(variable, 0.2, 0.9, 0.1) == [("c", "a", "b")]


def test_shares_sum_to_one_and_are_uniform_on_the_simplex() -> None:
    space = Space({"v": Simplex(3)})
    points = space.sample(Key.of(7), 8000)
    np.testing.assert_allclose(points.sum(axis=1), 1, atol=1e-15)
    # Each share of the uniform distribution on the simplex is Beta(1, 2): P(share > t) = (1 - t)^2.
    for level in (0.1, 0.5, 0.8):
        np.testing.assert_allclose((points > level).mean(axis=0), (1 - level) ** 2, atol=0.025)
    for config in space.decode(points[:200]):
        assert abs(math.fsum(config["v"]) - 1) < 1e-15


def test_a_simplex_takes_mappings_or_tuples() -> None:
    named = Simplex(["sand", "clay"])
    assert named.plain({"clay": 0.25, "sand": 0.75}) == {"sand": 0.75, "clay": 0.25}
    assert named.plain([0.75, 0.25]) == {"sand": 0.75, "clay": 0.25}
    assert Simplex(3).plain((1 / 3, 1 / 3, 1 / 3)) == (0.333333333334, 0.333333333333, 0.333333333333)
    assert "sum to 0.9" in (Simplex(2).fault(Simplex(2).plain((0.5, 0.4))) or "")
    assert Simplex(2).fault((1.5, -0.5)) is not None
    assert named.fault({"sand": 1.0}) is not None
    assert named.plain({"sand": 1.0}) == {"sand": 1.0}
    assert named.plain("sand") == "sand"
    assert Simplex(2).plain({"0": 0.5, "1": 0.5}) == {"0": 0.5, "1": 0.5}
    assert Simplex(2).plain(("a", 1)) == ("a", 1)


def test_subsets_and_permutations_say_what_is_wrong() -> None:
    variable = Subset(["a", "b", "c"], size=(1, 2))
    unknown = variable.fault(variable.plain(["a", "z"]))
    assert unknown == "has 'z', which is not one of its items; there is 'a', 'b', 'c'"
    assert variable.fault(variable.plain(["a", "a"])) == "has an item twice"
    assert variable.fault(("b", "a")) == "is not in the order of the items ('a', 'b', 'c')"
    assert variable.fault(()) == "has 0 items and is 1 to 2 of ('a', 'b', 'c')"
    assert variable.fault("a") == "is not a tuple of items (1 to 2 of ('a', 'b', 'c'))"
    assert variable.plain([object()])  # left as it is, for `fault` to name
    assert Permutation(["a", "b"]).fault(("a", "a")) == "is not an order of ('a', 'b')"
    assert Permutation(["a", "b"]).plain("ab") == "ab"


# --- priors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variable",
    [
        Float(-3, 3, prior=Normal(0.5, 1)),
        Float(2, 9, prior=Normal(-4, 2)),
        Float(0, 9, prior=LogNormal(0.3, 0.8)),
        Float(0.1, 9, log=True, prior=LogNormal(0.3, 0.8)),
        Float(0.1, 9, log=True, prior=Normal(2, 3)),
        Float(0, 4, prior=Beta(2, 5)),
        Int(1, 60, prior=Normal(20, 6)),
    ],
)
def test_priors_agree_with_scipy(variable: Any) -> None:
    stats = pytest.importorskip("scipy.stats")
    space = Space({"v": variable})
    uniforms = (np.arange(2000) + 0.5) / 2000
    values = np.sort([config["v"] for config in space.decode(space.warp(uniforms[:, None]))])
    prior, low, high = variable.prior, variable.low, variable.high
    if isinstance(prior, Normal):
        below = stats.norm(prior.mean, prior.std)
    elif isinstance(prior, LogNormal):
        below = stats.lognorm(prior.std, scale=math.exp(prior.mean))
    else:
        below = stats.beta(prior.a, prior.b, loc=low, scale=high - low)
    if isinstance(variable, Int):
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, 8)[1:-1] if not isinstance(variable, Int) else np.arange(10.5, 60, 10)
    expected = (below.cdf(edges) - below.cdf(low)) / (below.cdf(high) - below.cdf(low))
    found = np.searchsorted(values, edges, side="right") / 2000
    np.testing.assert_allclose(found, expected, atol=1.5e-3)


def test_a_prior_is_undone() -> None:
    uniforms = np.linspace(0.001, 0.999, 50)
    for variable in (
        Float(-3, 3, prior=Normal(0.5, 1)),
        Float(2, 9, prior=Normal(-4, 2)),
        Float(0.1, 9, prior=LogNormal(0.3, 0.8)),
        Float(0, 4, prior=Beta(2, 5)),
    ):
        np.testing.assert_allclose(variable.unwarp(variable.warp(uniforms)), uniforms, atol=1e-9)


# --- in general ------------------------------------------------------------------------------------------


def test_variables_are_shown_as_they_are_written() -> None:
    shown = [
        Float(1e-3, 1e3, log=True),
        Float(0, 1, step=0.5, prior=Normal(0, 1), default=0.5, when="a > 1"),
        Int(2, 5, when="kernel == 'poly'"),
        Choice("rbf", None, weights=[2, 1], default="rbf"),
        Ordinal("a", "b", default="b"),
        Bool(),
        Bool(default=True),
        Constant(3, when="b"),
        Subset(("a", "b"), size=1),
        Permutation(("a", "b"), default=("b", "a")),
        Simplex(3),
    ]
    assert [repr(variable) for variable in shown] == [
        "Float(0.001, 1000.0, log=True)",
        "Float(0.0, 1.0, step=0.5, prior=Normal(mean=0, std=1), default=0.5, when='a > 1')",
        "Int(2, 5, when=\"kernel == 'poly'\")",
        "Choice('rbf', None, weights=(2.0, 1.0), default='rbf')",
        "Ordinal('a', 'b', default='b')",
        "Bool()",
        "Bool(default=True)",
        "Constant(3, when='b')",
        "Subset(('a', 'b'), size=(1, 1))",
        "Permutation(('a', 'b'), default=('b', 'a'))",
        "Simplex(3)",
    ]


def test_variables_are_frozen_and_compare_by_value() -> None:
    assert Float(0, 1) == Float(0.0, 1.0)
    assert Choice("a", "b") == Choice("a", "b") != Choice("b", "a")
    with pytest.raises(AttributeError):
        Float(0, 1).low = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("variable", "value"),
    [(Float(0, 1), 2.0), (Int(0, 3), 9), (Choice("a"), "b"), (Constant(1), 2), (Subset(["a"], size=1), ("b",))],
)
def test_encoding_refuses_what_is_outside(variable: Variable, value: Any) -> None:
    with pytest.raises(InvalidConfig, match="variable 'v': cannot encode"):
        Space({"v": variable}).encode([{"v": value}])


@pytest.mark.parametrize(
    "variable",
    [
        Float(83502224.55180585, 83502224.55192475, log=True),
        Float(83502224.55180585, 83502224.55192475),
        Float(9192631770.0, 9192631770.01),
        Float(-9192631770.01, -9192631770.0),
        Float(1.0, 1.0 + 1e-12, log=True),
    ],
)
def test_a_narrow_range_has_all_its_doubles(variable: Float) -> None:
    width = variable.high - variable.low
    values = [float(value) for value in variable.low + np.linspace(0, 1, 200) * width]
    assert decoded(variable, *(place for (place,) in encoded(variable, *values))) == values
    assert decoded(variable, *encoded(variable, values[7])[0]) == [values[7]]
    assert [variable.canonical(value) for value in values] == values
    apart = min(200, int(width / np.spacing(abs(variable.high))))
    assert len(set(decoded(variable, *np.linspace(0, 1, 1000)))) >= apart


@pytest.mark.parametrize("kind", [Choice, Ordinal])
@pytest.mark.parametrize("options", [[16, 32, 64], range(3), {1}, np.array([1, 2])])
def test_one_option_that_is_a_list_is_refused(kind: Any, options: Any) -> None:
    with pytest.raises(InvalidSpace, match=rf"write {kind.__name__}\({', '.join(map(str, options))}\)"):
        kind(options)
    assert kind(tuple(options)).options == (tuple(options),)  # a tuple is meant
    assert kind([1, 2], [3]).options == ((1, 2), (3,))


@pytest.mark.parametrize("weights", [[1e308, 1e308], [1e-300, 1e300]])
def test_weights_that_cannot_be_added_are_refused(weights: list[float]) -> None:
    with pytest.raises(InvalidSpace, match="only their ratios matter"):
        Choice("a", "b", weights=weights)


@pytest.mark.parametrize("log", ["reverse", "True", 1, 10])
def test_a_log_scale_is_true_or_false(log: Any) -> None:
    with pytest.raises(InvalidSpace, match=r"log is True or False.*x = 1 - distance"):
        Float(0.1, 0.9, log=log)


@pytest.mark.parametrize("kind", [Normal, LogNormal, Beta])
def test_a_prior_takes_numbers_of_numpy_and_can_be_read_back(kind: Any) -> None:
    prior = kind(np.float32(0.5), np.int64(2))
    assert repr(prior) == repr(kind(0.5, 2))
    space = Space({"x": Float(0.1, 1, prior=prior)})
    assert Space.from_plain(json.loads(json.dumps(space.to_plain()))).digest == space.digest
