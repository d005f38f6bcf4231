"""Docstrings of the house's form, taken apart."""

from __future__ import annotations

import dataclasses
import inspect
import re


def summary(thing: object) -> str:
    """Give the first paragraph of a docstring as Markdown, on one line."""
    return markdown((inspect.getdoc(thing) or "").split("\n\n")[0])


def arguments(thing: object) -> dict[str, str]:
    """Give what a docstring says of each argument, as Markdown."""
    found: dict[str, str] = {}
    section = re.search(r"^Args:\n((?:(?: +.*)?\n?)*)", inspect.getdoc(thing) or "", re.MULTILINE)
    names: list[str] = []
    for line in section[1].splitlines() if section else ():
        begin = re.match(r" {4}(\w+(?:, \w+)*): (.*)", line)
        if begin:
            names = begin[1].split(", ")
            found.update(dict.fromkeys(names, begin[2]))
        elif line.startswith("     ") and names:
            found.update({name: f"{found[name]} {line.strip()}" for name in names})
    return {name: markdown(text) for name, text in found.items()}


def defaults(kind: type) -> dict[str, str]:
    """Give the default of each setting of a dataclass, as it is written; empty where it must be given."""
    found: dict[str, str] = {}
    for field in dataclasses.fields(kind):
        if not field.init or field.name.startswith("_"):
            continue
        value = field.default
        if value is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
        found[field.name] = "" if value is dataclasses.MISSING else written(value)
    return found


def written(value: object) -> str:
    """Write a default as a study file would, shortened where it is a group of settings."""
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`'
    if isinstance(value, int | float):
        return f"`{value}`"
    if dataclasses.is_dataclass(value):
        return f'`{{use = "{type(value).__name__}"}}`'
    return f"{len(value)} models" if isinstance(value, tuple) else f"`{value}`"


def markdown(text: str) -> str:
    """Turn the marks of reStructuredText into those of Markdown."""
    return re.sub(r"`{1,2}([^`]+)`{1,2}", r"`\1`", " ".join(text.split()))
