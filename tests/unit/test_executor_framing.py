"""Messages between a worker and its parent, and the worker's side of them."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterator

import pytest

from luthier import codec
from luthier.executor import TaskResult
from luthier.executor.processes import framing, worker_main
from luthier.executor.processes.framing import Message, MessageKind
from luthier.trial import Reason


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_messages_come_back_in_order(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    messages = [
        Message(MessageKind.TASK, b""),
        Message(MessageKind.REPORT, b"[1]"),
        Message(MessageKind.RESULT, os.urandom(3_000_000)),
    ]
    writer = threading.Thread(target=lambda: [framing.write_message(writing, message) for message in messages])
    writer.start()
    assert [framing.read_message(reading) for _ in messages] == messages
    writer.join()
    os.close(writing)
    assert framing.read_message(reading) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x02",
        struct.pack("!BQ", 2, 5) + b"four",
        struct.pack("!BQ", 99, 0),
        struct.pack("!BQ", 2, framing.LARGEST + 1),
    ],
)
def test_data_that_is_no_message_is_the_end(pipe: tuple[int, int], data: bytes) -> None:
    reading, writing = pipe
    os.write(writing, data)
    os.close(writing)
    assert framing.read_message(reading) is None


def test_a_closed_reader_raises(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.close(reading)
    with pytest.raises(OSError):
        framing.write_message(writing, Message(MessageKind.TASK, b""))
    assert framing.read_message(reading) is None


class _Sent:
    def __init__(self) -> None:
        self.messages: list[tuple[MessageKind, object]] = []

    def send(self, kind: MessageKind, content: object = None) -> None:
        self.messages.append((kind, codec.loads(codec.dumps(content))))


@pytest.mark.parametrize(("value", "fits"), [(1.5, True), ("x" * 400, True), ("x" * 600, False), ([1.0] * 300, False)])
def test_a_value_too_large_to_send_fails_its_trial(monkeypatch: pytest.MonkeyPatch, value: object, fits: bool) -> None:
    monkeypatch.setattr(framing, "LARGEST", 1000)
    sent = _Sent()
    worker_main._send_result(sent, TaskResult(0, 1, Reason.DONE, value, duration_s=0.5))
    ((kind, (reason, told, error, duration_s, stopped)),) = sent.messages
    assert (kind, duration_s, stopped) == (MessageKind.RESULT, 0.5, False)
    assert (reason, told) == (("done", value) if fits else ("failed", None))
    assert ("more than 512 MB" in error) is not fits
