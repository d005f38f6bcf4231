"""Main program of a worker process: loads the objective and runs tasks.

`worker_process` starts it. The objective runs in the main thread; a second thread reads the parent's messages and, when
the parent is gone, kills the worker's whole process group.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from io import TextIOWrapper
from typing import Any, NoReturn

from luthier import codec
from luthier.executor.processes import framing, process_tree
from luthier.executor.processes.framing import Message, MessageKind
from luthier.executor.protocol import Task, TaskResult
from luthier.executor.running_trial import ObjectiveFunction, RunningTrial, clean, describe_error, perform
from luthier.trial import Reason, ReportValue

_PR_SET_CHILD_SUBREAPER = 36

_PARENT_CHECK_S = 1.0
"""Seconds between two looks whether the parent is there, in case that a fork of it holds the connection open."""


class Terminated(BaseException):
    """Raised in the objective by SIGTERM: the trial has its grace period to clean up (``finally`` runs)."""


class ParentChannel:
    """The worker's end of the connection to its parent.

    Args:
        inbox: descriptor to read from.
        outbox: descriptor to write to.
        parent: process ID of the parent.
    """

    def __init__(self, inbox: int, outbox: int, parent: int) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._pid = os.getpid()
        self._parent = parent
        self._sending = threading.Lock()
        self._changed = threading.Condition()
        self._messages: deque[Message] = deque()
        self._unanswered = 0
        self._stop = False
        self._number = -1
        threading.Thread(target=self._listen, name="luthier-channel", daemon=True).start()

    def receive(self) -> Message:
        """Wait for the next message that is not an answer."""
        with self._changed:
            self._changed.wait_for(lambda: self._messages)
            return self._messages.popleft()

    def send(self, kind: MessageKind, content: object = None) -> None:
        """Send a message with plain data to the parent."""
        if os.getpid() != self._pid:  # a fork made by the objective that returned from it: it is not the worker
            os._exit(1)
        data = codec.dumps(content)
        with self._sending:
            framing.write_message(self._outbox, Message(kind, data))

    def begin(self, number: int) -> None:
        """Start to count the answers to a task's reports."""
        with self._changed:
            self._number, self._unanswered, self._stop = number, 0, False

    def report(self, step: int, value: ReportValue) -> None:
        """Send an intermediate result."""
        with self._changed:
            self._unanswered += 1
        self.send(MessageKind.REPORT, [self._number, step, value])

    def note(self, values: Mapping[str, Any]) -> None:
        """Send attributes of the running task."""
        self.send(MessageKind.ATTRIBUTES, dict(values))

    def should_stop(self, wait: bool) -> bool:
        """Return the parent's answer; with `wait`, the answer to the latest report."""
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._stop or self._unanswered <= 0)
            return self._stop

    def _listen(self) -> None:
        while self._wait() and (message := framing.read_message(self._inbox)) is not None:
            with self._changed:
                if message.kind is MessageKind.ANSWER:
                    number, stop = codec.loads(message.content)
                    if number == self._number:
                        self._unanswered -= 1
                        self._stop = self._stop or stop
                else:
                    self._messages.append(message)
                self._changed.notify_all()
        kill_own_group()

    def _wait(self) -> bool:
        """Wait for a message, or the end of the stream; False where the parent is gone and a fork of it holds that."""
        while not framing.is_readable(self._inbox, _PARENT_CHECK_S):
            if os.getppid() != self._parent:
                return False
        return True


def kill_own_group() -> NoReturn:
    """End this process, all that it has started and its whole group at once: the parent is gone."""
    process_tree.kill_descendants(os.environ.get(process_tree.MARKS, ""))
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def _die_with(parent: int) -> None:
    """Adopt the daemons of the objective, and end here where the parent is gone already.

    The kernel is not asked to kill this process with its parent: that would leave what the objective has started to the
    orphan reaper, which may have been killed together with the parent. `ParentChannel` notices; and the orphan reaper
    does where the objective never lets go of Python's lock.
    """
    if sys.platform == "linux":
        import ctypes

        control = ctypes.CDLL(None).prctl
        control(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # daemons of the objective stay our descendants, and are found
        try:  # in a memory shortage the system should end a trial, not the study
            with open("/proc/self/oom_score_adj", "r+") as score:  # noqa: PTH123 - no pathlib at start-up
                score.write("500")
        except OSError:
            pass
    if sys.platform != "win32" and os.getppid() != parent:
        kill_own_group()


def _install_signal_handlers() -> None:
    """Ignore Ctrl-C, which the parent handles; turn SIGTERM into an exception."""

    def terminate(*_: object) -> None:
        raise Terminated

    # A handler and not SIG_IGN, which programs started by the objective would inherit.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, terminate)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    if sys.stderr is not None:
        faulthandler.enable()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed or replaced by the objective
            stream.flush()


def _run(channel: ParentChannel, objective: ObjectiveFunction, pickled_task: bytes) -> None:
    """Run one task and send its result."""
    channel.send(MessageKind.STARTED)
    try:
        task: Task = pickle.loads(pickled_task)
    except Exception as error:  # noqa: BLE001 - unpickling runs the user's code
        message = f"the parameters could not be read in the worker\n\n{describe_error(error)}"
        channel.send(MessageKind.RESULT, [Reason.FAILED, None, clean(message), None, False])
        return
    channel.begin(task.number)
    running = RunningTrial(task, channel.report, lambda: channel.should_stop(task.answered), channel.note)
    result = perform(objective, running, passing=(Terminated,))
    _flush()
    _send_result(channel, result)


def _send_result(channel: ParentChannel, result: TaskResult) -> None:
    if isinstance(result.value, str | list | tuple | dict) and len(codec.dumps(result.value)) > framing.LARGEST // 2:
        message = "the objective returned more than 512 MB: return numbers, and write what is large to a file"
        result = replace(result, reason=Reason.FAILED, value=None, error=message)
    ended = [result.reason, result.value, result.error, result.duration_s, result.stopped]
    channel.send(MessageKind.RESULT, ended)


def main(inbox: int, outbox: int, parent: int) -> None:
    """Run the parent's tasks until it sends EXIT or is gone.

    Args:
        inbox: descriptor to read from.
        outbox: descriptor to write to.
        parent: process ID of the parent.
    """
    for descriptor in (inbox, outbox):
        os.set_inheritable(descriptor, False)
    _die_with(parent)
    _install_signal_handlers()
    channel = ParentChannel(inbox, outbox, parent)
    try:
        try:
            objective: ObjectiveFunction = pickle.loads(channel.receive().content)
        except Exception as error:  # noqa: BLE001 - loading imports the user's modules
            channel.send(MessageKind.LOAD_FAILED, clean(describe_error(error)))
            return
        channel.send(MessageKind.READY)
        while (message := channel.receive()).kind is MessageKind.TASK:
            _run(channel, objective, message.content)
        process_tree.kill_descendants(
            os.environ.get(process_tree.MARKS, "")
        )  # daemons, which nobody could find afterwards
    except Terminated:
        _flush()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
