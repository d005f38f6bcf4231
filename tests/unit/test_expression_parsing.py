"""What the expression language takes, how it is written back, and what it refuses."""

from __future__ import annotations

import pickle

import pytest

from luthier.errors import InvalidExpression
from luthier.space.expression import MAX_LENGTH, parse

WRITTEN = {
    "a<b": "a < b",
    "C*gamma<=10": "C * gamma <= 10",
    "((a)) < (b)": "a < b",
    "x+y+z==1": "x + y + z == 1",
    "x - (y - z) < 1": "x - (y - z) < 1",
    "(x - y) - z < 1": "x - y - z < 1",
    "x / (y * z) < 1": "x / (y * z) < 1",
    "kernel != 'poly' or degree<=3": "kernel != 'poly' or degree <= 3",
    "`learning rate`<1 and `lambda`>0": "`learning rate` < 1 and `lambda` > 0",
    "`a``b` < 1": "`a``b` < 1",
    "`a` < 1": "a < 1",
    "k == 'it`s'": "k == 'it`s'",
    'k == "it\'s"': 'k == "it\'s"',
    "a < b < c < d": "a < b < c < d",
    "-x ** 2 < +1": "-x ** 2 < 1",
    "(-x) ** 2 < 1": "(-x) ** 2 < 1",
    "2 ** -x < 1": "2 ** -x < 1",
    "(-1) ** x < 1": "(-1) ** x < 1",
    "x ** y ** z < 1": "x ** y ** z < 1",
    "(x ** y) ** z < 1": "(x ** y) ** z < 1",
    "x in (1, 2, 'a')": "x in (1, 2, 'a')",
    "x not in [1]": "x not in (1,)",
    "x in {1, y}": "x in (1, y)",
    "x in ()": "x in ()",
    "'a' in s and len(s)<=2": "'a' in s and len(s) <= 2",
    "(a>1) + (b>1) + (c > 1) <= 1": "(a > 1) + (b > 1) + (c > 1) <= 1",
    "(x if a>1 else y) < 2": "(x if a > 1 else y) < 2",
    "not (not a)": "not not a",
    "not (a and b) or c": "not (a and b) or c",
    "(a or b) and c": "(a or b) and c",
    "size == (1, 2)": "size == (1, 2)",
    "sum([a, b]) < max(a, b, 3)": "sum(a, b) < max(a, b, 3)",
    "x == None": "x == None",
    "flag": "flag",
    "a <\n\t b": "a < b",
    "  a < b ": "a < b",
    "größe < 1": "größe < 1",
    "x < 1e-3": "x < 0.001",
    "x // 2 % 3 == 1": "x // 2 % 3 == 1",
    "abs(x) < sqrt(y)": "abs(x) < sqrt(y)",
}


@pytest.mark.parametrize("text", WRITTEN)
def test_is_written_back_in_one_canonical_way(text: str) -> None:
    expression = parse(text)
    assert expression.text == WRITTEN[text]
    assert parse(expression.text) == expression
    assert parse(expression.text).root == expression.root


def test_names_are_what_the_person_wrote() -> None:
    assert parse("`learning rate` * `lambda` < a + max(b, `max`)").names == {"learning rate", "lambda", "a", "b", "max"}
    # Python would read a full-width letter as the plain one; here it stays another name.
    assert parse("ｘ < x").names == {"ｘ", "x"}


def test_a_name_in_backticks_may_hold_anything() -> None:
    for name in ("a b", "a`b", "`", "a'b", "#", "import", "x.y", "1st", "\n", "\x00", "a\\", "💡", "True", "`` `"):
        quoted = "`" + name.replace("`", "``") + "`"
        expression = parse(f"{quoted} < 1 or k == '`'")
        assert expression.names == {name, "k"}
        assert parse(expression.text) == expression


def test_pickles_and_compares_by_text() -> None:
    expression = parse("size >= 'm' and x < 1").ordered({"size": ("s", "m", "l"), "other": ("a",)})
    copy = pickle.loads(pickle.dumps(expression))
    assert copy == expression
    assert hash(copy) == hash(expression)
    assert copy.evaluate_one({"size": "l", "x": 0}) is True
    assert expression != parse("size >= 'm' and x < 1")
    assert repr(parse("x<1")) == "parse('x < 1')"


