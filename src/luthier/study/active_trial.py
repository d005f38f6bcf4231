"""A trial that was asked for and is to be told of: what ``study.ask()`` returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from luthier.key import Key
from luthier.trial import Config


@dataclass(frozen=True, slots=True)
class ActiveTrial:
    """The right to evaluate one configuration and to tell its result.

    Args:
        number: 0, 1, 2, … in the order of asking.
        params: the active variables and their values, as the user wrote them.
        config: the same in plain form.
        token: the fencing token of the lease.
        attempt: 1, or more where earlier workers of this trial were lost or interrupted.
        note: what the method wrote down about its choice.
    """

    number: int
    params: Mapping[str, Any]
    config: Config
    token: int
    attempt: int
    note: Mapping[str, Any] = field(default_factory=dict)
    _key: Key = field(default=Key((0, 0)), repr=False, compare=False)
    _report: Callable[[int, int, float, int | None], None] | None = field(default=None, repr=False, compare=False)

    @property
    def seed(self) -> int:
        """A seed for the objective's own randomness, from 0 to 2**31 - 1; the same at every attempt."""
        return self._key.fold("objective", self.number).seed()

    def __getitem__(self, name: str) -> Any:
        return self.params[name]

    def report(self, value: float, step: int | None = None) -> None:
        """Write down an intermediate value; steps count up from 0 where none is given.

        Raises:
            InvalidResult: the value is no number, or the step no whole number from 0 on.
            LeaseLost, TrialFinished: the trial is no longer this worker's.
        """
        if self._report is not None:
            self._report(self.number, self.token, value, step)
