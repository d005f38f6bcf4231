"""Hints for error messages: the known name that a misspelt one resembles."""

from __future__ import annotations

from collections.abc import Iterable


def suggest(wrong: object, known: Iterable[object]) -> str:
    """Write ``; did you mean 'kernel'?`` if a known option resembles `wrong`, else a list of the options."""
    options = {str(option): option for option in known}
    close = _closest(str(wrong), options)
    if close is not None:
        return f"; did you mean {options[close]!r}?"
    return f"; there is {listed(options.values())}" if options else ""


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


def listed(options: Iterable[object], most: int = 8) -> str:
    """Write up to `most` of the options, and their number if there are more."""
    texts = [repr(option) for option in options]
    more = f", … ({len(texts)} in all)" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
