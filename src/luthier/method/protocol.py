"""What a method is: settings, and one pure function from what is known to what to try."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.problem import Problem
from luthier.proposal import Proposal


class Method(Protocol):
    """Choose what to try next. A frozen dataclass: it owns no state, no clock and no random generator."""

    def suggest(self, problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
        """Propose configurations; pure in (settings, problem, history, key, count).

        Args:
            problem: what is optimized.
            history: what is known; it includes the pending trials.
            key: the randomness of the first trial of the batch.
            count: how many configurations are wanted, at least 1.
            memo: skips work that was done before; never changes a result.

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
