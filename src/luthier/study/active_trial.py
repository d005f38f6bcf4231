"""Running trials, as ``study.ask()`` returns them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from luthier.key import Key
from luthier.trial import Config


@dataclass(frozen=True, slots=True)
class ActiveTrial:
    """The right to evaluate one configuration and to report its result.

    Args:
        number: 0, 1, 2, … in the order of asking.
        params: the active variables and their values, as the user wrote them.
        config: the same in plain form.
        token: the fencing token of the lease.
        attempt: 1, or more where earlier workers of this trial were lost or interrupted.
        note: the method's own record of its choice.
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
        """Record an intermediate value; steps count up from 0 where none is given.

        Raises:
            InvalidResult: the value is not a number, or the step is not a whole number from 0 on.
            LeaseLost, TrialFinished: the trial no longer belongs to this worker.
        """
        if self._report is not None:
            self._report(self.number, self.token, value, step)
