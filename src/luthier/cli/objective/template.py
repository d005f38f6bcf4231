"""Commands with places for values: ``python train.py --lr {lr}``.

Without a shell, the text is split into words first and the values are put in afterwards, so that a value is never more
than (a part of) one word. With a shell, each value is quoted; a place inside of quotation marks is refused, since there
the quoting would be undone.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from luthier.errors import InvalidSetting

_SHELL_ONLY = frozenset(("|", "||", "&&", ";", "&", ">", ">>", "<", "<<", "2>", "2>&1", "&>", "|&"))
_EVALUATED = re.compile(
    r"(?:^|[\s;&|(`])(?:(?=(eval)\s)eval\s[^;&|\n]*|(?=((?:ba|da|k|z)?sh(?:\s+-\w+)*\s+-\w*c)\s)\S+(?:\s+-\w+)+\s+\S*)\{\}"
)
"""What runs the text of a place (written as two braces) as a command: eval, and the script of sh -c."""
_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Template:
    """A text with places.

    Args:
        pieces: literal text and names in turn, beginning and ending with a text.
    """

    pieces: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the places, in order."""
        return self.pieces[1::2]

    @property
    def is_place(self) -> bool:
        """Tell whether this is one place and nothing else."""
        return len(self.pieces) == 3 and not self.pieces[0] and not self.pieces[2]

    def fill(self, values: Mapping[str, str]) -> str:
        """Put in the values."""
        return "".join(values[piece] if place % 2 else piece for place, piece in enumerate(self.pieces))


def template(text: str) -> Template:
    """Read a text with places; a doubled brace stands for itself.

    Raises:
        InvalidSetting: a lonely brace, or a place without a name.
    """
    pieces, begin = [""], 0
    for match in _PLACE.finditer(text):
        pieces[-1] += text[begin : match.start()]
        begin = match.end()
        if match[0] in ("{{", "}}"):
            pieces[-1] += match[0][0]
        elif match[1] is None or not match[1].strip():
            raise InvalidSetting(
                f"{match[0]!r} at character {match.start() + 1} of {text!r} is not a place for a value: write "
                "{name}, and a brace that stands for itself twice"
            )
        else:
            pieces += [match[1].strip(), ""]
    pieces[-1] += text[begin:]
    return Template(tuple(pieces))


def _unquoted(command: str) -> set[str]:
    """Give the words of a command that are outside quotation marks; all, where these do not match."""
    lexer = shlex.shlex(command, posix=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        return set(lexer)
    except ValueError:
        return set(command.split())


def words(command: str | Sequence[str]) -> tuple[Template, ...]:
    """Split a command into words, each with its places.

    Raises:
        InvalidSetting: it is empty, its quotation marks do not match, or a brace is lonely.
    """
    if isinstance(command, str):
        for word in _SHELL_ONLY & _unquoted(command):
            raise InvalidSetting(
                f"{word!r} in {command!r} means something to a shell only: set shell = true, or quote it if the "
                "program is to get it as an argument"
            )
        masked, names = _masked(command)
        try:
            parts = shlex.split(masked)
        except ValueError as error:
            raise InvalidSetting(f"{command!r} cannot be split into words: {error}") from None
        found = tuple(_unmasked(part, names) for part in parts)
    else:
        found = tuple(template(word) for word in command)
    if not found or (not found[0].pieces[0] and not found[0].names):
        raise InvalidSetting("the command is empty: give a program and its arguments")
    return found


def _masked(command: str) -> tuple[str, tuple[str, ...]]:
    """Replace the places by characters that mean nothing to ``shlex``: a name may hold spaces."""
    if any("\ue000" <= sign <= "\uf8ff" for sign in command):
        raise InvalidSetting(f"{command!r} holds a character of Unicode's private use area")
    read = template(command)
    if len(read.names) > 6000:
        raise InvalidSetting("the command has more than 6000 places")
    text = "".join(chr(0xE000 + place // 2) if place % 2 else piece for place, piece in enumerate(read.pieces))
    return text, read.names


def _unmasked(part: str, names: Sequence[str]) -> Template:
    pieces = [""]
    for sign in part:
        if "\ue000" <= sign <= "\uf8ff":
            pieces += [names[ord(sign) - 0xE000], ""]
        else:
            pieces[-1] += sign
    return Template(tuple(pieces))


def check_shell(command: str) -> Template:
    """Read a command for a shell.

    Raises:
        InvalidSetting: a place stands where quoting its value would not protect it.
    """
    read = template(command)
    if read.names and re.search(r"(?<!<)<<(?!<)", command):
        raise InvalidSetting("places do not go into a here-document (<<): read the LUTHIER_PARAM_… variables there")
    evaluated = _EVALUATED.search("".join("{}" if place % 2 else piece for place, piece in enumerate(read.pieces)))
    if evaluated is not None:
        raise InvalidSetting(
            f"a place stands after {evaluated[1] or evaluated[2]!r} in {command!r}, which runs its value as a command: "
            "give it to a program as an argument, or read the LUTHIER_PARAM_… variable there"
        )
    state = _Shell()
    for place, piece in enumerate(read.pieces):
        if place % 2 and state.inside:
            raise InvalidSetting(
                f"{{{piece}}} stands {state.inside} in {command!r}, which would undo the quoting of its values: "
                "give it a place of its own, or read the LUTHIER_PARAM_… variable there"
            )
        if place % 2 == 0:
            state.go(piece)
    return read


class _Shell:
    """Follow the quotation marks, comments and arithmetic of a POSIX shell."""

    def __init__(self) -> None:
        self.quote = ""
        self._arithmetic = ""  # what ends it
        self._last = ""
        self._escaped = False
        self._begins = True

    @property
    def inside(self) -> str:
        """Where the next sign stands, if that is no place for a quoted value."""
        if self._escaped:
            return "after a backslash"
        if self.quote:
            return f"inside of {self.quote}"
        return "in arithmetic" if self._arithmetic else ""

    def go(self, text: str) -> None:
        for sign in text:
            self._last = (self._last + sign)[-2:]
            if not self.quote and not self._escaped:
                if self._last in ("((", "$["):
                    self._arithmetic = "))" if self._last == "((" else "]"
                elif self._arithmetic and self._last.endswith(self._arithmetic):
                    self._arithmetic = ""
            if self._escaped:
                self._escaped = False
            elif self.quote == "a comment":
                self.quote = "" if sign == "\n" else self.quote
            elif sign == "\\" and self.quote != "'":
                self._escaped = True
            elif self.quote:
                self.quote = "" if sign == self.quote else self.quote
            elif sign in "'\"`":
                self.quote = sign
            elif sign == "#" and self._begins:
                self.quote = "a comment"
            self._begins = sign in " \t\n;&|("


def written(value: object) -> str:
    """Write a value for a command: numbers and text as they are, true and false, and JSON for everything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


def drop_inactive(parts: Sequence[Template], active: Mapping[str, str]) -> list[str]:
    """Fill the words of a command; a word that names an inactive variable is left out.

    The option before it goes too where the word is nothing but the place: of ``--degree {degree}`` nothing is left.
    """
    filled: list[str] = []
    option = False
    for part in parts:
        if all(name in active for name in part.names):
            text = part.fill(active)
            option = text.startswith("-") and not part.names and "=" not in text
            filled.append(text)
            continue
        if part.is_place and option:
            filled.pop()
        option = False
    return filled
