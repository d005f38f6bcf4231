"""Commands with places for values."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from check_set import examples
from luthier.cli.objective.template import check_shell, drop_inactive, template, words, written
from luthier.errors import InvalidSetting


def test_places_and_doubled_braces() -> None:
    read = template("a {x} {{b}} {learning rate}")
    assert read.names == ("x", "learning rate")
    assert read.fill({"x": "1", "learning rate": "2"}) == "a 1 {b} 2"


@pytest.mark.parametrize("text", ["a {", "a } b", "a {}", "{ }", "{a{b}}"])
def test_lonely_braces_are_refused(text: str) -> None:
    with pytest.raises(InvalidSetting, match="is not a place for a value"):
        template(text)


def test_words_are_split_before_values_come_in() -> None:
    parts = words("python 'my script.py' --x={a b} {y}z")
    assert drop_inactive(parts, {"a b": "1 2; rm", "y": "'\""}) == ["python", "my script.py", "--x=1 2; rm", "'\"z"]


@pytest.mark.parametrize(("text", "why"), [("", "empty"), ("'a", "split"), ("  ", "empty"), ("''", "empty")])
def test_commands_that_are_none(text: str, why: str) -> None:
    with pytest.raises(InvalidSetting, match=why):
        words(text)


def test_what_is_inactive_goes_with_its_option() -> None:
    parts = words("run --degree {degree} --c={c} -v {x} --n 1{y} end")
    assert drop_inactive(parts, {"x": "3"}) == ["run", "-v", "3", "--n", "end"]
    everything = {"degree": "2", "c": "1", "x": "3", "y": "4"}
    assert drop_inactive(parts, everything) == ["run", "--degree", "2", "--c=1", "-v", "3", "--n", "14", "end"]


def test_values_in_words() -> None:
    assert [written(v) for v in (True, 3, 1e-05, "a b", ("x", 2), None, {"a": 0.5})] == [
        "true", "3", "1e-05", "a b", '["x", 2]', "null", '{"a": 0.5}',
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["echo '{x}'", 'echo "{x}"', "echo `a {x}`", "echo # {x}", "cat <<E\n{x}\nE", 'echo "a\\"{x}"']
)
def test_places_where_a_shell_would_undo_the_quoting_are_refused(text: str) -> None:
    with pytest.raises(InvalidSetting, match=r"stands inside|here-document"):
        check_shell(text)


@pytest.mark.parametrize("text", ["echo {x}", "a='b' echo {x}", "echo a#b {x}", "echo \\' {x}", "# it's\necho {x}"])
def test_places_that_are_safe(text: str) -> None:
    assert check_shell(text).names == ("x",)


@settings(max_examples=examples(40))
@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8))
@example("$(touch /tmp/never); '\"`\\")
def test_a_shell_gives_back_any_value(value: str) -> None:
    line = check_shell("printf %s {x}").fill({"x": shlex.quote(value)})
    assert subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=True).stdout == value.encode()


@pytest.mark.parametrize(
    ("command", "where"),
    [
        (r"python p.py \{v}", "after a backslash"),
        ("echo $(( {v} + 1 ))", "in arithmetic"),
        ("echo $((1)) $(({v}))", "in arithmetic"),
        ("(( {v} > 1 )) && echo 1", "in arithmetic"),
        ("echo $[ {v} ]", "in arithmetic"),
    ],
)
def test_a_shell_gets_no_value_where_its_quoting_would_be_undone(command: str, where: str) -> None:
    with pytest.raises(InvalidSetting, match=where):
        check_shell(command)


def test_a_place_behind_arithmetic_or_an_escaped_backslash_is_safe() -> None:
    assert check_shell(r"echo $((1 + 2)) {v} \\\\ {w}").names == ("v", "w")


@pytest.mark.parametrize("sign", ["|", "&&", ">", "2>&1", ";"])
def test_what_means_something_to_a_shell_only_is_refused_without_one(sign: str) -> None:
    with pytest.raises(InvalidSetting, match="set shell = true"):
        words(f"python p.py {{v}} {sign} tail -1")
    assert len(words(f"python p.py {{v}} '{sign}'")) == 4


@pytest.mark.parametrize(
    "command", ["eval {v}", "a; eval echo {v}", "sh -c {v}", "cd x && bash -e -c {v}", "sh -c a{v}", "(eval {v})"]
)
def test_what_runs_a_value_as_a_command_is_refused(command: str) -> None:
    with pytest.raises(InvalidSetting, match="runs its value as a command"):
        check_shell(command)


@pytest.mark.parametrize(
    "command", ["sh -c 'prog \"$1\"' sh {v}", "evaluate {v}", "eval x; a {v}", "python sh.py -c {v}"]
)
def test_what_gets_a_value_as_an_argument_is_not(command: str) -> None:
    assert check_shell(command).names == ("v",)
