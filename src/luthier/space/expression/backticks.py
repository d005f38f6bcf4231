"""Backticks around names that are not identifiers.

``parse`` gives Python's parser a text in which every quoted name is replaced by an unused identifier; `BacktickedText`
records what they stand for and where every letter came from, so that messages point into the text as written.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from dataclasses import dataclass

from luthier.errors import InvalidExpression

_BLANKS = "\t\n\r\f\v"


@dataclass(frozen=True, slots=True)
class BacktickedText:
    """A text prepared for Python's parser.

    Args:
        written: the text as it was given.
        python: the text with quoted names replaced and line ends turned into blanks.
        quoted: what each replacement stands for.
        origin: for each letter of `python` (and its end) the index of the letter of `written` it came from.
    """

    written: str
    python: str
    quoted: dict[str, str]
    origin: tuple[int, ...]

    def place(self, byte_offset: int) -> int:
        """Turn an offset in UTF-8 bytes of `python`, as ``ast`` counts, into an index of `written`."""
        index = len(self.python.encode()[:byte_offset].decode(errors="ignore"))
        return self.origin[min(index, len(self.origin) - 1)]

    def segment(self, start: int, end: int) -> str:
        """Return the letters of `python` between two byte offsets (never normalised, unlike ``ast``'s names)."""
        return self.python.encode()[start:end].decode()

    def error(self, message: str, place: int) -> InvalidExpression:
        """Return the error that points at index `place` of the text as written."""
        line = re.sub(r"\s", " ", self.written)
        start = max(0, place - 50)
        shown = ("…" if start else "") + line[start : place + 50] + ("…" if place + 50 < len(line) else "")
        caret = " " * (place - start + (1 if start else 0)) + "^"
        return InvalidExpression(f"{message}\n  {shown}\n  {caret} (character {place + 1})")


def read_backticks(text: str) -> BacktickedText:
    """Replace quoted names and check the quotes.

    Raises:
        InvalidExpression: an open quote or backtick, a comment, a triple quote.
    """
    plain = BacktickedText(text, text, {}, tuple(range(len(text) + 1)))
    stem = "q"
    while stem in text:
        stem += "q"
    pieces: list[str] = []
    origin: list[int] = []
    quoted: dict[str, str] = {}
    place = 0
    while place < len(text):
        letter = text[place]
        if letter == "`":
            end = _end_of_name(text, place, plain)
            name = text[place + 1 : end].replace("``", "`")
            piece, start = f" {stem}{len(quoted)} ", place
            quoted[piece.strip()] = name
            place = end + 1
        elif letter in "'\"":
            end = _end_of_string(text, place, plain)
            piece, start = text[place : end + 1], place
            place = end + 1
        elif letter == "#":
            raise plain.error("an expression has no comments: remove '#' and what follows it", place)
        else:
            piece, start = (" " if letter in _BLANKS else letter), place
            place += 1
        pieces.append(piece)
        inside = text[start] in "'\""
        origin.extend(start + i if inside else start for i in range(len(piece)))
    return BacktickedText(text, "".join(pieces), quoted, (*origin, len(text)))


def _end_of_name(text: str, start: int, source: BacktickedText) -> int:
    place = start + 1
    while True:
        place = text.find("`", place)
        if place < 0:
            raise source.error("this backtick is not closed: write `a name` between two backticks", start)
        if text[place : place + 2] != "``":
            break
        place += 2
    if place == start + 1:
        raise source.error("there is no name between these backticks", start)
    return place


def _end_of_string(text: str, start: int, source: BacktickedText) -> int:
    mark = text[start]
    if text[start : start + 3] == mark * 3:
        raise source.error("text stands between single or double quotes, not triple ones", start)
    place = start + 1
    while place < len(text) and text[place] != mark:
        place += 2 if text[place] == "\\" else 1
    if place >= len(text):
        raise source.error("this text is not closed: a quote is missing", start)
    return place


def write_name(name: str) -> str:
    """Return a name as `read_backticks` reads it back: as it is, or between backticks."""
    if name.isidentifier() and not keyword.iskeyword(name) and unicodedata.normalize("NFKC", name) == name:
        return name
    return "`" + name.replace("`", "``") + "`"
