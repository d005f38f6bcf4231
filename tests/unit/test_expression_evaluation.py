"""What expressions mean: Kleene's logic, numbers, texts, tuples; for one configuration and for many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from luthier.space.expression import INACTIVE, Coded, parse

TRUTHS: dict[str, bool | None] = {"t < 1": True, "f < 1": False, "u < 1": None}
CONFIG = {"t": 0.0, "f": 2.0}


@pytest.mark.parametrize("left", TRUTHS)
@pytest.mark.parametrize("right", TRUTHS)
def test_and_or_not_are_kleene(left: str, right: str) -> None:
    a, b = TRUTHS[left], TRUTHS[right]
    both = False if False in (a, b) else None if None in (a, b) else True
    either = True if True in (a, b) else None if None in (a, b) else False
    assert parse(f"{left} and {right}").evaluate_one(CONFIG) is both
    assert parse(f"{left} or {right}").evaluate_one(CONFIG) is either
    assert parse(f"not ({left})").evaluate_one(CONFIG) is (None if a is None else not a)


ONE: list[tuple[str, dict[str, Any], bool | None]] = [
    ("x < 1", {}, None),
    ("x + y < 1", {"x": 0.0}, None),
    ("x in (1, 2)", {}, None),
    ("x == None", {}, None),
    ("x == None", {"x": None}, True),
    ("x < y < z", {"x": 3, "y": 2}, False),
    ("x < y < z", {"x": 1, "y": 2}, None),
    ("kernel == 'poly' and degree > 2", {"kernel": "rbf"}, False),
    ("kernel != 'poly' or degree <= 3", {"kernel": "poly", "degree": 4}, False),
    ("x if k == 1 else y", {"k": 1, "x": True}, True),
    ("(x if k == 1 else y) < 2", {"k": 2, "x": 1}, None),
    ("(x if k == 1 else y) < 2", {"k": 2, "y": 1}, True),
    ("(x if k == 1 else y) < 2", {"x": 1, "y": 1}, None),
    # numbers are doubles; nothing raises
    ("1 / x > 1e308", {"x": 0}, True),
    ("0 / x == 0", {"x": 0}, False),
    ("0 / x != 0", {"x": 0}, False),
    ("not (0 / x < 0)", {"x": 0}, True),
    ("sqrt(x) >= 0", {"x": -1}, False),
    ("log(x) < 0", {"x": 0}, True),
    ("log(x) < 0", {"x": -1}, False),
    ("x ** 0.5 >= 0", {"x": -1}, False),
    ("x ** 100 > 1e308", {"x": 1e10}, True),
    ("x ** y > 1e308", {"x": 10, "y": 1e9}, True),
    ("x // 0 > 1", {"x": 1}, True),
    ("x % 0 == 0", {"x": 1}, False),
    ("-7 // x == -4 and -7 % x == 1", {"x": 2}, True),
    ("exp(x) == 1 and log2(y) == 3 and log10(z) == 3", {"x": 0, "y": 8, "z": 1000}, True),
    ("floor(x) == 2 and ceil(x) == 3 and round(x) == 2 and round(x + 1) == 4", {"x": 2.5}, True),
    ("abs(x) == 1 and sin(y) == 0 and cos(y) == 1 and tanh(y) == 0", {"x": -1, "y": 0}, True),
    ("min(x, y, 3) == 1 and max(x, y) == 2 and sum(x, y, 1) == 4", {"x": 1, "y": 2}, True),
    ("(x > 0) + (y > 0) + (z > 0) == 2", {"x": 1, "y": 1, "z": 0}, True),
    ("(x > 0) + (y > 0) == 1", {"x": 1}, None),
    # equality of numbers has a tolerance, of whole numbers it has none
    ("x + y == 0.3", {"x": 0.1, "y": 0.2}, True),
    ("x + y != 0.3", {"x": 0.1, "y": 0.2}, False),
    ("x - y == 0", {"x": 0.3, "y": 0.1 + 0.2}, True),
    ("x == y", {"x": 1.0, "y": 1.0 + 1e-8}, False),
    ("x == y", {"x": 1e-20, "y": 2e-20}, False),
    ("x == y", {"x": 10**12, "y": 10**12 + 1}, False),
    ("x + y == 1000000001", {"x": 10**9, "y": 0}, False),
    ("x == 1 and flag == 1 and flag == True", {"x": 1.0, "flag": True}, True),
    # texts and tuples
    ("k == 'a'", {"k": 1}, False),
    ("k != 'a'", {"k": 1}, True),
    ("k < 1", {"k": "a"}, False),
    ("k >= 1", {"k": "a"}, False),
    ("k < 'b'", {"k": "a"}, True),
    ("k * 2 < 1", {"k": "a"}, False),
    ("k == (1, 'a')", {"k": (1, "a")}, True),
    ("k in ((1, 2), 'auto')", {"k": (1, 2)}, True),
    ("k in ((1, 2), 'auto')", {"k": "auto"}, True),
    ("k in (1, x)", {"k": 1}, True),
    ("k in (1, x)", {"k": 2}, None),
    ("k not in (1, x)", {"k": 2, "x": 3}, True),
    ("'a' in s and len(s) == 2 and 'c' not in s", {"s": ("a", "b")}, True),
    ("'a' in s", {"s": "abc"}, False),
    ("sum(s) == 6 and max(s) == 3 and min(s) == 1", {"s": (1, 2, 3)}, True),
    ("sum(s) == 0", {"s": ()}, True),
    ("max(s) < 1", {"s": ()}, False),
    ("len(k) == 4", {"k": "four"}, True),
    ("len(k) == 4", {"k": 4}, False),
    # a name as a condition
    ("flag and x < 1", {"flag": True, "x": 0}, True),
    ("not flag", {"flag": False}, True),
    ("not flag", {"flag": 0}, True),
    ("flag", {"flag": None}, False),
    ("abs(x)", {"x": 0}, False),
    ("sqrt(x)", {"x": -1}, False),
]


@pytest.mark.parametrize("text, config, truth", ONE, ids=[f"{i}" for i in range(len(ONE))])
def test_means_what_it_says(text: str, config: dict[str, Any], truth: bool | None) -> None:
    expression = parse(text)
    assert expression.evaluate_one(config) is truth
    code = {True: 1, False: 0, None: -1}[truth]
    columns = {name: _column([value, value]) for name, value in config.items()}
    assert expression.evaluate(columns, 2).tolist() == [code, code]
    assert expression.holds(columns, 2).tolist() == [code == 1] * 2
    assert expression.broken(columns, 2).tolist() == [code == 0] * 2


def _column(values: list[Any]) -> Any:
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return np.array(values, dtype=float)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def test_columns_of_three_kinds_mean_the_same() -> None:
    expression = parse("k == 1 or x < 0")
    codes = Coded(np.array([0, 1, -1]), (1, 2))
    objects = np.array([1, 2, INACTIVE], dtype=object)
    floats = np.array([1.0, 2.0, np.nan])
    for column in (codes, objects, floats):
        assert expression.evaluate({"k": column, "x": np.array([1.0, -1.0, np.nan])}).tolist() == [1, 1, -1]


def test_rows_are_told_when_no_column_is_given() -> None:
    assert parse("x < 1").evaluate({}, 3).tolist() == [-1, -1, -1]
    assert parse("x < 1").evaluate({"x": np.empty(0)}).tolist() == []
    assert parse("x < 1 or k == 'a'").evaluate({"k": Coded(np.array([0, 1]), ("a", "b"))}).tolist() == [1, -1]


def test_an_ordinal_goes_by_its_declared_order() -> None:
    expression = parse("size >= 'medium'").ordered({"size": ("small", "medium", "large")})
    assert [expression.evaluate_one({"size": s}) for s in ("small", "medium", "large")] == [False, True, True]
    column = np.array(["small", "medium", "large", INACTIVE], dtype=object)
    assert expression.evaluate({"size": column}).tolist() == [0, 1, 1, -1]
    pair = parse("a < b").ordered({"a": ("s", "m", "l"), "b": ("s", "m", "l")})
    assert pair.evaluate_one({"a": "m", "b": "l"}) is True
    assert pair.evaluate_one({"a": "l", "b": "m"}) is False
    # Plain text goes by the alphabet.
    assert parse("size >= 'medium'").evaluate_one({"size": "small"}) is True


def test_never_warns() -> None:
    with np.errstate(all="raise"):
        for text in ("1 / x < 1", "log(x) < 1", "x ** 100 < 1", "x ** 0.5 < 1", "x % 0 < 1", "exp(1e9 * x) < 1"):
            expression = parse(text)
            expression.evaluate_one({"x": 0.0})
            expression.evaluate_one({"x": -1e300})
            expression.evaluate({"x": np.array([0.0, -1e300, 1e300])})


def test_an_inactive_mark_survives_pickling() -> None:
    import pickle

    assert pickle.loads(pickle.dumps(INACTIVE)) is INACTIVE
    assert repr(INACTIVE) == "INACTIVE"


@pytest.mark.parametrize(
    "text",
    ["k != log(x)", "k == log(x)", "not (k == sqrt(x))", "(k if b else log(x)) != 'a'", "(k if b else log(x)) == 2",
     "not ((k if b else log(x)) == 2)", "(k if b else log(x)) in (1, 'a')", "(k if b else log(x)) < 3"],
)  # fmt: skip
@pytest.mark.parametrize("options", [(1, 2, 3), (False, True), ("a", "c"), (1, "a")])
def test_undefined_numbers_are_the_same_for_one_and_for_many(text: str, options: tuple[Any, ...]) -> None:
    codes, x = np.tile(np.arange(len(options)), 8), np.repeat([-1.0, 1.0, 0.0, np.nan], 2 * len(options))
    b = np.arange(len(x)) % 3 == 0
    expression = parse(text)
    many = expression.evaluate({"k": Coded(codes, options), "x": x, "b": Coded(b.astype(np.int64), (False, True))})
    for row, found in enumerate(many.tolist()):
        config = {"k": options[codes[row]], "b": bool(b[row]), **({"x": x[row]} if x[row] == x[row] else {})}
        assert {1: True, 0: False, -1: None}[found] is expression.evaluate_one(config), config
