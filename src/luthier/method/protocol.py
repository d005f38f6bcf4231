"""Protocol of methods: settings, and one pure function from a history to proposals."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.problem import Problem
from luthier.proposal import Proposal


class Method(Protocol):
    """Choose what to try next. A frozen dataclass without state, clock or random generator."""

    def suggest(self, problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
        """Propose configurations; pure in (settings, problem, history, key, count).

        Args:
            problem: the space and the objectives.
            history: all trials so far, pending ones included.
            key: the randomness of the first trial of the batch.
            count: the number of configurations that are wanted, at least 1.
            memo: a cache that saves time and never changes a result.

        Returns:
            1 to `count` proposals: feasible, distinct, and neither done nor pending unless `problem.noisy`.

        Raises:
            SpaceExhausted: every configuration of a finite space is done or pending.
            Infeasible: no configuration keeps the constraints.
        """
        ...


@runtime_checkable
class Sequential(Method, Protocol):
    """A method whose proposal must become the next trial of the history that it was made from.

    Its notes go on from each other, or name the trial's own number. It never thinks under a claim (`event.Claimed`),
    while others may begin trials.
    """

    @property
    def is_sequential(self) -> bool:
        """True."""
        ...
