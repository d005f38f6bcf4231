"""Message format of the connection between a worker process and its parent.

A message is one byte for its kind, eight bytes for its length, and the content.
"""

from __future__ import annotations

import os
import select
import struct
import sys
from enum import IntEnum
from typing import NamedTuple

LARGEST = 1 << 30
"""Bytes of the longest message that is accepted."""

_HEADER = struct.Struct("!BQ")


class MessageKind(IntEnum):
    """Kind of a message; parent to worker below 10, worker to parent from 10 on."""

    OBJECTIVE = 1
    """The pickled objective; once, first."""
    TASK = 2
    """A pickled task."""
    ANSWER = 3
    """[number, stop]: the answer to a report."""
    EXIT = 4
    """The worker should exit."""
    READY = 10
    """The objective is loaded."""
    LOAD_FAILED = 11
    """The objective cannot be loaded: the error text."""
    STARTED = 12
    """The run of a task begins."""
    REPORT = 13
    """[number, step, value]: an intermediate result."""
    RESULT = 14
    """[reason, value, error, duration_s, stopped]: the end of a task."""
    ATTRIBUTES = 15
    """A mapping: what the objective noted of the running task."""


class Message(NamedTuple):
    """One message."""

    kind: MessageKind
    content: bytes


def write_message(descriptor: int, message: Message) -> None:
    """Write a message.

    Raises:
        OSError: the other end is closed.
    """
    data = memoryview(_HEADER.pack(message.kind, len(message.content)) + message.content)
    while data:
        data = data[os.write(descriptor, data) :]


def read_message(descriptor: int, patience_s: float | None = None) -> Message | None:
    """Read a message; None at the end of the stream, and at data that is not a message.

    Args:
        descriptor: to read from.
        patience_s: seconds within which more of a message that has begun must come; for an end that is not trusted, as
            an objective may write to any descriptor.
    """
    try:
        header = _read_exactly(descriptor, _HEADER.size)
        if header is None:
            return None
        kind, length = _HEADER.unpack(header)
        known = MessageKind(kind)
        content = _read_exactly(descriptor, length, patience_s) if length <= LARGEST else None
        return None if content is None else Message(known, content)
    except (OSError, ValueError):
        return None


def _read_exactly(descriptor: int, length: int, patience_s: float | None = None) -> bytes | None:
    """Read a number of bytes; None where the stream ends before, or nothing comes for `patience_s` seconds."""
    data = bytearray()
    while len(data) < length:
        if patience_s is not None and not is_readable(descriptor, patience_s):
            return None
        part = os.read(descriptor, min(length - len(data), 1 << 20))
        if not part:
            return None
        data += part
    return bytes(data)


def is_readable(descriptor: int, patience_s: float) -> bool:
    """Wait until there is something to read, or the stream ends; True at once on Windows, whose pipes cannot tell."""
    if sys.platform == "win32":
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(patience_s * 1000.0))
