"""Change of a study to another space."""

from __future__ import annotations

import logging

from luthier.errors import StudyMismatch
from luthier.event import Changed, Event
from luthier.history import History
from luthier.space import Space, compare

_logger = logging.getLogger(__name__)


def changed(history: History, new: Space, study: str) -> list[Event]:
    """Give the event of a change; none where the space is this one already.

    Raises:
        StudyMismatch: the history has no meaning in the new space.
    """
    why = compare(history.space, new)
    if why:
        raise StudyMismatch(f"study {study!r} cannot change to this space: {'; '.join(why)}")
    return [] if new.to_plain() == history.space.to_plain() else [Changed(new.to_plain())]


def count_held(history: History, study: str) -> int:
    """Count the trials that the present space can hold; a warning says where there are trials, and it holds none."""
    numbers = range(len(history.trials))
    held = sum(history.config(number) is not None for number in numbers)
    if numbers and not held:
        _logger.warning(
            "study %r: the new space can hold none of its %d trials, so nothing is learned from them. The study can "
            "be changed back",
            study,
            len(numbers),
        )
    return held
