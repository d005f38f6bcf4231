"""Hints for error messages: the known name that a misspelt one resembles."""

from __future__ import annotations

from collections.abc import Iterable


def suggest(wrong: object, known: Iterable[object]) -> str:
    """Write ``; did you mean 'kernel'?`` if a known option resembles `wrong`, else a list of the options."""
    import difflib

    options = list(known)
    texts = {str(option): option for option in options}
    close = difflib.get_close_matches(str(wrong), texts, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {texts[close[0]]!r}?"
    return f"; there is {listed(options)}" if options else ""


def did_you_mean(wrong: object, known: Iterable[str]) -> str:
    """Write `` (did you mean 'kernel'?)`` where something known looks like `wrong`, else nothing."""
    import difflib

    options = list(known)
    word = str(wrong)
    near = difflib.get_close_matches(word, options, n=1, cutoff=0.5)
    near = near or [option for option in options if option.lower() == word.lower()]
    return f" (did you mean {near[0]!r}?)" if near else ""


def listed(options: Iterable[object], most: int = 8) -> str:
    """Write up to `most` of the options, and their number if there are more."""
    texts = [repr(option) for option in options]
    more = f", … ({len(texts)} in all)" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
