"""A line of text for a stream that may be closed, or not be there."""

from __future__ import annotations

from contextlib import suppress
from typing import TextIO


def write_line(stream: TextIO | None, text: str) -> None:
    """Write a line at once; nothing where nobody reads it any more.

    A program without a terminal has no standard streams (`sys.stderr` is None), and a terminal may be closed while a
    run goes on: what is shown must not end it.
    """
    if stream is not None:
        with suppress(OSError, ValueError):  # ValueError: it is closed
            stream.write(f"{text}\n")
            stream.flush()