REFUSED = {
    "": "is empty",
    "   ": "is empty",
    "a.b < 1": "`a.b`",
    "a.__class__": "a dot after a name",
    "().__class__.__bases__[0]": "",
    "__import__('os').system('true')": "",
    "f(x) < 1": "there is no function 'f'",
    "eval('1') < x": "there is no function 'eval'",
    "mаx(a) < 1": r"there is no function 'm\u0430x'",
    "ｍａｘ(a) < 1": "there is no function",
    "x[0] < 1": "square brackets",
    "lambda: 1": "lambda is not allowed",
    "lambda < 1": "cannot read",
    "[x for x in y]": "comprehension",
    "a < sum(x for x in y)": "comprehension",
    "f'{x}' == a": "f-string",
    "(x := 1) < 2": "':='",
    "max(*x) < 1": "'*'",
    "max(x, key=1) < 1": "named arguments",
    "max() < x": "one or more",
    "sqrt(x, y) < 1": "one argument",
    "(" * 10000 + "a": f"{MAX_LENGTH} are allowed",
    "(" * 1900 + "a" + ")" * 1900: "cannot read",
    "-" * 3900 + "1 < a": "",
    "not " * 900 + "a": "nested",
    "a if " * 500 + "b": "cannot read",
    "**".join(["a"] * 900) + " < 1": "",
    "+".join(["a"] * 1500) + " < 1": "more than 1000 parts",
    "a < \x00": "cannot read",
    "\ud800 < 1": "cannot read",
    "2 ** 10 ** 9 < x": "exponent is at most 100",
    "x ** 1000 < 1": "exponent is at most 100",
    "x ** (60 + 60) < 1": "exponent is at most 100",
    "x ** (0.0 / 0.0) < 1": "exponent is at most 100",
    "'a' * 1000000 < x": "not a number",
    "x < 'a' + 'b'": "not a number",
    "-'a' < x": "not a number",
    "x < 1e999": "too large",
    "9" * 3000 + " < x": "not exact",
    "x < 9007199254740993": "not exact",
    "a is None": "'is' is not allowed",
    "a == b ==": "cannot read",
    "kernel == 'a' or 'b'": "'b' is not a condition",
    "a + b": "a number is not a condition",
    "1 < 2": "both sides of this comparison are fixed",
    "1 + 1 < 3": "reads no variable",
    "True": "reads no variable",
    "'a' and b": "is not a condition",
    "a < b # c": "no comments",
    "`a < b": "backtick is not closed",
    "`` < b": "no name between",
    "'abc": "not closed",
    "a == '''b'''": "triple",
    "x < 1j": "1j is not allowed",
    "x == b'a'": "not allowed",
    "x == ...": "not allowed",
    "a < b) + (c": "cannot read",
    "x @ y < 1": "not allowed",
    "x ^ 2 < 1": "**",
    "x & y": "not allowed",
    "~x < 1": "write not",
    "x < None": "has no order",
    "x < (1, 2)": "has no order",
    "{1: 2} == x": "dictionary",
    "x in y + 1": "right of 'in'",
    "x in 'abc'": "right of 'in'",
    "1 in x in y": "chain",
    "a = 1": "cannot read",
    "import os": "cannot read",
    "a; b": "cannot read",
    "await x": "",
    "(yield)": "",
    "x == (y, 1)": "numbers and text only",
}


@pytest.mark.parametrize("text", REFUSED, ids=[f"{i}" for i in range(len(REFUSED))])
def test_refuses_what_is_not_in_the_language(text: str) -> None:
    with pytest.raises(InvalidExpression) as caught:
        parse(text)
    assert REFUSED[text] in str(caught.value)


def test_the_message_points_at_the_place() -> None:
    with pytest.raises(InvalidExpression) as caught:
        parse("`learning rate` < 1 and größe.x > 2")
    first, shown, caret = str(caught.value).split("\n")
    assert "backticks" in first
    assert shown[caret.index("^")] == "g"
    assert "character 25" in caret


def test_the_message_quotes_only_what_is_near() -> None:
    with pytest.raises(InvalidExpression) as caught:
        parse(" and ".join(f"x{i} < 1" for i in range(100)) + " and f(x) < 1")
    assert len(str(caught.value).split("\n")[1]) < 120


@pytest.mark.parametrize("value", [None, 3, b"a < b", ["a < b"]])
def test_refuses_what_is_no_text(value: object) -> None:
    with pytest.raises(InvalidExpression, match="an expression is text"):
        parse(value)  # type: ignore[arg-type]


def test_what_is_written_out_longer_than_allowed_is_refused() -> None:
    # Blanks around operators would push the canonical text over the limit, and it could not be read back.
    with pytest.raises(InvalidExpression, match="when written out"):
        parse("+".join(["aaaa"] * 790) + "<1")
