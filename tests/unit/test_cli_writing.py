"""Durations, sizes, and how the command line writes values."""

from __future__ import annotations

import pytest

from luthier.cli import terminal
from luthier.cli.studyfile.units import duration_s, size_mb
from luthier.errors import InvalidSetting


@pytest.mark.parametrize(
    ("written", "expected"),
    [(90, 90), (0.5, 0.5), ("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5 h", 5400), ("250 ms", 0.25)],
)
def test_durations(written: object, expected: float) -> None:
    assert duration_s(written) == expected


@pytest.mark.parametrize(("written", "expected"), [(500, 500), ("500 MB", 500), ("2GB", 2000), ("1 GiB", 1073.741824)])
def test_sizes(written: object, expected: float) -> None:
    assert size_mb(written) == pytest.approx(expected)


@pytest.mark.parametrize("written", ["", "m", "10x", "ten", "-5", "1m2", 0, -1, True, None, [], float("inf"), "0"])
def test_wrong_durations_say_what_is_allowed(written: object) -> None:
    if written == "1m2":
        assert duration_s(written) == 62
        return
    with pytest.raises(InvalidSetting, match=r"give seconds, or text such as"):
        duration_s(written)


def test_sizes_have_one_unit() -> None:
    with pytest.raises(InvalidSetting, match="megabytes"):
        size_mb("1GB 5MB")


def test_control_characters_and_changes_of_direction_are_stripped() -> None:
    assert terminal.clean("a\x1b[31mb\x07\u202ec\x9b\td\n") == "a[31mbc\td\n"
    assert terminal.one_line("a\n  b\x00") == "a b"
    assert terminal.one_line("x" * 50, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    "value",
    [{"a b": 0.1, "c": ("x",), "d": ("x", 1), "e": True, "f": None, "g": {"q": [1, 2.5]}}, {}, {"x": 'it\'s "so"\n'}],
)
def test_a_dictionary_can_be_pasted(value: dict[str, object]) -> None:
    assert eval(terminal.dictionary(value)) == value


def test_infinities_can_be_pasted() -> None:
    assert eval(terminal.dictionary({"x": float("-inf")})) == {"x": float("-inf")}


@pytest.mark.parametrize(
    ("duration", "written"),
    [(0.1234, "0.12 s"), (58.2, "58 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (float("inf"), "?")],
)
def test_seconds(duration: float, written: str) -> None:
    assert terminal.seconds(duration) == written


def test_short_values() -> None:
    assert terminal.short((0.123456789, True, "a\x00b")) == "(0.123457, True, ab)"
    assert terminal.assignments({"kernel": "rbf", "C": 10.0, "mix": {"a": 0.5}}) == "kernel=rbf  C=10  mix=a: 0.5"
