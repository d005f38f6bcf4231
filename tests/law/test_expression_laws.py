"""Laws of expressions: text and tree agree, one and many agree, boxes hold what is in them, nothing else escapes."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from check_set import examples
from luthier.errors import InvalidExpression
from luthier.space.expression import INACTIVE, Coded, Expression, parse, tree
from luthier.space.expression.interval_arithmetic import Choices, Range
from luthier.space.expression.tree import Node

OPTIONS: tuple[Any, ...] = ("x", "it's", 1, 2.5, None, True, (1, 2), ())
NUMBERS, CATEGORIES = ("a", "b", "learning rate"), ("k", "lambda", "`q`")

numbers = st.one_of(
    st.integers(-5, 5),
    st.sampled_from([0.1, 0.5, 1e-9, 1e300, -0.25, 10**12]),
    st.floats(allow_nan=False, allow_infinity=False),
)
number_names = st.sampled_from(NUMBERS).map(tree.Name)
category_names = st.sampled_from(CATEGORIES).map(tree.Name)
ORDER, EQUALITY = ("<", "<=", ">", ">="), ("==", "!=")


def _series(first: Node, rest: list[tuple[str, Node]]) -> Node:
    """Build a chain as parsing would: a chain of the same operators inside its head is one with it."""
    if isinstance(first, tree.Series) and (first.rest[0][0] in "+-") == (rest[0][0] in "+-"):
        return tree.Series(first.first, (*first.rest, *rest))
    return tree.Series(first, tuple(rest))


def _negative(operand: Node) -> Node:
    if isinstance(operand, tree.Literal) and not isinstance(operand.value, bool):
        return operand
    return tree.Negative(operand)


def _more_values(inside: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    conditions = _comparisons(inside)
    return st.one_of(
        st.builds(_series, inside, st.lists(st.tuples(st.sampled_from("+-"), inside), min_size=1, max_size=3)),
        st.builds(
            _series, inside, st.lists(st.tuples(st.sampled_from(["*", "/", "//", "%"]), inside), min_size=1, max_size=2)
        ),
        st.builds(_negative, inside),
        st.builds(tree.Power, inside, st.one_of(number_names, st.integers(-3, 3).map(tree.Literal))),
        st.builds(
            lambda name, x: tree.Call(name, (x,)),
            st.sampled_from(
                ["abs", "sqrt", "exp", "log", "log2", "log10", "floor", "ceil", "round", "sin", "cos", "tanh"]
            ),
            inside,
        ),
        st.builds(
            lambda name, x: tree.Call(name, tuple(x)),
            st.sampled_from(["min", "max", "sum"]),
            st.lists(inside, min_size=2, max_size=3),
        ),
        st.builds(lambda name, x: tree.Call(name, (x,)), st.sampled_from(["min", "max", "sum", "len"]), category_names),
        st.builds(tree.If, conditions, inside, inside),
        conditions,
    )


def _comparisons(inside: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    literals = st.sampled_from(OPTIONS).map(tree.Literal)
    ordered = st.builds(
        lambda first, rest: tree.Compare(first, tuple(rest)),
        inside.filter(lambda node: not isinstance(node, tree.Literal)),
        st.lists(st.tuples(st.sampled_from(ORDER + EQUALITY), inside), min_size=1, max_size=2),
    )
    chosen = st.builds(
        lambda name, op, value: tree.Compare(name, ((op, value),)),
        category_names,
        st.sampled_from(EQUALITY),
        st.one_of(literals, category_names, number_names),
    )
    ranked = st.builds(
        lambda name, op, value: tree.Compare(name, ((op, value),)),
        category_names,
        st.sampled_from(ORDER),
        st.one_of(st.sampled_from(["x", 1, 2.5]).map(tree.Literal), category_names, number_names),
    )
    member = st.builds(
        lambda name, op, items: tree.Compare(name, ((op, tree.Items(tuple(items))),)),
        st.one_of(category_names, number_names),
        st.sampled_from(["in", "not in"]),
        st.lists(st.one_of(literals, number_names), max_size=3),
    )
    inner = st.builds(
        lambda item, name: tree.Compare(tree.Literal(item), (("in", name),)), st.sampled_from([1, "x"]), category_names
    )
    return st.one_of(ordered, chosen, ranked, member, inner)


values = st.recursive(st.one_of(number_names, numbers.map(tree.Literal)), _more_values, max_leaves=6)
conditions = st.recursive(
    st.one_of(_comparisons(values), category_names),
    lambda inside: st.one_of(
        st.builds(tree.Not, inside),
        st.lists(inside, min_size=2, max_size=3).map(lambda parts: tree.Both(tuple(parts))),
        st.lists(inside, min_size=2, max_size=3).map(lambda parts: tree.Either(tuple(parts))),
    ),
    max_leaves=4,
)
measurements = st.one_of(st.floats(-3, 3), st.sampled_from([0.0, 1.0, -1.0, 2.5, 1e-300, 1e300, np.nan]))


@settings(max_examples=examples(150), deadline=None)
@given(conditions)
def test_text_reads_back_to_the_same_tree(node: Node) -> None:
    expression = Expression(node)
    if not expression.names:
        return
    again = parse(expression.text)
    assert again.root == node
    assert again.text == expression.text
    assert again == expression


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, dict[str, list[Any]]]:
    rows = draw(st.integers(1, 5))
    table: dict[str, list[Any]] = {}
    for name in NUMBERS:
        found = draw(st.lists(measurements, min_size=rows, max_size=rows))
        table[name] = [INACTIVE if value != value else value for value in found]
    for name in CATEGORIES:
        table[name] = draw(st.lists(st.sampled_from([*OPTIONS, INACTIVE]), min_size=rows, max_size=rows))
    return rows, table


@settings(max_examples=examples(150), deadline=None)
@given(conditions, tables())
def test_many_rows_agree_with_one_by_one(node: Node, given_table: tuple[int, dict[str, list[Any]]]) -> None:
    rows, table = given_table
    expression = Expression(node)
    columns: dict[str, Any] = {}
    for name in NUMBERS:
        columns[name] = np.array([np.nan if value is INACTIVE else value for value in table[name]])
    for name in CATEGORIES:
        column = np.empty(rows, dtype=object)
        column[:] = table[name]
        columns[name] = column
    together = expression.evaluate(columns, rows).tolist()
    for row in range(rows):
        config = {name: found[row] for name, found in table.items() if found[row] is not INACTIVE}
        assert together[row] == {True: 1, False: 0, None: -1}[expression.evaluate_one(config)]


@st.composite
def boxes(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw a box and a few points in it."""
    box: dict[str, Any] = {}
    points: dict[str, Any] = {}
    count = 4
    for name in NUMBERS:
        ends = sorted((draw(st.floats(-3, 3)), draw(st.floats(-3, 3))))
        shares = draw(st.lists(st.sampled_from([0.0, 0.3, 0.5, 1.0]), min_size=count, max_size=count))
        inactive = draw(st.booleans())
        column = np.clip([ends[0] + share * (ends[1] - ends[0]) for share in shares], *ends)
        if inactive:
            column[0] = np.nan
        points[name] = column
        box[name] = Range(
            np.array(ends[:1]), np.array(ends[1:]), np.array([False]), np.array([True]), np.array([inactive])
        )
    for name in CATEGORIES:
        chosen = draw(st.lists(st.integers(0, len(OPTIONS) - 1), min_size=count, max_size=count))
        mask = np.zeros((1, len(OPTIONS)), dtype=bool)
        mask[0, chosen] = True
        points[name] = Coded(np.array(chosen), OPTIONS)
        box[name] = Choices(mask, OPTIONS, np.array([True]), np.array([False]))
    return box, points


