"""The objective section of a study file: a Python function, or a command and how its result is read."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping
from functools import partial

from luthier._hints import did_you_mean
from luthier.cli.objective.python_function import Function
from luthier.cli.objective.shell_command import (
    SHORT,
    SPECIAL,
    Command,
    JsonFile,
    LastLine,
    Pattern,
    WallTime,
    environment_names,
    search_path,
)
from luthier.cli.objective.template import Template, check_shell, template, words
from luthier.cli.studyfile.toml_source import Section, TomlSource, hint
from luthier.errors import InvalidSetting
from luthier.space import Space


def read_objective(
    source: TomlSource, space: Space, goals: tuple[str, ...], workers: int, racing: bool
) -> Function | Command:
    section = source.section("objective", ("python", "command", "shell", "result"))
    if ("python" in section) == ("command" in section):
        both = " (and not both)" if "python" in section else ""
        raise section.error(
            "command" if "command" in section else "",
            f'give python = "module:function", or command = "program --option {{name}}"{both}',
        )
    if "python" in section:
        return _function(section)
    return _command(section, space, goals, workers, racing)


def _function(section: Section) -> Function:
    text = section.text("python", "")
    for key in ("shell", "result"):
        if key in section:
            raise section.error(key, f"{key} belongs to a command; a Python function returns its result")
    module, colon, name = text.partition(":")
    parts = [*module.split("."), *name.split(".")]
    if not colon or not all(part.isidentifier() for part in parts):
        raise section.error("python", f'python = {text!r}: write "module:function", as in "train:accuracy"')
    return Function(module, name, section.source.folder, partial(section.error, "python"))


def _command(section: Section, space: Space, goals: tuple[str, ...], workers: int, racing: bool) -> Command:
    shell = section.flag("shell", False)
    if shell and sys.platform == "win32":
        raise section.error("shell", "shell = true needs a POSIX shell: write the command without")
    parts = _words(section, shell)
    known = (*space.names, *SPECIAL, *(SHORT if racing else ()))
    for part in parts:
        _check_places(section, "command", part, known)
    if not shell:
        _check_program(section, parts[0], space)
    result = _result(section, known, goals, workers)
    return Command(parts, shell, section.source.folder, result, environment_names(space.names))


def _words(section: Section, shell: bool) -> tuple[Template, ...]:
    given = section.table["command"]
    is_list = isinstance(given, list) and bool(given) and all(isinstance(word, str) for word in given)
    if not (isinstance(given, str) and given.strip()) and not is_list:
        raise section.error("command", "command is a text, or a list of texts: a program and its arguments")
    if shell and is_list:
        raise section.error("command", "with shell = true, the command is one text")
    try:
        return (check_shell(given),) if shell else words(given)
    except InvalidSetting as error:
        raise section.error("command", str(error)) from None


def _check_places(section: Section, key: str | tuple[str, ...], part: Template, known: tuple[str, ...]) -> None:
    for name in part.names:
        if name not in known:
            raise section.error(key, f"{{{name}}} is not a variable of [space]{hint(name, known, 'there are')}")


def _check_program(section: Section, word: Template, space: Space) -> None:
    if word.names:
        if set(word.names) & set(space.names):
            raise section.error("command", "the program itself cannot be a variable: start it by a small script")
        return
    name = word.pieces[0]
    if not any(sign in name for sign in "/\\"):
        if shutil.which(name, path=search_path()) is None:
            raise section.error("command", f"there is no program {name!r} on the PATH")
    elif shutil.which(str(section.source.folder / name)) is None:
        where = str(section.source.folder)
        raise section.error("command", f"{name!r} (from {where!r}) is not a program: no such file, or not executable")


def _result(
    section: Section, known: tuple[str, ...], goals: tuple[str, ...], workers: int
) -> LastLine | Pattern | JsonFile | WallTime:
    given = section.table.get("result", "last line")
    if given == "last line":
        return LastLine()
    if given == "seconds":
        if len(goals) > 1:
            raise section.error("result", f'"seconds" is one result, and there are {len(goals)}: {list(goals)}')
        return WallTime()
    allowed = (
        'result is "last line", "seconds", {regex = "accuracy: ([0-9.]+)"} or {json = "{luthier.folder}/result.json"}'
    )
    if not isinstance(given, Mapping) or len(given) != 1 or not all(isinstance(text, str) for text in given.values()):
        raise section.error("result", f"{given!r} is not allowed; {allowed}")
    if "regex" in given:
        return _pattern(section, given["regex"], goals)
    if "json" in given:
        return _json_file(section, given["json"], known, workers)
    (key,) = given
    raise section.error(("result", key), f"{key!r} is not known{did_you_mean(key, ('regex', 'json'))}; {allowed}")


def _pattern(section: Section, regex: str, goals: tuple[str, ...]) -> Pattern:
    key = ("result", "regex")
    try:
        compiled = re.compile(regex, re.MULTILINE)
    except re.error as error:
        raise section.error(key, f"{regex!r} is not a regular expression: {error}") from None
    if compiled.groupindex:
        if set(compiled.groupindex) != set(goals):
            raise section.error(key, f"the groups {sorted(compiled.groupindex)} are not the objectives {list(goals)}")
    elif compiled.groups != 1 or len(goals) > 1:
        how = "one group in round brackets around the number" if len(goals) == 1 else "a group (?P<name>…) an objective"
        raise section.error(key, f"{regex!r} has {compiled.groups} groups; it needs {how}")
    return Pattern(regex)


def _json_file(section: Section, path: str, known: tuple[str, ...], workers: int) -> JsonFile:
    key = ("result", "json")
    try:
        place = template(path)
    except InvalidSetting as error:
        raise section.error(key, str(error)) from None
    _check_places(section, key, place, known)
    if not {"luthier.folder", "luthier.number"} & set(place.names) and workers > 1:
        raise section.error(
            key, f"with {workers} workers, two trials would write {path!r} at once: put it into {{luthier.folder}}, a "
            "folder of the trial's own, or {luthier.number} into its name",
        )  # fmt: skip
    return JsonFile(place)
