"""Orders of people to those who run a study: to pause, to go on, to stop, to cancel."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from luthier.event import Directed, Event
from luthier.history import History
from luthier.study.log import StudyLog


class Order(StrEnum):
    """What those who run a study are to do."""

    GO_ON = "go on"
    """Run: the order of every study that has no other one."""
    PAUSE = "pause"
    """Begin no trials until there is another order; also those who come later."""
    STOP = "stop"
    """Begin no trials, and end when what runs has ended. Who begins later is not meant."""
    CANCEL = "cancel"
    """Give back what runs, and end. Who begins later is not meant."""


class Direction:
    """The orders that concern one run, read from the log.

    Args:
        log: of the study.
        owner: gives the name under which the run holds its leases.
    """

    def __init__(self, log: StudyLog, owner: Callable[[], str]) -> None:
        self._log = log
        self._owner = owner
        self._begin = log.history.length

    @property
    def order(self) -> Order:
        """The present order, as far as the log was read. Cost O(1)."""
        history = self._log.history
        given = history.remarks.direction
        if given is not None:
            position, event = given
            order = Order(event.order)
            if order is Order.PAUSE or (order in (Order.STOP, Order.CANCEL) and position >= self._begin):
                return order
        return (
            Order.PAUSE
            if history.remarks.paused_workers and self._owner() in history.remarks.paused_workers
            else Order.GO_ON
        )

    def refresh(self) -> Order:
        """Read the log, and give the present order."""
        self._log.refresh()
        return self.order

    def pause(self, failures: int) -> None:
        """Have this run pause, as so many of its trials failed in a row."""
        self._log.commit(lambda history: [Directed(Order.PAUSE, self._owner(), failures)])


def direct(history: History, order: Order) -> list[Event]:
    """Decide how an order to all who run the study is recorded: not at all where it changes nothing."""
    given = history.remarks.direction
    present = Order.GO_ON if given is None else Order(given[1].order)
    if order is Order.PAUSE and present is Order.PAUSE:
        return []
    if order is Order.GO_ON and present is not Order.PAUSE and not history.remarks.paused_workers:
        return []
    return [Directed(str(order))]
