"""The reference of the command line, from its commands."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from luthier.cli.program import ENTRIES, program

GUIDE = Path(__file__).parents[1] / "guide" / "command-line.md"


def command_line() -> str:
    """Write the reference of all commands, in Markdown."""
    context = click.Context(program, info_name="luthier")
    parts = []
    for name in ENTRIES:
        command = program.get_command(context, name)
        assert command is not None
        parts.append("\n".join(_command(name, command, click.Context(command, info_name=name, parent=context))))
    return "\n".join(parts)


def _command(name: str, command: click.Command, context: click.Context) -> Iterator[str]:
    usage = command.get_usage(context).removeprefix("Usage: ")
    yield from (f"## luthier {name}", "", "```text", " ".join(usage.split()), "```", "")
    yield from (textwrap.dedent(inspect.cleandoc(command.help or "")), "")
    options = [param for param in command.get_params(context) if isinstance(param, click.Option)]
    yield from ("| option | |", "| --- | --- |")
    for option in options:
        names = ", ".join([*option.opts, *option.secondary_opts])
        yield f"| `{names}{_value(option, context)}` | {_cell(option.help or '')} |"
    yield from ("", "```console", *_examples(name), "```", "")


def _value(option: click.Option, context: click.Context) -> str:
    if option.is_flag:
        return ""
    if isinstance(option.type, click.Choice):
        return f" {', '.join(map(str, option.type.choices))}"
    return f" {option.make_metavar(context)}"


def _examples(name: str) -> list[str]:
    """Give the lines of the guide, which tests run, that use a command."""
    found = re.findall(rf"^\$ luthier {name}\b.*$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise ValueError(f"{GUIDE.name} has no example of the command {name!r}")
    return found


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
