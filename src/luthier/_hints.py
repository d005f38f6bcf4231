"""Hints for error messages: the known name that a misspelt one resembles."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any, ParamSpec, TypeVar

from luthier._foreign_words import CALLS, SETTINGS

K = TypeVar("K")
P = ParamSpec("P")
R = TypeVar("R")


def suggest(wrong: object, known: Iterable[object]) -> str:
    """Write ``; did you mean 'kernel'?`` if a known option resembles `wrong`, else a list of the options."""
    options = {str(option): option for option in known}
    text = str.__str__(wrong) if isinstance(wrong, str) else _text(wrong)
    close = _closest(text, options)
    if close is not None:
        return f"; did you mean {options[close]!r}?"
    return f"; there is {listed(options.values())}" if options else ""


def _text(value: object) -> str:
    """Write a value of another kind; empty where it cannot be written."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - the text of a foreign object
        return ""


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """Write `` (did you mean 'kernel'?)`` if a known word resembles `wrong`, else nothing."""
    close = _closest(wrong, known)
    return "" if close is None else f" (did you mean {close!r}?)"


def _closest(wrong: str, known: Iterable[str]) -> str | None:
    import difflib

    options = list(known)
    close = difflib.get_close_matches(wrong, options, n=1, cutoff=0.5)
    close = close or [option for option in options if option.lower() == wrong.lower()]
    return close[0] if close else None


def with_article(word: str) -> str:
    """Write a word after its article: ``an int``, ``a Float``."""
    return f"a{'n' * (word[:1].lower() in tuple('aeiou'))} {word}"


def listed(options: Iterable[object], most: int = 8) -> str:
    """Write up to `most` of the options, and their number if there are more."""
    texts = [repr(option) for option in options]
    more = f", … ({len(texts)} in all)" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def instead(ours: str, begin: str = "use ") -> str:
    """Say what to do in place of a foreign word: ``use Study(…)``, or ``it is not needed: …`` for ``nothing: …``."""
    return f"it is not needed{ours.removeprefix('nothing')}" if ours.startswith("nothing") else begin + ours


def translating(words: Mapping[str, str], title: str = "") -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function answer arguments under the names that other libraries have for them with its own.

    Args:
        words: what to write instead, by the foreign name.
        title: what the function is called in messages; by default its own name.
    """

    def translate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except TypeError as error:
                for name in kwargs:
                    # The name of the function, as its body may fail in the same way.
                    if str(error).startswith(f"{function.__qualname__}() got an unexpected keyword argument {name!r}"):
                        raise TypeError(_unknown_argument(function, name, words, title)) from None
                raise

        return call

    return translate


def translating_settings(kind: type[K]) -> type[K]:
    """Make a class answer settings under the names that other libraries have for them with its own; a decorator."""
    initialize: Any = kind.__init__
    kind.__init__ = translating(SETTINGS.get(kind.__name__, {}))(initialize)  # type: ignore[method-assign]
    return kind


def translating_methods(kind: type[K]) -> type[K]:
    """Make the public methods of a class answer misspelt and foreign names of arguments with its own; a decorator.

    Those that answer by themselves already are left as they are.
    """
    for name, method in list(vars(kind).items()):
        of_class = isinstance(method, classmethod)
        function = method.__func__ if isinstance(method, classmethod) else method
        if name.startswith("_") or not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
            continue
        answering = translating(CALLS.get(name, {}), f"{kind.__name__}.{name}")(function)
        setattr(kind, name, classmethod(answering) if of_class else answering)
    return kind


def _unknown_argument(function: Callable[..., object], name: str, words: Mapping[str, str], title: str) -> str:
    import inspect

    title = title or function.__qualname__.removesuffix(".__init__")
    if name in words:
        return f"{title}() has no argument {name!r}: {instead(words[name], 'write ')}"
    return f"{title}() has no argument {name!r}{did_you_mean(name, inspect.signature(function).parameters)}"
