"""Variables of a study file that its command never gets."""

from __future__ import annotations

from luthier.cli.objective.shell_command import Command, JsonFile
from luthier.space import Constant, Space

_ALL = "luthier.params"
"""The place of the JSON file with all values."""


def unused_variables(command: Command, space: Space) -> tuple[str, ...]:
    """Name the variables that a command has no place for, though it has places for others.

    A command without any place reads the environment or the file of parameters: nothing is said of it. Nor is of a
    variable that decides whether others are active, of a constant, and of one whose ``LUTHIER_PARAM_…`` it names.

    Args:
        command: of the study file.
        space: its variables.
    """
    parts = [*command.words, *([command.result.path] if isinstance(command.result, JsonFile) else [])]
    placed = {name for part in parts for name in part.names}
    if _ALL in placed or not placed & set(space.names):
        return ()
    text = "".join(piece for part in parts for piece in part.pieces[::2])
    for part in space.structure.parts:
        if part.name in placed and part.when is not None:
            placed |= set(part.when.reads)
        named = (_mentions(text, environment) for environment in command.names.get(part.name, ()))
        if isinstance(part.variable, Constant) or any(named):
            placed.add(part.name)
    return tuple(name for name in space.names if name not in placed)


def _mentions(text: str, name: str) -> bool:
    """Tell whether a text has a name that does not go on as another one."""
    after = (rest[:1] for rest in text.split(name)[1:])
    return any(not (sign.isalnum() or sign == "_") for sign in after)
