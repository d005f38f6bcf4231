"""The configurations of trials as the present space reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from luthier._runtime.collection_pause import COLLECTION_PAUSE
from luthier.history.packed.packed_list import PackedList
from luthier.history.packed.packing import packed_configs
from luthier.trial import Config, Trial


class PresentConfigs(Sequence[Config | None]):
    """One configuration a trial, in order of number; None where the present space cannot hold it.

    Where no `Changed` event made another one of it, it is that of the trial.

    Args:
        trials: grow; their own configurations never change.
    """

    __slots__ = ("_others", "_trials")

    def __init__(self, trials: PackedList[Trial]) -> None:
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
            first, stop, step = place.indices(len(self._trials))
            if step != 1:
                return [*self][place]
            found = self._own(first)[: max(0, stop - first)]
            return [others.get(number, one) for number, one in enumerate(found, first)] if others else [*found]
        return others[place] if place in others else self._trials[place].config

    def __iter__(self) -> Iterator[Config | None]:
        return iter(self[:])

    def _own(self, first: int) -> list[Config]:
        """Give the configurations of the trials themselves from one on, without the trials that are packed."""
        with COLLECTION_PAUSE:
            return self._trials.picked(first, packed_configs, lambda trial: trial.config)

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

    def of(self, trials: PackedList[Trial]) -> PresentConfigs:
        """Give the same of an equal list of trials."""
        twin = PresentConfigs(trials)
        twin._others = self._others
        return twin
