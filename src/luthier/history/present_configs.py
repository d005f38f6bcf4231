"""The configurations of trials as the present space reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from luthier.trial import Config, Trial


class PresentConfigs(Sequence[Config | None]):
    """One configuration a trial, in order of number; None where the present space cannot hold it.

    Where no `Changed` event made another one of it, it is that of the trial.

    Args:
        trials: grow; their own configurations never change.
    """

    __slots__ = ("_others", "_trials")

    def __init__(self, trials: Sequence[Trial]) -> None:
        self._trials = trials
        self._others: dict[int, Config | None] = {}

    def __len__(self) -> int:
        return len(self._trials)

    @overload
    def __getitem__(self, place: int) -> Config | None: ...

    @overload
    def __getitem__(self, place: slice) -> list[Config | None]: ...

    def __getitem__(self, place: int | slice) -> Config | list[Config | None] | None:
        others = self._others
        if isinstance(place, slice):
            first, _, step = place.indices(len(self._trials))
            found = [trial.config for trial in self._trials[place]]
            return [others.get(first + step * i, one) for i, one in enumerate(found)] if others else [*found]
        return others[place] if place in others else self._trials[place].config

    def __iter__(self) -> Iterator[Config | None]:
        others = self._others
        for number, trial in enumerate(self._trials):
            yield others.get(number, trial.config) if others else trial.config

    def holds(self, number: int) -> bool:
        """Tell whether the present space can hold the configuration of a trial, without a look at it."""
        return self._others.get(number, number) is not None

    @property
    def is_mixed(self) -> bool:
        """Whether some of them are not those of their trials."""
        return bool(self._others)

    def replace(self, configs: Sequence[Config | None]) -> None:
        """Set all of them anew."""
        pairs = zip(configs, self._trials, strict=True)
        self._others = {n: config for n, (config, trial) in enumerate(pairs) if config != trial.config}

    def of(self, trials: Sequence[Trial]) -> PresentConfigs:
        """Give the same of an equal list of trials."""
        twin = PresentConfigs(trials)
        twin._others = self._others
        return twin
