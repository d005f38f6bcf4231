"""TOML files; every mistake is reported with file and line, and with what is allowed."""

from __future__ import annotations

import math
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from luthier._foreign_words import KEYS, SECTIONS
from luthier._hints import did_you_mean
from luthier.cli.studyfile.toml_lines import KeyPath, index_lines
from luthier.errors import InvalidFile, LuthierError
from luthier.scalar import to_float
from luthier.store import without_passwords

T = TypeVar("T")

_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


class TomlSource:
    """A TOML file that was read.

    Args:
        path: the file, as the user gave it.

    Raises:
        InvalidFile: it cannot be read, or is not TOML.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            content = self.path.read_bytes()
            if content.startswith(b"SQLite format 3"):
                raise InvalidFile(
                    f"{self.path}: this is a store, not a study file. To go on with a study, run its study file; to "
                    f"see what is in the store: luthier list {self.path}"
                )
            text = content.decode("utf-8-sig").replace("\r\n", "\n")
        except FileNotFoundError:
            raise InvalidFile(f"{self.path}: there is no such file; `luthier init` writes one to begin with") from None
        except IsADirectoryError:
            raise InvalidFile(f"{self.path}: this is a folder; give the path of a study file in it") from None
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise InvalidFile(f"{self.path}, line {line}: not UTF-8 text, as TOML has to be") from None
        except OSError as error:
            raise InvalidFile(f"{self.path}: cannot be read: {error.strerror}") from None
        except ValueError as error:  # a path with a NUL in it
            raise InvalidFile(f"{str(self.path)!r} is no path: {error}") from None
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise self._not_toml(str(error), text) from None
        except RecursionError:
            raise InvalidFile(f"{self.path}: nested too deeply") from None
        self._lines = index_lines(text)

    @property
    def folder(self) -> Path:
        """The folder of the file, absolute."""
        return self.path.resolve().parent

    def line(self, key: KeyPath) -> int:
        """Give the line of a key, or of the nearest thing around it."""
        while key and key not in self._lines:
            key = key[:-1]
        return self._lines.get(key, 1)

    def error(self, key: KeyPath, message: str) -> InvalidFile:
        """Make the exception for a mistake at a key."""
        return InvalidFile(without_passwords(f"{self.path}, line {self.line(key)}: {message}"))

    def sections(self, known: Sequence[str]) -> None:
        """Check that there are no top-level keys but the `known` ones, and that these are tables."""
        for name, value in self.data.items():
            if name not in known:
                what = f"[{name}]" if isinstance(value, dict) else name
                ours = SECTIONS.get(name)
                said = f": write [{ours}]" if ours else hint(name, known, "there are", tables(known))
                raise self.error((name,), f"unknown {what}{said}")
            if not isinstance(value, dict):
                raise self.error((name,), f"{name} is a table: write [{name}] on a line of its own, its keys below it")

    def section(self, name: str, known: Sequence[str] | None = None) -> Section:
        """Give the table of a name, empty where it is missing; with `known`, no other keys are in it."""
        section = Section(self, name, self.data.get(name, {}))
        for key in section.table:
            if known is not None and key not in known:
                ours = KEYS.get(name, {}).get(key)
                said = f": write {ours}" if ours else hint(key, known, "it has")
                raise section.error(key, f"[{name}] has no {key!r}{said}")
        return section

    def _not_toml(self, said: str, text: str) -> InvalidFile:
        place = _PLACE.search(said)
        what = said[: place.start()] if place else said
        if place is None or place[1] is None:
            return InvalidFile(f"{self.path}, line {text.count(chr(10)) + 1}: not TOML: {what} at the end of the file")
        line, column = int(place[1]), int(place[2])
        rows = text.split("\n")
        shown = without_passwords(rows[line - 1].strip() if line <= len(rows) else "")
        hint = "; text stands in quotation marks" if "Invalid value" in what else ""
        return InvalidFile(f"{self.path}, line {line}, column {column}: not TOML: {what}{hint}: {shown[:80]}")


class Section:
    """A table of the file, whose values are read with the right type, or a mistake is raised.

    Args:
        source: the file.
        name: the table's name.
        table: its content.
    """

    def __init__(self, source: TomlSource, name: str, table: dict[str, Any]) -> None:
        self.source = source
        self.name = name
        self.table = table

    def __contains__(self, key: str) -> bool:
        return key in self.table

    def error(self, key: str | KeyPath, message: str) -> InvalidFile:
        """Make the exception for a mistake at a key of the table, or at the table itself for an empty key."""
        path = (key,) if isinstance(key, str) else key
        return self.source.error((self.name, *path) if path != ("",) else (self.name,), message)

    def text(self, key: str, default: T) -> str | T:
        """Read a text that is not empty."""
        value: str | T = self.table.get(key, default)
        self._check(key, isinstance(value, str) and bool(value.strip()), "a text in quotation marks")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """Read true or false."""
        value: bool = self.table.get(key, default)
        self._check(key, isinstance(value, bool), "true or false")
        return value

    def whole(self, key: str, default: T, low: int, high: int = sys.maxsize) -> int | T:
        """Read a whole number within bounds."""
        value: int | T = self.table.get(key, default)
        fits = type(value) is int and low <= value <= high
        self._check(key, fits, f"a whole number from {low} {'on' if high == sys.maxsize else f'to {high}'}")
        return value

    def number(self, key: str, default: T) -> float | T:
        """Read a finite number."""
        value: float | T = self.table.get(key, default)
        found = to_float(value) if type(value) in (int, float) else None
        self._check(key, found is not None and math.isfinite(found), "a number")
        return value

    def one_of(self, key: str, options: Sequence[str], default: str) -> str:
        """Read one of a few words."""
        value: str = self.table.get(key, default)
        if value not in options:
            raise self.error(key, f"{key} = {_shown(value)}{hint(str(value), options, 'it is')}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Read a text, or a list of them."""
        value = self.table.get(key, [])
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(item, str) and item.strip() for item in texts):
            raise self.error(key, f"{key} = {_shown(value)}: give a text in quotation marks, or a list of such texts")
        return tuple(texts)

    def made(self, key: str, make: Callable[[Any], T], default: T) -> T:
        """Convert the value by `make`, whose errors get file and line."""
        if key not in self.table:
            return default
        try:
            return make(self.table[key])
        except LuthierError as error:
            raise self.error(key, f"{key}: {error}") from None

    def _check(self, key: str, fits: bool, allowed: str) -> None:
        if key in self.table and not fits:
            raise self.error(key, f"{key} = {_shown(self.table[key])}: give {allowed}")


def hint(wrong: str, known: Sequence[str], begin: str, shown: Sequence[str] | None = None) -> str:
    """Suggest the known word that looks most like a wrong one, and list all that are allowed."""
    return f"{did_you_mean(wrong, known)}; {listed(begin, known if shown is None else shown)}"


def listed(begin: str, words: Sequence[str]) -> str:
    """List the words that are allowed."""
    return f"{begin} {', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else f"{begin} {', '.join(words)}"


def tables(names: Iterable[str]) -> list[str]:
    """Write the names of tables as they stand in a file."""
    return [f"[{name}]" for name in names]


def _shown(value: object) -> str:
    text = ("true" if value else "false") if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