@settings(max_examples=examples(150), deadline=None)
@given(conditions, boxes())
def test_a_box_allows_what_its_points_are(node: Node, drawn: tuple[dict[str, Any], dict[str, Any]]) -> None:
    box, points = drawn
    expression = Expression(node)
    allowed = expression.possible(box)
    for truth in expression.evaluate(points, 4).tolist():
        assert {1: allowed.true, 0: allowed.false, -1: allowed.unknown}[truth][0]


@settings(max_examples=examples(250), deadline=None)
@given(
    st.one_of(
        st.text(max_size=40),
        st.text("ab01.+-*/%<>=!()[]{},'\"`:#~^&|@ \n\\", max_size=40),
        st.lists(
            st.sampled_from(
                [
                    "a",
                    "1",
                    "(",
                    ")",
                    "<",
                    "==",
                    " and ",
                    " not ",
                    "+",
                    "**",
                    "in ",
                    "if ",
                    "else ",
                    "max(",
                    ",",
                    "'x'",
                    "lambda ",
                    "`",
                    ":=",
                    ".b",
                ]
            ),
            max_size=12,
        ).map("".join),
    )
)
def test_any_text_is_read_or_refused_with_our_own_error(text: str) -> None:
    try:
        expression = parse(text)
    except InvalidExpression:
        return
    assert parse(expression.text) == expression
    config = dict.fromkeys(expression.names, 1)
    assert expression.evaluate_one(config) in (True, False, None)
