"""The checksum of a stored event, which covers its place as well as its text."""

from __future__ import annotations

import struct
from zlib import crc32

_pack = struct.Struct("<qqd").pack


def checksum(number: int, position: int, at: float, body: bytes) -> int:
    """Sum up an event and its place, so that damage and misplacement show.

    Args:
        number: of the study in the store.
        position: of the event in the log.
        at: its stamp.
        body: its text.

    Raises:
        TypeError, struct.error: a number is not a number, or the text is not bytes.
    """
    return crc32(body, crc32(_pack(number, position, at)))
