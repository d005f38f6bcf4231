"""What a worker process and its parent say to each other, over two pipes that nobody else has.

A frame is one byte that says what it is, eight bytes of length, and the content.
"""

from __future__ import annotations

import os
import struct
from enum import IntEnum
from typing import NamedTuple

LARGEST = 1 << 30
"""Bytes of the longest frame that is taken."""

_HEADER = struct.Struct("!BQ")


class MessageKind(IntEnum):
    """What a frame is; parent to worker below 10, worker to parent from 10 on."""

    OBJECTIVE = 1
    """The pickled objective, once, first."""
    TASK = 2
    """A pickled task."""
    ANSWER = 3
    """[number, stop]: the answer to a report."""
    LEAVE = 4
    """The worker shall exit in an orderly way."""
    READY = 10
    """The objective is loaded."""
    BROKEN = 11
    """The objective cannot be loaded: the message."""
    BEGUN = 12
    """A task was taken up: its number."""
    REPORT = 13
    """[number, step, value]: an intermediate result."""
    OUTCOME = 14
    """[number, reason, value, error, duration_s]: the end of a task."""


class Message(NamedTuple):
    """One message."""

    kind: MessageKind
    content: bytes


def write_message(descriptor: int, frame: Message) -> None:
    """Write a frame; raises OSError where nobody reads any more."""
    data = memoryview(_HEADER.pack(frame.kind, len(frame.content)) + frame.content)
    while data:
        data = data[os.write(descriptor, data) :]


def read_message(descriptor: int) -> Message | None:
    """Read a frame; None at the end, and where what comes is no frame."""
    try:
        header = _read_exactly(descriptor, _HEADER.size)
        if header is None:
            return None
        kind, length = _HEADER.unpack(header)
        content = _read_exactly(descriptor, length) if length <= LARGEST else None
        return None if content is None else Message(MessageKind(kind), content)
    except (OSError, ValueError):
        return None


def _read_exactly(descriptor: int, length: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < length:
        part = os.read(descriptor, min(length - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)
