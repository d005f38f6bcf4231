"""Text, HTML and JSON for people and programs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from luthier import render


def test_control_characters_and_changes_of_direction_are_stripped() -> None:
    assert render.clean("a\x1b[31mb\x07\u202ec\x9b\td\n") == "a[31mbc\td\n"
    assert render.one_line("a\n  b\x00") == "a b"
    assert render.one_line("x" * 50, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    "value",
    [{"a b": 0.1, "c": ("x",), "d": ("x", 1), "e": True, "f": None, "g": {"q": [1, 2.5]}}, {}, {"x": 'it\'s "so"\n'}],
)
def test_a_dictionary_can_be_pasted(value: dict[str, object]) -> None:
    assert eval(render.dictionary(value)) == value


def test_infinities_can_be_pasted() -> None:
    assert eval(render.dictionary({"x": float("-inf")})) == {"x": float("-inf")}


@pytest.mark.parametrize(
    ("duration", "written"),
    [(0.1234, "0.12 s"), (58.2, "58 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (float("inf"), "?")],
)
def test_seconds(duration: float, written: str) -> None:
    assert render.seconds(duration) == written


def test_short_values() -> None:
    assert render.short((0.123456789, True, "a\x00b")) == "(0.123457, True, ab)"
    assert render.assignments({"kernel": "rbf", "C": 10.0, "mix": {"a": 0.5}}) == "kernel=rbf  C=10  mix=a: 0.5"


def test_columns_have_numbers_on_the_right_and_nothing_for_none() -> None:
    rows = [{"n": 1, "kind": "a", "x": None}, {"n": 10, "kind": "bc", "x": 0.5}]
    assert render.columns(rows, ["n", "kind", "x"]) == " n  kind    x\n 1  a\n10  bc    0.5"


def test_labels_stand_in_a_column() -> None:
    assert render.labelled("head", [("a", "1"), ("long", "2")]) == "head\n  a     1\n  long  2"
    assert render.labelled("head", []) == "head"


def test_html_is_escaped() -> None:
    assert render.html_heading("<a>", "b & c") == "<h4>&lt;a&gt;</h4><p>b &amp; c</p>"
    table = render.html_table("<i>", [("a<b", '"x"')])
    assert "<i>" not in table and "a&lt;b" in table and "&quot;x&quot;" in table


def test_json_is_indented_and_keeps_its_letters() -> None:
    assert json.loads(render.json_text({"ä": [1]})) == {"ä": [1]}
    assert "ä" in render.json_text({"ä": [1]}) and "\n  " in render.json_text({"ä": [1]})


def test_a_result_is_shown_by_its_heading_and_rows() -> None:
    @dataclass(frozen=True, slots=True)
    class Shown(render.ResultForm):
        points: tuple[float, ...] = (0.0,) * 1000

        def heading(self) -> str:
            return "it is <so>"

        def rows(self) -> list[tuple[str, str]]:
            return [("why", "because")]

        def to_dict(self) -> dict[str, Any]:
            return {"why": "because"}

    assert str(Shown()) == "it is <so>\n  why  because"
    assert repr(Shown()) == "<Shown: it is <so>>"
    assert (
        Shown()._repr_html_()
        == "<table><caption>it is &lt;so&gt;</caption><tr><th>why</th><td>because</td></tr></table>"
    )


def test_json_holds_nothing_that_a_terminal_obeys() -> None:
    text = "\x1b[31m \x07 \x9b31m \u202e \x7f é"
    written = render.json_text({text: [text]})
    assert not any(sign in written for sign in "\x1b\x07\x9b\u202e\x7f") and "é" in written
    assert json.loads(written) == {text: [text]}
