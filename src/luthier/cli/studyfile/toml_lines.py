"""Line numbers of the keys of a TOML text, which ``tomllib`` does not give."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""A path into the document: names of keys, and positions in arrays."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]+")
_STRINGS = (
    re.compile(r'"""(?:\\.|[^\\])*?"""(?:"{0,2})', re.DOTALL),
    re.compile(r"'''.*?'''(?:'{0,2})", re.DOTALL),
    re.compile(r'"(?:\\.|[^"\\])*"'),
    re.compile(r"'[^']*'"),
)
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")


def index_lines(text: str) -> dict[KeyPath, int]:
    """Give the line, counted from 1, of every key, table and array item of a text that ``tomllib`` has accepted.

    Cost O(len(text)).
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


class _Scanner:
    """Walk over the text once. That it is valid TOML is known, so nothing is checked."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._last: dict[KeyPath, int] = {}  # of each array of tables, the position of its latest table

    def document(self) -> None:
        table: KeyPath = ()
        while self._skip(_BLANK):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> KeyPath:
        many = self.text.startswith("[[", self.at)
        self.at += 1 + many
        line = self._line()
        written = self._key()
        self.at += 1 + many
        path: KeyPath = ()
        for part in written[:-1]:
            path = self._present((*path, part), line)
        path = (*path, written[-1])
        if many:
            self.lines.setdefault(path, line)
            self._last[path] = self._last.get(path, -1) + 1
        return self._present(path, line)

    def _present(self, path: KeyPath, line: int) -> KeyPath:
        self.lines.setdefault(path, line)
        if path in self._last:
            path = (*path, self._last[path])
            self.lines.setdefault(path, line)
        return path

    def _pair(self, table: KeyPath) -> None:
        line = self._line()
        path = table
        for part in self._key():
            path = (*path, part)
            self.lines.setdefault(path, line)
        self.at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while True:
            self._skip(_SPACE)
            if self.text[self.at] in "\"'":
                parts.append(tomllib.loads(f"k = {self._string()}")["k"])
            else:
                parts.append(self._take(_BARE))
            self._skip(_SPACE)
            if self.text[self.at] != ".":
                return tuple(parts)
            self.at += 1

    def _value(self, path: KeyPath) -> None:
        self.lines.setdefault(path, self._line())
        opening = self.text[self.at]
        if opening in "\"'":
            self._string()
        elif opening == "[":
            self._items(path, "]")
        elif opening == "{":
            self._items(path, "}")
        else:
            self._take(_SCALAR)

    def _items(self, path: KeyPath, closing: str) -> None:
        self.at += 1
        place = 0
        while self._skip(_BLANK) and self.text[self.at] != closing:
            if closing == "]":
                self._value((*path, place))
            else:
                self._pair(path)
            place += 1
            self._skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1

    def _string(self) -> str:
        for form in _STRINGS:
            if (match := form.match(self.text, self.at)) is not None:
                self.at = match.end()
                return match[0]
        return ""  # not reached in a valid text

    def _take(self, form: re.Pattern[str]) -> str:
        match = form.match(self.text, self.at)
        self.at = match.end() if match else self.at + 1
        return match[0] if match else ""

    def _skip(self, form: re.Pattern[str]) -> bool:
        """Skip what matches; tell whether there is more."""
        match = form.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at < len(self.text)

    def _line(self) -> int:
        return bisect_right(self._starts, self.at)
